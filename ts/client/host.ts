import { isIP } from 'node:net';
import type { Family } from './network.js';

/** The HOST of the command line. */
export type Host =
  | { kind: 'literal'; address: string; family: Family }
  | { kind: 'name'; name: string };

/**
 * Reads HOST: a name, an IPv4 address, or an IPv6 address with or without brackets and zone (`[fe80::1%eth0]`).
 *
 * @returns undefined when it is empty, longer than a name can be, or brackets hold no IPv6 address.
 */
export function parseHost(text: string): Host | undefined {
  const bracketed = /^\[(.*)\]$/.exec(text)?.[1];
  const address = bracketed ?? text;
  const family = isIP(address);
  if (family === 6 || (family === 4 && bracketed === undefined)) {
    return { kind: 'literal', address, family: family === 6 ? 6 : 4 };
  }
  return bracketed === undefined && NAME.test(text) ? { kind: 'name', name: text } : undefined;
}

// What could be a name in DNS, /etc/hosts or mDNS, internationalised ones included; 253 characters as in RFC 1035 § 2.3.4.
// No blanks and control characters, so that it can stand in a message; no brackets, slashes or colons: those are URLs or typing errors.
const NAME = /^[^\s\p{C}[\]/:@%]{1,253}$/u;
