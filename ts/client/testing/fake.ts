// A clock and a network that only tests move.

import { authenticate, NO_TOKEN, verify } from '../../wire/mac.js';
import { decode, encode, type Message, type Operation } from '../../wire/message.js';
import type { Errand } from '../errand.js';
import type {
  Channel,
  ChannelEvents,
  Clock,
  Endpoint,
  Family,
  Found,
  Network,
  Stop,
  Transport,
} from '../network.js';

/** Time stands still but for `pass`. */
export class FakeClock implements Clock {
  #now = 1000;
  #timers: { at: number; then: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, then: () => void): Stop {
    const timer = { at: this.#now + ms, then };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Lets `ms` pass, running what comes due in its order and at its own moment. */
  pass(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) {
        break;
      }
      this.#now = next.at;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      next.then();
    }
    this.#now = end;
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.length;
  }
}

/** One connection or socket that the code under test has opened; the test plays the server. */
export class FakeChannel implements Channel {
  readonly transport: Transport;
  readonly endpoint: Endpoint;
  readonly openedAt: number;
  readonly sent: Message[] = [];
  closed = false;
  readonly #events: ChannelEvents;
  readonly #errand: Errand;

  constructor(
    transport: Transport,
    endpoint: Endpoint,
    openedAt: number,
    errand: Errand,
    events: ChannelEvents,
  ) {
    this.transport = transport;
    this.endpoint = endpoint;
    this.openedAt = openedAt;
    this.#errand = errand;
    this.#events = events;
  }

  send(bytes: Uint8Array): void {
    const message = decode(bytes);
    if (this.closed || message === undefined) {
      throw new Error('sent after close, or sent garbage');
    }
    this.sent.push(message);
  }

  close(): void {
    this.closed = true;
  }

  /** The operations sent so far. */
  get operations(): Operation[] {
    return this.sent.map((message) => message.operation);
  }

  /** TCP is accepted. */
  accept(): void {
    this.#unlessClosed(() => this.#events.connected());
  }

  /** The server sends a message of this exchange, or one changed by `changes`. */
  say(operation: Operation, changes: Partial<Message> = {}): void {
    const { user, resource } = this.#errand;
    const salt = new Uint8Array(8);
    this.hear(encode({ operation, user, resource, salt, auth: TOKEN, ...changes }));
  }

  /** Bytes arrive. */
  hear(bytes: Uint8Array): void {
    this.#unlessClosed(() => this.#events.received(bytes));
  }

  /** It breaks. */
  fail(code: string): void {
    this.#unlessClosed(() => this.#events.failed(code));
  }

  /** Whether the n-th message sent carries the right MAC: over no token for the first, over the challenge's later. */
  proves(n: number): boolean {
    const message = this.sent[n];
    const token = message?.operation === 'response' ? TOKEN : NO_TOKEN;
    return message !== undefined && verify(this.#errand.key, message, token);
  }

  #unlessClosed(event: () => void): void {
    if (!this.closed) {
      event();
    }
  }
}

/** The token of every fake challenge. */
export const TOKEN = authenticate(
  new Uint8Array(32).fill(9),
  { operation: 'challenge', user: 0, resource: 0, salt: new Uint8Array(8) },
  NO_TOKEN,
);

/** Records what is opened. */
export class FakeNetwork implements Network {
  readonly channels: FakeChannel[] = [];
  lookups: { host: string; families: readonly Family[]; stopped: boolean }[] = [];
  #found: ((family: Family, result: Found) => void) | undefined;
  readonly #clock: FakeClock;
  readonly #errand: Errand;

  constructor(clock: FakeClock, errand: Errand) {
    this.#clock = clock;
    this.#errand = errand;
  }

  lookup(
    host: string,
    families: readonly Family[],
    found: (family: Family, result: Found) => void,
  ): Stop {
    const lookup = { host, families, stopped: false };
    this.lookups.push(lookup);
    this.#found = found;
    return () => {
      lookup.stopped = true;
    };
  }

  /** The resolver answers for one family. */
  resolve(family: Family, ...addresses: string[]): void {
    this.#found?.(family, { kind: 'addresses', addresses });
  }

  /** The resolver knows nothing for one family. */
  unresolved(family: Family, code: string): void {
    this.#found?.(family, { kind: 'none', code });
  }

  open(transport: Transport, endpoint: Endpoint, events: ChannelEvents): Channel {
    const channel = new FakeChannel(transport, endpoint, this.#clock.now(), this.#errand, events);
    this.channels.push(channel);
    return channel;
  }

  /** The n-th channel over this transport to this family. */
  channel(transport: Transport, family: Family, n = 0): FakeChannel {
    const channel = this.all(transport, family)[n];
    if (channel === undefined) {
      throw new Error(`no ${transport} channel ${n} to IPv${family} was opened`);
    }
    return channel;
  }

  /** Every channel over this transport to this family, in the order of opening. */
  all(transport: Transport, family: Family): FakeChannel[] {
    return this.channels.filter(
      (channel) => channel.transport === transport && channel.endpoint.family === family,
    );
  }
}
