import { Failure, messageOf } from '../daemon/failure.js';
import type { InheritedSocket } from '../daemon/inherited-sockets.js';
import type { Log } from '../daemon/log.js';
import type { Setup } from '../ipc/frames.js';
import { WILDCARDS } from './local-addresses.js';
import type { Slots } from './slots.js';
import { type Place, TcpListener } from './tcp-listener.js';
import { UdpListeners } from './udp-listeners.js';
import type { Hall } from './visitor.js';

/** Errors by which a system says that it has no such address family or address now. */
const ABSENT = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL']);

/** The sockets on the control port. */
export class Listeners {
  #tcp: TcpListener[] = [];
  #udp: UdpListeners | undefined;
  #usedInherited = false;

  /** @param inherited sockets of the service manager, used instead of our own for their transport */
  constructor(
    private readonly inherited: readonly InheritedSocket[],
    /** Addresses that may come after the start and get UDP sockets, for each family. */
    private readonly lateAddresses: number,
    private readonly slots: Slots,
    private readonly hall: Hall,
    private readonly log: Log,
  ) {}

  /** Whether the service manager's sockets are in use, which cannot be had again. */
  get areInherited(): boolean {
    return this.#usedInherited;
  }

  /** Listens as `setup` says. @throws Failure when nothing can be listened to, or a port is taken */
  async open(setup: Setup): Promise<void> {
    this.#close();
    try {
      await this.#openAll(setup);
    } catch (error) {
      throw error instanceof Failure ? error : unusable(error);
    }
    if ((setup.tcp && this.#tcp.length === 0) || (setup.udp && this.#udp?.isOpen !== true)) {
      throw new Failure(`this machine has no address to listen on at port ${setup.port}`);
    }
  }

  async #openAll({ tcp, udp, port }: Setup): Promise<void> {
    const elsewhere = this.inherited.find((socket) => socket.port !== port);
    if (elsewhere !== undefined) {
      const where = `a socket from systemd is at port ${elsewhere.port}, letmeind.conf says ${port}`;
      this.log.say(`${where}: make letmeind.socket say the same`);
    }
    if (tcp) {
      await Promise.all(this.#tcpPlaces(port).map((place) => this.#addTcp(place)));
    }
    if (udp) {
      const passed = this.inherited.filter(({ kind }) => kind === 'udp4' || kind === 'udp6');
      this.#udp = new UdpListeners(passed, port, this.lateAddresses, this.hall, this.log);
    }
  }

  /** The service manager's sockets are its to open: closed once, they cannot be had again. */
  #close(): void {
    if (this.#usedInherited) {
      throw new Failure(
        'letmeinfwd wants another port or transport, and sockets from systemd cannot change: restart letmeind.socket and letmeind',
      );
    }
    this.#usedInherited = this.inherited.length > 0;
    for (const listener of this.#tcp.splice(0)) {
      listener.close();
    }
    this.#udp?.close();
    this.#udp = undefined;
  }

  #tcpPlaces(port: number): Place[] {
    const passed = this.inherited.filter(({ kind }) => kind === 'tcp4' || kind === 'tcp6');
    return passed.length > 0
      ? passed.map(({ fd }) => ({ fd }))
      : Object.values(WILDCARDS).map((host) => ({ host, port }));
  }

  async #addTcp(place: Place): Promise<void> {
    const listener = new TcpListener(this.slots, this.hall);
    try {
      await listener.listen(place);
      this.#tcp.push(listener);
    } catch (error) {
      listener.close();
      if (!ABSENT.has(codeOf(error))) {
        throw error;
      }
    }
  }
}

function unusable(error: unknown): Failure {
  const text = `failed to listen on the control port: ${messageOf(error)}${advice(codeOf(error))}`;
  return new Failure(text);
}

/** What to do about an error, as the end of a line; nothing where the error says it all. */
function advice(code: string): string {
  switch (code) {
    case 'EADDRINUSE':
      return ": another program has it, which 'ss -lntup' names";
    case 'EACCES':
      return ': a port below 1024 needs --low-port, or sockets from systemd';
    default:
      return '';
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
