import { type SocketKind, socketKind, socketPort } from '../native/host.js';
import { Failure } from './failure.js';

/** The first descriptor that systemd passes (sd_listen_fds(3)). */
const FIRST_LISTEN_FD = 3;
/** More sockets than a unit for letmeind could list: a larger LISTEN_FDS is a mistake. */
const MOST_LISTEN_FDS = 64;

/** A socket that was open before we started. */
export interface InheritedSocket {
  readonly fd: number;
  readonly kind: SocketKind;
  /** Where it is bound. */
  readonly port: number;
}

/**
 * The descriptors that systemd opened for us; none if LISTEN_PID is another process.
 * @throws Failure when LISTEN_FDS makes no sense
 */
export function passedDescriptors(): number[] {
  if (process.env.LISTEN_PID !== String(process.pid)) {
    return [];
  }
  const count = Number(process.env.LISTEN_FDS);
  if (!Number.isInteger(count) || count < 0 || count > MOST_LISTEN_FDS) {
    throw new Failure(`LISTEN_FDS is no number from 0 to ${MOST_LISTEN_FDS}: started by systemd?`);
  }
  return Array.from({ length: count }, (_, place) => FIRST_LISTEN_FD + place);
}

/** What those descriptors are. @throws NativeError for one that is no socket */
export function inheritedSockets(descriptors: readonly number[]): InheritedSocket[] {
  return descriptors.map((fd) => ({ fd, kind: socketKind(fd), port: socketPort(fd) }));
}
