/** What letmein puts into nftables survives `nft list ruleset` → `flush ruleset` → `nft -f`, and what died in between stays dead. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ALICE,
  BOB,
  type Family,
  impossible,
  jump,
  port,
  type World,
  withWorld,
} from './harness.js';
import { assertService, holders, ledger, nextJudge, quick } from './leases.js';

const skip = (await impossible()) ?? false;

const SERVICE = 4003;
const PORT = '0000000A';
const MATCHED = '0000000B';
const ANYBODY = '0000000C';
const EVERYWHERE = '0000000D';
const RESOURCES = {
  [PORT]: port(SERVICE, { transports: ['tcp', 'udp'] }),
  [MATCHED]: jump({ input: 'SERVICE', matchSource: ['input'] }),
  [ANYBODY]: jump({ input: 'SERVICE' }),
  [EVERYWHERE]: jump({
    input: 'SERVICE',
    forward: 'PASS',
    output: 'COUNT',
    matchSource: ['input', 'forward'],
  }),
};
const CHAINS = {
  SERVICE: [`tcp dport ${SERVICE} accept`, `udp dport ${SERVICE} accept`],
  PASS: [`tcp dport ${SERVICE} accept`],
  COUNT: ['counter'],
};

function served(family: Family): { services: number[]; chains: typeof CHAINS; server: object } {
  return { services: [SERVICE], chains: CHAINS, server: { family, resources: RESOURCES } };
}

/** The server's addresses that a table of this family filters. */
function filtered(world: World, family: Family): string[] {
  return { inet: [world.v4, world.v6], ip: [world.v4], ip6: [world.v6] }[family];
}

/** Takes the ruleset out of the kernel and puts back what `edit` makes of its text. */
async function saveAndLoad(world: World, edit = (text: string) => text): Promise<string> {
  const saved = await world.nft(['list', 'ruleset']);
  await world.nft(['flush', 'ruleset']);
  assert.equal(await world.nft(['list', 'ruleset']), '');
  await world.nft(['-f', '-'], edit(saved));
  return saved;
}

/** Without what time and packets change. */
function still(ruleset: string): string {
  return ruleset.replaceAll(/ expires \w+/g, '').replaceAll(/packets \d+ bytes \d+/g, 'packets');
}

/** Without the clocks, which a start sets to what was left, and in no order. */
function lasting(ruleset: string): string {
  const clockless = still(ruleset).replaceAll(/ timeout \w+| \d+"/g, '');
  return clockless
    .split(/[\n,]/)
    .map((line) => line.trim())
    .sort()
    .join('\n');
}

async function assertEverywhere(world: World, family: Family, expected: 'open' | 'dropped') {
  for (const address of filtered(world, family)) {
    await assertService(world, SERVICE, expected, { address });
  }
}

async function each(world: World, family: Family, operation: 'knock' | 'revoke') {
  for (const address of filtered(world, family)) {
    for (const resource of Object.keys(RESOURCES)) {
      for (const user of [ALICE, BOB]) {
        const said = await quick(world, operation, { resource, user }, { address });
        assert.equal(said, 'comein', `${operation} of ${resource} at ${address}`);
      }
    }
  }
}

for (const family of ['inet', 'ip', 'ip6'] as const) {
  test(`family ${family}: live leases survive, and the next judge takes them over`, { skip }, () =>
    withWorld(served(family), async (world) => {
      await each(world, family, 'knock');
      const before = await ledger(world);
      assert.equal(before.length, filtered(world, family).length * 4 * 2);
      const saved = await saveAndLoad(world);
      for (const set of ['ledger', family === 'ip6' ? 'port6' : 'port4', '0000000c-input']) {
        assert.match(saved, new RegExp(`set letmein-${set} {[^}]*timeout 10m expires`));
      }
      assert.equal(still(await world.nft(['list', 'ruleset'])), still(saved));
      assert.deepEqual(await ledger(world), before);
      await assertEverywhere(world, family, 'open');

      // The judge that has been running all the time goes on.
      const [address = ''] = filtered(world, family);
      assert.equal(await quick(world, 'revoke', { resource: MATCHED }, { address }), 'comein');
      assert.equal((await ledger(world)).length, before.length - 1);
      assert.equal(await quick(world, 'knock', { resource: MATCHED }, { address }), 'comein');

      await nextJudge(world);
      const after = await ledger(world);
      assert.deepEqual(
        after.map(({ holder, bootId }) => [holder, bootId]),
        before.map(({ holder, bootId }) => [holder, bootId]),
      );
      assert.equal(lasting(await world.nft(['list', 'ruleset'])), lasting(saved));
      await assertEverywhere(world, family, 'open');
      await each(world, family, 'revoke');
      assert.deepEqual(await holders(world), []);
      await assertEverywhere(world, family, 'dropped');
      await each(world, family, 'knock');
      await assertEverywhere(world, family, 'open');

      // A clean end leaves nothing of ours, nor does loading what it leaves.
      await world.judge.stop('SIGTERM');
      assert.doesNotMatch(await saveAndLoad(world), /letmein-/);
      await assertEverywhere(world, family, 'dropped');
    }),
  );
}

test('a ruleset that was saved with leases, and loaded when they were over', { skip }, () =>
  withWorld(served('inet'), async (world) => {
    assert.equal(await quick(world, 'knock', { resource: PORT, user: BOB }), 'comein');
    assert.equal(await quick(world, 'knock', { resource: ANYBODY }), 'comein');
    const [{ bootId } = { bootId: '' }] = await ledger(world);
    await world.judge.stop('SIGKILL');
    // As nft does it: the clocks begin anew at the load. Bob's deadline has passed, Alice's was in another boot.
    await saveAndLoad(world, (text) => {
      const passed = new RegExp(
        `(0x00000002 timeout 10m)( expires \\w+)( comment "${bootId}) \\d+`,
      );
      const elsewhere = new RegExp(`(0x00000001 timeout 10m)( expires \\w+)( comment ")${bootId}`);
      const dead = text.replace(passed, '$1$3 1').replace(elsewhere, `$1$3${'0'.repeat(36)}`);
      assert.notEqual(text, dead);
      return dead.replaceAll(/ expires \w+/g, '');
    });
    assert.equal((await ledger(world)).length, 2);
    await assertService(world, SERVICE, 'open');
    await nextJudge(world);
    assert.deepEqual(await holders(world), []);
    assert.doesNotMatch(await world.nft(['list', 'ruleset']), /elements/);
    await assertService(world, SERVICE, 'dropped');
  }),
);
