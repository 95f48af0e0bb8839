import type { Endpoint, Stop, Transport } from './network.js';
import { alike, type Failure, mostTelling, type Outcome, transportsOf } from './outcome.js';
import { TcpWay } from './tcp-way.js';
import { UdpWay } from './udp-way.js';
import { place, type Tools, type Way, type WayEvents } from './way.js';

/** With both transports allowed: when TCP has made no progress for this long, in ms, UDP starts beside it. */
export const TCP_PATIENCE_MS = 1000;

/** Which transports the knock may use; at least one. */
export interface Allowed {
  tcp: boolean;
  udp: boolean;
}

/**
 * The errand at one address: over TCP, over UDP, or over TCP first and UDP beside it when TCP stalls or cannot be had.
 * The first COMEIN wins.
 */
export class Attempt implements Way {
  readonly #tools: Tools;
  readonly #endpoint: Endpoint;
  readonly #events: WayEvents;
  readonly #allowed: Allowed;
  readonly #open = new Map<Transport, Way>();
  readonly #failures: Failure[] = [];
  #tried: Transport[] = [];
  #stopPatience: Stop = () => {};

  constructor(tools: Tools, endpoint: Endpoint, allowed: Allowed, events: WayEvents) {
    this.#tools = tools;
    this.#endpoint = endpoint;
    this.#events = events;
    this.#allowed = allowed;
    this.#start(allowed.tcp ? 'tcp' : 'udp');
    this.#beginPatience();
  }

  standing(): Failure {
    const all = [...this.#failures, ...this.#standingWays()];
    const [first, ...others] = all;
    const none = {
      endpoint: this.#endpoint,
      transports: [],
      kind: 'silent',
      reached: 'nothing',
    } as const;
    const worst = first === undefined ? none : mostTelling<Failure>(first, ...others);
    return { ...worst, transports: transportsOf(all.filter((each) => alike(each, worst))) };
  }

  close(): void {
    this.#stopPatience();
    for (const way of this.#open.values()) {
      way.close();
    }
    this.#open.clear();
  }

  #start(transport: Transport): void {
    const Kind = transport === 'tcp' ? TcpWay : UdpWay;
    this.#tried = [...this.#tried, transport];
    const way = new Kind(this.#tools, this.#endpoint, {
      progressed: () => this.#progressed(transport),
      ended: (outcome) => this.#ended(transport, outcome),
    });
    this.#open.set(transport, way);
  }

  #beginPatience(): void {
    this.#stopPatience();
    if (this.#mayStartUdp()) {
      this.#stopPatience = this.#tools.clock.after(TCP_PATIENCE_MS, () => {
        this.#tools.trace(`${place(this.#endpoint, ['tcp'])}: no progress, udp starts beside it`);
        this.#start('udp');
      });
    }
  }

  #mayStartUdp(): boolean {
    return this.#allowed.udp && !this.#tried.includes('udp');
  }

  #progressed(transport: Transport): void {
    if (transport === 'tcp') {
      this.#beginPatience();
    }
    this.#events.progressed();
  }

  #ended(transport: Transport, outcome: Outcome): void {
    this.#open.delete(transport);
    if (outcome.kind === 'open') {
      this.close();
      this.#events.ended(outcome);
      return;
    }
    this.#failures.push(outcome);
    // The server itself said no over TCP: asking again over UDP would draw the same answer.
    if (outcome.kind !== 'refused' && this.#mayStartUdp()) {
      this.#stopPatience();
      this.#start('udp');
    } else if (this.#open.size === 0) {
      this.#stopPatience();
      this.#events.ended(this.standing());
    }
  }

  #standingWays(): Failure[] {
    return [...this.#open.values()].map((way) => way.standing());
  }
}
