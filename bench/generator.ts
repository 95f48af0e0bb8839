/** The benchmark's side of the load generator (load.ts). */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Namespace } from '../tests/system/namespace.js';
import { cleanEnvironment, track } from '../tests/system/process.js';
import type { Load, LoadResult, Programs, Reply, Request } from './calls.js';

const LOAD = fileURLToPath(new URL('./load.js', import.meta.url));

/** A generator in a namespace; one call at a time. */
export class Generator {
  readonly #child: ChildProcess;
  #lastId = 0;

  constructor(namespace: Namespace) {
    const [file = '', ...args] = namespace.command([process.execPath, LOAD]);
    this.#child = track(
      spawn(file, args, {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        serialization: 'advanced',
        env: cleanEnvironment(),
      }),
    );
  }

  /** Runs errands. @throws when one of them is refused or lost */
  load(args: Load): Promise<LoadResult> {
    this.#lastId += 1;
    return this.#ask({ id: this.#lastId, call: 'load', args }) as Promise<LoadResult>;
  }

  /** Runs a program again and again. @returns milliseconds of each run */
  run(args: Programs): Promise<Float64Array> {
    this.#lastId += 1;
    return this.#ask({ id: this.#lastId, call: 'run', args }) as Promise<Float64Array>;
  }

  #ask(request: Request): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const ended = (): void => reject(new Error('the load generator ended'));
      this.#child.once('exit', ended);
      this.#child.once('message', (reply: Reply) => {
        this.#child.off('exit', ended);
        if ('error' in reply) reject(new Error(reply.error));
        else resolve(reply.value);
      });
      this.#child.send(request);
    });
  }

  /** Ends the process. */
  close(): void {
    this.#child.kill('SIGKILL');
  }
}
