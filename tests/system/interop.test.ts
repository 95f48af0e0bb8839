/** Upstream's published 12.6.2 client against our daemons. (Our client against theirs: client-upstream.test.ts.) */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  ALICE,
  BOB,
  haveUpstream,
  impossible,
  jump,
  newKey,
  port,
  type Run,
  World,
} from './harness.js';
import { assertService, FLAG, holders, ledger, TRANSPORTS } from './leases.js';

const missing = haveUpstream() ? undefined : 'upstream’s programs are not installed';
const skip = (await impossible()) ?? missing ?? false;

const SERVICE = 4003;
const BOBS = 4004;
const PORT = '0000000A';
const MATCHED = '0000000B';
const ANYBODY = '0000000C';

let world: World;
before(async () => {
  if (skip) return;
  const resources = {
    [PORT]: port(SERVICE, { transports: ['tcp', 'udp'] }),
    [MATCHED]: jump({ input: 'SERVICE', matchSource: ['input'] }),
    [ANYBODY]: jump({ input: 'SERVICE' }),
    '0000000D': port(BOBS, { users: [BOB] }),
  };
  world = await World.create({
    client: 'upstream',
    services: [SERVICE, BOBS],
    chains: { SERVICE: [`tcp dport ${SERVICE} accept`, `udp dport ${SERVICE} accept`] },
    server: { resources, controlTimeout: 1 },
  });
});
after(async () => {
  await world?.close();
});

function assertDone(run: Run, what: string): void {
  assert.equal(run.status, 0, `${what}: ${run.stderr}`);
}

const TARGETS = [[`${SERVICE}`], ['-r', MATCHED], ['-r', ANYBODY]];

for (const transport of TRANSPORTS) {
  test(`their client knocks, refreshes and revokes over ${transport}`, { skip }, async () => {
    for (const address of [world.v4, world.v6]) {
      for (const target of TARGETS) {
        const args = [address, ...target, FLAG[transport]];
        await assertService(world, SERVICE, 'dropped', { address });
        assertDone(await world.knock(args), `knock ${args.join(' ')}`);
        await assertService(world, SERVICE, 'open', { address });
        const [first, ...none] = await ledger(world);
        assert.deepEqual(none, []);
        assertDone(await world.knock(args), `second knock ${args.join(' ')}`);
        const [second] = await ledger(world);
        assert.ok((second?.deadlineMs ?? 0) > (first?.deadlineMs ?? 0), 'the lease is prolonged');
        assertDone(await world.revoke(args), `revoke ${args.join(' ')}`);
        await assertService(world, SERVICE, 'dropped', { address });
        assert.deepEqual(await holders(world), []);
      }
    }
  });
}

test('a name: their client knocks at both families', { skip }, async () => {
  for (const transport of TRANSPORTS) {
    for (const [operation, state] of [
      ['knock', 'open'],
      ['revoke', 'dropped'],
    ] as const) {
      const args = ['server.test', `${SERVICE}`, FLAG[transport]];
      assertDone(await world[operation](args), operation);
      for (const address of [world.v4, world.v6]) {
        await assertService(world, SERVICE, state, { address });
      }
    }
  }
});

test('what ours opens theirs closes, and the other way round', { skip }, async () => {
  const args = [world.v4, `${SERVICE}`];
  for (const [make, other] of [
    ['ours', 'upstream'],
    ['upstream', 'ours'],
  ] as const) {
    assertDone(await world.knock(args, { make }), `knock by ${make}`);
    await assertService(world, SERVICE, 'open');
    assertDone(await world.revoke(args, { make: other }), `revoke by ${other}`);
    await assertService(world, SERVICE, 'dropped');
  }
});

test('their client is refused what it may not have, and understands it', { skip }, async () => {
  for (const transport of TRANSPORTS) {
    const right = await world.knock([world.v4, '-r', '0000000D', FLAG[transport]]);
    assert.notEqual(right.status, 0);
    assert.match(right.stderr, /GoAway|go away|rejected|denied/i);
    assertDone(await world.knock([world.v4, `${BOBS}`, '-u', BOB, FLAG[transport]]), "Bob's own");
    assertDone(await world.revoke([world.v4, `${BOBS}`, '-u', BOB, FLAG[transport]]), "Bob's own");
  }
  await world.configureClient({ users: { [ALICE]: newKey() }, controlTimeout: 1 });
  for (const transport of TRANSPORTS) {
    const key = await world.knock([world.v4, '-r', PORT, FLAG[transport]]);
    assert.notEqual(key.status, 0, key.stdout);
  }
  await assertService(world, SERVICE, 'dropped');
  assert.deepEqual(await holders(world), []);
});
