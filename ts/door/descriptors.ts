import { readFileSync } from 'node:fs';

/** Descriptors that the door has besides TCP connections: its own, Node's, the UDP sockets; more than it ever was seen with. */
const OTHERS = 128;

/**
 * How many TCP connections this process's limit of open files has room for (RLIMIT_NOFILE, which Node has raised to what it
 * may). With none left, connections would wait unaccepted, and wake the event loop for ever.
 */
export function roomForConnections(limits = readFileSync('/proc/self/limits', 'latin1')): number {
  const [, soft = 'unlimited'] = /^Max open files\s+(\S+)/m.exec(limits) ?? [];
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Math.max(Number(soft) - OTHERS, 1);
}
