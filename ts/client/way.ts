import type { Errand } from './errand.js';
import type { Clock, Endpoint, Network, Trace } from './network.js';
import type { Failure, Outcome } from './outcome.js';

/** What every part of one knock works with. */
export interface Tools {
  clock: Clock;
  network: Network;
  errand: Errand;
  trace: Trace;
}

/** What a way reports. Neither is called before its constructor returns, nor after `ended` or `close`. */
export interface WayEvents {
  /** The server did something: TCP was accepted, or a CHALLENGE came. */
  progressed(): void;
  ended(outcome: Outcome): void;
}

/** The errand on its way over one transport to one address. */
export interface Way {
  /** What to report if the knock ended now. */
  standing(): Failure;
  close(): void;
}

/** `192.0.2.1 port 5800/tcp`, for people. */
export function place(endpoint: Endpoint, transports: readonly string[]): string {
  return `${endpoint.address} port ${endpoint.port}/${transports.join('+')}`;
}
