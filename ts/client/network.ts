// What a knock needs from the world. Passed in, so that tests run with their own clock and their own network.

/** IP version. */
export type Family = 4 | 6;
/** Transport of the control port. */
export type Transport = 'tcp' | 'udp';
/** Ends something: a timer, a look-up. Calling it twice is harmless. */
export type Stop = () => void;
/** Says one step of the knock, for `--verbose`. */
export type Trace = (step: string) => void;

/** Time that only moves forward. */
export interface Clock {
  /** Milliseconds since some fixed moment. */
  now(): number;
  /** Runs `then` once, `ms` milliseconds from now, unless stopped. */
  after(ms: number, then: () => void): Stop;
}

/** Where the server listens. */
export interface Endpoint {
  family: Family;
  /** Literal IP address; an IPv6 one may end in `%zone`. */
  address: string;
  /** Control port, 1 to 65535. */
  port: number;
}

/** What the system resolver says about one family of a name. */
export type Found =
  | { kind: 'addresses'; addresses: readonly string[] }
  /** `code` as Node names it: ENOTFOUND, EAI_AGAIN and so on. */
  | { kind: 'none'; code: string };

/** What happens on a connection or socket. Nothing is called after `close`, nor after `failed`. */
export interface ChannelEvents {
  /** TCP: the server accepted. UDP: never called. */
  connected(): void;
  /** TCP: a piece of the stream. UDP: one datagram. */
  received(bytes: Uint8Array): void;
  /** It broke, or could not be opened; `code` is the errno's name, END when the server closed the stream. */
  failed(code: string): void;
}

/** A TCP connection, or a UDP socket connected to one peer. */
export interface Channel {
  /** Sends now, or as soon as the channel is open. */
  send(bytes: Uint8Array): void;
  close(): void;
}

/** The network itself. No call throws: what fails is reported through its events, never before the call returns. */
export interface Network {
  /** Asks the system resolver; `found` is called once for each family, in any order. */
  lookup(
    host: string,
    families: readonly Family[],
    found: (family: Family, result: Found) => void,
  ): Stop;
  open(transport: Transport, endpoint: Endpoint, events: ChannelEvents): Channel;
}
