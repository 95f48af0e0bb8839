/** The client that is asked to lock itself: a knock as ever, from a process that can do little else. */
import assert from 'node:assert/strict';
import { cp, mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { impossible, program, type Seccomp, type World, waitFor, withWorld } from './harness.js';
import { threads, writableAndExecutable } from './proc.js';

const skip = (await impossible()) ?? false;

const PORT = '4001';
const NOTHING = '0000000000000000';
/** Dropped by the server's firewall: a knock there takes the whole of its time. */
const DEAD_PORT = '5999';

/** Knocks with the configuration's `seccomp` being `mode`. */
function configured(mode: Seccomp, more: object = {}) {
  return { clientConf: { seccomp: mode, ...more } };
}

for (const mode of ['log', 'kill'] as const) {
  test(`seccomp = ${mode}: by name, by address, over both transports, and back`, { skip }, () =>
    withWorld(configured(mode), async (world) => {
      for (const host of ['server.test', world.v4, world.v6]) {
        for (const option of ['-T', '-U']) {
          const knock = await world.knock([host, PORT, option]);
          assert.deepEqual([knock.status, knock.stderr], [0, ''], `${host} ${option}`);
          const revoke = await world.revoke([host, PORT, option]);
          assert.deepEqual([revoke.status, revoke.stderr], [0, ''], `${host} ${option}`);
        }
      }
      const both = await world.knock(['server.test', PORT, '-4', '-6', '--verbose']);
      assert.equal(both.status, 0, both.stderr);
      assert.match(both.stderr, new RegExp(`locked \\(seccomp = ${mode}\\)`));
    }),
  );
}

test('what /proc shows of a client that waits, locked', { skip }, () =>
  withWorld({ ...configured('kill', { controlTimeout: 3 }), daemons: 'none' }, async (world) => {
    const file = join(world.folder, 'client.pid');
    const launcher = ['sh', '-c', `echo $$ > ${file}; exec "$@"`, 'sh'];
    const args = ['-c', world.clientConfPath, 'knock', world.v4, PORT, '-P', DEAD_PORT];
    const run = world.client().run([...launcher, ...program('ours', 'letmein'), ...args]);
    const pid = await waitFor('the client', () => pidIn(file));
    const filters = () => threads(pid).map((status) => status.Seccomp_filters);
    await waitFor('the lock', () => filters().every((count) => count === '2'));
    for (const status of threads(pid)) {
      assert.equal(status.NoNewPrivs, '1');
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
        assert.equal(status[set], NOTHING, set);
      }
    }
    assert.deepEqual(writableAndExecutable(pid), []);
    const { status, stderr } = await run;
    assert.equal(status, 1, stderr);
    assert.match(stderr, /^letmein: no answer from the server .* within 3 s: /, 'the whole time');
  }),
);

test('a name that is not there, and a name server that is not', { skip }, () =>
  withWorld({ ...configured('kill', { controlTimeout: 2 }), daemons: 'none' }, async (world) => {
    const { status, stderr, ms } = await world.knock(['nowhere.invalid', PORT]);
    assert.equal(status, 1, stderr);
    assert.match(stderr, /^letmein: .*nowhere\.invalid \(\w+\): .*\n$/);
    assert.ok(ms < 4_000, `${ms} ms`);
  }),
);

test('warnings come once, though the program begins twice', { skip }, () =>
  withWorld(configured('kill'), async (world) => {
    await world.client().must(['chmod', '0666', world.clientConfPath]);
    const { status, stderr } = await world.knock([world.v4, PORT, '--dns', 'x']);
    assert.equal(status, 0, stderr);
    const lines = stderr.trimEnd().split('\n');
    assert.equal(lines.length, 2, stderr);
    assert.match(stderr, /may be written by others than its owner/);
    assert.match(stderr, /--dns is obsolete/);
  }),
);

test('protection that cannot be had: nothing is sent', { skip }, () =>
  withWorld(configured('kill'), async (world) => {
    const withoutAddon = await copyWithoutAddon(world);
    const args = ['-c', world.clientConfPath, 'knock', world.v4, PORT];
    const run = await world.client().run([process.execPath, withoutAddon, ...args]);
    assert.equal(run.status, 1, run.stderr);
    const said =
      /^letmein: seccomp = kill is asked for, so nothing was sent: failed to load the addon: .*\n$/;
    assert.match(run.stderr, said);
    assert.deepEqual(await world.elements('letmein-port4'), []);
    const plain = await world
      .client()
      .run([process.execPath, withoutAddon, '--seccomp', 'off', ...args]);
    assert.equal(plain.status, 0, plain.stderr);
  }),
);

async function pidIn(file: string): Promise<number | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return Number(text) || undefined;
}

/** The client of an installation that has no addon for this machine. */
async function copyWithoutAddon(world: World): Promise<string> {
  const dist = join(dirname(program('ours', 'letmein')[1] ?? ''), '..');
  const copy = join(world.folder, 'copy');
  const commander = dirname(createRequire(join(dist, 'x.js')).resolve('commander'));
  await mkdir(join(copy, 'node_modules'), { recursive: true });
  await cp(commander, join(copy, 'node_modules', 'commander'), { recursive: true });
  await cp(join(dist, '..', 'package.json'), join(copy, 'package.json'));
  const isWanted = (path: string) => !path.endsWith('.node');
  await cp(dist, join(copy, 'dist'), { recursive: true, filter: isWanted });
  return join(copy, 'dist', 'bin', 'letmein.js');
}
