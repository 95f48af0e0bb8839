/** The link between door and judge: strangers, liars, and either side dying under the other. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { test } from 'node:test';
import {
  CHALLENGE,
  GRANTED,
  type Policy,
  type Request,
  SETUP,
  type SILENCE,
} from '#dist/ipc/frames.js';
import { impossible, type Transport, type World, withWorld } from './harness.js';
import { answerFrame, FakeDoorway, FakeJudge, linkPath, nowMs, requestFrame } from './link-ends.js';
import { first, MESSAGE_LENGTH, operationOf, response } from './protocol.js';
import { startStranger } from './strangers.js';
import { waitFor } from './wait.js';

const skip = (await impossible()) ?? false;
const skipUnlessRoot = skip || (process.getuid?.() === 0 ? false : 'needs root for other users');

const PORT = '4001';
const TRANSPORTS = ['tcp', 'udp'] as const;
const INVENTED_FRAMES = 100_000;
/** In one write: less than a socket's buffer. */
const FRAMES_AT_ONCE = 500;
/** What a judge may grow by while it is flooded: V8 lets garbage lie for a while. */
const MOST_GROWTH_KB = 48 * 1024;
/** The judge tries every 250 ms. */
const BACK_MS = 1_000;
/** Nobody answers after this. */
const SILENCE_MS = 300;

async function residentKb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
}

async function assertNoLease(world: World): Promise<void> {
  for (const set of ['letmein-port4', 'letmein-port6', 'letmein-ledger']) {
    assert.deepEqual(await world.elements(set), [], set);
  }
}

async function assertKnocks(world: World, deadlineMs = BACK_MS): Promise<void> {
  for (const option of ['-T', '-U']) {
    const knocked = async () => (await world.knock([world.v4, PORT, option])).status === 0;
    await waitFor(`a knock with ${option} to succeed`, knocked, deadlineMs);
  }
  assert.ok((await world.elements('letmein-port4')).length > 0);
}

/** A judge without a door, and the doorway where it comes. */
async function withJudgeAlone(
  body: (world: World, doorway: FakeDoorway) => Promise<void>,
): Promise<void> {
  await withWorld({ start: false }, async (world) => {
    const doorway = await FakeDoorway.open(world);
    try {
      await world.judge.start();
      await body(world, doorway);
      assert.ok(world.judge.running, 'the judge goes on');
      await assertNoLease(world);
    } finally {
      await doorway.close();
    }
    await world.door.start();
    await assertKnocks(world);
  });
}

/** A door without a judge. */
async function withDoorAlone(body: (world: World) => Promise<void>): Promise<void> {
  // It is not ready before a judge comes, so nobody waits for READY=1.
  await withWorld({ start: false, doorArgs: ['--no-systemd'] }, async (world) => {
    world.door.launch();
    await body(world);
    assert.ok(world.door.running, 'the door goes on');
    await world.judge.start();
    await assertKnocks(world);
  });
}

test('garbage from a door ends the link, not the judge', { skip }, () =>
  withJudgeAlone(async (_, doorway) => {
    const garbage: [string, Buffer][] = [
      ['an unknown kind', Buffer.alloc(100)],
      ['a SETUP', Buffer.alloc(20, SETUP)],
      ['an ANSWER', answerFrame({})],
      ['noise', Buffer.concat([Buffer.alloc(1, 0xff), randomBytes(1 << 20)])],
      ['a frame too long', Buffer.concat([requestFrame({}), Buffer.alloc(1)])],
      ['a frame too short', Buffer.concat([requestFrame({}).subarray(1), requestFrame({})])],
      ['an unknown transport', requestFrame({ transport: 2 as Request['transport'] })],
    ];
    for (const [what, bytes] of garbage) {
      const door = await doorway.judge();
      assert.equal((await door.frame(0))[0], SETUP, what);
      door.send(bytes);
      await door.ended();
    }
    const door = await doorway.judge();
    door.send(requestFrame({ message: first('knock') }));
    await waitFor('an answer', () => door.answers[0]?.kind === CHALLENGE);
  }),
);

/** Frames that no visitor sent: noise, claims to have proven something, right KNOCKs from anywhere. */
function invented(id: number, knock: Buffer, claim: Buffer): Buffer {
  const message = [randomBytes(MESSAGE_LENGTH), knock, claim][id % 3] ?? knock;
  if (message === claim) message.writeUInt32BE(id, MESSAGE_LENGTH - 4);
  const standing = Buffer.alloc(12, id % 2);
  const transport = id % 5 === 0 ? 0 : 1;
  return requestFrame({ id, message, standing, transport, address: randomBytes(16) });
}

/** Waits until `count` has been the same for a while. */
async function standsStill(what: string, count: () => number): Promise<void> {
  let before = count();
  let sinceMs = nowMs();
  await waitFor(`${what} to stand still`, () => {
    if (count() !== before) sinceMs = nowMs();
    before = count();
    return nowMs() - sinceMs > SILENCE_MS;
  });
}

test(`${INVENTED_FRAMES} invented frames open nothing and fill nothing`, { skip }, () =>
  withJudgeAlone(async (world, doorway) => {
    const door = await doorway.judge();
    await door.frame(0);
    const knock = first('knock');
    const claim = first('response');
    const before = await residentKb(world.judge.pid);
    // Nobody reads the answers: the judge must stop taking requests, not pile answers up.
    door.socket.pause();
    let sent = 0;
    const sending = (async () => {
      while (sent < INVENTED_FRAMES) {
        const some = Array.from({ length: FRAMES_AT_ONCE }, (_, n) =>
          invented(sent + n, knock, claim),
        );
        await new Promise((resolve) => door.socket.write(Buffer.concat(some), resolve));
        sent += FRAMES_AT_ONCE;
      }
    })();
    await standsStill('the judge', () => sent);
    assert.ok(sent < INVENTED_FRAMES / 2, `the judge took ${sent}`);
    door.socket.resume();
    await sending;
    await waitFor('all answers', () => door.frames.length === INVENTED_FRAMES + 1, 20_000);
    const answers = door.answers;
    assert.ok(answers.every(({ id }, at) => id === at));
    assert.ok(
      answers.some(({ kind }) => kind === CHALLENGE),
      'right KNOCKs were among them',
    );
    assert.ok(answers.every(({ kind }) => kind !== GRANTED));
    const growth = (await residentKb(world.judge.pid)) - before;
    assert.ok(growth < MOST_GROWTH_KB, `the judge grew by ${growth} KiB`);
  }),
);

test('a judge links with no listener of a wrong user', { skip: skipUnlessRoot }, () =>
  withWorld({ start: false }, async (world) => {
    await openFolders(world);
    const stranger = startStranger('listen', linkPath(world));
    await stranger.line('ready');
    await world.judge.start();
    await world.judge.line(/whoever listens there is not the door: process \d+ of user 65534/);
    await stranger.line('came');
    await stranger.line('ended');
    const tries = () => stranger.lines.filter((line) => line === 'came').length;
    await waitFor('four tries', () => tries() >= 4);
    assert.equal(world.judge.log.match(/no link to the door/g)?.length, 1, world.judge.log);
    assert.ok(!stranger.lines.some((line) => line.startsWith('heard')), 'no SETUP for a stranger');
    await stranger.stop();
    await world.door.start();
    await assertKnocks(world);
  }),
);

test('a door is linked to no judge of a wrong user', { skip: skipUnlessRoot }, () =>
  withWorld({}, async (world) => {
    await openFolders(world);
    await chmod(linkPath(world), 0o666);
    const stranger = startStranger('connect', linkPath(world));
    await stranger.line('ended');
    await world.door.line(/turned a judge away: process \d+ of user 65534 is not letmeinfwd/);
    assert.doesNotMatch(world.door.log, /the link to letmeinfwd ended/);
    await stranger.stop();
    await assertKnocks(world);
  }),
);

/** Anybody may go to the link's folder and put a socket there: what protects it then is who is asked. */
async function openFolders(world: World): Promise<void> {
  const folder = dirname(linkPath(world));
  await mkdir(folder, { recursive: true });
  await Promise.all([world.folder, world.rundir].map((each) => chmod(each, 0o755)));
  await chmod(folder, 0o777);
}

test('a door without a judge listens nowhere, then where it is told', { skip }, () =>
  withDoorAlone(async (world) => {
    await world.door.line(/waiting for letmeinfwd .*: no port is open before it comes/);
    const judge = await FakeJudge.connect(world);
    const listens = () => Promise.all(TRANSPORTS.map((each) => world.server.listens(each, 5800)));
    assert.deepEqual(await listens(), [false, false]);
    judge.setup();
    await waitFor('the door to listen', async () => (await listens()).every(Boolean));
  }),
);

test('a lying judge loses its link, and the door goes on', { skip }, () =>
  withDoorAlone(async (world) => {
    const lies: [string, boolean, Buffer][] = [
      ['an ANSWER before its SETUP', false, answerFrame({})],
      ['an answer to nothing', true, answerFrame({ id: 7 })],
      ['an unknown answer', true, answerFrame({ kind: 4 as typeof SILENCE })],
      ['an unknown kind', true, Buffer.alloc(76, 9)],
      ['a REQUEST', true, requestFrame({})],
      ['a SETUP without a port', false, setupWith((frame) => frame.writeUInt16BE(0, 2))],
      ['a SETUP without transports', false, setupWith((frame) => frame.writeUInt8(0, 1))],
      ['a SETUP with a fourth policy', false, setupWith((frame) => frame.writeUInt8(3, 8))],
      ['a SETUP without time', false, setupWith((frame) => frame.writeUInt32BE(0, 4))],
    ];
    for (const [what, isSetUp, bytes] of lies) {
      const judge = await FakeJudge.connect(world);
      if (isSetUp) judge.setup();
      judge.send(bytes);
      await judge.ended().catch(() => assert.fail(`${what} did not end the link`));
    }
  }),
);

function setupWith(change: (frame: Buffer) => void): Buffer {
  const frame = Buffer.alloc(20);
  frame.set([SETUP, 3, 0x16, 0xa8, 0, 0, 0x13, 0x88, 1, 0, 1, 0, 1, 0]);
  change(frame);
  return frame;
}

test('the newest link wins, and an answer counts once', { skip }, () =>
  withDoorAlone(async (world) => {
    const old = await FakeJudge.connect(world);
    old.setup();
    await world.door.line(/listening on port/);
    const judge = await FakeJudge.connect(world);
    judge.setup();
    await old.ended();
    // No real judge has opened the control port.
    await world.nft(['add', 'rule', 'inet', 'filter', 'LETMEIN-INPUT', 'accept']);
    const visitor = await world.open({ transport: 'udp' });
    await visitor.send(first('knock'));
    const { id, message, address } = await judge.request(0);
    assert.equal(operationOf(message), 'knock');
    assert.equal(address.subarray(12).join('.'), world.clientAddresses().v4[0]);
    judge.answer({ id, kind: GRANTED, message });
    assert.equal((await visitor.receive(MESSAGE_LENGTH)).bytes.length, MESSAGE_LENGTH);
    judge.answer({ id, kind: GRANTED, message });
    await judge.ended();
    assert.equal(old.frames.length, 0);
  }),
);

for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
  test(`judge and door restarted under each other with ${signal}`, { skip }, () =>
    withWorld({}, async (world) => {
      await assertKnocks(world);
      await world.judge.restart(signal);
      await assertKnocks(world);
      await world.door.restart(signal);
      await assertKnocks(world);
      await world.judge.stop(signal);
      await world.door.stop(signal);
      const said = world.judge.log.length;
      world.judge.launch();
      await world.judge.line(/no link to the door/, said);
      await world.door.start();
      await assertKnocks(world);
    }),
  );
}

test('a judge says once that there is no door', { skip }, () =>
  withWorld({ start: false }, async (world) => {
    await world.judge.start();
    await world.judge.line(/no link to the door/);
    // Four more tries.
    await new Promise((resolve) => setTimeout(resolve, BACK_MS));
    assert.equal(world.judge.log.match(/no link to the door/g)?.length, 1, world.judge.log);
    await world.door.start();
    await assertKnocks(world);
  }),
);

for (const policy of ['always', 'basic-auth', 'full-auth'] as const) {
  test(`while there is no judge: policy ${policy}`, { skip }, () =>
    withWorld({ server: { policy } }, async (world) => {
      await world.judge.stop('SIGKILL');
      await world.door.line(/the link to letmeinfwd ended/);
      for (const transport of TRANSPORTS) await assertApology(world, policy, transport);
      await world.judge.start();
      await assertKnocks(world);
    }),
  );
}

async function assertApology(world: World, policy: Policy, transport: Transport): Promise<void> {
  const hear = async (bytes: Buffer): Promise<string> => {
    const visitor = await world.open({ transport });
    await visitor.send(bytes);
    const { bytes: answer, end } = await visitor.receive(MESSAGE_LENGTH, SILENCE_MS);
    if (answer.length > 0) return operationOf(answer);
    return transport === 'tcp' && end === undefined ? 'no end' : 'nothing';
  };
  const goAway = policy === 'always' ? 'goaway' : 'nothing';
  assert.equal(await hear(first('knock')), goAway, `KNOCK over ${transport}`);
  assert.equal(await hear(first('response')), goAway, `RESPONSE over ${transport}`);
  assert.equal(await hear(randomBytes(MESSAGE_LENGTH)), 'nothing', `noise over ${transport}`);
  const unknown = first('knock');
  unknown.writeUInt32BE(6, 4);
  assert.equal(await hear(unknown), 'nothing', `an unknown operation over ${transport}`);
}

test('a judge that stood still drops what is old, and serves what is new', { skip }, () =>
  withWorld({ clientAddresses: 20 }, async (world) => {
    world.judge.signal('SIGSTOP');
    const stopped = nowMs();
    const [tcp, udp] = await Promise.all(TRANSPORTS.map((transport) => world.open({ transport })));
    assert.ok(tcp && udp);
    await Promise.all([tcp, udp].map((each) => each.send(first('knock'))));
    const floods = await Promise.all(
      TRANSPORTS.map((transport) =>
        world.flood({
          transport,
          perSecond: 300,
          payloads: [first('knock')],
          from: world.clientAddresses().v4.slice(1),
        }),
      ),
    );
    await waitFor('3 s to pass', () => nowMs() - stopped > 3_000);
    world.judge.signal('SIGCONT');
    await Promise.all(floods.map((flood) => flood.stop()));
    await assertKnocks(world);
    const late = await tcp.receive(1, SILENCE_MS);
    assert.deepEqual([late.bytes.length, late.end], [0, 'closed'], 'the old one over tcp');
    assert.equal((await udp.receive(1, SILENCE_MS)).bytes.length, 0, 'the old one over udp');
    const visitor = await world.open({ transport: 'udp' });
    await visitor.send(first('knock'));
    const { bytes } = await visitor.receive(MESSAGE_LENGTH);
    await visitor.send(response(bytes));
    assert.equal((await visitor.receive(2 * MESSAGE_LENGTH)).bytes.length, 2 * MESSAGE_LENGTH);
  }),
);
