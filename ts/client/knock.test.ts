import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Family } from './network.js';
import { begin, type Scene, V4, V6 } from './testing/scene.js';

const TCP = { tcp: true, udp: false };

/** The whole exchange over TCP, at once. */
function succeed({ net }: Scene, family: Family, n = 0): void {
  const channel = net.channel('tcp', family, n);
  channel.accept();
  channel.say('challenge');
  channel.say('comein');
}

function resolved(changes: Parameters<typeof begin>[0] = {}): Scene {
  const scene = begin({ allowed: TCP, ...changes });
  for (const family of [6, 4] as const) {
    scene.net.resolve(family, family === 6 ? V6 : V4);
  }
  return scene;
}

test('both families are knocked at once, each as soon as its address is known', () => {
  const scene = begin({ allowed: TCP });
  scene.net.resolve(4, V4);
  assert.equal(scene.net.all('tcp', 4).length, 1);
  scene.net.resolve(6, V6);
  assert.equal(scene.net.all('tcp', 6).length, 1);
  succeed(scene, 4);
  succeed(scene, 6);
  assert.deepEqual(scene.result(), { opened: [6, 4], failed: [], success: true });
  assert.equal(scene.clock.pending, 0);
  assert.ok(scene.net.lookups.every(({ stopped }) => stopped));
});

test('a revoke is a revoke', () => {
  const scene = resolved({ operation: 'revoke' });
  scene.net.channel('tcp', 4).accept();
  assert.deepEqual(scene.net.channel('tcp', 4).operations, ['revoke']);
});

test('after a success the other family gets the same time again, at least 200 ms, at most 1 s', () => {
  for (const [took, grace] of [
    [10, 200],
    [199, 200],
    [450, 450],
    [2500, 1000],
  ] as const) {
    const scene = resolved();
    scene.clock.pass(took);
    succeed(scene, 4);
    scene.clock.pass(grace - 1);
    assert.equal(scene.result(), undefined, `${took} ms`);
    scene.clock.pass(1);
    assert.equal(scene.result()?.success, true, `${took} ms`);
    assert.deepEqual(scene.result()?.opened, [4]);
    assert.ok(scene.net.channels.every(({ closed }) => closed));
    assert.equal(scene.clock.pending, 0);
  }
});

test('... and up to the deadline if it has accepted TCP', () => {
  const scene = resolved();
  scene.net.channel('tcp', 6).accept();
  succeed(scene, 4);
  scene.clock.pass(4000);
  assert.equal(scene.result(), undefined);
  scene.net.channel('tcp', 6).say('challenge');
  scene.net.channel('tcp', 6).say('comein');
  assert.deepEqual(scene.result()?.opened, [6, 4]);
});

test('... or sent CHALLENGE over udp, but never beyond the deadline', () => {
  const scene = resolved({ allowed: { tcp: false, udp: true } });
  const [v6, v4] = [scene.net.channel('udp', 6), scene.net.channel('udp', 4)];
  v4.say('challenge');
  v4.say('comein');
  scene.clock.pass(199);
  v6.say('challenge');
  scene.clock.pass(4800);
  assert.equal(scene.result(), undefined);
  scene.clock.pass(1);
  assert.deepEqual(scene.result()?.opened, [4]);
  assert.equal(scene.result()?.success, true);
});

test('the grace never outlasts the deadline', () => {
  const scene = resolved();
  scene.clock.pass(4900);
  succeed(scene, 4);
  scene.clock.pass(100);
  assert.equal(scene.result()?.success, true);
});

test('a failure of one family leaves the other its whole time', () => {
  const scene = resolved();
  scene.net.channel('tcp', 6).fail('ENETUNREACH');
  scene.clock.pass(4000);
  assert.equal(scene.result(), undefined);
  succeed(scene, 4);
  assert.deepEqual(scene.result()?.opened, [4]);
  assert.equal(scene.result()?.success, true);
});

test('a family whose name is never answered costs no more than the grace', () => {
  const scene = begin({ allowed: TCP });
  scene.net.resolve(4, V4);
  succeed(scene, 4);
  scene.clock.pass(200);
  assert.equal(scene.result()?.success, true);
});

test('a family without an address is no failure when the other succeeds', () => {
  const scene = begin({ allowed: TCP });
  scene.net.unresolved(6, 'ENOTFOUND');
  scene.net.resolve(4, V4);
  succeed(scene, 4);
  assert.equal(scene.result()?.success, true);
});

test('-4 and -6 together: both must succeed, and no grace is given', () => {
  const scene = resolved({ all: true });
  succeed(scene, 4);
  scene.clock.pass(3000);
  assert.equal(scene.result(), undefined);
  succeed(scene, 6);
  assert.equal(scene.result()?.success, true);

  const half = resolved({ all: true });
  succeed(half, 4);
  half.net.channel('tcp', 6).fail('ECONNREFUSED');
  assert.equal(half.result()?.success, false);
  assert.deepEqual(half.result()?.opened, [4]);
});

test('the deadline covers the name look-up', () => {
  const scene = begin();
  scene.clock.pass(4999);
  assert.equal(scene.result(), undefined);
  scene.clock.pass(1);
  assert.equal(scene.result()?.success, false);
  assert.deepEqual(
    scene.result()?.failed.map((failure) => failure.kind),
    ['no-address', 'no-address'],
  );
  assert.ok(scene.net.lookups[0]?.stopped);
  // What the resolver says later is nobody's business any more.
  scene.net.resolve(4, V4);
  assert.equal(scene.net.channels.length, 0);
});

test('a name that nobody knows ends at once', () => {
  const scene = begin();
  scene.net.unresolved(4, 'ENOTFOUND');
  scene.net.unresolved(6, 'ENOTFOUND');
  assert.equal(scene.result()?.success, false);
  assert.equal(scene.clock.pending, 0);
});

test('the next address of a family is tried after a failure that came at once', () => {
  const scene = begin({ allowed: TCP, families: [4] });
  scene.net.resolve(4, V4, '192.0.2.2', '192.0.2.3');
  scene.net.channel('tcp', 4, 0).fail('ECONNREFUSED');
  scene.net.channel('tcp', 4, 1).fail('EHOSTUNREACH');
  assert.equal(scene.net.channel('tcp', 4, 2).endpoint.address, '192.0.2.3');
  succeed(scene, 4, 2);
  assert.equal(scene.result()?.success, true);
});

test('... but not after an answer, and not when the other family is done and the wait is over', () => {
  const refused = begin({ allowed: TCP, families: [4] });
  refused.net.resolve(4, V4, '192.0.2.2');
  refused.net.channel('tcp', 4).accept();
  refused.net.channel('tcp', 4).say('goaway');
  assert.equal(refused.result()?.success, false);
  assert.equal(refused.net.channels.length, 1);

  const late = begin({ allowed: TCP });
  late.net.resolve(4, V4);
  late.net.resolve(6, V6, '2001:db8::2');
  late.net.channel('tcp', 6).accept();
  succeed(late, 4);
  late.clock.pass(500);
  late.net.channel('tcp', 6).fail('END');
  assert.equal(late.result()?.success, true);
  assert.equal(late.net.all('tcp', 6).length, 1);
});
