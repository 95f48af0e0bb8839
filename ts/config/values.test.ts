/** What good files mean. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseClientConfig, parseServerConfig } from './load.js';
import type { ClientConfig, ServerConfig } from './model.js';

const KEY = '0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF';
const NFTABLES = '\n[NFTABLES]\nfamily = inet\ntable = filter\nchain-input = LETMEIN-INPUT\n';

function client(text: string): ClientConfig {
  const loaded = parseClientConfig(text, 'letmein.conf');
  assert.ok(loaded.kind === 'ok', JSON.stringify(loaded));
  return loaded.config;
}

function server(text: string): ServerConfig {
  const loaded = parseServerConfig(text + NFTABLES, 'letmeind.conf');
  assert.ok(loaded.kind === 'ok', JSON.stringify(loaded));
  return loaded.config;
}

function refused(text: string): void {
  const loaded = parseClientConfig(text, 'letmein.conf');
  assert.equal(loaded.kind, 'invalid', text);
}

test('defaults', () => {
  const general = {
    debug: false,
    port: 5800,
    tcp: true,
    udp: false,
    controlTimeoutMs: 5000,
    policy: 'always',
    seccomp: 'off',
  };
  const resources = new Map();
  const keys = new Map();
  const path = 'letmein.conf';
  assert.deepEqual(client(''), { path, general, defaultUser: 0, keys, resources });
  const nftables = {
    family: 'inet',
    table: 'filter',
    chainInput: 'LETMEIN-INPUT',
    chainForward: undefined,
    chainOutput: undefined,
    timeoutMs: 600_000,
    maxRules: 4096,
    keepLeases: false,
    exe: undefined,
  };
  assert.deepEqual(server(''), { path: 'letmeind.conf', general, keys, nftables, resources });
});

test('booleans', () => {
  for (const [words, expected] of [
    ['true 1 yes on TRUE Yes oN', true],
    ['false 0 no off FALSE No oFF', false],
  ] as const) {
    for (const word of words.split(' ')) {
      assert.equal(client(`[GENERAL]\ndebug = ${word}`).general.debug, expected, word);
    }
  }
  for (const word of ['2', '00', 'y', 'truee', 'ja']) {
    refused(`[GENERAL]\ndebug = ${word}`);
  }
});

test('durations are milliseconds, rounded up', () => {
  for (const [text, ms] of [
    ['5', 5000],
    ['5.0', 5000],
    ['0.5', 500],
    ['.5', 500],
    ['5.', 5000],
    ['+1', 1000],
    ['1e-3', 1],
    ['1e-9', 1],
    ['0.0011', 2],
    ['0.069', 69],
    ['0.001', 1],
    ['0x10', 16_000],
    ['4294967295', 4_294_967_295_000],
  ] as const) {
    assert.equal(client(`[GENERAL]\ncontrol-timeout = ${text}`).general.controlTimeoutMs, ms, text);
  }
  const wrong = [
    '-1',
    '-0',
    'abc',
    'inf',
    'nan',
    '1 s',
    '1_0',
    '4294967296',
    '4294967295.5',
    '1e400',
  ];
  for (const text of [...wrong, '.', '0', '0.0', '0x', '1,5', '١']) {
    refused(`[GENERAL]\ncontrol-timeout = ${text}`);
  }
});

test('the control port', () => {
  for (const [text, port, tcp, udp] of [
    ['5801', 5801, true, false],
    ['0x16a9', 5801, true, false],
    ['0X16A9 / UDP', 5801, false, true],
    ['5801/tcp', 5801, true, false],
    ['udp / 65535 / tcp', 65_535, true, true],
    ['1 / tcp, udp', 1, true, true],
  ] as const) {
    const { general } = client(`[GENERAL]\nport = ${text}`);
    assert.deepEqual([general.port, general.tcp, general.udp], [port, tcp, udp], text);
  }
});

test('policies and seccomp modes, any case', () => {
  for (const policy of ['always', 'basic-auth', 'full-auth']) {
    for (const word of [policy, policy.toUpperCase()]) {
      const { general } = client(`[GENERAL]\ncontrol-error-policy = ${word}`);
      assert.equal(general.policy, policy);
    }
  }
  for (const mode of ['off', 'log', 'kill']) {
    assert.equal(client(`[GENERAL]\nseccomp = ${mode.toUpperCase()}`).general.seccomp, mode);
  }
});

test('keys', () => {
  const { keys } = client(`[KEYS]\n0 = ${KEY}\n0000000fFfFfFfF=${KEY.replace('01', 'FE')}`);
  assert.deepEqual([...keys.keys()], [0, 0xffff_ffff]);
  const key = keys.get(0);
  assert.ok(key instanceof Uint8Array && !(key instanceof Buffer));
  assert.equal(Buffer.from(key).toString('hex'), KEY.toLowerCase());
  assert.equal(keys.get(0xffff_ffff)?.[0], 0xfe);
});

test('port resources', () => {
  const text = `[RESOURCES]
1 = port: 22
0000000B = udp / users: 1, 2 / timeout: 0.5 / port: 0x17
c =
  port:24/TCP,udp/
\tusers: 1
[KEYS]
1 = ${KEY}
2 = ${KEY}`;
  const port = { kind: 'port', timeoutMs: undefined, users: undefined, tcp: true, udp: false };
  assert.deepEqual(
    [...server(text).resources.values()],
    [
      { ...port, id: 1, port: 22 },
      { ...port, id: 11, port: 23, tcp: false, udp: true, timeoutMs: 500, users: new Set([1, 2]) },
      { ...port, id: 12, port: 24, udp: true, users: new Set([1]) },
    ],
  );
});

test('jump resources', () => {
  const longest = 'A'.repeat(64);
  const text = `[RESOURCES]
1 = jump / input: a-Z_0.9
2 = input: ${longest} / forward: B / output: C / input-match: saddr / output-match: saddr / jump
${NFTABLES}chain-forward = FWD
chain-output = OUT`;
  const loaded = parseServerConfig(text, 'letmeind.conf');
  assert.ok(loaded.kind === 'ok');
  const jump = { kind: 'jump', timeoutMs: undefined, users: undefined };
  assert.deepEqual(
    [...loaded.config.resources.values()],
    [
      {
        ...jump,
        id: 1,
        input: { chain: 'a-Z_0.9', matchSource: false },
        forward: undefined,
        output: undefined,
      },
      {
        ...jump,
        id: 2,
        input: { chain: longest, matchSource: true },
        forward: { chain: 'B', matchSource: false },
        output: { chain: 'C', matchSource: true },
      },
    ],
  );
});

test('[NFTABLES] in full', () => {
  const text = `${NFTABLES.replace('inet', 'ip6')}chain-forward = F
chain-output = O
timeout = 1.5
max-nr-rules = 0xF4240
keep-leases = yes
exe = /sbin/nft`;
  const loaded = parseServerConfig(text, 'letmeind.conf');
  assert.ok(loaded.kind === 'ok');
  assert.deepEqual(loaded.config.nftables, {
    family: 'ip6',
    table: 'filter',
    chainInput: 'LETMEIN-INPUT',
    chainForward: 'F',
    chainOutput: 'O',
    timeoutMs: 1500,
    maxRules: 1_000_000,
    keepLeases: true,
    exe: '/sbin/nft',
  });
});

test('the default user', () => {
  assert.equal(client('[CLIENT]\ndefault-user = 0000001f').defaultUser, 31);
});
