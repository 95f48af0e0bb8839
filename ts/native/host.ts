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

/**
 * Binds a UDP socket that may stand beside our others on the same port.
 * @returns its descriptor; @throws NativeError with the errno's name as `code`
 */
export function bindUdp(address: string, port: number): number {
  return translated(() => addon.bindUdp(address, port));
}

/** Says whether sockets may be bound beside `fd` on its port, by anybody. @throws NativeError */
export function shareAddress(fd: number, shared: boolean): void {
  translated(() => addon.shareAddress(fd, shared));
}

/** Sends `state` to the service manager's socket (sd_notify(3)). @throws NativeError */
export function notify(path: string, state: string): void {
  translated(() => addon.notify(path, state));
}
