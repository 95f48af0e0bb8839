/** Files as they are found: where, of which kind, size, encoding, owner and mode. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseAccount } from './accounts.js';
import { type Loaded, loadClientConfig, loadServerConfig } from './load.js';
import { clientModeWarnings, serverModeWarnings } from './modes.js';
import { formatProblem } from './report.js';

const SERVER = '[NFTABLES]\nfamily = inet\ntable = filter\nchain-input = LETMEIN-INPUT\n';
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

const folder = mkdtempSync(join(tmpdir(), 'letmein-config-'));
after(() => rmSync(folder, { recursive: true }));

let files = 0;
function file(content: string | Uint8Array, mode = 0o640): string {
  files += 1;
  const path = join(folder, `${files}.conf`);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

/** The messages, with the file's name as `F`. */
function messages(loaded: Loaded<unknown>, path: string): string[] {
  const problems = loaded.kind === 'ok' ? loaded.warnings : loaded.problems;
  return problems.map((each) => formatProblem(each, { caret: false }).replaceAll(path, 'F'));
}

test('a server file that is missing is an error', () => {
  const path = join(folder, 'missing.conf');
  const loaded = loadServerConfig(path);
  assert.equal(loaded.kind, 'invalid');
  assert.deepEqual(messages(loaded, path), [
    'F: there is no such file: copy the example etc/letmeind.conf there, or name one with -c',
  ]);
});

test('a client file that is missing is an empty configuration', () => {
  const path = join(folder, 'missing.conf');
  const named = loadClientConfig(path);
  assert.ok(
    named.kind === 'ok' && named.config.path === undefined && named.config.general.port === 5800,
  );
  assert.deepEqual(messages(named, path), [
    'F: warning: there is no such file: going on without keys and resources',
  ]);
  const searched = loadClientConfig(undefined, [join(folder, 'nowhere')]);
  assert.ok(searched.kind === 'ok' && searched.warnings.length === 0);
});

test('the first folder that has the file wins', () => {
  const [first, second] = ['first', 'second'].map((name) => join(folder, name)) as [string, string];
  for (const each of [first, second]) {
    mkdirSync(each);
  }
  writeFileSync(join(second, 'letmein.conf'), '[CLIENT]\ndefault-user = 2', { mode: 0o600 });
  const fallback = loadClientConfig(undefined, [first, second]);
  assert.ok(fallback.kind === 'ok' && fallback.config.defaultUser === 2);
  assert.equal(fallback.config.path, join(second, 'letmein.conf'));
  writeFileSync(join(first, 'letmein.conf'), '[CLIENT]\ndefault-user = 1', { mode: 0o600 });
  const preferred = loadClientConfig(undefined, [first, second]);
  assert.ok(preferred.kind === 'ok' && preferred.config.defaultUser === 1);
  const neither = loadServerConfig(undefined, [first, second]);
  assert.deepEqual(messages(neither, folder), [
    'F/first/letmeind.conf or F/second/letmeind.conf: there is no such file: copy the example etc/letmeind.conf there, or name one with -c',
  ]);
  // What is there but no file is not passed over.
  mkdirSync(join(first, 'letmeind.conf'));
  writeFileSync(join(second, 'letmeind.conf'), SERVER);
  const directory = loadServerConfig(undefined, [first, second]);
  assert.deepEqual(messages(directory, folder), [
    'F/first/letmeind.conf: is a directory: name the file in it with -c',
  ]);
});

test('what is no regular file is refused at once', () => {
  const fifo = join(folder, 'fifo');
  assert.equal(spawnSync('mkfifo', [fifo]).status, 0);
  for (const load of [loadServerConfig, loadClientConfig]) {
    assert.deepEqual(messages(load(fifo), fifo), [
      'F: is not a regular file: name another with -c',
    ]);
    const zero = load('/dev/zero');
    assert.deepEqual(messages(zero, '/dev/zero'), [
      'F: is not a regular file: name another with -c',
    ]);
  }
  const loop = join(folder, 'loop');
  symlinkSync('loop', loop);
  assert.deepEqual(messages(loadClientConfig(loop), loop), ['F: cannot be read: ELOOP']);
  const nul = loadClientConfig('a\0b');
  assert.deepEqual(messages(nul, folder), ['a?b: cannot be read: ERR_INVALID_ARG_VALUE']);
});

test('a file that may not be read', { skip: isRoot && 'root may read all' }, () => {
  const path = file('', 0o000);
  assert.deepEqual(messages(loadClientConfig(path), path), [
    'F: may not be read (EACCES): run as a user who may, or see to its owner, group and mode',
  ]);
});

test('files are at most 1 MiB', () => {
  const most = file('#'.repeat(1024 * 1024));
  assert.equal(loadClientConfig(most).kind, 'ok');
  const more = file('#'.repeat(1024 * 1024 + 1));
  assert.deepEqual(messages(loadClientConfig(more), more), [
    'F: is larger than 1 MiB: this is no configuration file',
  ]);
});

test('UTF-8, every wrong line, beside the other problems', () => {
  const latin = Buffer.concat([
    Buffer.from('# äöü €\u{1F600}\n[GENERAL]\ndebug = x\n# é\u{1F600}'),
    Buffer.from([0xe4]),
    Buffer.from('\n\n#'),
    Buffer.from([0xf0, 0x9f]),
  ]);
  const path = file(latin);
  assert.deepEqual(messages(loadClientConfig(path), path), [
    "F:3:9: debug: 'x' is not a boolean: use true or false",
    'F:4:6: not UTF-8: save the file in that encoding',
    'F:6:2: not UTF-8: save the file in that encoding',
  ]);
});

const ADVICE = 'recommended is 0640 root:letmeinfwd';
const OPEN = (mode: string) => `is open to every user (mode ${mode}): ${ADVICE}`;
const GROUP = (mode: string) => `may be written by its group (mode ${mode}): ${ADVICE}`;
const OWNER = `is not owned by root: ${ADVICE}`;
const DOOR = `may be read by the user letmeind, whom the network talks to: ${ADVICE}`;

test('the server file on disk', { skip: !isRoot && 'needs root for chown' }, () => {
  const cases: [mode: number, uid: number, warnings: string[]][] = [
    [0o640, 0, []],
    [0o600, 0, []],
    [0o400, 0, []],
    [0o660, 0, [GROUP('0660')]],
    [0o644, 0, [OPEN('0644')]],
    [0o641, 0, [OPEN('0641')]],
    [0o642, 0, [OPEN('0642')]],
    [0o640, NOBODY, [OWNER]],
    [0o666, NOBODY, [OWNER, GROUP('0666'), OPEN('0666')]],
  ];
  for (const [mode, uid, warnings] of cases) {
    const path = file(SERVER, mode);
    chownSync(path, uid, 0);
    const loaded = loadServerConfig(path);
    assert.equal(loaded.kind, 'ok');
    // The machine may have a user letmeind: what follows from that is tested below.
    const told = messages(loaded, path).filter((line) => !line.includes('letmeind,'));
    assert.deepEqual(
      told,
      warnings.map((what) => `F: warning: ${what}`),
    );
  }
});

test('the client file on disk', () => {
  for (const [mode, bad] of [
    [0o600, false],
    [0o644, false],
    [0o755, false],
    [0o664, true],
    [0o602, true],
  ] as const) {
    const path = file('', mode);
    const what = `F: warning: may be written by others than its owner (mode ${mode.toString(8).padStart(4, '0')}): take it away with chmod go-w`;
    assert.deepEqual(messages(loadClientConfig(path), path), bad ? [what] : []);
  }
  assert.deepEqual(clientModeWarnings({ uid: 1, gid: 1, mode: 0o100600 }), []);
});

test('the server file must not be readable by letmeind', () => {
  const door = { uid: 990, gids: new Set([991, 992]) };
  const at = (uid: number, gid: number, mode: number) =>
    serverModeWarnings({ uid, gid, mode }, door);
  assert.deepEqual(at(0, 993, 0o100640), []);
  assert.deepEqual(at(0, 991, 0o100640), [DOOR]);
  assert.deepEqual(at(0, 992, 0o100640), [DOOR]);
  assert.deepEqual(at(0, 992, 0o100600), []);
  assert.deepEqual(at(0, 992, 0o100604), [OPEN('0604')], 'the group’s bits come first');
  assert.deepEqual(at(0, 993, 0o100604), [OPEN('0604'), DOOR]);
  assert.deepEqual(at(990, 993, 0o100400), [OWNER, DOOR]);
  assert.deepEqual(at(990, 992, 0o100040), [OWNER], 'the owner’s bits come first');
  assert.deepEqual(serverModeWarnings({ uid: 0, gid: 991, mode: 0o640 }, undefined), []);
  assert.deepEqual(
    serverModeWarnings({ uid: 0, gid: 5, mode: 0o600 }, { uid: 0, gids: new Set() }),
    [DOOR],
  );
});

test('accounts', () => {
  const passwd =
    'root:x:0:0:root:/root:/bin/sh\n\nbroken\nletmeind:x:990:991::/:/bin/false\nletmeind2:x:1:1::/:\n';
  const group =
    'root:x:0:\nletmeind:x:991:\nkeys:x:992:a,letmeind\nother:x:993:letmeind2\nbroken\n';
  assert.deepEqual(parseAccount('letmeind', passwd, group), {
    uid: 990,
    gids: new Set([991, 992]),
  });
  assert.equal(parseAccount('letmein', passwd, group), undefined);
  assert.equal(parseAccount('letmeind', '', ''), undefined);
});
