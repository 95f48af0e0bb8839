/** The benchmark's side of the load generator, crates/wire/examples/load.rs, which scripts/bench.mjs builds. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { ROOT } from '../tests/system/harness.js';
import type { Namespace } from '../tests/system/namespace.js';
import { cleanEnvironment, track } from '../tests/system/process.js';
import { type Errand, keyOf, routedServerAddress, sourceAddress } from './population.js';

const PROGRAM = join(ROOT, 'target', 'release', 'examples', 'load');

export type Transport = 'udp' | 'tcp';

/** Errands to run: `clients` at a time, errand n by client n modulo `clients`, each waiting for its COMEIN. */
export interface Load {
  transport: Transport;
  operation: 'knock' | 'revoke';
  /** The server's address and control port. */
  address: string;
  port: number;
  errands: Errand[];
  clients: number;
}

/** What came of a load. */
export interface LoadResult {
  /** Milliseconds from the KNOCK's sending (TCP: from the connect) to the COMEIN, by errand. */
  ms: Float64Array;
  /** Milliseconds from the first errand's start to the last one's end. */
  totalMs: number;
}

type Reply = { ms: number[]; totalMs: number } | { error: string };

/** The request as the generator reads it: see there. */
function requestLine({ transport, operation, address, port, errands, clients }: Load): string {
  const ready = errands.map(({ source, user, resource }) => ({
    from: `${sourceAddress(source)}:0`,
    to: `${transport === 'tcp' ? routedServerAddress(source) : address}:${port}`,
    user,
    resource,
    key: keyOf(user).toString('hex'),
  }));
  return `${JSON.stringify({ transport, operation, clients, errands: ready })}\n`;
}

/** A generator in a namespace; one load at a time. */
export class Generator {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #replies: Interface;

  constructor(namespace: Namespace) {
    const [file = '', ...args] = namespace.command([PROGRAM]);
    this.#child = spawn(file, args, {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: cleanEnvironment(),
    });
    track(this.#child);
    // A generator that ended is noticed by the end of its output.
    this.#child.stdin.on('error', () => {});
    this.#replies = createInterface({ input: this.#child.stdout });
  }

  /** Runs errands. @throws when one of them is refused or lost */
  async load(load: Load): Promise<LoadResult> {
    const reply = JSON.parse(await this.#ask(requestLine(load))) as Reply;
    if ('error' in reply) throw new Error(reply.error);
    return { ms: Float64Array.from(reply.ms), totalMs: reply.totalMs };
  }

  #ask(request: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const ended = (): void => reject(new Error('the load generator ended'));
      this.#replies.once('close', ended);
      this.#replies.once('line', (line) => {
        this.#replies.off('close', ended);
        resolve(line);
      });
      this.#child.stdin.write(request);
    });
  }

  /** Ends the process. */
  close(): void {
    this.#child.kill('SIGKILL');
  }
}
