/** Our client against upstream's published 12.6.2 daemons. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ALICE,
  haveUpstream,
  impossible,
  jump,
  newKey,
  port,
  type Run,
  type ServerConf,
  type World,
  type WorldOptions,
  withWorld,
} from './harness.js';

const missing = haveUpstream() ? undefined : 'upstream’s programs are not installed';
const skip = (await impossible()) ?? missing ?? false;

const SERVICE = 4003;
const JUMP = '0000000D';
const RESOURCES = {
  '0000000C': port(SERVICE, { transports: ['tcp', 'udp'] }),
  [JUMP]: jump({ input: 'OPEN-SERVICE', matchSource: ['input'] }),
};
const CHAINS = { 'OPEN-SERVICE': [`tcp dport ${SERVICE} accept`, `udp dport ${SERVICE} accept`] };
/** Ample on a veth pair. */
const PROBE_TIMEOUT_MS = 100;
/** One way; the round trip is twice that. */
const DELAY_MS = 150;
const CLIENTS = 8;

function upstream(server: ServerConf = {}, options: WorldOptions = {}): WorldOptions {
  return {
    daemons: 'upstream',
    client: 'ours',
    services: [SERVICE],
    chains: CHAINS,
    server: { resources: RESOURCES, extra: { nftables: 'exe = nft\n' }, ...server },
    ...options,
  };
}

function assertDone(run: Run, what: string): void {
  assert.equal(run.status, 0, `${what}: ${run.stderr}`);
  assert.equal(run.stderr, '', what);
}

function assertFailed(run: Run, line: RegExp): void {
  assert.equal(run.status, 1, run.stderr);
  assert.match(run.stderr, line);
  assert.equal(run.stderr.split('\n').length, 2, 'one line, and its end');
}

async function assertService(world: World, address: string, expected: 'open' | 'dropped') {
  const transports = ['tcp', 'udp'] as const;
  const probes = transports.map((transport) =>
    world.probe(SERVICE, { address, transport, timeoutMs: PROBE_TIMEOUT_MS }),
  );
  assert.deepEqual(await Promise.all(probes), [expected, expected], `tcp and udp at ${address}`);
}

test('knock and revoke, port and jump, each transport and family', { skip }, () =>
  withWorld(upstream(), async (world) => {
    for (const address of [world.v4, world.v6]) {
      for (const transport of ['-T', '-U']) {
        for (const target of [[`${SERVICE}`], ['-r', JUMP]]) {
          const args = [address, ...target, transport];
          await assertService(world, address, 'dropped');
          assertDone(await world.knock(args), `knock ${args.join(' ')}`);
          await assertService(world, address, 'open');
          assertDone(await world.knock(args), `second knock ${args.join(' ')}`);
          assertDone(await world.revoke(args), `revoke ${args.join(' ')}`);
          await assertService(world, address, 'dropped');
        }
      }
    }
  }),
);

test('a name opens both families at once', { skip }, () =>
  withWorld(upstream(), async (world) => {
    for (const options of [[], ['-4', '-6'], ['-U']]) {
      assertDone(await world.knock(['server.test', `${SERVICE}`, ...options]), 'knock');
      await assertService(world, world.v4, 'open');
      await assertService(world, world.v6, 'open');
      assertDone(await world.revoke(['server.test', `${SERVICE}`, ...options]), 'revoke');
      await assertService(world, world.v4, 'dropped');
      await assertService(world, world.v6, 'dropped');
    }
    assertDone(await world.knock(['v4.test', `${SERVICE}`]), 'a name with one family');
    const both = await world.knock(['v4.test', `${SERVICE}`, '-4', '-6']);
    assertFailed(both, /^letmein: IPv4 succeeded, but not the other family: .* v4\.test \(E/);
  }),
);

test('a server with udp only: a dropped SYN costs one second', { skip }, () =>
  withWorld(upstream({ transports: ['udp'] }), async (world) => {
    await world.configureClient({ transports: ['tcp', 'udp'] });
    const knock = await world.knock([world.v4, `${SERVICE}`]);
    assertDone(knock, 'knock');
    assert.ok(knock.ms >= 1000 && knock.ms < 2500, `${knock.ms} ms`);
    await assertService(world, world.v4, 'open');
  }),
);

test('a wrong key: refused, or told from silence', { skip }, async () => {
  await withWorld(upstream({ policy: 'always' }), async (world) => {
    await world.configureClient({ users: { [ALICE]: newKey() } });
    for (const transport of ['-T', '-U']) {
      const knock = await world.knock([world.v4, `${SERVICE}`, transport]);
      assertFailed(knock, /^letmein: the server \(10\.77\.0\.1 port 5800\/.*\) refused the knock/);
    }
    await assertService(world, world.v4, 'dropped');
  });
  await withWorld(upstream({ policy: 'basic-auth', controlTimeout: 1 }), async (world) => {
    await world.configureClient({ users: { [ALICE]: newKey() }, controlTimeout: 1 });
    const tcp = await world.knock([world.v4, `${SERVICE}`, '-T']);
    assertFailed(tcp, /^letmein: the server .* (closed the connection|did not answer)/);
    const udp = await world.knock([world.v4, `${SERVICE}`, '-U']);
    assertFailed(udp, /^letmein: no answer from the server .*wrong user or key/);
  });
});

for (const [address, family] of [
  ['127.0.0.1', 'IPv4'],
  ['::1', 'IPv6'],
] as const) {
  // A world for each family: upstream holds the eight slots of one knock round for 5 s more.
  test(`8 clients behind one ${family} address over udp at 300 ms round trip`, { skip }, () =>
    withWorld(upstream({ transports: ['udp'] }), async (world) => {
      await world.relay({ delayMs: DELAY_MS });
      const knocks = Array.from({ length: CLIENTS }, () => world.knock([address, `${SERVICE}`]));
      for (const knock of await Promise.all(knocks)) {
        assertDone(knock, 'knock through the relay');
        assert.ok(knock.ms >= 4 * DELAY_MS, `${knock.ms} ms: two round trips take longer`);
      }
      await assertService(world, family === 'IPv4' ? world.v4 : world.v6, 'open');
    }),
  );
}
