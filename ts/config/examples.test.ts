/** The files of etc/ are right as they stand, fit each other, and work once a key is pasted in. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseClientConfig, parseServerConfig } from './load.js';

/** Tests are run from the repository's root. */
const ETC = join(process.cwd(), 'etc');
const KEY = '9e3779b97f4a7c15f39cc0605cedc8341082276bf3a27251f86c6a11d0c18e95';
const read = (name: string) => readFileSync(join(ETC, name), 'utf8');

/** As an administrator does it: the comment sign off, the key in. */
function pasteKey(text: string): string {
  const pasted = text.replace(/^#(00000000 = )PASTE.*$/m, `$1${KEY}`);
  assert.notEqual(pasted, text);
  return pasted;
}

test('without keys: no problem at all', () => {
  const server = parseServerConfig(read('letmeind.conf'), 'letmeind.conf');
  assert.ok(server.kind === 'ok', JSON.stringify(server));
  assert.deepEqual([server.warnings, server.config.keys.size], [[], 0]);
  const client = parseClientConfig(read('letmein.conf'), 'letmein.conf');
  assert.ok(client.kind === 'ok', JSON.stringify(client));
  assert.deepEqual([client.warnings, client.config.keys.size], [[], 0]);
});

test('with the same key in both they work together', () => {
  const server = parseServerConfig(pasteKey(read('letmeind.conf')), 'letmeind.conf');
  const client = parseClientConfig(pasteKey(read('letmein.conf')), 'letmein.conf');
  assert.ok(server.kind === 'ok' && client.kind === 'ok');
  assert.deepEqual([server.warnings, client.warnings], [[], []]);
  assert.deepEqual(server.config.keys, client.config.keys);
  assert.ok(client.config.keys.has(client.config.defaultUser));
  assert.deepEqual(server.config.resources, client.config.resources);
  const { port, tcp, udp } = client.config.general;
  const { general } = server.config;
  assert.deepEqual(
    [general.port, general.tcp, general.udp, general.policy],
    [port, tcp, udp, 'basic-auth'],
  );
});

test('what is commented out is right too', () => {
  const uncomment = (text: string) => pasteKey(text).replace(/^#([\w-]+ = )/gm, '$1');
  const server = parseServerConfig(uncomment(read('letmeind.conf')), 'letmeind.conf');
  assert.ok(server.kind === 'ok', JSON.stringify(server));
  assert.equal(server.config.resources.size, 3);
  const client = parseClientConfig(uncomment(read('letmein.conf')), 'letmein.conf');
  assert.equal(client.kind, 'ok');
});

test('nftables.conf has the table and the chain that letmeind.conf names', () => {
  const server = parseServerConfig(read('letmeind.conf'), 'letmeind.conf');
  assert.ok(server.kind === 'ok');
  const { family, table, chainInput } = server.config.nftables;
  const nftables = read('nftables.conf');
  assert.ok(nftables.includes(`table ${family} ${table} {`));
  assert.ok(
    nftables.includes(`\tchain ${chainInput} {`) && nftables.includes(`\tjump ${chainInput}`),
  );
});

const nft = spawnSync('unshare', ['-rn', 'nft', '--version']);
test('nft takes nftables.conf, also twice', {
  skip: nft.status !== 0 && 'no nft or no namespaces',
}, () => {
  const file = join(ETC, 'nftables.conf');
  const twice = 'nft -c -f "$1" && nft -f "$1" && nft -f "$1" && nft list chains';
  const run = spawnSync('unshare', ['-rn', 'sh', '-c', twice, 'sh', file], { encoding: 'utf8' });
  assert.deepEqual([run.status, run.stderr], [0, '']);
  assert.equal(run.stdout.match(/policy drop/g)?.length, 2);
});
