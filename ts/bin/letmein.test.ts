/** The program itself, with readers that have gone away. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { TinyServer } from '../client/testing/tiny-server.js';

const PROGRAM = fileURLToPath(new URL('./letmein.js', import.meta.url));
const KEY = Buffer.alloc(32, 0x5a);

async function statusOf(child: ChildProcess): Promise<number | null> {
  const [status]: (number | null)[] = await once(child, 'close');
  return status ?? null;
}

/** All of one stream, as far as it has come when the program has ended. */
function collect(stream: NodeJS.ReadableStream | null): () => string {
  let text = '';
  stream?.on('data', (piece) => {
    text += piece;
  });
  return () => text;
}

/** A configuration with user 1's key. */
function configuration(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'letmein-program-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'letmein.conf');
  const text = `[CLIENT]\ndefault-user = 1\n[KEYS]\n1 = ${KEY.toString('hex')}\n`;
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

test('a knock goes on when nobody reads what it says', async (t) => {
  const server = await TinyServer.listen({ address: '127.0.0.1', key: KEY, tcp: true });
  t.after(() => server.close());
  const knock = ['knock', '127.0.0.1', '-r', '23', '-P', String(server.port)];
  const args = ['--verbose', '-c', configuration(t), ...knock];
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  // Both closed before the program has begun.
  child.stdout.destroy();
  child.stderr.destroy();
  assert.equal(await statusOf(child), 0);
  assert.deepEqual(server.granted, ['knock']);
});

test('gen-key and --help end in silence when nobody reads them', async () => {
  for (const args of [['gen-key', '-u', '1'], ['--help']]) {
    const child = spawn(process.execPath, [PROGRAM, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    const said = collect(child.stderr);
    assert.equal(await statusOf(child), 0);
    assert.equal(said(), '');
  }
});

test('a key that could not be written is a failure', async () => {
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [PROGRAM, 'gen-key', '-u', '1'], {
    stdio: ['ignore', full, 'pipe'],
  });
  closeSync(full);
  const said = collect(child.stderr);
  assert.equal(await statusOf(child), 1);
  assert.equal(said(), 'letmein: failed to write to stdout: ENOSPC\n');
});
