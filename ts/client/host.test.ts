import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHost } from './host.js';

test('literal addresses, bracketed and with a zone', () => {
  for (const [text, address, family] of [
    ['192.0.2.1', '192.0.2.1', 4],
    ['2001:db8::1', '2001:db8::1', 6],
    ['[2001:db8::1]', '2001:db8::1', 6],
    ['fe80::1%eth0', 'fe80::1%eth0', 6],
    ['[fe80::1%eth0]', 'fe80::1%eth0', 6],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1', 6],
  ] as const) {
    assert.deepEqual(parseHost(text), { kind: 'literal', address, family });
  }
});

test('names', () => {
  for (const name of [
    'server.example',
    'localhost',
    'bücher.example',
    'printer_1.local',
    '127.1',
  ]) {
    assert.deepEqual(parseHost(name), { kind: 'name', name });
  }
});

test('neither', () => {
  const long = 'a'.repeat(254);
  for (const text of [
    '',
    '[',
    '[]',
    '[a]',
    '[192.0.2.1]',
    'a b',
    'http://a',
    'a:22',
    'u@h',
    'a\nb',
    long,
  ]) {
    assert.equal(parseHost(text), undefined, text);
  }
});
