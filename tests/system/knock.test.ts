/** A knock opens, a refresh prolongs, a revoke closes, and time closes by itself: our client, our daemons, the kernel. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  ALICE,
  BOB,
  clientConf,
  impossible,
  jump,
  newKey,
  port,
  program,
  USERS,
  World,
  waitFor,
  withWorld,
} from './harness.js';
import {
  assertDone,
  assertFailed,
  assertService,
  expiries,
  FLAG,
  holders,
  keys,
  ledger,
  quick,
  TRANSPORTS,
} from './leases.js';

const skip = (await impossible()) ?? false;

const SERVICE = 4003;
/** Behind the firewall too, and nobody's resource. */
const OTHER = 4009;
/** A service of client 1, which client 0 reaches through the server. */
const FORWARDED = 4010;
const PORT = '0000000A';
const MATCHED = '0000000B';
const ANYBODY = '0000000C';
const BOBS = '0000000D';
const FORWARD = '0000000E';
const FORWARD_MATCHED = '0000000F';
const OUTPUT = '00000010';
const OUTPUT_MATCHED = '00000011';
const UNKNOWN = '00000099';
const LEASE_S = 600;

/** A server remembers 64 proofs of a user at a time, fewer than this file has knocks: the cycles have a user of their own. */
const CAROL = '00000003';
const OURS = { ...USERS, [CAROL]: newKey() };

const RESOURCES = {
  [PORT]: port(SERVICE, { transports: ['tcp', 'udp'] }),
  [MATCHED]: jump({ input: 'SERVICE', matchSource: ['input'] }),
  [ANYBODY]: jump({ input: 'SERVICE' }),
  [BOBS]: port(OTHER, { users: [BOB] }),
  [FORWARD]: jump({ forward: 'PASS' }),
  [FORWARD_MATCHED]: jump({ forward: 'PASS', matchSource: ['forward'] }),
  [OUTPUT]: jump({ output: 'COUNT' }),
  [OUTPUT_MATCHED]: jump({ output: 'COUNT', matchSource: ['output'] }),
};
const CHAINS = {
  SERVICE: [`tcp dport ${SERVICE} accept`, `udp dport ${SERVICE} accept`],
  PASS: [`tcp dport ${FORWARDED} accept`],
  COUNT: ['counter'],
};

let world: World;
before(async () => {
  if (skip) return;
  const server = { users: OURS, resources: RESOURCES, timeout: LEASE_S, controlTimeout: 1 };
  world = await World.create({
    services: [SERVICE, OTHER],
    chains: CHAINS,
    clients: 2,
    server,
    clientConf: { controlTimeout: 1 },
  });
});
after(async () => {
  await world?.close();
});

/** The sets that a lease on `resource` puts something into, for one family, and what it puts there. */
function opened(resource: string, family: 'IPv4' | 'IPv6'): [set: string, keys: string[]] {
  const [version, client] = family === 'IPv4' ? ['4', '10.77.0.10'] : ['6', 'fd77::10'];
  switch (resource) {
    case PORT:
      return [
        `letmein-port${version}`,
        TRANSPORTS.map((transport) => `${client} . ${transport} . ${SERVICE}`),
      ];
    case MATCHED:
      return [`letmein-${MATCHED.toLowerCase()}-input${version}`, [client]];
    default:
      return [`letmein-${ANYBODY.toLowerCase()}-input`, ['ip', 'ip6']];
  }
}

for (const [resource, kind] of [
  [PORT, 'a port'],
  [MATCHED, 'a jump for the source address'],
  [ANYBODY, 'a jump for everybody'],
] as const) {
  for (const family of ['IPv4', 'IPv6'] as const) {
    for (const transport of TRANSPORTS) {
      test(`${kind}: knock, refresh and revoke over ${transport}, ${family}`, { skip }, () =>
        openRefreshClose(resource, family, transport),
      );
    }
  }
}

async function openRefreshClose(
  resource: string,
  family: 'IPv4' | 'IPv6',
  transport: 'tcp' | 'udp',
): Promise<void> {
  const [address, client] = family === 'IPv4' ? [world.v4, '10.77.0.10'] : [world.v6, 'fd77::10'];
  const target = resource === PORT ? [`${SERVICE}`] : ['-r', resource];
  const args = [address, ...target, FLAG[transport], '-u', CAROL];
  const [set, elements] = opened(resource, family);
  await assertService(world, SERVICE, 'dropped', { address });
  assertDone(await world.knock(args), 'knock');
  await assertService(world, SERVICE, 'open', { address });
  await assertService(world, OTHER, 'dropped', { address });
  assert.deepEqual(await keys(world, set), elements);
  assert.deepEqual(await holders(world), [`${client} ${resource} ${CAROL}`]);

  const [first] = await ledger(world);
  const before = await waitFor('the lease to run', async () => {
    const left = Math.max(...(await expiries(world, set)));
    return left < LEASE_S * 1000 - 150 && left;
  });
  assertDone(await world.knock(args), 'refresh');
  const left = await expiries(world, set);
  assert.ok(Math.min(...left) > before, `${left} ms are left, ${before} ms before the refresh`);
  assert.ok(Math.max(...left) <= LEASE_S * 1000, `${left} ms are left`);
  const [second, ...others] = await ledger(world);
  assert.deepEqual(others, []);
  assert.ok((second?.deadlineMs ?? 0) > (first?.deadlineMs ?? 0), 'the deadline grows');
  assert.deepEqual(await keys(world, set), elements);

  assertDone(await world.revoke(args), 'revoke');
  await assertService(world, SERVICE, 'dropped', { address });
  assert.deepEqual(await keys(world, set), []);
  assert.deepEqual(await holders(world), []);
  const nothing = { resource, user: CAROL, key: OURS[CAROL] ?? '' };
  assert.equal(await quick(world, 'revoke', nothing, { address, transport }), 'comein');
}

test('a name opens and closes both families', { skip }, async () => {
  assertDone(await world.knock(['server.test', `${SERVICE}`]), 'knock');
  for (const address of [world.v4, world.v6]) {
    await assertService(world, SERVICE, 'open', { address });
  }
  assertDone(await world.revoke(['server.test', `${SERVICE}`]), 'revoke');
  for (const address of [world.v4, world.v6]) {
    await assertService(world, SERVICE, 'dropped', { address });
  }
});

/** Lets client 0 reach client 1 through the server, were it not for the chain `forward`, which drops. */
async function route(): Promise<void> {
  const [near, far, { server }] = [world.client(0), world.client(1), world];
  const on =
    'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding';
  await server.must(['sh', '-c', on]);
  await near.ip([
    'route add 10.78.0.0/16 via 10.77.0.1',
    'route add fd77:1::/64 via fe80::1 dev eth0',
  ]);
  await far.ip(['route add 10.77.0.10/32 via 10.77.0.1 dev eth0 onlink']);
  const replies = ['ct', 'state', 'established', 'accept'];
  await world.nft(['insert', 'rule', 'inet', 'filter', 'forward', ...replies]);
  for (const address of ['0.0.0.0', '::']) {
    await far.call('listenTcp', { address, port: FORWARDED });
  }
}

test('a jump in chain-forward lets packets through', { skip }, async () => {
  await route();
  const { v4, v6 } = world.clientAddresses(1);
  const tcp = ['tcp'] as const;
  for (const [control, address = ''] of [
    [world.v4, v4[0]],
    [world.v6, v6[0]],
  ] as const) {
    for (const resource of [FORWARD, FORWARD_MATCHED]) {
      await assertService(world, FORWARDED, 'dropped', { address, transports: tcp });
      assertDone(await world.knock([control, '-r', resource]), 'knock');
      await assertService(world, FORWARDED, 'open', { address, transports: tcp });
      assertDone(await world.revoke([control, '-r', resource]), 'revoke');
    }
    await assertService(world, FORWARDED, 'dropped', { address, transports: tcp });
  }
  // What client 1 opens for its own address is of no use to client 0.
  assertDone(await world.knock([world.v4, '-r', FORWARD_MATCHED], { client: 1 }), 'knock');
  await assertService(world, FORWARDED, 'dropped', { address: v4[0] ?? '', transports: tcp });
  assertDone(await world.revoke([world.v4, '-r', FORWARD_MATCHED], { client: 1 }), 'revoke');
});

test('a jump in chain-output sees the packets that leave', { skip }, async () => {
  const counted = async () =>
    Number(
      /packets (\d+)/.exec(await world.nft(['list', 'chain', 'inet', 'filter', 'COUNT']))?.[1],
    );
  /** From the server itself, whose address is then the source of what leaves. */
  const here = (command: string) =>
    world.server.run([
      ...program('ours', 'letmein'),
      ...['-c', world.clientConfPath, command, world.v4, '-r', OUTPUT_MATCHED],
    ]);
  for (const [knock, revoke] of [
    [() => world.knock([world.v4, '-r', OUTPUT]), () => world.revoke([world.v4, '-r', OUTPUT])],
    [() => here('knock'), () => here('revoke')],
  ] as const) {
    const closed = await counted();
    // Two refused connections: the server answers each.
    await world.probe(SERVICE + 1);
    assert.equal(await counted(), closed);
    assertDone(await knock(), 'knock');
    const open = await counted();
    assertDone(await world.revoke([world.v4, `${SERVICE}`]), 'an answered knock');
    assert.ok((await counted()) > open, 'packets leave through the chain');
    assertDone(await revoke(), 'revoke');
    const end = await counted();
    assertDone(await world.revoke([world.v4, `${SERVICE}`]), 'an answered knock');
    assert.equal(await counted(), end);
  }
  assert.deepEqual(await holders(world), []);
});

test('a lease ends in the kernel, with no daemon left to end it', { skip }, () => {
  const timeout = 2;
  const resources = {
    [PORT]: port(SERVICE, { transports: ['tcp', 'udp'], timeout }),
    [MATCHED]: jump({ input: 'MATCHED', matchSource: ['input'], timeout }),
    [ANYBODY]: jump({ input: 'ANYBODY', timeout }),
  };
  const chains = {
    MATCHED: [`meta l4proto { tcp, udp } th dport ${SERVICE + 1} accept`],
    ANYBODY: [`meta l4proto { tcp, udp } th dport ${SERVICE + 2} accept`],
  };
  const services = [SERVICE, SERVICE + 1, SERVICE + 2];
  return withWorld({ services, chains, server: { resources } }, async (own) => {
    const knocks = [own.v4, own.v6].flatMap((address) =>
      Object.keys(resources).map((resource) => quick(own, 'knock', { resource }, { address })),
    );
    assert.deepEqual(new Set(await Promise.all(knocks)), new Set(['comein']));
    const knocked = performance.now();
    await Promise.all([own.door.stop('SIGKILL'), own.judge.stop('SIGKILL')]);
    const everywhere = [own.v4, own.v6].flatMap((address) =>
      services.flatMap((service) =>
        TRANSPORTS.map((transport) => [service, { address, transport }] as const),
      ),
    );
    const seen = async (timeoutMs: number) => {
      const probes = everywhere.map(([port, how]) => own.probe(port, { ...how, timeoutMs }));
      return new Set(await Promise.all(probes));
    };
    assert.deepEqual(await seen(1000), new Set(['open']));
    await waitFor('every service to close', async () => {
      const states = await seen(80);
      return states.size === 1 && states.has('dropped');
    });
    const elapsed = performance.now() - knocked;
    assert.ok(elapsed < timeout * 1000 + 1000, `closed ${elapsed} ms after the knocks`);
    assert.doesNotMatch(await own.nft(['list', 'ruleset']), /elements/, 'nothing is left');
  });
});

/** Runs the client with a configuration of its own. */
async function letmeinAs(
  name: string,
  conf: Parameters<typeof clientConf>[0],
  args: readonly string[],
) {
  const path = join(world.folder, `${name}.conf`);
  await writeFile(path, clientConf({ resources: RESOURCES, controlTimeout: 1, ...conf }), {
    mode: 0o600,
  });
  return world.letmein(['-c', path, ...args]);
}

test('a user without the right, and a resource that is not there', { skip }, async () => {
  for (const transport of TRANSPORTS) {
    for (const address of [world.v4, world.v6]) {
      for (const [resource, why] of [
        [BOBS, 'the resource is not for this user'],
        [UNKNOWN, 'there is no such resource'],
      ] as const) {
        for (const operation of ['knock', 'revoke'] as const) {
          const from = world.judge.log.length;
          const run = await world[operation]([address, '-r', resource, FLAG[transport]]);
          assertFailed(
            run,
            new RegExp(
              `^letmein: the server \\(.* port 5800/${transport}\\) refused the ${operation} of resource ${resource} by user ${ALICE}: `,
            ),
          );
          await world.judge.line(new RegExp(`${ALICE}, resource ${resource}: ${why}`), from);
        }
      }
    }
  }
  await assertService(world, OTHER, 'dropped');
  assert.deepEqual(await holders(world), []);
  assertDone(await world.knock([world.v4, `${OTHER}`, '-u', BOB]), 'the user whose right it is');
  await assertService(world, OTHER, 'open', { transports: ['tcp'] });
  // What Bob holds, Alice cannot revoke.
  assertFailed(await world.revoke([world.v4, '-r', BOBS]), /refused the revoke/);
  await assertService(world, OTHER, 'open', { transports: ['tcp'] });
  assertDone(await world.revoke([world.v4, `${OTHER}`, '-u', BOB]), 'revoke');
});

test('a wrong key, and an unknown user', { skip }, async () => {
  for (const [name, users] of [
    ['wrong-key', { [ALICE]: newKey() }],
    ['unknown-user', { '000000EE': newKey() }],
  ] as const) {
    const defaultUser = Object.keys(users)[0] ?? '';
    const args = (transport: 'tcp' | 'udp') => ['knock', world.v4, '-r', PORT, FLAG[transport]];
    const tcp = await letmeinAs(name, { users, defaultUser }, args('tcp'));
    assertFailed(
      tcp,
      /^letmein: the server \(10\.77\.0\.1 port 5800\/tcp\) (closed the connection|accepted the connection but did not answer within 1 s).*/,
    );
    const udp = await letmeinAs(name, { users, defaultUser }, args('udp'));
    assertFailed(
      udp,
      /^letmein: no answer from the server \(10\.77\.0\.1 port 5800\/udp\) within 1 s: .*wrong user or key/,
    );
  }
  await assertService(world, SERVICE, 'dropped');
  assert.deepEqual(await holders(world), []);
});

test('what the client can tell by itself is wrong usage: nothing is sent', { skip }, async () => {
  const from = world.judge.log.length;
  const file = world.clientConfPath;
  const noResource = `no resource with port 22 for user ${ALICE} in ${file}: `;
  assertFailed(await world.knock([world.v4, '22']), new RegExp(`^letmein: ${noResource}`), 2);
  const notHers = new RegExp(`^letmein: no resource with port ${OTHER} for user ${ALICE} in `);
  assertFailed(await world.knock([world.v4, `${OTHER}`]), notHers, 2);
  const noKey = new RegExp(`^letmein: no key for user 00000007 in ${file}: `);
  assertFailed(await world.knock([world.v4, '-r', PORT, '-u', '7']), noKey, 2);
  assertFailed(await world.knock([world.v4]), /^letmein: what to open is missing: /, 2);
  const both = await world.knock([world.v4, `${SERVICE}`, '-r', PORT]);
  assertFailed(both, /^letmein: PORT and --resource exclude each other/, 2);
  assertFailed(await world.knock(['-4', world.v6, '-r', PORT]), /^letmein: HOST is an IPv6/, 2);
  assert.equal(world.judge.log.slice(from), '');
});

test('a server that is not there', { skip }, async () => {
  for (const transport of TRANSPORTS) {
    // A port that lets through and where nobody listens; then one that drops.
    await world.nft([
      'add',
      'rule',
      'inet',
      'filter',
      'input',
      transport,
      'dport',
      '5801',
      'accept',
    ]);
    const closed = await world.knock([world.v4, '-r', PORT, '-P', '5801', FLAG[transport]]);
    assertFailed(closed, new RegExp(`^letmein: nothing listens at the server .*5801/${transport}`));
    const dropped = await world.knock([world.v4, '-r', PORT, '-P', '5802', FLAG[transport]]);
    assertFailed(dropped, new RegExp(`^letmein: no answer from the server .*5802/${transport}`));
    assert.ok(dropped.ms < 2500, `${dropped.ms} ms for a control-timeout of 1 s`);
  }
});
