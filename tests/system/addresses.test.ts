/** A server with two addresses per family: whichever is asked, answers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { impossible, type Transport, type World, withWorld } from './harness.js';
import { first, MESSAGE_LENGTH, operationOf, response } from './protocol.js';

const skip = (await impossible()) ?? false;
const PORT = 4001;

/** One whole knock or revoke; every answer must come from `address`. */
async function converse(world: World, address: string, operation: 'knock' | 'revoke') {
  const one = await world.open({ transport: 'udp', address });
  await one.send(first(operation));
  const { bytes } = await one.receive(MESSAGE_LENGTH);
  assert.equal(operationOf(bytes), 'challenge', address);
  await one.send(response(bytes));
  const { datagrams } = await one.receive(2 * MESSAGE_LENGTH);
  assert.deepEqual(
    datagrams.map((datagram) => [operationOf(datagram.bytes), datagram.address]),
    [
      ['challenge', address],
      ['comein', address],
    ],
  );
  await one.close();
}

for (const family of ['v4', 'v6'] as const) {
  test(`each of two ${family} addresses, over udp`, { skip }, () =>
    withWorld({ serverAddresses: 2, services: [PORT], clients: 2 }, async (world) => {
      const addresses = world.addresses[family];
      assert.equal(addresses.length, 2);
      for (const address of addresses) {
        assert.equal(await world.probe(PORT, { address, timeoutMs: 50 }), 'dropped');
        await converse(world, address, 'knock');
        assert.equal(await world.probe(PORT, { address }), 'open');
        await converse(world, address, 'revoke');
      }
    }),
  );

  test(`each of two ${family} addresses, by the client`, { skip }, () =>
    withWorld({ serverAddresses: 2, services: [PORT], clients: 2 }, async (world) => {
      for (const address of world.addresses[family]) {
        for (const transport of ['tcp', 'udp'] as const) {
          // The second client's network is another one: its answers find their way by routes.
          for (const client of [0, 1]) await assertServed(world, address, transport, client);
        }
      }
    }),
  );
}

async function assertServed(world: World, address: string, transport: Transport, client: number) {
  const args = [address, `${PORT}`, transport === 'tcp' ? '-T' : '-U'];
  const what = `${args.join(' ')} from client ${client}`;
  const knock = await world.knock(args, { client });
  assert.equal(knock.status, 0, `knock ${what}: ${knock.stderr}`);
  assert.equal(await world.probe(PORT, { address, client }), 'open', what);
  const revoke = await world.revoke(args, { client });
  assert.equal(revoke.status, 0, `revoke ${what}: ${revoke.stderr}`);
  assert.equal(await world.probe(PORT, { address, client, timeoutMs: 50 }), 'dropped', what);
}

test('an address that comes after the start is served too', { skip }, () =>
  withWorld({}, async (world) => {
    await world.server.ip([
      'address add 10.77.0.3/16 dev c0',
      'address add fd77::3/64 dev c0 nodad',
    ]);
    for (const address of ['10.77.0.3', 'fd77::3']) {
      const knock = await world.knock([address, `${PORT}`, '-T']);
      assert.equal(knock.status, 0, knock.stderr);
    }
  }),
);
