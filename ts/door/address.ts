import { isIPv4 } from 'node:net';
import { ADDRESS_LEN, IPV4_AT, IPV4_PREFIX, isMappedIpv4 } from '../ipc/address.js';

/** IPv6 networks count as one peer by /56: what a provider gives one customer. */
const IPV6_GROUP_LEN = 7;

/** The 16 bytes of an address that Node's sockets gave as text; a zone (`%eth0`) is left out. */
export function addressBytes(text: string): Buffer {
  return text.includes(':') ? ipv6Bytes(text.split('%')[0] ?? '') : mapped(text);
}

/** What per-address limits count as one: an IPv4 address, or an IPv6 /56. */
export function addressGroup(address: Buffer): string {
  return address.toString('latin1', 0, isMappedIpv4(address) ? ADDRESS_LEN : IPV6_GROUP_LEN);
}

function mapped(ipv4: string): Buffer {
  const bytes = Buffer.alloc(ADDRESS_LEN);
  bytes.set(IPV4_PREFIX);
  let at = IPV4_AT;
  for (const part of ipv4.split('.')) {
    bytes[at] = Number(part);
    at += 1;
  }
  return bytes;
}

function ipv6Bytes(text: string): Buffer {
  const [before = '', after] = text.split('::');
  const head = groups(before);
  const tail = after === undefined ? [] : groups(after);
  const zeros = new Array<number>(ADDRESS_LEN - head.length - tail.length).fill(0);
  return Buffer.from([...head, ...zeros, ...tail]);
}

/** Bytes of colon-separated groups, the last of which may be a dotted IPv4 address. */
function groups(text: string): number[] {
  return text === '' ? [] : text.split(':').flatMap(groupBytes);
}

function groupBytes(group: string): number[] {
  if (isIPv4(group)) {
    return group.split('.').map(Number);
  }
  const value = Number.parseInt(group, 16);
  return [value >> 8, value & 0xff];
}
