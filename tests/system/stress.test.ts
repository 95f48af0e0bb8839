/** What no table of system calls foresees, on every Node version: much traffic, a pause, an abort, memory that is all used. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { ACCOUNTS, IS_ROOT } from './accounts.js';
import {
  impossible,
  type World,
  type WorldOptions,
  waitFor,
  within,
  withWorld,
} from './harness.js';
import { nextJudge, quick, TRANSPORTS } from './leases.js';
import { NO_NODES, NODES } from './nodes.js';
import { removeFolder, trackFolder } from './process.js';

const skip = (await impossible()) ?? NO_NODES ?? false;

const TRAFFIC_BYTES = 64 * 1024 * 1024;
const PAUSE_MS = 2_000;
/** A SYN that meets a full backlog is sent again after 1 s and 3 s. */
const CONNECT_MS = 5_000;
const TRAFFIC_MS = 20_000;
/** Node 20 collects garbage for seconds before it gives up. */
const OUT_OF_MEMORY_MS = 30_000;
/** How V8, the C++ library and Rust's end a process that gets no memory; Node 20's garbage collector writes to address 0. Not SIGSYS. */
const OUT_OF_MEMORY = ['SIGABRT', 'SIGTRAP', 'SIGILL', 'SIGSEGV'];

const ROLES = ['door', 'judge'] as const;

/** Begins a command that is to act on a daemon of the same user: root may not be allowed to (CAP_SYS_RESOURCE). */
function asUserOf(role: 'door' | 'judge'): string[] {
  if (!IS_ROOT) return [];
  const id = ACCOUNTS[role === 'door' ? 'letmeind' : 'letmeinfwd'];
  return ['setpriv', `--reuid=${id}`, `--regid=${id}`, '--clear-groups', '--'];
}

function options(node: string): WorldOptions {
  return {
    node,
    clientAddresses: 100,
    // So many connections that the door's memory grows with them.
    doorArgs: ['-n', '10000', '-N', '1000'],
    server: { seccomp: 'kill' },
  };
}

async function assertServes(world: World, when: string): Promise<void> {
  for (const transport of TRANSPORTS) {
    const where = { transport, timeoutMs: CONNECT_MS };
    assert.equal(await quick(world, 'knock', {}, where), 'comein', `${transport} ${when}`);
  }
}

/** Random bytes at the control port while `body` runs: datagrams and connections, from a message's length to far above. */
async function withTraffic(
  world: World,
  connections: 'drop' | 'hold',
  body: () => Promise<void>,
): Promise<void> {
  const from = world.clientAddresses().v4.slice(1);
  const payloads = (lengths: number[]) => lengths.map((length) => randomBytes(length));
  const floods = [
    await world.flood({
      transport: 'udp',
      perSecond: 3_000,
      payloads: payloads([56, 56, 1_400, 16_000]),
    }),
    await world.flood({
      transport: 'tcp',
      perSecond: 300,
      payloads: payloads([20, 56, 64_000]),
      from,
      connections,
    }),
  ];
  try {
    await body();
  } finally {
    for (const flood of floods) await flood.stop();
  }
}

/** Bytes that have come to the server's interface. */
async function received(world: World): Promise<number> {
  const list = await world.server.must(['ip', '-json', '-statistics', 'link', 'show']);
  const links = JSON.parse(list) as { stats64: { rx: { bytes: number } } }[];
  return links.reduce((sum, { stats64 }) => sum + stats64.rx.bytes, 0);
}

function signal(world: World, name: NodeJS.Signals): void {
  for (const role of ROLES) world[role].signal(name);
}

for (const { name, node } of NODES) {
  test(`${name}: 64 MB of traffic, and stopped for 2 s in the midst of it`, { skip }, () =>
    withWorld(options(node), async (world) => {
      const pids = ROLES.map((role) => world[role].pid);
      await withTraffic(world, 'drop', async () => {
        const arrived = async (): Promise<boolean> => (await received(world)) > TRAFFIC_BYTES;
        await waitFor('64 MB to arrive', arrived, TRAFFIC_MS);
        signal(world, 'SIGSTOP');
        await pause(PAUSE_MS);
        signal(world, 'SIGCONT');
      });
      await assertServes(world, 'afterwards');
      assert.deepEqual(
        ROLES.map((role) => world[role].pid),
        pids,
      );
    }),
  );

  for (const role of ROLES) {
    test(`${name}: ${role} without memory comes to an end`, { skip }, () =>
      withWorld(options(node), async (world) => {
        const daemon = world[role];
        await assertServes(world, 'before');
        // From now on the kernel gives it no more address space.
        await world.server.must([...asUserOf(role), 'prlimit', '--as=1', '--pid', `${daemon.pid}`]);
        await withTraffic(world, 'hold', async () => {
          const { signal } = await within(`the ${role}'s end`, daemon.exited, OUT_OF_MEMORY_MS);
          assert.ok(OUT_OF_MEMORY.includes(signal ?? ''), `it ended by ${signal}`);
        });
        await (role === 'judge' ? nextJudge(world) : daemon.start());
        await assertServes(world, 'when it is back');
      }),
    );
  }

  test(`${name}: an abort ends by SIGABRT, without a core file`, { skip }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'letmein-core-'));
    trackFolder(folder);
    // Where the kernel's core_pattern is a plain name, a core file lies in the working folder, if its user may write there.
    chmodSync(folder, 0o777);
    const launcher = ['prlimit', '--core=unlimited', 'env', `--chdir=${folder}`];
    await withWorld(
      { ...options(node), launchers: { door: launcher, judge: launcher } },
      async (world) => {
        for (const role of ROLES) {
          assert.deepEqual(await world[role].stop('SIGABRT'), { code: null, signal: 'SIGABRT' });
        }
      },
    );
    const left = readdirSync(folder);
    removeFolder(folder);
    assert.deepEqual(left, []);
  });
}
