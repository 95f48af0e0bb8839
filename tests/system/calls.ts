/** The contract between the harness and its probe agents: every call, its arguments and its answer. */

export type Transport = 'tcp' | 'udp';

/**
 * What a probe saw: `open` (connected, or the echo came back), `refused` (RST or ICMP unreachable),
 * `dropped` (nothing within the time), or another errno.
 */
export type ProbeResult = 'open' | 'refused' | 'dropped' | `error ${string}`;

/** Where a probe goes, from which local address (default: the kernel's choice), and for how long. */
export interface Probe {
  address: string;
  port: number;
  timeoutMs: number;
  from?: string;
}

/** A raw conversation: bytes as the test wants them, from the source the test wants. */
export interface OpenConversation {
  transport: Transport;
  address: string;
  port: number;
  /** Local address and port; default: the kernel's choice. */
  from?: string;
  fromPort?: number;
  /** For TCP: how long to wait for the connection. */
  timeoutMs: number;
}

export interface Datagram {
  bytes: Uint8Array;
  /** The sender: must be the address that was asked. */
  address: string;
  port: number;
}

/** All that a conversation has received since it was opened. */
export interface ConversationState {
  localPort: number;
  /** UDP only, in order of arrival. */
  datagrams: Datagram[];
  /** All bytes received, one after the other. */
  bytes: Uint8Array;
  /** `closed` after the peer's FIN, an errno after an error, undefined while it is open. */
  end: string | undefined;
}

/** Load: `payloads` in turn, `perSecond` of them. For UDP from `sockets` source ports per source address. */
export interface Flood {
  transport: Transport;
  address: string;
  port: number;
  perSecond: number;
  payloads: Uint8Array[];
  /** Source addresses in turn; default: the kernel's choice. */
  from?: string[];
  /** UDP: sockets per source address, default 1. */
  sockets?: number;
  /**
   * TCP: what happens to each new connection. `hold` keeps it open until the peer or `floodStop` closes it,
   * `drop` closes it as soon as the payload is written. An empty payload only connects.
   */
  connections?: 'hold' | 'drop';
}

export interface FloodResult {
  sent: number;
  /** Datagrams or chunks that came back, and their bytes. */
  answers: number;
  answerBytes: number;
  /** TCP: connections made, and those that the peer ended. */
  connected: number;
  ended: number;
  errors: number;
  ms: number;
}

/** A forwarder that gives every datagram and TCP chunk `delayMs` in each direction (this is one way, not a round trip). */
export interface Relay {
  address: string;
  port: number;
  targetAddress: string;
  targetPort: number;
  delayMs: number;
}

/** Every call an agent answers. */
export interface Agent {
  probeTcp(args: Probe): Promise<ProbeResult>;
  /** Sends one datagram and expects it back. */
  probeUdp(args: Probe): Promise<ProbeResult>;
  /** Listens; echoes, or sends `greeting` and closes. Returns the port. */
  listenTcp(args: { address: string; port: number; greeting?: string }): Promise<number>;
  /** Echoes every datagram. Returns the port. */
  listenUdp(args: { address: string; port: number }): Promise<number>;
  open(args: OpenConversation): Promise<{ id: number; localPort: number }>;
  send(args: { id: number; bytes: Uint8Array }): Promise<void>;
  /** Returns when at least `bytes` have come in since `open`, the conversation ended, or the time is over. */
  receive(args: { id: number; bytes: number; timeoutMs: number }): Promise<ConversationState>;
  close(args: { id: number }): Promise<void>;
  floodStart(args: Flood): Promise<number>;
  floodStop(args: { id: number }): Promise<FloodResult>;
  relayStart(args: Relay): Promise<void>;
}

export interface Request {
  id: number;
  call: keyof Agent;
  args: unknown;
}

/** Id 0 is the agent's first word: it is ready. */
export type Reply = { id: number; value: unknown } | { id: number; error: string };
