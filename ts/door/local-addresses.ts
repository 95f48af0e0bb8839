import { networkInterfaces } from 'node:os';

/** The wildcard addresses, which also serve addresses that come later. */
export const WILDCARDS = { IPv4: '0.0.0.0', IPv6: '::' } as const;

/** An address of this machine. */
export interface LocalAddress {
  readonly host: string;
  readonly family: 'IPv4' | 'IPv6';
}

/**
 * This machine's addresses, without link-local ones: nobody can be given a lease there. A socket on
 * each of them answers from the address that was asked, which a wildcard socket on a machine with
 * several does not.
 */
export function localAddresses(): LocalAddress[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ address }) => !/^fe[89ab]/i.test(address))
    .map(({ address, family }) => ({ host: address, family }));
}
