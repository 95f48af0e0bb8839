/** Leases that share an opening, and what a start makes of what it finds in the kernel. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ALICE,
  BOB,
  impossible,
  jump,
  newKey,
  port,
  type ServerConf,
  USERS,
  type World,
  type WorldOptions,
  waitFor,
  withWorld,
} from './harness.js';
import {
  assertDone,
  assertFailed,
  assertService,
  expiries,
  holders,
  keys,
  ledger,
  nextJudge,
  quick,
} from './leases.js';

const skip = (await impossible()) ?? false;

const SERVICE = 4003;
const PORT = '0000000A';
const MATCHED = '0000000B';
const ANYBODY = '0000000C';
const MISSING = '0000000D';
const LEASE_S = 600;
const CLIENT = '10.77.0.10';
/** As nft writes it in the ledger. */
const CLIENT_IN_LEDGER = `::ffff:${CLIENT}`;

const RESOURCES = {
  [PORT]: port(SERVICE, { transports: ['tcp', 'udp'] }),
  [MATCHED]: jump({ input: 'SERVICE', matchSource: ['input'] }),
  [ANYBODY]: jump({ input: 'SERVICE' }),
};
const CHAINS = { SERVICE: [`tcp dport ${SERVICE} accept`, `udp dport ${SERVICE} accept`] };
const CONF: ServerConf = { resources: RESOURCES, timeout: LEASE_S };

function shared(options: WorldOptions = {}): WorldOptions {
  return { services: [SERVICE], chains: CHAINS, clients: 2, server: CONF, ...options };
}

async function knocks(world: World, ...knocks: readonly (readonly [string, string, number?])[]) {
  for (const [resource, user, client = 0] of knocks) {
    assert.equal(await quick(world, 'knock', { resource, user }, { client }), 'comein');
  }
}

test('each holder ends his own lease only', { skip }, () =>
  withWorld(shared(), async (world) => {
    const open = (client?: number) =>
      assertService(world, SERVICE, 'open', client === undefined ? {} : { client });
    const closed = (client?: number) =>
      assertService(world, SERVICE, 'dropped', client === undefined ? {} : { client });

    // Two users on one address, one port: by the client, as people do it.
    for (const user of [ALICE, BOB]) {
      assertDone(await world.knock([world.v4, `${SERVICE}`, '-u', user]), 'knock');
    }
    await closed(1);
    assertDone(await world.revoke([world.v4, `${SERVICE}`, '-u', ALICE]), 'revoke');
    assert.deepEqual(await holders(world), [`${CLIENT} ${PORT} ${BOB}`]);
    await open();
    // A second revoke of hers takes nothing from him.
    assertDone(await world.revoke([world.v4, `${SERVICE}`, '-u', ALICE]), 'revoke');
    await open();
    assertDone(await world.revoke([world.v4, `${SERVICE}`, '-u', BOB]), 'revoke');
    await closed();

    // Two clients of one jump for everybody.
    await knocks(world, [ANYBODY, ALICE, 0], [ANYBODY, ALICE, 1]);
    assert.equal(await quick(world, 'revoke', { resource: ANYBODY }), 'comein');
    assert.deepEqual(await holders(world), [`10.78.0.10 ${ANYBODY} ${ALICE}`]);
    await open();
    await open(1);
    assert.equal(await quick(world, 'revoke', { resource: ANYBODY }, { client: 1 }), 'comein');
    await closed();
    await closed(1);

    // Two jumps to one chain, and a port resource that opens the same port.
    await knocks(world, [MATCHED, ALICE], [ANYBODY, ALICE], [PORT, ALICE]);
    await open(1);
    assert.equal(await quick(world, 'revoke', { resource: ANYBODY }), 'comein');
    await closed(1);
    await open();
    assert.equal(await quick(world, 'revoke', { resource: MATCHED }), 'comein');
    await open();
    assert.equal(await quick(world, 'revoke', { resource: PORT }), 'comein');
    await closed();
    assert.deepEqual(await holders(world), []);
  }),
);

test('a killed judge’s leases go on with the next one', { skip }, () =>
  withWorld(shared(), async (world) => {
    await knocks(world, [PORT, ALICE], [PORT, BOB], [ANYBODY, ALICE, 0], [ANYBODY, BOB, 1]);
    const before = await ledger(world);
    const sets = ['letmein-port4', `letmein-${ANYBODY.toLowerCase()}-input`] as const;
    const clocks = async () => Promise.all(sets.map(async (set) => expiries(world, set)));
    const left = (await clocks()).flat();
    await world.judge.stop('SIGKILL');
    await assertService(world, SERVICE, 'open');
    await nextJudge(world);
    assert.match(world.judge.log, /^letmeinfwd: 4 leases go on$/m);
    // The same deadlines, give or take the rounding up of a timeout: no restart prolongs a lease.
    const after = await ledger(world);
    assert.deepEqual(
      after.map(({ holder }) => holder),
      before.map(({ holder }) => holder),
    );
    for (const [at, { deadlineMs }] of after.entries()) {
      const change = deadlineMs - (before[at]?.deadlineMs ?? 0);
      assert.ok(Math.abs(change) <= 50, `a deadline moved by ${change} ms`);
    }
    assert.ok(Math.max(...(await clocks()).flat()) < Math.max(...left), 'the clocks go on');
    await assertService(world, SERVICE, 'open');
    // Holders are known again: one's revoke leaves the other's, in both kinds.
    assert.equal(await quick(world, 'revoke', { resource: PORT, user: ALICE }), 'comein');
    assert.deepEqual(await keys(world, 'letmein-port4'), [
      `${CLIENT} . tcp . ${SERVICE}`,
      `${CLIENT} . udp . ${SERVICE}`,
    ]);
    assert.equal(await quick(world, 'revoke', { resource: PORT, user: BOB }), 'comein');
    assert.deepEqual(await keys(world, 'letmein-port4'), []);
    assert.equal(await quick(world, 'revoke', { resource: ANYBODY, user: ALICE }), 'comein');
    await assertService(world, SERVICE, 'open');
    const last = { resource: ANYBODY, user: BOB };
    assert.equal(await quick(world, 'revoke', last, { client: 1 }), 'comein');
    await assertService(world, SERVICE, 'dropped');
  }),
);

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} takes every lease and rule away, and leaves the chains`, { skip }, () =>
    withWorld(shared({ start: false }), async (world) => {
      const untouched = await world.nft(['list', 'ruleset']);
      await world.start();
      await knocks(world, [PORT, ALICE], [MATCHED, BOB], [ANYBODY, ALICE]);
      assert.notEqual(await world.nft(['list', 'ruleset']), untouched);
      assert.deepEqual(await world.judge.stop(signal), { code: 0, signal: null });
      assert.equal(await world.nft(['list', 'ruleset']), untouched);
      await assertService(world, SERVICE, 'dropped');
      await nextJudge(world);
      assert.deepEqual(await holders(world), []);
    }),
  );
}

test(
  'keep-leases: a stopped judge leaves leases to their clocks, and the next one knows them',
  {
    skip,
  },
  () =>
    withWorld(shared({ server: { ...CONF, keepLeases: true } }), async (world) => {
      await knocks(world, [PORT, ALICE], [PORT, BOB], [MATCHED, ALICE]);
      const before = await holders(world);
      assert.deepEqual(await world.judge.stop('SIGTERM'), { code: 0, signal: null });
      await assertService(world, SERVICE, 'open');
      assert.deepEqual(await holders(world), before);
      await nextJudge(world);
      assert.deepEqual(await holders(world), before);
      for (const [resource, user] of [
        [MATCHED, ALICE],
        [PORT, ALICE],
      ] as const) {
        await quick(world, 'revoke', { resource, user });
        await assertService(world, SERVICE, 'open');
      }
      await quick(world, 'revoke', { resource: PORT, user: BOB });
      await assertService(world, SERVICE, 'dropped');
    }),
);

test('a jump whose chain is missing is out of service, and nothing else is', { skip }, () => {
  const resources = { ...RESOURCES, [MISSING]: jump({ input: 'NOBODY-MADE-ME' }) };
  return withWorld(shared({ server: { ...CONF, resources } }), async (world) => {
    const said =
      /^letmeinfwd: resource 0000000D is out of service: failed to add rule to chain LETMEIN-INPUT of table inet filter: ENOENT: does the chain NOBODY-MADE-ME exist\?$/;
    await world.judge.line(said);
    assertFailed(await world.knock([world.v4, '-r', MISSING]), /refused the knock of resource/);
    await world.judge.line(/refused 10\.77\.0\.10: .* resource 0000000D: .*out of service/);
    await assertService(world, SERVICE, 'dropped');
    for (const resource of [PORT, MATCHED, ANYBODY]) {
      await knocks(world, [resource, ALICE]);
      await assertService(world, SERVICE, 'open');
      assert.equal(await quick(world, 'revoke', { resource }), 'comein');
      await assertService(world, SERVICE, 'dropped');
    }
    // With the chain there, a restart puts the resource into service.
    await world.nft(['add', 'chain', 'inet', 'filter', 'NOBODY-MADE-ME']);
    const from = world.judge.log.length;
    await nextJudge(world);
    await knocks(world, [MISSING, ALICE]);
    assert.doesNotMatch(world.judge.log.slice(from), /out of service/);
  });
});

test('a start keeps only what the configuration still allows', { skip }, () =>
  withWorld(shared(), async (world) => {
    await knocks(world, [PORT, ALICE], [PORT, BOB], [MATCHED, ALICE], [ANYBODY, BOB]);
    const restartWith = async (conf: ServerConf) => {
      await world.configureServer({ ...CONF, ...conf });
      await nextJudge(world);
    };
    // Alice may no longer use one resource; then Bob is no user any more; then a resource is gone.
    const hers = { ...RESOURCES, [MATCHED]: jump({ input: 'SERVICE', users: [BOB] }) };
    await restartWith({ resources: hers });
    assert.deepEqual(await holders(world), [
      `${CLIENT} ${PORT} ${ALICE}`,
      `${CLIENT} ${PORT} ${BOB}`,
      `${CLIENT} ${ANYBODY} ${BOB}`,
    ]);
    await restartWith({ users: { [ALICE]: USERS[ALICE] ?? '' } });
    assert.deepEqual(await holders(world), [`${CLIENT} ${PORT} ${ALICE}`]);
    assert.deepEqual(await keys(world, `letmein-${ANYBODY.toLowerCase()}-input`), []);
    await assertService(world, SERVICE, 'open');
    const { [PORT]: _, ...others } = RESOURCES;
    await restartWith({ resources: others });
    assert.deepEqual(await holders(world), []);
    assert.deepEqual(await keys(world, 'letmein-port4'), []);
    await assertService(world, SERVICE, 'dropped');
  }),
);

test('what others have put into our sets and chains is gone after a start', { skip }, () =>
  withWorld(shared(), async (world) => {
    await knocks(world, [PORT, BOB]);
    const [{ bootId, deadlineMs } = { bootId: '', deadlineMs: 0 }] = await ledger(world);
    await world.judge.stop('SIGKILL');
    const entry = (user: number, more: string) =>
      `add element inet filter letmein-ledger { ${CLIENT_IN_LEDGER} . 0xa . ${user} ${more} }\n`;
    const far = deadlineMs + 3_600_000;
    await world.nft(
      ['-f', '-'],
      [
        // Without an end; of no holder; by a ledger without an end, of another boot, past its deadline, of no sense.
        `add element inet filter letmein-port4 { 10.78.0.10 . tcp . ${SERVICE} timeout 0s }\n`,
        `add element inet filter letmein-port4 { 10.79.0.10 . tcp . ${SERVICE} timeout 1h }\n`,
        `add element inet filter letmein-${ANYBODY.toLowerCase()}-input { ip timeout 1h }\n`,
        entry(1, `comment "${bootId} ${far}"`),
        entry(3, `timeout 1h comment "00000000-0000-4000-8000-000000000000 ${far}"`),
        entry(4, `timeout 1h comment "${bootId} 1"`),
        entry(5, 'timeout 1h comment "hello"'),
        entry(6, 'timeout 1h'),
        'add set inet filter letmein-old { type ipv4_addr; flags timeout; elements = { 10.78.0.10 timeout 1h } }\n',
        'add rule inet filter LETMEIN-INPUT ip saddr @letmein-old accept\n',
        `add rule inet filter LETMEIN-INPUT tcp dport ${SERVICE} accept\n`,
        `insert rule inet filter LETMEIN-INPUT ip saddr 10.78.0.10 counter accept comment "mine"\n`,
        'add rule inet filter LETMEIN-FORWARD counter\n',
        // Beside us in the table, and none of our business.
        'add set inet filter office { type ipv4_addr; elements = { 192.0.2.1 } }\n',
        'add rule inet filter input ip saddr @office tcp dport 22 accept\n',
      ].join(''),
    );
    await assertService(world, SERVICE, 'open', { client: 1 });
    const users = ['00000001', '00000002', '00000003', '00000004', '00000005', '00000006'];
    const known = Object.fromEntries(users.map((user) => [user, USERS[user] ?? newKey()]));
    await world.configureServer({ ...CONF, users: known });
    const from = world.judge.log.length;
    await nextJudge(world);
    assert.deepEqual(await holders(world), [`${CLIENT} ${PORT} ${BOB}`]);
    assert.deepEqual(await keys(world, 'letmein-port4'), [
      `${CLIENT} . tcp . ${SERVICE}`,
      `${CLIENT} . udp . ${SERVICE}`,
    ]);
    await assertService(world, SERVICE, 'open');
    await assertService(world, SERVICE, 'dropped', { client: 1 });
    const ruleset = await world.nft(['list', 'ruleset']);
    assert.doesNotMatch(ruleset, /letmein-old|"mine"|tcp dport 4003 accept comment/);
    assert.match(ruleset, /@office tcp dport 22 accept/);
    const removed = world.judge.log
      .slice(from)
      .split('\n')
      .filter((line) => line.includes('removed from a chain'));
    assert.equal(removed.length, 4, removed.join('\n'));
    assert.equal(removed.filter((line) => line.includes('LETMEIN-INPUT')).length, 3);
    assert.equal(removed.filter((line) => line.includes('LETMEIN-FORWARD')).length, 1);
  }),
);

test('a lease refreshed at the very moment of its end', { skip }, () => {
  const KNOCKS = 300;
  // The server remembers at most 64 proofs of a user at a time.
  const PER_USER = 60;
  const users = Object.fromEntries(
    Array.from({ length: (2 * KNOCKS) / PER_USER }, (_, n) => [
      `${n + 1}`.padStart(8, '0'),
      newKey(),
    ]),
  );
  const resources = {
    [PORT]: port(SERVICE, { transports: ['tcp', 'udp'], timeout: 0.001 }),
    [ANYBODY]: jump({ input: 'SERVICE', timeout: 0.001 }),
  };
  return withWorld(shared({ server: { users, resources } }), async (world) => {
    const knocker = async (user: string, resource: string) => {
      for (let n = 0; n < PER_USER; n += 1) {
        const speaker = { user, resource, key: users[user] ?? '' };
        const said = await quick(world, 'knock', speaker);
        assert.equal(said, 'comein', `knock ${n} of user ${user} for resource ${resource}`);
      }
    };
    // All of them share one element a set: there is a refresh before, at and after each end.
    const resourceOf = (at: number) => (at % 2 === 0 ? PORT : ANYBODY);
    await Promise.all(Object.keys(users).map((user, at) => knocker(user, resourceOf(at))));
    await waitFor('the last lease to end', async () => (await holders(world)).length === 0);
    await assertService(world, SERVICE, 'dropped');
  });
});
