/** Slots: whoever holds all of them, whatever way, keeps no honest user out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Conversation,
  impossible,
  RESOURCES,
  type Transport,
  type World,
  type WorldOptions,
  withWorld,
} from './harness.js';
import { first, MESSAGE_LENGTH, operationOf, response } from './protocol.js';

const skip = (await impossible()) ?? false;

/** Few enough to fill in no time. */
const SLOTS = 64;
/** `-N` unless it is given. */
const SLOTS_PER_ADDRESS = 8;
const ATTACKERS = 100;
const FLOOD_PER_SECOND = 500;
/** One way: 50 ms are a round trip. */
const DELAY_MS = 25;
const HONEST_KNOCKS = 5;
const PORT = '4001';
/** Nobody closes anything within this time, if it is not closed at once. */
const AT_ONCE_MS = 200;

function crowded(options: WorldOptions = {}): WorldOptions {
  return {
    clientAddresses: ATTACKERS,
    doorArgs: ['-n', `${SLOTS}`],
    server: { resources: RESOURCES },
    ...options,
  };
}

/** All addresses but the first, from which the relay speaks for the honest. */
function attackers(world: World): string[] {
  return world.clientAddresses().v4.slice(1);
}

/** Opens all of `-n` as the attackers, each saying `bytes`, and waits until they have been answered. */
async function fill(world: World, bytes: Buffer): Promise<Conversation[]> {
  const from = attackers(world);
  const all = Array.from({ length: SLOTS }, async (_, n) => {
    const one = await world.open({ transport: 'tcp', from: from[n % from.length] ?? '' });
    if (bytes.length > 0) {
      await one.send(bytes);
      assert.equal((await one.receive(MESSAGE_LENGTH)).bytes.length, MESSAGE_LENGTH);
    }
    return one;
  });
  return Promise.all(all);
}

/** Knocks and revokes by turns, one after the other, through the relay. */
async function assertHonestKnocks(world: World, transports: readonly string[]): Promise<void> {
  for (let n = 0; n < HONEST_KNOCKS; n += 1) {
    const command = n % 2 === 0 ? 'knock' : 'revoke';
    const option = transports[n % transports.length] ?? '';
    const run = await world.letmein([command, '127.0.0.1', PORT, option]);
    assert.equal(run.status, 0, `${command} ${n} ${option}: ${run.stderr}`);
    assert.ok(run.ms >= 2 * 2 * DELAY_MS, 'two round trips');
  }
}

for (const [what, bytes] of [
  ['silent peers', () => Buffer.alloc(0)],
  ['incomplete messages', () => first('knock').subarray(0, 1)],
  ['replayed KNOCKs', () => first('knock')],
] as const) {
  test(`all slots held by ${what}`, { skip }, () =>
    withWorld(crowded(), async (world) => {
      await world.relay({ delayMs: DELAY_MS });
      const message = bytes();
      const held = await fill(world, message.length === 1 ? Buffer.alloc(0) : message);
      if (message.length === 1) await Promise.all(held.map((each) => each.send(message)));
      await assertHonestKnocks(world, ['-T']);
      const answered = message.length === MESSAGE_LENGTH ? MESSAGE_LENGTH : 0;
      const states = await Promise.all(held.map((each) => each.receive(answered + 1, 1)));
      const ended = states.filter(({ end }) => end !== undefined).length;
      assert.ok(ended >= 1 && ended <= HONEST_KNOCKS, `${ended} had to go`);
    }),
  );

  test(`${FLOOD_PER_SECOND} new connections a second, ${what}`, { skip }, () =>
    withWorld(crowded(), async (world) => {
      await world.relay({ delayMs: DELAY_MS });
      const held = await fill(world, Buffer.alloc(0));
      const flood = await world.flood({
        transport: 'tcp',
        perSecond: FLOOD_PER_SECOND,
        payloads: [bytes()],
        from: attackers(world),
        connections: 'hold',
      });
      await assertHonestKnocks(world, ['-T', '-U']);
      const { sent, connected, ms } = await flood.stop();
      assert.ok(sent > (FLOOD_PER_SECOND * ms) / 1_000 / 2, `only ${sent} in ${ms} ms`);
      assert.ok(connected > sent / 2, `only ${connected} of ${sent} connected`);
      assert.equal(held.length, SLOTS);
    }),
  );
}

test('replayed KNOCKs over udp from many ports and addresses hold nothing', { skip }, () =>
  withWorld(crowded(), async (world) => {
    await world.relay({ delayMs: DELAY_MS });
    const flood = await world.flood({
      transport: 'udp',
      perSecond: 2 * FLOOD_PER_SECOND,
      payloads: [first('knock')],
      from: attackers(world),
      sockets: 2,
    });
    await assertHonestKnocks(world, ['-U', '-T']);
    const { sent, answers } = await flood.stop();
    assert.ok(answers > sent / 2, `${answers} of ${sent} were answered`);
  }),
);

test('the ninth connection of an address, or of an IPv6 /56, is closed at once', { skip }, () =>
  withWorld({ clientAddresses: SLOTS_PER_ADDRESS + 2 }, async (world) => {
    const { v4, v6 } = world.clientAddresses();
    const same = Array.from({ length: SLOTS_PER_ADDRESS + 1 }, () => v4[0] ?? '');
    const ends = async (
      address: string,
      froms: readonly string[],
    ): Promise<(string | undefined)[]> => {
      const found: (string | undefined)[] = [];
      for (const from of froms) {
        const one = await world.open({ transport: 'tcp', address, from });
        const isLast = found.length >= SLOTS_PER_ADDRESS;
        found.push((await one.receive(1, isLast ? AT_ONCE_MS : 5)).end && 'ended');
      }
      return found;
    };
    const eightThenNone = [...new Array<undefined>(SLOTS_PER_ADDRESS).fill(undefined), 'ended'];
    assert.deepEqual(await ends(world.v4, same), eightThenNone);
    assert.deepEqual(await ends(world.v4, v4.slice(1, 2)), [undefined], 'another address');
    assert.deepEqual(await ends(world.v6, v6.slice(0, SLOTS_PER_ADDRESS + 1)), eightThenNone);
  }),
);

/** Says each message in turn; milliseconds from the last word until the peer ends the connection. */
async function patienceMs(world: World, words: readonly Buffer[], answer: number): Promise<number> {
  const one = await world.open({ transport: 'tcp' });
  let started = performance.now();
  for (const word of words) {
    await one.send(word);
    if (answer > 0) await one.receive(answer);
    if (word.length === MESSAGE_LENGTH) started = performance.now();
  }
  const { bytes, end } = await one.receive(answer + 1, 3_000);
  assert.notEqual(end, undefined, 'it was never dropped');
  assert.equal(bytes.length, answer);
  return performance.now() - started;
}

test('a peer that gets no further is dropped after control-timeout', { skip }, () =>
  withWorld({ server: { controlTimeout: 1 } }, async (world) => {
    const byte = first('knock').subarray(0, 1);
    const patience = await Promise.all([
      patienceMs(world, [], 0),
      patienceMs(world, [byte], 0),
      patienceMs(world, [byte, first('knock').subarray(1, 55)], 0),
      patienceMs(world, [first('knock')], MESSAGE_LENGTH),
    ]);
    for (const ms of patience) assert.ok(ms > 900 && ms < 1_500, `${ms} ms`);
  }),
);

test('a byte now and then buys no time', { skip }, () =>
  withWorld({ server: { controlTimeout: 0.5 } }, async (world) => {
    const one = await world.open({ transport: 'tcp' });
    const started = performance.now();
    for (let sent = 0; sent < MESSAGE_LENGTH; sent += 1) {
      await one.send(first('knock').subarray(sent, sent + 1));
      if ((await one.receive(1, 50)).end !== undefined) break;
    }
    const ms = performance.now() - started;
    assert.ok(ms > 450 && ms < 1_000, `${ms} ms`);
  }),
);

/** What a conversation hears of `words`, said at once, after `before` bytes. */
async function heard(one: Conversation, words: Buffer, before = 0): Promise<string> {
  await one.send(words);
  const { bytes, end } = await one.receive(before + 1, 1_000);
  const rest = bytes.subarray(before, before + MESSAGE_LENGTH);
  return rest.length > 0 ? operationOf(rest) : end === undefined ? 'open' : 'nothing';
}

test('bytes beyond a message end the connection, and open nothing', { skip }, () =>
  withWorld({}, async (world) => {
    const open = (transport: Transport = 'tcp') => world.open({ transport });
    const extra = Buffer.alloc(1);
    assert.equal(await heard(await open(), Buffer.concat([first('knock'), extra])), 'nothing');
    const two = Buffer.concat([first('knock'), first('knock')]);
    assert.equal(await heard(await open(), two), 'nothing');
    const one = await open();
    assert.equal(await heard(one, first('knock')), 'challenge');
    const challenge = (await one.receive(MESSAGE_LENGTH)).bytes;
    const late = Buffer.concat([response(challenge), extra]);
    assert.equal(await heard(one, late, MESSAGE_LENGTH), 'nothing');
    assert.deepEqual(await world.elements('letmein-port4'), []);
    // And the message itself would have done.
    const other = await open();
    assert.equal(await heard(other, first('knock')), 'challenge');
    const proof = response((await other.receive(MESSAGE_LENGTH)).bytes);
    assert.equal(await heard(other, proof, MESSAGE_LENGTH), 'comein');
    assert.equal((await world.elements('letmein-port4')).length, 1);
  }),
);
