import assert from 'node:assert/strict';
import { isIPv6 } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { addressBytes, addressGroup } from './address.js';

const hex = (text: string): string => addressBytes(text).toString('hex');

test('addresses as sockets give them', () => {
  const table: [string, string][] = [
    ['10.77.0.1', '00000000000000000000ffff0a4d0001'],
    ['255.255.255.255', '00000000000000000000ffffffffffff'],
    ['::ffff:10.77.0.1', '00000000000000000000ffff0a4d0001'],
    ['::', '00000000000000000000000000000000'],
    ['::1', '00000000000000000000000000000001'],
    ['fd77::', 'fd770000000000000000000000000000'],
    ['fd77::10', 'fd770000000000000000000000000010'],
    ['2001:db8:1:2:3:4:5:6', '20010db8000100020003000400050006'],
    ['1::8', '00010000000000000000000000000008'],
    ['fe80::2%eth0', 'fe800000000000000000000000000002'],
    ['64:ff9b::192.0.2.33', '0064ff9b0000000000000000c0000221'],
  ];
  for (const [text, bytes] of table) {
    assert.equal(hex(text), bytes, text);
  }
});

test('every IPv6 address, however it is written', () => {
  fc.assert(
    fc.property(fc.ipV6().filter(isIPv6), (text) => {
      const bytes = addressBytes(text);
      assert.equal(bytes.length, 16);
      // A URL's host is the short form of RFC 5952.
      const short = new URL(`http://[${text}]`).hostname.slice(1, -1);
      assert.deepEqual(addressBytes(short), bytes);
      const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16));
      assert.equal(new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1), short);
    }),
  );
});

test('one IPv4 address is a group, and so is one IPv6 /56', () => {
  const group = (text: string): string => addressGroup(addressBytes(text));
  assert.equal(group('10.0.0.1'), group('::ffff:10.0.0.1'));
  assert.notEqual(group('10.0.0.1'), group('10.0.0.2'));
  assert.equal(group('2001:db8:0:ab00::1'), group('2001:db8:0:abff:ffff::2'));
  assert.notEqual(group('2001:db8:0:ab00::1'), group('2001:db8:0:ac00::1'));
  assert.notEqual(group('::1'), group('0.0.0.1'));
});
