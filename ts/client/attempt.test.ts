import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode } from '../wire/message.js';
import { TOKEN } from './testing/fake.js';
import { beginLiteral, ERRAND, type Scene } from './testing/scene.js';

const BOTH = { tcp: true, udp: true };
const TCP = { tcp: true, udp: false };
const tcp = ({ net }: Scene) => net.channel('tcp', 4);
const udp = ({ net }: Scene) => net.channel('udp', 4);
const kinds = (scene: Scene) => scene.result()?.failed.map(({ kind }) => kind);

test('tcp: knock, challenge, response, comein, in any pieces', () => {
  const scene = beginLiteral(TCP);
  assert.deepEqual(tcp(scene).operations, []);
  tcp(scene).accept();
  assert.deepEqual(tcp(scene).operations, ['knock']);
  const { user, resource } = ERRAND;
  const common = { user, resource, salt: new Uint8Array(8), auth: TOKEN };
  const bytes = Buffer.concat([
    encode({ operation: 'challenge', ...common }),
    encode({ operation: 'comein', ...common }),
  ]);
  for (const byte of bytes) {
    assert.equal(scene.result(), undefined);
    tcp(scene).hear(Uint8Array.of(byte));
  }
  assert.deepEqual(tcp(scene).operations, ['knock', 'response']);
  assert.ok(tcp(scene).proves(0) && tcp(scene).proves(1));
  assert.equal(scene.result()?.success, true);
  assert.ok(tcp(scene).closed);
  assert.equal(scene.clock.pending, 0);
});

test('tcp: what does not belong there ends it', () => {
  const wrong: ((scene: Scene) => void)[] = [
    (scene) => tcp(scene).say('comein'),
    (scene) => tcp(scene).say('challenge', { user: 9 }),
    (scene) => tcp(scene).hear(Buffer.alloc(56)),
    (scene) => {
      tcp(scene).hear(Buffer.from('SSH-2.0-OpenSSH_9.2\r\n'));
      tcp(scene).fail('END');
    },
    (scene) => {
      tcp(scene).say('challenge');
      tcp(scene).say('challenge');
    },
  ];
  for (const say of wrong) {
    const scene = beginLiteral(TCP);
    tcp(scene).accept();
    say(scene);
    assert.deepEqual(kinds(scene), ['stranger']);
  }
});

test('tcp: each end has its own name', () => {
  const ends: [(scene: Scene) => void, string][] = [
    [(scene) => tcp(scene).fail('ECONNREFUSED'), 'closed-port'],
    [(scene) => tcp(scene).fail('EHOSTUNREACH'), 'unreachable'],
    [(scene) => tcp(scene).fail('ETIMEDOUT'), 'silent'],
    [
      (scene) => {
        tcp(scene).accept();
        tcp(scene).fail('END');
      },
      'dropped',
    ],
    [
      (scene) => {
        tcp(scene).accept();
        tcp(scene).fail('ECONNRESET');
      },
      'dropped',
    ],
    [
      (scene) => {
        tcp(scene).accept();
        tcp(scene).say('goaway');
      },
      'refused',
    ],
  ];
  for (const [end, kind] of ends) {
    const scene = beginLiteral(TCP);
    end(scene);
    assert.deepEqual(kinds(scene), [kind]);
  }
});

test('both: a dropped SYN starts udp beside tcp after 1 s, the first COMEIN wins', () => {
  const scene = beginLiteral(BOTH);
  scene.clock.pass(999);
  assert.equal(scene.net.channels.length, 1);
  scene.clock.pass(1);
  assert.deepEqual(udp(scene).operations, ['knock']);
  tcp(scene).accept();
  udp(scene).say('challenge');
  udp(scene).say('comein');
  assert.equal(scene.result()?.success, true);
  assert.ok(tcp(scene).closed);
  assert.equal(scene.clock.pending, 0);
});

test('both: tcp can still win after udp has started', () => {
  const scene = beginLiteral(BOTH);
  scene.clock.pass(1000);
  tcp(scene).accept();
  tcp(scene).say('challenge');
  tcp(scene).say('comein');
  assert.equal(scene.result()?.success, true);
  assert.ok(udp(scene).closed);
});

test('both: progress of tcp holds udp back for another second', () => {
  const scene = beginLiteral(BOTH);
  scene.clock.pass(900);
  tcp(scene).accept();
  scene.clock.pass(900);
  tcp(scene).say('challenge');
  scene.clock.pass(999);
  assert.equal(scene.net.all('udp', 4).length, 0);
  scene.clock.pass(1);
  assert.equal(scene.net.all('udp', 4).length, 1);
});

test('both: tcp refused, unreachable or dropped starts udp at once', () => {
  for (const code of ['ECONNREFUSED', 'EHOSTUNREACH', 'END']) {
    const scene = beginLiteral(BOTH);
    tcp(scene).fail(code);
    udp(scene).say('challenge');
    udp(scene).say('comein');
    assert.equal(scene.result()?.success, true, code);
    assert.equal(scene.clock.pending, 0);
  }
});

test('both: the server’s own refusal over tcp is final, unless udp is under way', () => {
  const alone = beginLiteral(BOTH);
  tcp(alone).accept();
  tcp(alone).say('goaway');
  assert.deepEqual(kinds(alone), ['refused']);
  assert.equal(alone.net.all('udp', 4).length, 0);

  const beside = beginLiteral(BOTH);
  beside.clock.pass(1000);
  tcp(beside).accept();
  tcp(beside).say('goaway');
  assert.equal(beside.result(), undefined);
  udp(beside).say('goaway');
  assert.deepEqual(kinds(beside), ['refused']);
});

test('both: the more telling failure is reported, silence names both transports', () => {
  const refused = beginLiteral(BOTH);
  tcp(refused).fail('ECONNREFUSED');
  refused.clock.pass(5000);
  assert.deepEqual(kinds(refused), ['closed-port']);

  const silent = beginLiteral(BOTH);
  silent.clock.pass(5000);
  const [failure] = silent.result()?.failed ?? [];
  assert.ok(failure?.kind === 'silent');
  assert.deepEqual(failure.transports, ['tcp', 'udp']);
});

test('both: a failure names every transport that failed so, and no other', () => {
  const ends: [tcp: string, udp: string, transports: string[]][] = [
    ['ECONNREFUSED', 'ECONNREFUSED', ['tcp', 'udp']],
    ['ECONNREFUSED', 'EHOSTUNREACH', ['tcp']],
    ['EHOSTUNREACH', 'ECONNREFUSED', ['udp']],
    ['ENETUNREACH', 'ENETUNREACH', ['tcp', 'udp']],
    ['ENETUNREACH', 'EPERM', ['tcp']],
    ['ETIMEDOUT', 'EHOSTUNREACH', ['tcp']],
  ];
  for (const [tcpCode, udpCode, transports] of ends) {
    const scene = beginLiteral(BOTH);
    tcp(scene).fail(tcpCode);
    udp(scene).fail(udpCode);
    scene.clock.pass(5000);
    const [failure] = scene.result()?.failed ?? [];
    assert.ok(failure !== undefined && 'transports' in failure);
    assert.deepEqual(failure.transports, transports, `${tcpCode}, ${udpCode}`);
  }
});

test('both: what the server did after it accepted the key outweighs what it did before', () => {
  const scene = beginLiteral(BOTH);
  tcp(scene).accept();
  tcp(scene).fail('END');
  udp(scene).say('challenge');
  scene.clock.pass(5000);
  const [failure] = scene.result()?.failed ?? [];
  assert.ok(failure?.kind === 'silent');
  assert.equal(failure.reached, 'challenged');
  assert.deepEqual(failure.transports, ['udp']);
});

test('one transport only: the other is never opened', () => {
  const onlyTcp = beginLiteral(TCP);
  onlyTcp.clock.pass(5000);
  assert.equal(onlyTcp.net.all('udp', 4).length, 0);
  const onlyUdp = beginLiteral({ tcp: false, udp: true });
  onlyUdp.clock.pass(5000);
  assert.equal(onlyUdp.net.all('tcp', 4).length, 0);
});
