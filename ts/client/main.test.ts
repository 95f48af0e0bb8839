import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { run } from './main.js';
import { TinyServer } from './testing/tiny-server.js';

const KEY = Buffer.alloc(32, 0x5a);
const CONF = `[GENERAL]
port = 5800 / tcp / udp
control-timeout = 1.0
[CLIENT]
default-user = 00000001
[KEYS]
00000001 = ${KEY.toString('hex')}
[RESOURCES]
00000022 = port: 22 / users: 00000002
00000023 = port: 23
`;

interface Ran {
  status: number;
  out: string;
  errors: string[];
}

/** Runs the whole client in this process, on a configuration of its own. */
async function letmein(t: TestContext, args: readonly string[], conf = CONF): Promise<Ran> {
  const folder = mkdtempSync(join(tmpdir(), 'letmein-client-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'letmein.conf');
  writeFileSync(file, conf, { mode: 0o600 });
  const errors: string[] = [];
  let out = '';
  const status = await run(['-c', file, ...args], {
    out: (text) => {
      out += text;
    },
    error: (line) => void errors.push(line.replaceAll(file, 'FILE')),
    interactive: false,
  });
  return { status, out, errors };
}

async function serve(
  t: TestContext,
  behaviour: Partial<Parameters<typeof TinyServer.listen>[0]> = {},
): Promise<TinyServer> {
  const server = await TinyServer.listen({
    address: '127.0.0.1',
    key: KEY,
    tcp: true,
    udp: true,
    ...behaviour,
  });
  t.after(() => server.close());
  return server;
}

test('knock and revoke over real sockets, both transports, both families', async (t) => {
  for (const [address, host] of [
    ['127.0.0.1', '127.0.0.1'],
    ['::1', '[::1]'],
  ] as const) {
    const server = await serve(t, { address });
    const port = String(server.port);
    for (const command of ['knock', 'revoke'] as const) {
      for (const transport of [[], ['-T'], ['-U'], ['-T', '-U']]) {
        const done = await letmein(t, [command, host, '23', '-P', port, ...transport]);
        assert.deepEqual(done, { status: 0, out: '', errors: [] });
        assert.equal(server.granted.pop(), command);
      }
    }
    const byId = await letmein(t, ['knock', host, '-r', 'ABC', '-P', port]);
    assert.equal(byId.status, 0);
  }
});

test('a name is looked up by the system and knocked at', async (t) => {
  const server = await serve(t);
  const done = await letmein(t, ['knock', 'localhost', '23', '-4', '-P', String(server.port)]);
  assert.deepEqual(done, { status: 0, out: '', errors: [] });
});

test('no tcp there: udp answers at once', async (t) => {
  const server = await serve(t, { tcp: false });
  const begun = performance.now();
  const done = await letmein(t, ['knock', '127.0.0.1', '23', '-P', String(server.port)]);
  assert.deepEqual(done, { status: 0, out: '', errors: [] });
  assert.ok(performance.now() - begun < 900, 'waited for tcp');
});

test('a lost KNOCK is repeated', async (t) => {
  const server = await serve(t, { deaf: 1 });
  const done = await letmein(t, ['knock', '127.0.0.1', '23', '-U', '-P', String(server.port)]);
  assert.equal(done.status, 0);
});

test('refused: status 1, one line naming user, resource and what to check, without the key', async (t) => {
  const server = await serve(t, { key: Buffer.alloc(32, 1) });
  for (const transport of ['-T', '-U']) {
    const args = ['knock', '127.0.0.1', '23', transport, '-P', String(server.port)];
    const { status, out, errors } = await letmein(t, args);
    assert.equal(status, 1);
    assert.equal(out, '');
    assert.equal(errors.length, 1);
    assert.match(
      errors[0] ?? '',
      /^letmein: the server \(127\.0\.0\.1 port \d+\/(tcp|udp)\) refused/,
    );
    assert.match(errors[0] ?? '', /00000023 by user 00000001.*check/);
    assert.ok(!errors.join().toLowerCase().includes('5a5a5a'));
  }
});

test('nobody there, someone else there, nobody of that name, silence: each has its own line', async (t) => {
  const gone = await serve(t, { udp: false });
  const free = String(gone.port);
  gone.close();
  for (const transport of ['-T', '-U']) {
    const { status, errors } = await letmein(t, [
      'knock',
      '127.0.0.1',
      '23',
      transport,
      '-P',
      free,
    ]);
    assert.equal(status, 1);
    assert.match(
      errors.join('\n'),
      /^letmein: nothing listens at .*: check that letmeind runs[^\n]*$/,
    );
  }

  const other = createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2p1\r\n'));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  t.after(() => other.close());
  const address = other.address();
  const port = typeof address === 'object' ? String(address?.port) : '';
  const stranger = await letmein(t, ['knock', '127.0.0.1', '23', '-T', '-P', port]);
  assert.match(
    stranger.errors.join('\n'),
    /^letmein: the server .* answers, but not as letmein does: check[^\n]*$/,
  );

  const name = await letmein(t, ['knock', 'no-such-host.invalid', '23']);
  assert.equal(name.status, 1);
  assert.match(
    name.errors.join('\n'),
    /^letmein: [^\n]*no-such-host\.invalid[^\n]*: check [^\n]*$/,
  );

  const deaf = await serve(t, { deaf: 100, tcp: false });
  const silent = await letmein(t, ['knock', '127.0.0.1', '23', '-U', '-P', String(deaf.port)]);
  assert.equal(silent.status, 1);
  assert.match(
    silent.errors.join('\n'),
    /^letmein: no answer from .* within 1 s: check[^\n]*; or try tcp \(-T\)$/,
  );
});

test('wrong usage: status 2 and one line each', async (t) => {
  const wrong = [
    [],
    ['knock'],
    ['knock', 'h'],
    ['knock', 'h', '22', '-r', '5'],
    ['knock', 'h', '0'],
    ['knock', 'h', '65536'],
    ['knock', 'h', '22', '33'],
    ['knock', 'h', '-r', 'xyz'],
    ['knock', 'h', '-r', '123456789'],
    ['knock', 'h', '23', '-u', '0x1'],
    ['knock', 'h', '23', '-P', '0'],
    ['knock', '127.0.0.1', '23', '-6'],
    ['knock', '[::1', '23'],
    ['knock', '[127.0.0.1]', '23'],
    ['knock', '', '23'],
    ['knock', 'h', '23', '--verbos'],
    ['--seccomp', 'maybe', 'gen-key'],
    ['open', 'h', '23'],
    ['gen-key', '-u', 'g'],
    ['gen-key', 'surplus'],
  ];
  for (const args of wrong) {
    const { status, out, errors } = await letmein(t, args);
    assert.equal(status, 2, args.join(' '));
    assert.equal(out, '');
    assert.equal(errors.length, 1, errors.join('\n'));
    assert.match(errors[0] ?? '', /^letmein: [^\n]+$/);
  }
});

test('a key typed in a wrong place is not repeated', async (t) => {
  const key = KEY.toString('hex');
  for (const args of [
    ['gen-key', '-u', key],
    ['knock', 'h', '23', '-u', `x${key}`],
    ['knock', 'h', '-r', key],
    ['knock', 'h', key],
    ['knock', 'h', '23', '-P', key],
    ['knock', `${key}:22`, '23'],
    [key],
    ['knock', 'h', '23', `--key=${key}`],
  ]) {
    const { status, errors } = await letmein(t, args);
    assert.equal(status, 2);
    assert.match(errors.join('\n'), /^letmein: [^\n]*not shown, as it may be a key[^\n]*$/);
    assert.ok(!errors.join().includes('5a5a'), errors.join());
  }
  const other = await letmein(t, ['gen-key', '-u', `\u001b[2J${'z'.repeat(100)}`]);
  assert.deepEqual(other.errors, [
    `letmein: --user: '?[2J${'z'.repeat(56)}…' is not an id: give up to 8 hex digits`,
  ]);
});

test('no key, no resource: status 2 and one line naming file and user', async (t) => {
  const noKey = await letmein(t, ['knock', '127.0.0.1', '23', '-u', '2']);
  assert.equal(noKey.status, 2);
  assert.match(noKey.errors.join('\n'), /^letmein: no key for user 00000002 in FILE: add [^\n]*$/);
  // Port 22 exists, but not for this user.
  const noResource = await letmein(t, ['knock', '127.0.0.1', '22']);
  assert.equal(noResource.status, 2);
  assert.match(
    noResource.errors.join('\n'),
    /^letmein: no resource with port 22 for user 00000001 in FILE: [^\n]*$/,
  );
});

test('a broken configuration: its problems, then one line, status 2', async (t) => {
  const { status, errors } = await letmein(
    t,
    ['knock', '127.0.0.1', '23'],
    '[GENERAL]\nport = x\n[KEYS]\n1 = zz\n',
  );
  assert.equal(status, 2);
  assert.match(errors[0] ?? '', /^FILE:2:/);
  assert.match(errors[1] ?? '', /^FILE:4:/);
  assert.match(errors.at(-1) ?? '', /^letmein: FILE /);
  assert.ok(!errors.join().includes('zz'));
});

test('warnings are lines of their own: obsolete options', async (t) => {
  const server = await serve(t);
  const knock = ['knock', '127.0.0.1', '23', '-P', String(server.port)];
  const { status, errors } = await letmein(t, ['--dns', 'x', '--dns-crypt', 'y', ...knock]);
  assert.equal(status, 0);
  assert.equal(errors.length, 2);
  assert.ok(errors.every((line) => line.startsWith('letmein: warning: ')));
  // What it does where the configuration stands is tested in tests/system: it replaces this very process.
  const overridden = await letmein(
    t,
    ['--seccomp', 'off', ...knock],
    CONF.replace('[CLIENT]', 'seccomp = log\n[CLIENT]'),
  );
  assert.deepEqual(overridden.errors, []);
});

test('--verbose shows each step with its time, before or after the command', async (t) => {
  const server = await serve(t);
  const { status, errors } = await letmein(t, [
    'knock',
    '127.0.0.1',
    '23',
    '-P',
    String(server.port),
    '--verbose',
  ]);
  assert.equal(status, 0);
  assert.ok(
    errors.every((line) => /^letmein: +\d+\.\d ms {2}/.test(line)),
    errors.join('\n'),
  );
  for (const step of ['connecting', 'KNOCK', 'CHALLENGE', 'RESPONSE', 'COMEIN', 'knock done']) {
    assert.ok(
      errors.some((line) => line.includes(step)),
      step,
    );
  }
});

test('gen-key: a fresh key, ready to paste', async (t) => {
  const own = await letmein(t, ['gen-key']);
  assert.match(own.out, /^00000001 = [0-9A-F]{64}\n$/);
  const other = await letmein(t, ['gen-key', '-u', 'aBc']);
  assert.match(other.out, /^00000ABC = [0-9A-F]{64}\n$/);
  assert.notEqual(own.out.slice(11), other.out.slice(11));
  const [, user = '', key = ''] = /^(\S+) = (\S+)/.exec(own.out) ?? [];
  const pasted = await letmein(t, ['gen-key'], `[KEYS]\n${user} = ${key}\n`);
  assert.deepEqual(pasted.errors, []);
});

test('help and version are the whole answer', async (t) => {
  for (const args of [['--help'], ['-h'], ['help'], ['knock', '--help']]) {
    const { status, out, errors } = await letmein(t, args);
    assert.equal(status, 0);
    assert.match(out, /^Usage: letmein/);
    assert.deepEqual(errors, []);
  }
  for (const option of ['-v', '--version']) {
    const { status, out } = await letmein(t, [option]);
    assert.equal(status, 0);
    assert.match(out, /^letmein version \d+\.\d+\.\d+\n$/);
  }
});
