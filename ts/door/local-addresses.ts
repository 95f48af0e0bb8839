import { networkInterfaces } from 'node:os';

export type Family = 'IPv4' | 'IPv6';

/** The addresses that stand for all of a family. */
export const WILDCARDS: Readonly<Record<Family, string>> = { IPv4: '0.0.0.0', IPv6: '::' };

/** This machine's addresses now, without link-local ones: nobody can be given a lease there. */
export function localAddresses(): Map<string, Family> {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const usable = all.filter(({ address }) => !/^fe[89ab]/i.test(address));
  return new Map(usable.map(({ address, family }) => [address, family]));
}
