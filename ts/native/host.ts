import { addon } from './addon.js';
import { translated } from './error.js';

export type { PeerCredentials } from './index.js';

/** What an inherited descriptor can be. */
export type SocketKind = ReturnType<typeof addon.socketKind>;

/** Who is at the other end of a connected unix socket (SO_PEERCRED). @throws NativeError */
export function peerCredentials(fd: number): { pid: number; uid: number; gid: number } {
  return translated(() => addon.peerCredentials(fd));
}

/** What kind of socket an inherited descriptor is. @throws NativeError if it is none */
export function socketKind(fd: number): SocketKind {
  return translated(() => addon.socketKind(fd));
}

/** Sends `state` to the service manager's socket (sd_notify(3)). @throws NativeError */
export function notify(path: string, state: string): void {
  translated(() => addon.notify(path, state));
}
