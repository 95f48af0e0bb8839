import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MESSAGE_LENGTH } from '../wire/message.js';
import { beginLiteral, type Scene } from './testing/scene.js';

const UDP = { tcp: false, udp: true };
const begin = () => beginLiteral(UDP);
const socket = (scene: Scene, n: number) => scene.net.channel('udp', 4, n);
const openings = ({ net }: Scene) => net.all('udp', 4).map(({ openedAt }) => openedAt - 1000);

test('knock, challenge, response, comein, each with a right MAC and a fresh salt', () => {
  const scene = begin();
  const udp = socket(scene, 0);
  assert.deepEqual(udp.operations, ['knock']);
  assert.ok(udp.proves(0));
  udp.say('challenge');
  assert.deepEqual(udp.operations, ['knock', 'response']);
  assert.ok(udp.proves(1));
  assert.notDeepEqual(udp.sent[0]?.salt, udp.sent[1]?.salt);
  assert.equal(scene.result(), undefined);
  udp.say('comein');
  assert.deepEqual(scene.result(), { opened: [4], failed: [], success: true });
  assert.ok(udp.closed);
  assert.equal(scene.clock.pending, 0);
});

test('an unanswered KNOCK is repeated on fresh sockets at 500 ms, 1 s and 2 s, no more', () => {
  const scene = begin();
  scene.clock.pass(4999);
  assert.deepEqual(openings(scene), [0, 500, 1000, 2000]);
  const salts = scene.net.channels.map(({ sent }) =>
    Buffer.from(sent[0]?.salt ?? []).toString('hex'),
  );
  assert.equal(new Set(salts).size, 4);
  assert.ok(scene.net.channels.every(({ sent, closed }) => sent.length === 1 && !closed));
  assert.equal(scene.result(), undefined);
  scene.clock.pass(1);
  assert.deepEqual(
    scene.result()?.failed.map(({ kind }) => kind),
    ['silent'],
  );
  assert.ok(scene.net.channels.every(({ closed }) => closed));
  assert.equal(scene.clock.pending, 0);
});

test('older sockets still listen, the first CHALLENGE stops new ones, RESPONSE goes out there only', () => {
  const scene = begin();
  scene.clock.pass(600);
  socket(scene, 0).say('challenge');
  scene.clock.pass(100);
  socket(scene, 1).say('challenge');
  assert.deepEqual(socket(scene, 0).operations, ['knock', 'response']);
  assert.deepEqual(socket(scene, 1).operations, ['knock']);
  scene.clock.pass(4000);
  assert.deepEqual(openings(scene), [0, 500]);
  assert.deepEqual(socket(scene, 1).operations, ['knock']);
});

test('an unanswered RESPONSE is repeated once after 1 s, the same bytes', () => {
  const scene = begin();
  const udp = socket(scene, 0);
  udp.say('challenge');
  scene.clock.pass(999);
  assert.equal(udp.sent.length, 2);
  scene.clock.pass(1);
  assert.deepEqual(udp.operations, ['knock', 'response', 'response']);
  assert.deepEqual(udp.sent[2], udp.sent[1]);
  scene.clock.pass(3000);
  assert.equal(udp.sent.length, 3);
  udp.say('comein');
  assert.equal(scene.result()?.success, true);
});

test('COMEIN before RESPONSE, garbage and other people’s messages change nothing', () => {
  const scene = begin();
  const udp = socket(scene, 0);
  udp.say('comein');
  udp.hear(Buffer.alloc(MESSAGE_LENGTH));
  udp.hear(Buffer.from('hello'));
  udp.hear(Buffer.alloc(0));
  udp.say('challenge', { user: 2 });
  udp.say('challenge', { resource: 2 });
  udp.say('goaway', { user: 2 });
  udp.say('knock');
  udp.say('response');
  udp.say('revoke');
  assert.deepEqual(udp.operations, ['knock']);
  assert.equal(scene.result(), undefined);
  udp.say('challenge');
  udp.say('challenge');
  assert.deepEqual(udp.operations, ['knock', 'response']);
  udp.say('comein', { resource: 7 });
  assert.equal(scene.result(), undefined);
  udp.say('comein');
  assert.equal(scene.result()?.success, true);
});

test('GOAWAY with no other socket pending is the result at once', () => {
  const scene = begin();
  socket(scene, 0).say('goaway');
  assert.equal(scene.result()?.success, false);
  assert.deepEqual(
    scene.result()?.failed.map(({ kind }) => kind),
    ['refused'],
  );
  assert.equal(scene.clock.pending, 0);
});

test('GOAWAY ends its own socket only while another is pending', () => {
  const scene = begin();
  scene.clock.pass(500);
  socket(scene, 0).say('goaway');
  assert.ok(socket(scene, 0).closed);
  assert.equal(scene.result(), undefined);
  socket(scene, 1).say('challenge');
  socket(scene, 1).say('comein');
  assert.equal(scene.result()?.success, true);
});

test('GOAWAY on the socket that responded: a CHALLENGE in reserve is answered', () => {
  const scene = begin();
  scene.clock.pass(500);
  socket(scene, 1).say('challenge');
  socket(scene, 0).say('challenge');
  socket(scene, 1).say('goaway');
  assert.deepEqual(socket(scene, 0).operations, ['knock', 'response']);
  socket(scene, 0).say('goaway');
  assert.deepEqual(
    scene.result()?.failed.map(({ kind }) => kind),
    ['refused'],
  );
});

test('GOAWAY and then silence of the others is a refusal at the deadline', () => {
  const scene = begin();
  scene.clock.pass(500);
  socket(scene, 0).say('goaway');
  scene.clock.pass(4500);
  assert.deepEqual(
    scene.result()?.failed.map(({ kind }) => kind),
    ['refused'],
  );
});

test('an ICMP error ends its own socket; the last one is the result', () => {
  const scene = begin();
  scene.clock.pass(500);
  socket(scene, 0).fail('ECONNREFUSED');
  assert.equal(scene.result(), undefined);
  socket(scene, 1).fail('ECONNREFUSED');
  assert.deepEqual(
    scene.result()?.failed.map(({ kind }) => kind),
    ['closed-port'],
  );
});

test('silence after CHALLENGE is told from silence', () => {
  const scene = begin();
  socket(scene, 0).say('challenge');
  scene.clock.pass(5000);
  const [failure] = scene.result()?.failed ?? [];
  assert.ok(failure?.kind === 'silent' && failure.reached === 'challenged');
});
