import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { authenticate, NO_TOKEN, verify } from './mac.js';
import { decode, encode, MESSAGE_LENGTH, OPERATIONS, type Unsigned } from './message.js';

// tests/vectors/README.md says what each list means. Byte strings are hex.
interface Vectors {
  messages: {
    name: string;
    operation: number;
    user: number;
    resource: number;
    salt: string;
    auth: string;
    bytes: string;
    key: string;
    token: string;
    mac: string;
    verifies: boolean;
  }[];
  malformed: { name: string; bytes: string }[];
  lengths: { sample: string; from: number; to: number; except: number[] };
  exchanges: {
    name: string;
    operation: number;
    user: number;
    resource: number;
    key: string;
    firstSalt: string;
    first: string;
    challenge: string;
    responseSalt: string;
    response: string;
  }[];
}

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const vectors: Vectors = JSON.parse(
  readFileSync(join(root(), 'tests', 'vectors', 'wire.json'), 'utf8'),
);

test('messages', () => {
  assert.ok(vectors.messages.length >= OPERATIONS.length * 2);
  for (const row of vectors.messages) {
    const unsigned = unsignedOf(row.operation, row.user, row.resource, row.salt);
    const message = { ...unsigned, auth: hex(row.auth) };
    assert.equal(encode(message).toString('hex'), row.bytes, row.name);
    assert.deepEqual(decode(hex(row.bytes)), message, row.name);
    const mac = authenticate(hex(row.key), message, hex(row.token));
    assert.equal(mac.toString('hex'), row.mac, row.name);
    assert.equal(verify(hex(row.key), message, hex(row.token)), row.verifies, row.name);
  }
});

test('malformed', () => {
  assert.ok(vectors.malformed.length > 0);
  for (const { name, bytes } of vectors.malformed) {
    assert.equal(hex(bytes).length, MESSAGE_LENGTH, name);
    assert.equal(decode(hex(bytes)), undefined, name);
  }
});

test('every length', () => {
  const { sample, from, to, except } = vectors.lengths;
  assert.ok(to > MESSAGE_LENGTH);
  const stream = Buffer.alloc(to, hex(sample));
  for (let length = from; length <= to; length += 1) {
    const decoded = decode(stream.subarray(0, length));
    assert.equal(decoded !== undefined, except.includes(length), `${length} bytes`);
  }
});

test('exchanges', () => {
  assert.ok(vectors.exchanges.length > 0);
  for (const row of vectors.exchanges) {
    const key = hex(row.key);
    const first = unsignedOf(row.operation, row.user, row.resource, row.firstSalt);
    const opening = encode({ ...first, auth: authenticate(key, first, NO_TOKEN) });
    assert.equal(opening.toString('hex'), row.first, row.name);
    const token = decode(hex(row.challenge))?.auth ?? NO_TOKEN;
    const second = unsignedOf(
      OPERATIONS.indexOf('response'),
      row.user,
      row.resource,
      row.responseSalt,
    );
    const response = encode({ ...second, auth: authenticate(key, second, token) });
    assert.equal(response.toString('hex'), row.response, row.name);
  }
});

function unsignedOf(operation: number, user: number, resource: number, salt: string): Unsigned {
  const name = OPERATIONS[operation];
  assert.ok(name);
  return { operation: name, user, resource, salt: hex(salt) };
}

// The compiled test runs from dist/, the vectors stay in the repository.
function root(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!isRoot(join(folder, 'package.json'))) {
    assert.notEqual(folder, dirname(folder), 'no package.json of letmein above this test');
    folder = dirname(folder);
  }
  return folder;
}

function isRoot(path: string): boolean {
  return existsSync(path) && JSON.parse(readFileSync(path, 'utf8')).name === 'letmein';
}
