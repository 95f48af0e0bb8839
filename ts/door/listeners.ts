import { Failure, messageOf } from '../daemon/failure.js';
import type { InheritedSocket } from '../daemon/service-manager.js';
import type { Setup } from '../ipc/frames.js';
import { localAddresses, WILDCARDS } from './local-addresses.js';
import type { Slots } from './slots.js';
import { type Place, TcpListener } from './tcp-listener.js';
import { UdpListener } from './udp-listener.js';
import type { Hall } from './visitor.js';

type Listener = TcpListener | UdpListener;

/** Errors by which a system says that it has no such address family or address now. */
const ABSENT = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL']);

/** The sockets on the control port. */
export class Listeners {
  #open: Listener[] = [];

  /** @param inherited sockets of the service manager, used instead of our own for their transport */
  constructor(
    private readonly inherited: readonly InheritedSocket[],
    private readonly slots: Slots,
    private readonly hall: Hall,
  ) {}

  /** Listens as `setup` says. @throws Failure when nothing can be listened to, or a port is taken */
  async open(setup: Setup): Promise<void> {
    this.close();
    const tcp = setup.tcp ? await this.#openTcp(setup.port) : 0;
    const udp = setup.udp ? await this.#openUdp(setup.port) : 0;
    if ((setup.tcp && tcp === 0) || (setup.udp && udp === 0)) {
      throw new Failure(`this machine has no address to listen on at port ${setup.port}`);
    }
  }

  close(): void {
    for (const listener of this.#open.splice(0)) {
      listener.close();
    }
  }

  /** How many TCP sockets listen afterwards. */
  async #openTcp(port: number): Promise<number> {
    const passed = this.inherited.filter(({ kind }) => kind === 'tcp4' || kind === 'tcp6');
    const places: Place[] =
      passed.length > 0
        ? passed.map(({ fd }) => ({ fd }))
        : Object.values(WILDCARDS).map((host) => ({ host, port }));
    return this.#count(
      places.map((place) => this.#add(new TcpListener(this.slots, this.hall), place)),
    );
  }

  /** How many UDP sockets listen afterwards: wildcards, or the passed ones, and one per address. */
  async #openUdp(port: number): Promise<number> {
    const passed = this.inherited.filter(({ kind }) => kind === 'udp4' || kind === 'udp6');
    const wildcards = Object.entries(WILDCARDS).map(([family, host]) => ({ family, host }));
    const general =
      passed.length > 0
        ? passed.map(({ fd, kind }) => this.#addUdp(kind === 'udp4' ? 'udp4' : 'udp6', { fd }))
        : wildcards.map(({ family, host }) => this.#addUdp(udpFamily(family), { host, port }));
    const own = localAddresses().map(({ host, family }) =>
      this.#addUdp(udpFamily(family), { host, port }),
    );
    return this.#count([...general, ...own]);
  }

  #addUdp(family: 'udp4' | 'udp6', place: Place): Promise<boolean> {
    return this.#add(new UdpListener(family, this.hall), place);
  }

  async #count(added: readonly Promise<boolean>[]): Promise<number> {
    return (await Promise.all(added)).filter(Boolean).length;
  }

  async #add(listener: Listener, place: Place): Promise<boolean> {
    try {
      await listener.listen(place);
    } catch (error) {
      listener.close();
      if (error instanceof Error && 'code' in error && ABSENT.has(String(error.code))) {
        return false;
      }
      throw new Failure(
        `failed to listen on the control port: ${messageOf(error)}${advice(error)}`,
      );
    }
    this.#open.push(listener);
    return true;
  }
}

/** What to do about an error, as the end of a line; nothing where the error says it all. */
function advice(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'EADDRINUSE':
      return ": another program has it, which 'ss -lntup' names";
    case 'EACCES':
      return ': a port below 1024 needs CAP_NET_BIND_SERVICE, or sockets from systemd';
    default:
      return '';
  }
}

function udpFamily(family: string): 'udp4' | 'udp6' {
  return family === 'IPv4' ? 'udp4' : 'udp6';
}
