import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { authenticate, NO_TOKEN, verify } from './mac.js';
import {
  AUTH_LENGTH,
  decode,
  encode,
  MESSAGE_LENGTH,
  type Message,
  OPERATIONS,
  SALT_LENGTH,
} from './message.js';

const LARGEST_ID = 0xffffffff;
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const id = fc.integer({ min: 0, max: LARGEST_ID });
const messages: fc.Arbitrary<Message> = fc.record(
  {
    operation: fc.constantFrom(...OPERATIONS),
    user: id,
    resource: id,
    salt: bytes(SALT_LENGTH),
    auth: bytes(AUTH_LENGTH),
  },
  { noNullPrototype: true },
);

test('decode(encode(m)) = m', () => {
  fc.assert(
    fc.property(messages, (message) => {
      const decoded = decode(encode(message));
      assert.ok(decoded);
      const { salt, auth, ...rest } = decoded;
      assert.deepEqual(
        { ...rest, salt: new Uint8Array(salt), auth: new Uint8Array(auth) },
        message,
      );
    }),
  );
});

test('encode(decode(b)) = b for whatever decodes, and nothing throws', () => {
  const almost = messages.chain((message) =>
    fc.record({
      at: fc.nat(MESSAGE_LENGTH - 1),
      value: fc.nat(255),
      bytes: fc.constant(encode(message)),
    }),
  );
  fc.assert(
    fc.property(almost, ({ at, value, bytes: whole }) => {
      whole[at] = value;
      const decoded = decode(whole);
      assert.ok(decoded === undefined || encode(decoded).equals(whole));
    }),
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (any) => void decode(any)));
});

test('any flipped bit of a signed message is refused', () => {
  const key = new Uint8Array(32).fill(7);
  const signed = fc.tuple(messages, bytes(AUTH_LENGTH), fc.nat(MESSAGE_LENGTH * 8 - 1));
  fc.assert(
    fc.property(signed, ([message, token, bit]) => {
      const whole = encode({ ...message, auth: authenticate(key, message, token) });
      const right = decode(whole);
      assert.ok(right !== undefined && verify(key, right, token));
      whole[bit >> 3] = (whole[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const wrong = decode(whole);
      assert.ok(wrong === undefined || !verify(key, wrong, token));
    }),
  );
});

test('wrong sizes and ids are errors that show no key', () => {
  const right = { operation: 'knock', user: 1, resource: 2, salt: new Uint8Array(8) } as const;
  const auth = new Uint8Array(32);
  assert.throws(() => encode({ ...right, auth: new Uint8Array(31) }), RangeError);
  assert.throws(() => encode({ ...right, auth, salt: new Uint8Array(9) }), RangeError);
  assert.throws(() => encode({ ...right, auth, user: 2 ** 32 }), RangeError);
  const short = Buffer.from('secret key');
  assert.throws(
    () => authenticate(short, right, NO_TOKEN),
    (error: Error) =>
      !error.message.includes('secret') && !error.message.includes(short.toString('hex')),
  );
  assert.throws(() => authenticate(auth, right, new Uint8Array(8)), RangeError);
});
