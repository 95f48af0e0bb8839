import { closeSync } from 'node:fs';
import { NativeError } from '../native/error.js';
import { bindUdp, openUdp } from '../native/host.js';
import type { Family } from './local-addresses.js';

/** Unbound UDP sockets of each family, made while sockets can be made: a locked door only binds. */
export class SpareSockets {
  readonly #spare: Readonly<Record<Family, number[]>> = { IPv4: [], IPv6: [] };

  /** Has at least so many of a family from now on; none where the system does not have the family. */
  stock(family: Family, count: number): void {
    const spare = this.#spare[family];
    try {
      while (spare.length < count) {
        spare.push(openUdp(family, true));
      }
    } catch (error) {
      if (!(error instanceof NativeError && error.code === 'EAFNOSUPPORT')) {
        throw error;
      }
    }
  }

  /**
   * Binds one of them.
   * @returns its descriptor; undefined if none is left
   * @throws NativeError with the errno's name as `code`; the socket is spare as before
   */
  bind(address: string, family: Family, port: number): number | undefined {
    const fd = this.#spare[family].at(-1);
    if (fd !== undefined) {
      bindUdp(fd, address, port);
      this.#spare[family].pop();
    }
    return fd;
  }

  /**
   * Makes sure that nobody has the port: sockets that may be shared would stand beside those of another door of this user.
   * @throws NativeError `EADDRINUSE`
   */
  claim(address: string, family: Family, port: number): void {
    if (this.#spare[family].length === 0) {
      return;
    }
    const fd = openUdp(family, false);
    try {
      bindUdp(fd, address, port);
    } finally {
      closeSync(fd);
    }
  }

  close(): void {
    for (const fd of [...this.#spare.IPv4.splice(0), ...this.#spare.IPv6.splice(0)]) {
      closeSync(fd);
    }
  }
}
