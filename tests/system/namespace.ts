/**
 * A network namespace, owned by a probe agent inside it.
 *
 * It has no name and no file: it exists as long as a process is in it, so nothing can be left behind.
 * Root makes it directly; anybody else inside a user namespace of their own (where the kernel allows that).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { IS_ROOT } from './accounts.js';
import type { Agent, Reply, Request, Transport } from './calls.js';
import { cleanEnvironment, must, type Run, type RunOptions, run, track } from './process.js';
import { within } from './wait.js';

const AGENT = fileURLToPath(new URL('./agent.js', import.meta.url));
/** States in /proc/net/tcp (include/net/tcp_states.h) and /proc/net/udp: listening, and bound. */
const LISTENING = { tcp: '0A', udp: '07' } as const;

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}

/** Command prefix that enters the namespaces of process `pid`, keeping the pid of whoever runs it. */
function enter(pid: number): string[] {
  const user = IS_ROOT ? [] : ['--user', '--preserve-credentials'];
  return ['nsenter', '--target', `${pid}`, ...user, '--net', '--mount', '--'];
}

/** A network namespace with its probe agent. */
export class Namespace {
  readonly #agent: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #lastCall = 0;

  private constructor(agent: ChildProcess) {
    this.#agent = agent;
    agent.on('message', (reply: Reply) => this.#settle(reply));
    agent.once('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the probe agent ended'));
      this.#waiting.clear();
    });
  }

  /** Makes a namespace. As non-root the first makes the user namespace, and the others name it in `beside`. */
  static async create(beside?: Namespace): Promise<Namespace> {
    const unshare = ['unshare', '--net', '--mount', '--propagation', 'private'];
    const command = IS_ROOT
      ? unshare
      : beside === undefined
        ? [...unshare, '--user', '--map-root-user']
        : [...enter(beside.pid), ...unshare];
    const [file = '', ...args] = [...command, '--', process.execPath, AGENT];
    const child = spawn(file, args, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
      env: cleanEnvironment(),
    });
    track(child);
    const namespace = new Namespace(child);
    await within('a probe agent', namespace.#ready());
    await namespace.must(['ip', 'link', 'set', 'lo', 'up']);
    return namespace;
  }

  #ready(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(0, { resolve, reject });
    });
  }

  #settle(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ('error' in reply) waiting?.reject(new Error(reply.error));
    else waiting?.resolve(reply.value);
  }

  /** The agent's pid: whoever has it can enter with nsenter. */
  get pid(): number {
    if (this.#agent.pid === undefined) throw new Error('the probe agent never started');
    return this.#agent.pid;
  }

  /** Has the agent do something; see `calls.ts` for what it can. */
  call<K extends keyof Agent>(call: K, args: Parameters<Agent[K]>[0]): ReturnType<Agent[K]> {
    this.#lastCall += 1;
    const request: Request = { id: this.#lastCall, call, args };
    const answer = new Promise((resolve, reject) => {
      this.#waiting.set(request.id, { resolve, reject });
      this.#agent.send(request, (error) => error && reject(error));
    });
    return answer as ReturnType<Agent[K]>;
  }

  /** The command line that runs `command` in here; its pid is then the command's own. */
  command(command: readonly string[]): string[] {
    return [...enter(this.pid), ...command];
  }

  /** Runs a program in here to its end, whatever its status. */
  run(command: readonly string[], options?: RunOptions): Promise<Run> {
    return run(this.command(command), options);
  }

  /** Runs a program in here that must succeed; returns its standard output. */
  must(command: readonly string[], options?: RunOptions): Promise<string> {
    return must(this.command(command), options);
  }

  /** Runs many `ip` commands in one process. */
  async ip(commands: readonly string[]): Promise<void> {
    await this.must(['ip', '-batch', '-'], { input: `${commands.join('\n')}\n` });
  }

  /** Whether a socket in here listens on (TCP) or is bound to (UDP) `port`: read from /proc, starts nothing. */
  async listens(transport: Transport, port: number): Promise<boolean> {
    const hex = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
    const tables = await Promise.all(
      ['', '6'].map((v) => readFile(`/proc/${this.pid}/net/${transport}${v}`, 'utf8')),
    );
    return tables
      .join('\n')
      .split('\n')
      .some((line) => {
        const [, local, , state] = line.trim().split(/\s+/);
        return local?.endsWith(hex) === true && state === LISTENING[transport];
      });
  }

  /** Ends the agent, and with the last process in here the namespace and everything in it. */
  async close(): Promise<void> {
    if (this.#agent.exitCode !== null || this.#agent.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#agent.once('exit', resolve));
    this.#agent.kill('SIGKILL');
    await gone;
  }
}
