/** Bytes of an address on the link: IPv6, or IPv4 mapped into it. */
export const ADDRESS_LEN = 16;
/** First bytes of an IPv4 address mapped into IPv6 (RFC 4291, 2.5.5.2). */
export const IPV4_PREFIX = Buffer.from('00000000000000000000ffff', 'hex');
/** Where the IPv4 address begins in a mapped one; it has 4 bytes. */
export const IPV4_AT = IPV4_PREFIX.length;

/** Whether 16 bytes are an IPv4 address. */
export function isMappedIpv4(address: Buffer): boolean {
  return address.compare(IPV4_PREFIX, 0, IPV4_AT, 0, IPV4_AT) === 0;
}
