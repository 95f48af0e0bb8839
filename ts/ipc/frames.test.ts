import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ADDRESS_LEN } from './address.js';
import {
  ANSWER_LEN,
  CHALLENGE,
  decodeAnswer,
  decodeRequest,
  decodeSetup,
  encodeAnswer,
  encodeRequest,
  encodeSetup,
  GRANTED,
  LinkBroken,
  LONGEST_TIMER_MS,
  MESSAGE_LEN,
  REFUSED,
  REQUEST_LEN,
  SETUP_LEN,
  type Setup,
  SILENCE,
  STANDING_LEN,
  TCP,
  UDP,
} from './frames.js';

const number = (max: number, min = 0): fc.Arbitrary<number> => fc.integer({ min, max });
const bytes = (length: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((array) => Buffer.from(array));
const record = { noNullPrototype: true };

const setups: fc.Arbitrary<Setup> = fc
  .record(
    {
      transports: fc.constantFrom(
        { tcp: true, udp: true },
        { tcp: true, udp: false },
        { tcp: false, udp: true },
      ),
      port: number(65_535, 1),
      controlTimeoutMs: number(LONGEST_TIMER_MS, 1),
      policy: fc.constantFrom('always', 'basic-auth', 'full-auth'),
      seccomp: fc.constantFrom('off', 'log', 'kill'),
      udpInFlight: number(65_535),
      tcpInFlight: number(65_535),
      generation: number(2 ** 32 - 1),
    },
    record,
  )
  .map(({ transports, ...rest }) => ({ ...transports, ...rest }));

const requests = fc.record(
  {
    transport: fc.constantFrom(TCP, UDP),
    peerPort: number(65_535),
    id: number(2 ** 32 - 1),
    sentAtMs: fc.double({ noNaN: true }),
    address: bytes(ADDRESS_LEN),
    standing: bytes(STANDING_LEN),
    message: bytes(MESSAGE_LEN),
  },
  record,
);

const answers = fc.record(
  {
    kind: fc.constantFrom(SILENCE, CHALLENGE, GRANTED, REFUSED),
    id: number(2 ** 32 - 1),
    standing: bytes(STANDING_LEN),
    message: bytes(MESSAGE_LEN),
  },
  record,
);

test('decode(encode(frame)) = frame, in 20, 100 and 76 bytes', () => {
  fc.assert(
    fc.property(setups, requests, answers, (setup, request, answer) => {
      const frame = encodeSetup(setup);
      assert.equal(frame.length, SETUP_LEN);
      assert.deepEqual(decodeSetup(frame), setup);
      const asked = Buffer.alloc(REQUEST_LEN, 0xff);
      encodeRequest(request, asked);
      assert.deepEqual({ ...decodeRequest(asked) }, request);
      const answered = Buffer.alloc(ANSWER_LEN, 0xff);
      encodeAnswer(answer, answered);
      assert.deepEqual({ ...decodeAnswer(answered) }, answer);
    }),
  );
});

test('whatever bytes come, decoding returns or says that the link is broken', () => {
  for (const [length, decode] of [
    [SETUP_LEN, decodeSetup],
    [REQUEST_LEN, decodeRequest],
    [ANSWER_LEN, decodeAnswer],
  ] as const) {
    fc.assert(
      fc.property(bytes(length), (frame) => {
        try {
          decode(frame);
        } catch (error) {
          assert.ok(error instanceof LinkBroken, String(error));
        }
      }),
    );
  }
});

test('values that no honest side sends', () => {
  const setup: Setup = {
    tcp: true,
    udp: true,
    port: 5800,
    controlTimeoutMs: 5_000,
    policy: 'always',
    seccomp: 'off',
    udpInFlight: 256,
    tcpInFlight: 256,
    generation: 1,
  };
  const wrong: [number, string][] = [
    [1, '00'],
    [1, '04'],
    [2, '0000'],
    [4, '00000000'],
    [4, '80000000'],
    [8, '03'],
    [9, '03'],
  ];
  for (const [at, value] of wrong) {
    const frame = encodeSetup(setup);
    frame.write(value, at, 'hex');
    assert.throws(() => decodeSetup(frame), LinkBroken, `${value} at ${at}`);
  }
  const request = Buffer.alloc(REQUEST_LEN);
  request.writeUInt8(2, 1);
  assert.throws(() => decodeRequest(request), LinkBroken);
  const answer = Buffer.alloc(ANSWER_LEN);
  answer.writeUInt8(4, 1);
  assert.throws(() => decodeAnswer(answer), LinkBroken);
});
