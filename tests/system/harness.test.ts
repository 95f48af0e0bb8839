/** The harness itself: a firewall that drops, a relay that delays, raw conversations, and nothing left behind. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { haveUpstream, impossible, withWorld } from './harness.js';

const skip = (await impossible()) ?? false;
const PORT = 4001;

test('a world without daemons drops what its firewall does not name', { skip }, () =>
  withWorld(
    { daemons: 'none', services: [PORT], clients: 2, serverAddresses: 2 },
    async (world) => {
      for (const address of [...world.addresses.v4, ...world.addresses.v6]) {
        for (const transport of ['tcp', 'udp'] as const) {
          for (const client of [0, 1]) {
            const seen = await world.probe(PORT, { address, transport, client, timeoutMs: 40 });
            assert.equal(seen, 'dropped', `${address} ${transport} from client ${client}`);
          }
        }
      }
      await world.nft(['add', 'rule', 'inet', 'filter', 'LETMEIN-INPUT', 'accept']);
      for (const address of [...world.addresses.v4, ...world.addresses.v6]) {
        for (const transport of ['tcp', 'udp'] as const) {
          for (const client of [0, 1]) {
            const seen = await world.probe(PORT, { address, transport, client });
            assert.equal(seen, 'open', `${address} ${transport} from client ${client}`);
          }
        }
      }
      assert.equal(await world.probe(PORT + 1), 'refused');
    },
  ),
);

test('raw conversations, floods and relays work', { skip }, () =>
  withWorld(
    { daemons: 'none', services: [PORT], server: { port: PORT }, clientAddresses: 3 },
    async (world) => {
      await world.nft(['add', 'rule', 'inet', 'filter', 'LETMEIN-INPUT', 'accept']);
      const from = world.clientAddresses().v4[2] ?? '';
      for (const transport of ['tcp', 'udp'] as const) {
        const conversation = await world.open({ transport, from, fromPort: 40_000 });
        assert.equal(conversation.localPort, 40_000);
        await conversation.send(Buffer.from('abc'));
        const { bytes, datagrams } = await conversation.receive(3);
        assert.equal(Buffer.from(bytes).toString(), 'abc');
        if (transport === 'udp') assert.equal(datagrams[0]?.address, world.v4);
        await conversation.close();

        const flood = await world.flood({
          transport,
          perSecond: 2000,
          payloads: [Buffer.from('x')],
        });
        const echoed = await world.open({ transport });
        for (let n = 1; n <= 20; n += 1) {
          await echoed.send(Buffer.from('y'));
          await echoed.receive(n);
        }
        const result = await flood.stop();
        assert.ok(result.sent > 0 && result.errors === 0, JSON.stringify(result));
      }
      await world.relay({ delayMs: 30 });
      for (const address of ['127.0.0.1', '::1']) {
        for (const transport of ['tcp', 'udp'] as const) {
          const conversation = await world.open({ transport, address });
          const started = performance.now();
          await conversation.send(Buffer.from('abc'));
          assert.equal((await conversation.receive(3)).bytes.length, 3);
          assert.ok(performance.now() - started >= 59, `${address} ${transport} came too soon`);
        }
      }
    },
  ),
);

test('a closed world leaves no folder and no process', { skip }, async () => {
  let folder = '';
  let pids: number[] = [];
  await withWorld({ daemons: 'none' }, async (world) => {
    folder = world.folder;
    pids = [world.server.pid, world.client().pid];
    assert.ok(existsSync(folder));
  });
  assert.ok(!existsSync(folder));
  for (const pid of pids) assert.ok(!existsSync(`/proc/${pid}`), `process ${pid} is left`);
});

const interop = skip || !haveUpstream() ? `${skip || 'upstream is not installed'}` : false;

test("upstream's programs serve in a world", { skip: interop }, () =>
  withWorld({ daemons: 'upstream', client: 'upstream', services: [PORT] }, async (world) => {
    assert.equal(await world.probe(PORT), 'dropped');
    const knock = await world.knock(['server.test', `${PORT}`]);
    assert.equal(knock.status, 0, knock.stderr);
    assert.ok(await world.canConnect(world.v4, PORT));
    assert.ok(await world.canConnect(world.v6, PORT));
    await world.judge.restart('SIGKILL');
    assert.equal((await world.revoke([world.v4, `${PORT}`])).status, 0);
    assert.deepEqual(await world.door.stop(), { code: 0, signal: null });
  }),
);
