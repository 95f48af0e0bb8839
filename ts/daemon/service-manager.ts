import type { SocketKind } from '../native/host.js';
import { notify, socketKind } from '../native/host.js';
import { Failure, messageOf } from './failure.js';
import type { Log } from './log.js';

/** The first descriptor that systemd passes (sd_listen_fds(3)). */
const FIRST_LISTEN_FD = 3;
/** More sockets than a unit for letmeind could list: a larger LISTEN_FDS is a mistake. */
const MOST_LISTEN_FDS = 64;

/** A socket that was open before we started. */
export interface InheritedSocket {
  readonly fd: number;
  readonly kind: SocketKind;
}

/**
 * Tells the service manager that start-up is over, if there is one. One that does not listen is no reason to end:
 * a shell that some unit started passes its NOTIFY_SOCKET on.
 */
export function sayReady(log: Log): void {
  const path = process.env.NOTIFY_SOCKET;
  if (path === undefined || path === '') {
    return;
  }
  try {
    notify(path, 'READY=1');
  } catch (error) {
    log.say(`failed to tell the service manager at ${path}: ${messageOf(error)}: going on without`);
  }
}

/**
 * The sockets that systemd opened for us.
 * @throws Failure when LISTEN_FDS makes no sense or names something else than a socket
 */
export function inheritedSockets(): InheritedSocket[] {
  if (process.env.LISTEN_PID !== String(process.pid)) {
    return [];
  }
  const count = Number(process.env.LISTEN_FDS);
  if (!Number.isInteger(count) || count < 0 || count > MOST_LISTEN_FDS) {
    throw new Failure(`LISTEN_FDS is no number from 0 to ${MOST_LISTEN_FDS}: started by systemd?`);
  }
  return Array.from({ length: count }, (_, place) => {
    const fd = FIRST_LISTEN_FD + place;
    return { fd, kind: socketKind(fd) };
  });
}
