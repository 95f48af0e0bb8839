import type { Endpoint, Family, Transport } from './network.js';

/** How far the server got before it fell silent. */
export type Reached = 'nothing' | 'connected' | 'challenged';

/** Why a knock at one address, over one or two transports, did not succeed. */
export type Failure = { endpoint: Endpoint; transports: readonly Transport[] } & (
  | { kind: 'refused' } // GOAWAY
  | { kind: 'stranger' } // TCP: something answered that does not speak the protocol
  | { kind: 'dropped' } // TCP: the connection was closed without an answer
  | { kind: 'silent'; reached: Reached }
  | { kind: 'closed-port' } // TCP reset or ICMP port unreachable
  | { kind: 'unreachable'; code: string }
);

/** Why a family of a name was never knocked at. `code` is the resolver's, or TIMEOUT. */
export interface NoAddress {
  kind: 'no-address';
  family: Family;
  code: string;
}

/** The end of a knock at one address. */
export type Outcome = { kind: 'open'; endpoint: Endpoint; transport: Transport } | Failure;

// The higher, the more it tells a person about what to do next.
const TELLING = {
  'no-address': 0,
  unreachable: 1,
  silent: 2,
  'closed-port': 4,
  dropped: 5,
  stranger: 6,
  refused: 7,
} as const;

// A server that has answered something and then fell silent says more than a closed port elsewhere does.
const ANSWERED_THEN_SILENT = 4.5;

/** The more telling one of several reasons; of equals, the first. */
export function mostTelling<F extends Failure | NoAddress>(first: F, ...others: readonly F[]): F {
  return others.reduce((best, other) => (weight(other) > weight(best) ? other : best), first);
}

/** The failure that an errno's name stands for; `begun` when the connection had been accepted. */
export function failureOf(
  code: string,
  endpoint: Endpoint,
  transport: Transport,
  begun: boolean,
): Failure {
  const where = { endpoint, transports: [transport] };
  if (begun && ['END', 'ECONNRESET', 'EPIPE'].includes(code)) {
    return { ...where, kind: 'dropped' };
  }
  if (code === 'ECONNREFUSED' || code === 'ECONNRESET') {
    return { ...where, kind: 'closed-port' };
  }
  // The kernel's own connect timeout is silence too.
  if (code === 'ETIMEDOUT') {
    return { ...where, kind: 'silent', reached: begun ? 'connected' : 'nothing' };
  }
  return { ...where, kind: 'unreachable', code };
}

function weight(failure: Failure | NoAddress): number {
  if (failure.kind === 'silent' && failure.reached !== 'nothing') {
    return ANSWERED_THEN_SILENT;
  }
  return TELLING[failure.kind];
}
