import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import {
  type Answer,
  decodeRequest,
  GRANTED,
  LinkBroken,
  REQUEST_LEN,
  type Request,
  type Setup,
  TCP,
  type Transport,
  UDP,
} from '../ipc/frames.js';
import { Desk, type Inquiry } from './desk.js';

const KNOCK = 0;
const RESPONSE = 2;
const NOW_MS = 12_345.5;

const SETUP: Setup = {
  tcp: true,
  udp: true,
  port: 5800,
  controlTimeoutMs: 5_000,
  policy: 'basic-auth',
  seccomp: 'off',
  udpInFlight: 4,
  tcpInFlight: 3,
  generation: 1,
};

/** A desk, what it wrote (a list of requests for each write), and what its inquirers heard. */
class Scene {
  readonly writes: Request[][] = [];
  readonly heard: string[] = [];
  readonly desk: Desk;

  constructor() {
    const write = (frames: Buffer): void => {
      const count = frames.length / REQUEST_LEN;
      const at = (place: number): Buffer =>
        frames.subarray(place * REQUEST_LEN, (place + 1) * REQUEST_LEN);
      this.writes.push(Array.from({ length: count }, (_, place) => decodeRequest(at(place))));
    };
    this.desk = new Desk(SETUP, write, () => NOW_MS);
  }

  /** The peer ports of all that was written, which say who asked. */
  get asked(): number[] {
    return this.writes.flat().map(({ peerPort }) => peerPort);
  }

  ask(transport: Transport, peerPort: number, operation = KNOCK, isWanted = () => true): void {
    const message = Buffer.alloc(56);
    message.writeUInt32BE(operation, 4);
    const inquiry: Inquiry = {
      transport,
      peerPort,
      address: Buffer.alloc(16),
      standing: Buffer.alloc(12),
      message,
      isWanted,
      onAnswer: () => this.heard.push(`${peerPort} answer`),
      onNoJudge: () => this.heard.push(`${peerPort} no judge`),
    };
    this.desk.ask(inquiry);
  }

  /** Answers the request that was written as number `place`. */
  answer(place: number): void {
    this.desk.answer(answerTo(this.writes.flat()[place]?.id ?? -1));
  }
}

function answerTo(id: number): Answer {
  return { kind: GRANTED, id, standing: Buffer.alloc(12), message: Buffer.alloc(56) };
}

test('what comes in one turn goes in one write, with the time', async () => {
  const scene = new Scene();
  scene.ask(UDP, 1);
  scene.ask(TCP, 2);
  assert.equal(scene.writes.length, 0);
  await turn();
  assert.equal(scene.writes.length, 1);
  assert.deepEqual(scene.asked.toSorted(), [1, 2]);
  assert.ok(scene.writes.flat().every(({ sentAtMs }) => sentAtMs === NOW_MS));
  await turn();
  assert.equal(scene.writes.length, 1, 'nothing was asked twice');
});

test('a RESPONSE goes before the KNOCKs that came before it', async () => {
  for (const transport of [TCP, UDP] as const) {
    const scene = new Scene();
    for (const port of [1, 2, 3, 4]) scene.ask(transport, port);
    scene.ask(transport, 5, RESPONSE);
    await turn();
    assert.equal(scene.asked[0], 5);
    assert.equal(scene.asked[1], 1);
  }
});

test('beyond the limit UDP is dropped and TCP waits', async () => {
  const scene = new Scene();
  for (let port = 1; port <= 6; port += 1) scene.ask(TCP, port);
  for (let port = 11; port <= 16; port += 1) scene.ask(UDP, port);
  await turn();
  assert.deepEqual(scene.asked, [1, 2, 3, 11, 12, 13, 14]);
  scene.answer(3);
  await turn();
  assert.deepEqual(scene.asked.length, 7, 'what was dropped does not come back');
  scene.ask(UDP, 17);
  await turn();
  assert.equal(scene.asked.at(-1), 17, 'but one more may be asked');
  scene.answer(0);
  scene.answer(1);
  await turn();
  assert.deepEqual(scene.asked.slice(8), [4, 5]);
  assert.deepEqual(scene.heard, ['11 answer', '1 answer', '2 answer']);
});

test('who went away while waiting is not asked for, and takes no place', async () => {
  const scene = new Scene();
  let isWanted = true;
  for (const port of [1, 2, 3]) scene.ask(TCP, port);
  scene.ask(TCP, 4, KNOCK, () => isWanted);
  scene.ask(TCP, 5);
  await turn();
  isWanted = false;
  scene.answer(0);
  await turn();
  assert.deepEqual(scene.asked, [1, 2, 3, 5]);
});

test('who went away while a judge says nothing is forgotten', async () => {
  const scene = new Scene();
  for (const port of [1, 2, 3]) scene.ask(TCP, port);
  await turn();
  for (let n = 0; n < 10_000; n += 1) {
    let isWanted = true;
    scene.ask(TCP, 4, KNOCK, () => isWanted);
    isWanted = false;
    if (n % 50 === 0) await turn();
  }
  assert.ok(scene.desk.waiting < 200, `${scene.desk.waiting} still wait`);
});

test('an answer to nothing, or a second one, breaks the link', async () => {
  const scene = new Scene();
  assert.throws(() => scene.desk.answer(answerTo(0)), LinkBroken);
  scene.ask(UDP, 1);
  await turn();
  scene.answer(0);
  assert.throws(() => scene.answer(0), LinkBroken);
  assert.deepEqual(scene.heard, ['1 answer']);
});

test('when the judge goes, everybody who waits is told, once', async () => {
  const scene = new Scene();
  for (let port = 1; port <= 4; port += 1) scene.ask(TCP, port);
  await turn();
  scene.answer(0);
  scene.ask(UDP, 5);
  scene.desk.close();
  assert.deepEqual(scene.heard.toSorted(), [
    '1 answer',
    '2 no judge',
    '3 no judge',
    '4 no judge',
    '5 no judge',
  ]);
  await turn();
  assert.equal(scene.writes.length, 1);
});
