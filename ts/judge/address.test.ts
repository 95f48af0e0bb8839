import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressText, unusable } from './address.js';

const bytes = (hex: string) => Buffer.from(hex, 'hex');
const mapped = (hex: string) => bytes(`00000000000000000000ffff${hex}`);
const IPV4 = mapped('c0000201');
const IPV6 = bytes('20010db8000000000000000000000001');

test('addresses are written as people write them', () => {
  assert.equal(addressText(IPV4), '192.0.2.1');
  assert.equal(addressText(IPV6), '2001:db8::1');
  assert.equal(addressText(bytes('00000000000000000000000000000001')), '::1');
  assert.equal(addressText(bytes('20010db8000100000000000500000000')), '2001:db8:1::5:0:0');
});

test('no lease for an address that is no host', () => {
  const nobodies = [
    mapped('00000000'),
    mapped('ffffffff'),
    Buffer.alloc(16),
    Buffer.alloc(16, 255),
  ];
  for (const address of nobodies) {
    assert.equal(unusable(address, 'inet'), 'the address is no host');
  }
});

test('no lease for a link-local address, whose scope is lost', () => {
  assert.match(unusable(bytes('fe800000000000000000000000000001'), 'inet') ?? '', /link-local/);
  assert.match(unusable(bytes('febf0000000000000000000000000001'), 'ip6') ?? '', /link-local/);
  assert.equal(unusable(bytes('fec00000000000000000000000000001'), 'inet'), undefined);
});

test('a table holds the addresses of its family', () => {
  assert.equal(unusable(IPV4, 'inet'), undefined);
  assert.equal(unusable(IPV6, 'inet'), undefined);
  assert.equal(unusable(IPV4, 'ip'), undefined);
  assert.match(unusable(IPV6, 'ip') ?? '', /family ip cannot/);
  assert.equal(unusable(IPV6, 'ip6'), undefined);
  assert.match(unusable(IPV4, 'ip6') ?? '', /family ip6 cannot/);
});
