/** A daemon under test: start, signal, restart, and everything it said. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Notifications } from './notify.js';
import { cleanEnvironment, type Exit, track } from './process.js';
import { DEADLINE_MS, waitFor, within } from './wait.js';

/** How to start a daemon, and how to know that it serves. */
export interface DaemonPlan {
  /** For messages: `door`, `judge`. */
  name: string;
  /** The complete command line, namespace included. */
  command: () => readonly string[];
  env: Record<string, string>;
  /** The other end of its NOTIFY_SOCKET: a new READY=1 there means that it serves. */
  listen: () => Promise<Notifications>;
  /** For a daemon that does not notify (upstream's, or any with --no-systemd): whether it serves now. Polled. */
  serves: (() => Promise<boolean>) | undefined;
}

/** One daemon; at most one process of it at a time. */
export class Daemon {
  readonly #plan: DaemonPlan;
  #child: ChildProcess | undefined;
  #exit: Promise<Exit> | undefined;
  #said = '';
  #changed = new Set<() => void>();

  constructor(plan: DaemonPlan) {
    this.#plan = plan;
  }

  /** Everything it has written to stdout and stderr, over all restarts. */
  get log(): string {
    return this.#said;
  }

  /** Its pid. @throws when it does not run. */
  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error(`the ${this.#plan.name} does not run`);
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  /** Resolves at the end of the running process; at once when none runs. */
  get exited(): Promise<Exit> {
    return this.#exit ?? Promise.resolve({ code: null, signal: null });
  }

  /** Starts it without waiting until it serves. */
  launch(): void {
    if (this.#child !== undefined) throw new Error(`the ${this.#plan.name} runs already`);
    const [file = '', ...args] = this.#plan.command();
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: cleanEnvironment(this.#plan.env),
    });
    track(child);
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => this.#hear(text));
    }
    this.#exit = new Promise((resolve) => {
      child.once('error', (error) => this.#hear(`${error.message}\n`));
      child.once('close', (code, signal) => {
        this.#child = undefined;
        this.#hear('');
        resolve({ code, signal });
      });
    });
  }

  #hear(text: string): void {
    this.#said += text;
    for (const wake of [...this.#changed]) wake();
  }

  /** Starts it and waits until it serves. @throws when it ends before or takes too long, with what it said. */
  async start(): Promise<void> {
    const { name, listen, serves } = this.#plan;
    const notifications = await listen();
    const before = notifications.count;
    this.launch();
    const ended = this.exited.then(({ code, signal }) => {
      throw new Error(`the ${name} ended (${code ?? signal}) before it served:\n${this.#said}`);
    });
    const serving =
      serves === undefined
        ? notifications.line(/^READY=1$/, before)
        : waitFor(`the ${name} to serve`, () => !this.running || serves());
    const ready = serving.catch((error: Error) => {
      throw new Error(`${error.message}; the ${name} said:\n${this.#said}`);
    });
    await Promise.race<unknown>([ready, ended]);
    // Whichever lost the race may still fail, much later, when nobody listens any more.
    ready.catch(() => {});
    ended.catch(() => {});
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** Ends it with a signal and waits for the end. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    if (!this.running) return { code: null, signal: null };
    const exited = this.exited;
    this.signal(signal);
    return within(`the ${this.#plan.name} to end after ${signal}`, exited);
  }

  async restart(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.stop(signal);
    await this.start();
  }

  /** The first line that matches, said since `from` (a length of `log` taken before; default: from the start). */
  async line(pattern: RegExp, from = 0, deadlineMs = DEADLINE_MS): Promise<string> {
    const find = (): string | undefined =>
      this.#said
        .slice(from)
        .split('\n')
        .find((line) => pattern.test(line));
    const found = find();
    if (found !== undefined) return found;
    let wake = (): void => {};
    const heard = new Promise<string>((resolve) => {
      wake = () => {
        const line = find();
        if (line !== undefined) resolve(line);
      };
      this.#changed.add(wake);
    });
    return within(`a line like ${pattern} from the ${this.#plan.name}`, heard, deadlineMs).finally(
      () => this.#changed.delete(wake),
    );
  }
}
