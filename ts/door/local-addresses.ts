import { isIPv6 } from 'node:net';
import type { LocalAddresses } from '../native/host.js';

export type Family = 'IPv4' | 'IPv6';

/** The addresses that stand for all of a family. */
export const WILDCARDS: Readonly<Record<Family, string>> = { IPv4: '0.0.0.0', IPv6: '::' };

/** This machine's addresses now, without link-local ones: nobody can be given a lease there. */
export function usableAddresses(machine: LocalAddresses): Map<string, Family> {
  const usable = machine.list().filter((address) => !/^fe[89ab]/i.test(address));
  return new Map(usable.map((address) => [address, isIPv6(address) ? 'IPv6' : 'IPv4']));
}
