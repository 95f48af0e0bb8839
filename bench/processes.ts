/** What the kernel knows of a running daemon (proc_pid_stat(5), proc_pid_status(5)). */
import { readFileSync } from 'node:fs';
import type { Contestant } from './contestant.js';
import { Row } from './row.js';

/** Fields of /proc/PID/stat after the closing parenthesis of the name; the first of them is the state. */
const CHILDREN_MINOR_FAULTS = 8;
const USER_TICKS = 11;
const SYSTEM_TICKS = 12;
/** USER_HZ is 100 on every Linux that Node runs on. */
const MS_PER_TICK = 10;
const KIB_PER_MIB = 1_024;

function stat(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
}

/** Processor time of a process so far, in user and kernel mode, milliseconds. */
export function processorMs(pid: number): number {
  const fields = stat(pid);
  return ((fields[USER_TICKS] ?? 0) + (fields[SYSTEM_TICKS] ?? 0)) * MS_PER_TICK;
}

function residentMib(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(found?.[1]) / KIB_PER_MIB;
}

/** Resident memory now, a row for each daemon. */
export function memory(contestants: readonly Contestant[], when: string): Row[] {
  return (['door', 'judge'] as const).map((role) => {
    const program = role === 'door' ? 'letmeind' : 'letmeinfwd';
    const row = new Row('MiB resident', `${program}, ${when}`, 'lower', 1);
    for (const { name, world } of contestants) {
      row.add(name, Float64Array.of(residentMib(world[role].pid)));
    }
    return row;
  });
}

/**
 * Whether a process has, or ever had, a child: one that lives is listed, and one that ended has left the page faults
 * that no process can start without.
 */
export function hasHadChildren(pid: number): boolean {
  const living = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return living !== '' || (stat(pid)[CHILDREN_MINOR_FAULTS] ?? 0) > 0;
}
