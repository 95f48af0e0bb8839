import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import type { Family, Found } from './network.js';
import { lookUp } from './resolver.js';

function resolve(host: string, families: readonly Family[]): Promise<Map<Family, Found>> {
  return new Promise((done) => {
    const all = new Map<Family, Found>();
    lookUp(host, families, (family, result) => {
      assert.ok(!all.has(family));
      all.set(family, result);
      if (all.size === families.length) {
        done(all);
      }
    });
  });
}

test('the system resolver answers for each family', async () => {
  const localhost = await resolve('localhost', [6, 4]);
  assert.deepEqual(localhost.get(4), { kind: 'addresses', addresses: ['127.0.0.1'] });
  const none = await resolve('no-such-host.invalid', [6, 4]);
  assert.deepEqual([none.get(6)?.kind, none.get(4)?.kind], ['none', 'none']);
});

test('a stopped look-up says nothing and keeps nothing running', async () => {
  const url = new URL('./resolver.js', import.meta.url).href;
  const script = `
    const { lookUp } = await import(${JSON.stringify(url)});
    lookUp('localhost', [4], () => console.log('found'))();
    process.on('exit', () => console.log('over'));
  `;
  const command = ['--input-type=module', '--eval', script];
  const { stdout } = await promisify(execFile)(process.execPath, command, { timeout: 10_000 });
  assert.equal(stdout, 'over\n');
});
