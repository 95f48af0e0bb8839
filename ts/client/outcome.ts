import type { Endpoint, Family, Transport } from './network.js';

/**
 * How far the server got before it refused, closed or fell silent. `challenged`: a CHALLENGE is sent only to a KNOCK
 * whose MAC is right (docs/protocol.md, "Error policies"), so user and key are known to be good.
 */
export type Reached = 'nothing' | 'connected' | 'challenged';

/** Why a knock at one address, over one or two transports, did not succeed. */
export type Failure = { endpoint: Endpoint; transports: readonly Transport[] } & (
  | { kind: 'refused'; reached: Reached } // GOAWAY
  | { kind: 'stranger' } // TCP: something answered that does not speak the protocol
  | { kind: 'dropped'; reached: Reached } // TCP: the connection was closed without the next answer
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
// Added where the key is known to be right: what comes without that proof, from any way, would only cast doubt on it.
const KEY_ACCEPTED = 10;

/** The more telling one of several reasons; of equals, the first. */
export function mostTelling<F extends Failure | NoAddress>(first: F, ...others: readonly F[]): F {
  return others.reduce((best, other) => (weight(other) > weight(best) ? other : best), first);
}

/** Whether two failures differ in nothing but where they happened. */
export function alike(one: Failure, other: Failure): boolean {
  return one.kind === other.kind && detail(one) === detail(other);
}

/** The transports of several failures, each once, in their order. */
export function transportsOf(failures: readonly Failure[]): Transport[] {
  return [...new Set(failures.flatMap(({ transports }) => transports))];
}

/** The failure that an errno's name stands for, at a server that got this far. */
export function failureOf(
  code: string,
  endpoint: Endpoint,
  transport: Transport,
  reached: Reached,
): Failure {
  const where = { endpoint, transports: [transport] };
  if (reached !== 'nothing' && ['END', 'ECONNRESET', 'EPIPE'].includes(code)) {
    return { ...where, kind: 'dropped', reached };
  }
  if (code === 'ECONNREFUSED' || code === 'ECONNRESET') {
    return { ...where, kind: 'closed-port' };
  }
  // The kernel's own connect timeout is silence too.
  if (code === 'ETIMEDOUT') {
    return { ...where, kind: 'silent', reached };
  }
  return { ...where, kind: 'unreachable', code };
}

function weight(failure: Failure | NoAddress): number {
  const reached = 'reached' in failure ? failure.reached : 'nothing';
  const answered = failure.kind === 'silent' && reached !== 'nothing';
  const telling = answered ? ANSWERED_THEN_SILENT : TELLING[failure.kind];
  return reached === 'challenged' ? telling + KEY_ACCEPTED : telling;
}

function detail(failure: Failure): string {
  if ('reached' in failure) {
    return failure.reached;
  }
  return 'code' in failure ? failure.code : '';
}
