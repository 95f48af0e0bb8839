import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LinkBroken } from './frames.js';
import { FrameReader } from './reader.js';

/** Three kinds of 3, 20 and 76 bytes, the kind included. */
const SIZES = new Map([
  [1, 3],
  [2, 20],
  [3, 76],
]);

const frames = fc
  .constantFrom(...SIZES)
  .chain(([kind, size]) =>
    fc
      .uint8Array({ minLength: size - 1, maxLength: size - 1 })
      .map((rest) => Buffer.from([kind, ...rest])),
  );

/** `bytes` cut at these places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length];
  sorted.sort((one, other) => one - other);
  return sorted.slice(1).map((end, at) => bytes.subarray(sorted[at], end));
}

test('however a stream is cut into chunks, the same whole frames come out', () => {
  const streams = fc.record({
    sent: fc.array(frames, { maxLength: 20 }),
    places: fc.array(fc.nat(2_000), { maxLength: 40 }),
  });
  fc.assert(
    fc.property(streams, ({ sent, places }) => {
      const reader = new FrameReader(SIZES);
      const received: Buffer[] = [];
      for (const chunk of cut(Buffer.concat(sent), places)) {
        const whole = reader.push(chunk);
        for (let at = 0; at < whole.length; ) {
          const end = at + reader.sizeAt(whole, at);
          received.push(Buffer.from(whole.subarray(at, end)));
          at = end;
        }
      }
      assert.deepEqual(received, sent);
    }),
  );
});

test('what is incomplete waits', () => {
  const reader = new FrameReader(SIZES);
  assert.equal(reader.push(Buffer.from([1, 7])).length, 0);
  assert.deepEqual(reader.push(Buffer.from([8, 2])), Buffer.from([1, 7, 8]));
  assert.equal(reader.push(Buffer.alloc(18)).length, 0);
  assert.equal(reader.push(Buffer.alloc(1)).length, 20);
});

test('an unknown kind breaks the link, as the first byte of all or behind a whole frame', () => {
  for (const bytes of [[4], [0, 0, 0], [1, 7, 8, 9], [1, 7, 8, 255]]) {
    const reader = new FrameReader(SIZES);
    assert.throws(() => reader.push(Buffer.from(bytes)), LinkBroken);
  }
  const reader = new FrameReader(SIZES);
  reader.push(Buffer.from([1, 7]));
  assert.throws(() => reader.push(Buffer.from([8, 0])), LinkBroken);
});
