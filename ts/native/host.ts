import { addon } from './addon.js';
import { translated } from './error.js';

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

/** The port that a socket is bound to; 0 if it is no internet socket. @throws NativeError */
export function socketPort(fd: number): number {
  return translated(() => addon.socketPort(fd));
}

/**
 * Makes an unbound UDP socket.
 * @param shared whether it may stand beside others of this user's on one port
 * @returns its descriptor; @throws NativeError with the errno's name as `code`
 */
export function openUdp(family: 'IPv4' | 'IPv6', shared: boolean): number {
  return translated(() => addon.openUdp(family, shared));
}

/** Binds a socket of {@link openUdp}. @throws NativeError with the errno's name as `code` */
export function bindUdp(fd: number, address: string, port: number): void {
  translated(() => addon.bindUdp(fd, address, port));
}

/** Says whether sockets may be bound beside `fd` on its port, by anybody. @throws NativeError */
export function shareAddress(fd: number, shared: boolean): void {
  translated(() => addon.shareAddress(fd, shared));
}

/** This machine's addresses, over a socket that is opened once (rtnetlink(7)). */
export class LocalAddresses {
  readonly #addresses = translated(() => new addon.LocalAddresses());

  /** All addresses of all interfaces now. @throws NativeError */
  list(): string[] {
    return translated(() => this.#addresses.list());
  }
}

/** The service manager's socket (sd_notify(3)), connected once. */
export class ServiceManagerSocket {
  readonly #manager: InstanceType<typeof addon.ServiceManager>;

  /** @param path its NOTIFY_SOCKET; @throws NativeError */
  constructor(path: string) {
    this.#manager = translated(() => new addon.ServiceManager(path));
  }

  /** Sends `state`, such as `READY=1`. @throws NativeError */
  notify(state: string): void {
    translated(() => this.#manager.notify(state));
  }
}
