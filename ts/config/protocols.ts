import type { Place } from './located.js';
import type { Problems } from './problems.js';

/** The words a port may be followed by. */
export const PROTOCOLS = ['tcp', 'udp'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** `tcp` or `udp`, any case. */
export function protocolOf(text: string): Protocol | undefined {
  const word = text.toLowerCase();
  return PROTOCOLS.find((protocol) => protocol === word);
}

/** Upstream takes `tcp / tcp`: so do we, with a warning. */
export function repeatedProtocol(
  seen: Record<Protocol, boolean>,
  protocol: Protocol,
  place: Place,
  problems: Problems,
): void {
  if (seen[protocol]) {
    problems.warning(place, `'${protocol}' is given twice`);
  }
}
