/** What the kernel says of a running process: the threads' status files, descriptors, mappings, environment. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Fields of /proc/PID/task/TID/status (proc_pid_status(5)), as text. */
export type Status = Readonly<Record<string, string>>;

/** The status of every thread: at least one. One that ends meanwhile, as at an execve, is left out. */
export function threads(pid: number): Status[] {
  const found = readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
    const status = statusIn(`/proc/${pid}/task/${thread}/status`);
    return status === undefined ? [] : [status];
  });
  if (found.length === 0) throw new Error(`process ${pid} has no thread left`);
  return found;
}

function statusIn(path: string): Status | undefined {
  try {
    const fields = readFileSync(path, 'utf8')
      .split('\n')
      .map((line) => line.split(/:\s+/));
    return Object.fromEntries(fields.map(([name, value]) => [name, value ?? '']));
  } catch {
    return undefined;
  }
}

/** What each open descriptor is: `socket:[…]`, `anon_inode:[eventpoll]`, a path. */
export function descriptors(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
}

/** Lines of /proc/PID/maps that may be written and executed. */
export function writableAndExecutable(pid: number): string[] {
  const lines = readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n');
  return lines.filter((line) => /^\S+ .wx/.test(line));
}

/** The environment it was started with, as `NAME=value`. */
export function environment(pid: number): string[] {
  return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean).sort();
}

/** The soft and hard limit of core dumps. */
export function coreLimit(pid: number): string | undefined {
  return /^Max core file size\s+(\S+\s+\S+)/m.exec(
    readFileSync(`/proc/${pid}/limits`, 'utf8'),
  )?.[1];
}
