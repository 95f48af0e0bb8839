import type { InheritedSocket } from '../daemon/inherited-sockets.js';
import type { Log } from '../daemon/log.js';
import { NativeError } from '../native/error.js';
import { LocalAddresses } from '../native/host.js';
import { type Family, usableAddresses, WILDCARDS } from './local-addresses.js';
import { SpareSockets } from './spare-sockets.js';
import { UdpListener } from './udp-listener.js';
import type { Hall } from './visitor.js';

/** How often this machine's addresses are looked at again: they come and go. */
const LOOK_AGAIN_MS = 5_000;
/** The system has no such address (yet). */
const ABSENT = 'EADDRNOTAVAIL';
/** How often an address that cannot be bound (yet) is tried. */
const MOST_TRIES = 3;
const FAMILIES = ['IPv4', 'IPv6'] as const;

/**
 * The UDP sockets on the control port: one for all addresses, and one for each, so that an answer
 * leaves from the address that was asked.
 */
export class UdpListeners {
  /** For all addresses: the service manager's, or our own for each family. */
  readonly #general: UdpListener[] = [];
  readonly #byAddress = new Map<string, UdpListener>();
  /** Addresses that cannot have a socket, which was said. */
  readonly #troubled = new Set<string>();
  readonly #tries = new Map<string, number>();
  readonly #machine = new LocalAddresses();
  readonly #spare = new SpareSockets();
  readonly #timer: NodeJS.Timeout;

  /** @throws NativeError with the errno's name as `code` when the port cannot be had */
  constructor(
    private readonly passed: readonly InheritedSocket[],
    private readonly port: number,
    /** How many addresses may come after the start, for each family. */
    late: number,
    private readonly hall: Hall,
    private readonly log: Log,
  ) {
    for (const { fd, kind } of passed) {
      this.#general.push(new UdpListener(fd, kind === 'udp4' ? 'udp4' : 'udp6', hall));
    }
    const present = [...this.#addresses().values()];
    for (const family of FAMILIES) {
      // One for the wildcard if it is ours, one for each address there is, and some for those that come.
      const count = present.filter((each) => each === family).length;
      this.#spare.stock(family, (passed.length === 0 ? 1 : 0) + count + late);
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
    this.#spare.close();
    for (const listener of this.#all()) {
      listener.close();
    }
  }

  #all(): UdpListener[] {
    return [...this.#general, ...this.#byAddress.values()];
  }

  #openWildcards(): void {
    for (const family of FAMILIES) {
      this.#spare.claim(WILDCARDS[family], family, this.port);
      const listener = this.#bind(WILDCARDS[family], family);
      if (listener !== undefined) {
        this.#general.push(listener);
      }
    }
  }

  /** Follows the machine's addresses. The socket of one that goes stays, for its return: a new one may not be had. */
  #look(): void {
    const now = this.#addresses();
    const come = [...now].filter(
      ([host]) => !this.#byAddress.has(host) && !this.#troubled.has(host),
    );
    // Ours stand beside each other by SO_REUSEPORT. The service manager's are another user's: beside those it takes
    // SO_REUSEADDR, by which every user's can, so they have it for a moment only.
    this.#share(this.passed.length > 0 && come.length > 0);
    for (const [host, family] of come) {
      this.#add(host, family);
    }
    this.#share(false);
  }

  /** This machine's addresses now; none new if it cannot say. */
  #addresses(): Map<string, Family> {
    try {
      return usableAddresses(this.#machine);
    } catch (error) {
      this.#complain('one that comes', String(error));
      return new Map();
    }
  }

  /** Linux lets any user's socket stand beside ones that have SO_REUSEADDR, which libuv sets as well. */
  #share(shared: boolean): void {
    for (const listener of this.#all()) {
      listener.share(shared);
    }
  }

  /** An address without its own socket is served by a general one. */
  #add(host: string, family: Family): void {
    try {
      const listener = this.#bind(host, family);
      if (listener === undefined) {
        this.#complain(host, `no spare socket is left: start letmeind again`);
      } else {
        this.#byAddress.set(host, listener);
      }
    } catch (error) {
      const tries = (this.#tries.get(host) ?? 0) + 1;
      this.#tries.set(host, tries);
      const mayCome = error instanceof NativeError && error.code === ABSENT && tries < MOST_TRIES;
      if (!mayCome) {
        this.#complain(host, String(error));
      }
    }
  }

  #complain(host: string, why: string): void {
    if (!this.#troubled.has(host)) {
      this.#troubled.add(host);
      this.log.say(`udp answers may leave from another address than ${host}: ${why}`);
    }
  }

  /** Undefined if there is no socket left, or no such family. */
  #bind(host: string, family: Family): UdpListener | undefined {
    const fd = this.#spare.bind(host, family, this.port);
    const type = family === 'IPv4' ? 'udp4' : 'udp6';
    return fd === undefined ? undefined : new UdpListener(fd, type, this.hall);
  }
}
