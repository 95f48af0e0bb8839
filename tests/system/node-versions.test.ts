/** Every supported line of Node: the daemons serve many knocks on it, under the filter, and end as they should. */
import assert from 'node:assert/strict';
import { readlinkSync, realpathSync } from 'node:fs';
import { test } from 'node:test';
import { impossible, newKey, port, type Transport, type World, withWorld } from './harness.js';
import { quick } from './leases.js';
import { NO_NODES, NODES } from './nodes.js';

const skip = (await impossible()) ?? NO_NODES ?? false;

/** 20, 22, 24 and 26. */
const LINES = 4;
const RESOURCE = '0000000C';
const SERVER = {
  resources: { [RESOURCE]: port(4003, { transports: ['tcp', 'udp'] }) },
  seccomp: 'kill',
} as const;
/** Enough that none proves himself 64 times in 30 s. */
const USERS = Object.fromEntries(
  Array.from({ length: 100 }, (_, n) => [`${n + 1}`.padStart(8, '0'), newKey()]),
);
/** Knocks, and how many at a time: over TCP fewer than the 8 connections that one address gets. */
const LOADS = [
  { transport: 'udp', knocks: 2_000, clients: 16 },
  { transport: 'tcp', knocks: 500, clients: 4 },
] as const;

/** Knocks that must all be granted, in users' turns. */
async function assertKnocks(
  world: World,
  { transport, knocks, clients }: { transport: Transport; knocks: number; clients: number },
): Promise<void> {
  const users = Object.entries(USERS);
  let next = 0;
  const client = async (): Promise<void> => {
    while (next < knocks) {
      const [user = '', key = ''] = users[next % users.length] ?? [];
      next += 1;
      const speaker = { user, key, resource: RESOURCE };
      assert.equal(await quick(world, 'knock', speaker, { transport }), 'comein');
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
}

for (const { name, node } of NODES) {
  test(`${name}: 2,000 knocks over UDP and 500 over TCP`, { skip }, () =>
    withWorld({ node, server: { ...SERVER, users: USERS } }, async (world) => {
      const daemons = [world.door, world.judge];
      const pids = daemons.map(({ pid }) => pid);
      for (const pid of pids) assert.equal(readlinkSync(`/proc/${pid}/exe`), realpathSync(node));
      for (const load of LOADS) await assertKnocks(world, load);
      assert.deepEqual(
        daemons.map(({ pid }) => pid),
        pids,
      );
      assert.equal((await world.elements('letmein-ledger')).length, Object.keys(USERS).length);
      for (const daemon of daemons) {
        assert.deepEqual(await daemon.stop(), { code: 0, signal: null });
      }
    }),
  );
}

test('four lines of Node are tested', { skip }, () => assert.equal(NODES.length, LINES));
