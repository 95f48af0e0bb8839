import type { Log } from '../daemon/log.js';
import type { InheritedSocket } from '../daemon/service-manager.js';
import { NativeError } from '../native/error.js';
import { bindUdp } from '../native/host.js';
import { type Family, localAddresses, WILDCARDS } from './local-addresses.js';
import { UdpListener } from './udp-listener.js';
import type { Hall } from './visitor.js';

/** How often this machine's addresses are looked at again: they come and go. */
const LOOK_AGAIN_MS = 5_000;
/** The system has no such address (yet), or no such family. */
const ABSENT = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT']);

/**
 * The UDP sockets on the control port: one for all addresses, and one for each, so that an answer
 * leaves from the address that was asked.
 */
export class UdpListeners {
  /** For all addresses: the service manager's, or our own for each family. */
  readonly #general: UdpListener[] = [];
  readonly #byAddress = new Map<string, UdpListener>();
  /** Addresses whose trouble was said already. */
  readonly #troubled = new Set<string>();
  readonly #timer: NodeJS.Timeout;

  /** @throws NativeError with the errno's name as `code` when the port cannot be had */
  constructor(
    passed: readonly InheritedSocket[],
    private readonly port: number,
    private readonly hall: Hall,
    private readonly log: Log,
  ) {
    for (const { fd, kind } of passed) {
      this.#general.push(new UdpListener(fd, kind === 'udp4' ? 'udp4' : 'udp6', hall));
    }
    if (passed.length === 0) {
      this.#openWildcards();
    }
    this.#look();
    this.#timer = setInterval(() => this.#look(), LOOK_AGAIN_MS).unref();
  }

  /** Whether anything listens. */
  get isOpen(): boolean {
    return this.#general.length + this.#byAddress.size > 0;
  }

  close(): void {
    clearInterval(this.#timer);
    for (const listener of this.#all()) {
      listener.close();
    }
  }

  #all(): UdpListener[] {
    return [...this.#general, ...this.#byAddress.values()];
  }

  #openWildcards(): void {
    for (const family of ['IPv4', 'IPv6'] as const) {
      try {
        this.#general.push(this.#bind(WILDCARDS[family], family));
      } catch (error) {
        if (!isAbsence(error)) {
          throw error;
        }
      }
    }
  }

  /** Follows the machine's addresses. */
  #look(): void {
    const now = localAddresses();
    for (const [host, listener] of this.#byAddress) {
      if (!now.has(host)) {
        listener.close();
        this.#byAddress.delete(host);
      }
    }
    const come = [...now].filter(([host]) => !this.#byAddress.has(host));
    this.#share(come.length > 0);
    for (const [host, family] of come) {
      this.#add(host, family);
    }
    this.#share(false);
  }

  /** Linux lets any user's socket stand beside ones that share their port: ours do so for a moment. */
  #share(shared: boolean): void {
    for (const listener of this.#all()) {
      listener.share(shared);
    }
  }

  /** An address without its own socket is served by a general one. */
  #add(host: string, family: Family): void {
    try {
      this.#byAddress.set(host, this.#bind(host, family));
    } catch (error) {
      if (!isAbsence(error) && !this.#troubled.has(host)) {
        this.#troubled.add(host);
        this.log.say(`udp answers may leave from another address than ${host}: ${String(error)}`);
      }
    }
  }

  #bind(host: string, family: Family): UdpListener {
    const fd = bindUdp(host, this.port);
    return new UdpListener(fd, family === 'IPv4' ? 'udp4' : 'udp6', this.hall);
  }
}

function isAbsence(error: unknown): boolean {
  return error instanceof NativeError && ABSENT.has(error.code);
}
