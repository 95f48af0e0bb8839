import type { Family } from '../config/model.js';
import { IPV4_AT, isMappedIpv4 } from '../ipc/address.js';

const IPV4_LEN = 4;
/** 0.0.0.0 and 255.255.255.255. */
const NO_IPV4_HOSTS: ReadonlySet<number> = new Set([0, 0xffffffff]);

/**
 * Why no lease can be given to `address`; undefined if one can.
 * @param family of the table that would hold it
 */
export function unusable(address: Buffer, family: Family): string | undefined {
  const isIpv4 = isMappedIpv4(address);
  if (isIpv4 ? NO_IPV4_HOSTS.has(address.readUInt32BE(IPV4_AT)) : isNoIpv6Host(address)) {
    return 'the address is no host';
  }
  if (!isIpv4 && isLinkLocal(address)) {
    return 'a link-local address has a scope that no set can hold';
  }
  if (isIpv4 ? family === 'ip6' : family === 'ip') {
    return `the table of family ${family} cannot hold the address`;
  }
  return undefined;
}

function isNoIpv6Host(address: Buffer): boolean {
  return address.every((byte) => byte === 0) || address.every((byte) => byte === 0xff);
}

/** fe80::/10 (RFC 4291, 2.5.6). */
function isLinkLocal(address: Buffer): boolean {
  return (address.readUInt16BE(0) & 0xffc0) === 0xfe80;
}

/** The address as people write it (RFC 5952). */
export function addressText(address: Buffer): string {
  if (isMappedIpv4(address)) {
    return [...address.subarray(IPV4_AT, IPV4_AT + IPV4_LEN)].join('.');
  }
  const groups = Array.from({ length: 8 }, (_, at) => address.readUInt16BE(at * 2).toString(16));
  // A URL's host is written in RFC 5952's form (WHATWG URL, host serializing).
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
