/** The line that a person reads after a knock that failed: what it says, and what it must not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { begin, beginLiteral, type Scene, V4, V6 } from './testing/scene.js';

const BOTH = { tcp: true, udp: true };
const TCP = { tcp: true, udp: false };
const UDP = { tcp: false, udp: true };
const tcp = ({ net }: Scene, family: 4 | 6 = 4) => net.channel('tcp', family);
const udp = ({ net }: Scene, family: 4 | 6 = 4, n = 0) => net.channel('udp', family, n);

/** A knock at the name, both families resolved. */
function resolved(changes: Parameters<typeof begin>[0] = {}): Scene {
  const scene = begin(changes);
  scene.net.resolve(6, V6);
  scene.net.resolve(4, V4);
  return scene;
}

/** A knock at the IPv4 address over TCP that got its CHALLENGE, ended by `end`. */
function challengedTcp(end: (scene: Scene) => void): string {
  const scene = beginLiteral(TCP);
  tcp(scene).accept();
  tcp(scene).say('challenge');
  end(scene);
  return scene.line();
}

function challengedUdp(end: (scene: Scene) => void): string {
  const scene = beginLiteral(UDP);
  udp(scene).say('challenge');
  end(scene);
  return scene.line();
}

test('closed before an answer: full, letmeinfwd down, or the key', () => {
  const scene = beginLiteral(TCP);
  tcp(scene).accept();
  tcp(scene).fail('END');
  assert.equal(
    scene.line(),
    `the server (${V4} port 5800/tcp) closed the connection without an answer: it may be full, or its letmeinfwd may be down: try again; if that does not help, check both sides' key for user 00000001, the resource's users, and the server's log`,
  );
});

test('refused before a challenge: the key may be wrong', () => {
  const scene = beginLiteral(TCP);
  tcp(scene).accept();
  tcp(scene).say('goaway');
  assert.match(
    scene.line(),
    /^the server \(.*\/tcp\) refused the knock of resource 00000022 by user 00000001: .*same key/,
  );
});

test('after a challenge the key is right, whatever comes then', () => {
  const late = (scene: Scene) => scene.clock.pass(5000);
  const lines: [line: string, what: RegExp][] = [
    [challengedTcp((scene) => tcp(scene).say('goaway')), /refused the knock of resource 00000022/],
    [challengedUdp((scene) => udp(scene).say('goaway')), /refused the knock of resource 00000022/],
    [challengedTcp((scene) => tcp(scene).fail('END')), /closed the connection/],
    [challengedTcp((scene) => tcp(scene).fail('ECONNRESET')), /closed the connection/],
    [challengedTcp(late), /did not answer within 5 s/],
    [challengedTcp((scene) => tcp(scene).fail('ETIMEDOUT')), /did not answer within 5 s/],
    [challengedUdp(late), /did not answer within 5 s/],
  ];
  for (const [line, what] of lines) {
    assert.match(line, /^the server \(.*\) accepted the key, then .*: knock again; .*log$/);
    assert.match(line, what);
    assert.doesNotMatch(line, /check|same key|both sides/);
    const mayBeForbidden = /this user may not use the resource, or knocks too often/.test(line);
    assert.equal(mayBeForbidden, line.includes('refused'), line);
  }
});

test('udp: a challenge on any socket says that the key is right', () => {
  const scene = beginLiteral(UDP);
  scene.clock.pass(600);
  udp(scene, 4, 0).say('goaway');
  udp(scene, 4, 1).say('challenge');
  scene.clock.pass(5000);
  assert.match(scene.line(), /accepted the key, then refused/);
});

test('only over udp may silence be about the key', () => {
  for (const [allowed, place, said] of [
    [TCP, '/tcp', false],
    [UDP, '/udp', true],
    [BOTH, '/tcp+udp', true],
  ] as const) {
    const scene = beginLiteral(allowed);
    scene.clock.pass(5000);
    const line = scene.line();
    assert.ok(line.startsWith(`no answer from the server (${V4} port 5800${place}) within 5 s: `));
    const about =
      'over udp a server may also keep silent about a wrong user or key, or while its letmeinfwd is away';
    assert.equal(line.includes(about), said, line);
  }
  // Allowed, but not what was silent: TCP was, and UDP could not even be sent.
  const scene = beginLiteral(BOTH);
  tcp(scene).fail('ETIMEDOUT');
  udp(scene).fail('EPERM');
  scene.clock.pass(5000);
  assert.match(scene.line(), /^no answer from .*\/tcp\) /);
  assert.doesNotMatch(scene.line(), /over udp/);
});

test('nothing listens: on both transports, if both said so', () => {
  const scene = beginLiteral(BOTH);
  tcp(scene).fail('ECONNREFUSED');
  udp(scene).fail('ECONNREFUSED');
  scene.clock.pass(5000);
  assert.match(scene.line(), /^nothing listens at the server \(\S+ port 5800\/tcp\+udp\): /);
  assert.match(scene.line(), /that it serves tcp and udp \(-T, -U\)$/);
});

test('families that fail alike are both named', () => {
  const closed = resolved({ allowed: TCP });
  tcp(closed, 6).fail('ECONNREFUSED');
  tcp(closed, 4).fail('ECONNREFUSED');
  assert.ok(
    closed
      .line()
      .startsWith(`nothing listens at server.example (${V6} and ${V4} port 5800/tcp): check`),
    closed.line(),
  );

  // The second family's name came late, so its UDP had not begun when the time was up.
  const silent = begin({ allowed: BOTH });
  silent.net.resolve(6, V6);
  silent.clock.pass(4500);
  silent.net.resolve(4, V4);
  silent.clock.pass(500);
  const places = `${V6} port 5800/tcp+udp and ${V4} port 5800/tcp`;
  assert.ok(
    silent.line().startsWith(`no answer from server.example (${places}) within`),
    silent.line(),
  );
});

test('... and one that fails otherwise is not', () => {
  const scene = resolved({ allowed: TCP });
  tcp(scene, 6).fail('ENETUNREACH');
  tcp(scene, 4).fail('ECONNREFUSED');
  assert.ok(
    scene.line().startsWith(`nothing listens at server.example (${V4} port 5800/tcp): `),
    scene.line(),
  );
});

test('no way to a family: the other is proposed only where it was not tried', () => {
  const both = resolved({ allowed: TCP });
  tcp(both, 6).fail('ENETUNREACH');
  tcp(both, 4).fail('ENETUNREACH');
  assert.equal(
    both.line(),
    `no way to server.example (${V6} and ${V4} port 5800/tcp): ENETUNREACH: check this machine's network`,
  );
  const one = begin({ allowed: TCP, families: [6] });
  one.net.resolve(6, V6);
  tcp(one, 6).fail('ENETUNREACH');
  assert.match(one.line(), /, or try the other family \(-4\)$/);
});
