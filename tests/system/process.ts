/**
 * Child processes of a test: started without a shell, ended by pid, never left behind.
 *
 * Each child dies with the test process: on a normal end and on SIGINT or SIGTERM through the `exit` handler here,
 * on SIGKILL of the test process through PR_SET_PDEATHSIG (`setpriv --pdeathsig`, for the daemons).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';

/** How a child came to its end. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** The result of a program that ran to its end. */
export interface Run {
  /** Exit status; null when a signal ended it. */
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  /** Wall time from spawn to close, milliseconds. */
  ms: number;
}

/** A program that takes longer is killed: longer than any deadline a test gives. */
const RUN_LIMIT_MS = 30_000;
/** Status of a process that SIGINT or SIGTERM ended, as shells report it. */
const SIGNAL_STATUS = 128;

const children = new Set<ChildProcess>();
const folders = new Set<string>();

/** Ties a child's life to this process. */
export function track(child: ChildProcess): ChildProcess {
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/** Removes a folder at the end of this process, if nobody has before. */
export function trackFolder(path: string): void {
  folders.add(path);
}

/** Removes a tracked folder now. */
export function removeFolder(path: string): void {
  rmSync(path, { recursive: true, force: true });
  folders.delete(path);
}

process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const) {
  process.once(signal, () => process.exit(SIGNAL_STATUS + number));
}

/** The environment of every child: nothing of the caller's that could change behaviour or timing. */
export function cleanEnvironment(extra: Record<string, string> = {}): NodeJS.ProcessEnv {
  return {
    PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin`,
    HOME: '/nonexistent',
    LANG: 'C.UTF-8',
    ...extra,
  };
}

/** Options of {@link run}. */
export interface RunOptions {
  input?: string;
  env?: Record<string, string>;
  limitMs?: number;
}

/** Runs a program to its end. Any exit status is a result, not an error; only a failed start throws. */
export async function run(command: readonly string[], options: RunOptions = {}): Promise<Run> {
  const [file, ...args] = command;
  if (file === undefined) throw new Error('failed to run: no command');
  const started = performance.now();
  const child = spawn(file, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: cleanEnvironment(options.env),
  });
  track(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.on('error', () => {}); // a program may end without reading its input
  child.stdin.end(options.input ?? '');
  const limit = setTimeout(() => child.kill('SIGKILL'), options.limitMs ?? RUN_LIMIT_MS);
  const [status, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(limit);
  return { status, signal, stdout, stderr, ms: performance.now() - started };
}

/** Runs a program that must succeed; returns its standard output. */
export async function must(command: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await run(command, options);
  if (result.status !== 0) {
    const why = result.stderr.trim() || `status ${result.status ?? result.signal}`;
    throw new Error(`failed to run ${command.join(' ')}: ${why}`);
  }
  return result.stdout;
}
