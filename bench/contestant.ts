/** The daemons that are compared, each in a world of its own: they are loaded in turn, never at the same time. */
import { type Namespace, port, World, type WorldOptions } from '../tests/system/harness.js';
import { Generator, type LoadResult, type Transport } from './generator.js';
import {
  type Errand,
  keyOf,
  portOf,
  RESOURCES,
  routedServerAddress,
  SOURCES,
  sourceAddress,
  USERS,
} from './population.js';

export const CONTESTANTS = ['ours', 'ours, seccomp = kill', 'upstream'] as const;
export type ContestantName = (typeof CONTESTANTS)[number];

const CONTROL_PORT = 5800;
/** Longer than any benchmark: no lease ends by itself. */
const LEASE_S = 86_400;
const MOST_RULES = 100_000;
/** Users in the client's own file. */
export const CLIENT_USERS = 5;
/** The client's end of the wire (tests/system/addresses.ts), and the networks behind both ends. */
const CLIENT_ADDRESS = '10.77.0.10';
const SOURCE_NETWORK = '10.200.0.0/16';
const ROUTED_SERVER_NETWORK = '10.201.0.0/16';

function hexId(id: number): string {
  return id.toString(16).toUpperCase().padStart(8, '0');
}

function numbered(count: number, value: (id: number) => string): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [hexId(n + 1), value(n + 1)]));
}

function worldOptions(name: ContestantName, users: number): WorldOptions {
  const key = (user: number): string => keyOf(user).toString('hex').toUpperCase();
  return {
    daemons: name === 'upstream' ? 'upstream' : 'ours',
    server: {
      users: numbered(users, key),
      resources: numbered(RESOURCES, (id) => port(portOf(id))),
      timeout: LEASE_S,
      maxRules: MOST_RULES,
      seccomp: name === 'ours, seccomp = kill' ? 'kill' : 'off',
    },
    // A person's file has a key or two; this one has one for each round of client-runs.ts.
    clientConf: { users: numbered(CLIENT_USERS, key) },
  };
}

/** Joins the sources' network to the client's namespace and the routed addresses to the server's: all are local there. */
async function addNetworks({ server, v4 }: World, client: Namespace): Promise<void> {
  const routes = Array.from(
    { length: SOURCES },
    (_, n) => `route add ${routedServerAddress(n)} via ${v4} src ${sourceAddress(n)}`,
  );
  await client.ip([`route add local ${SOURCE_NETWORK} dev lo`, ...routes]);
  await server.ip([
    `route add ${SOURCE_NETWORK} via ${CLIENT_ADDRESS}`,
    `route add local ${ROUTED_SERVER_NETWORK} dev lo`,
  ]);
}

/** One of the compared pairs of daemons, with a load generator beside it. */
export class Contestant {
  private constructor(
    readonly name: ContestantName,
    readonly world: World,
    readonly generator: Generator,
  ) {}

  /** Starts the daemons, with keys of `users`. */
  static async start(name: ContestantName, users = USERS): Promise<Contestant> {
    const world = await World.create(worldOptions(name, users));
    await addNetworks(world, world.client());
    return new Contestant(name, world, new Generator(world.client()));
  }

  /** Knocks or revokes with `clients` at a time. */
  run(
    operation: 'knock' | 'revoke',
    errands: Errand[],
    { clients = 1, transport = 'udp' }: { clients?: number; transport?: Transport } = {},
  ): Promise<LoadResult> {
    const address = this.world.v4;
    return this.generator.load({
      ...{ transport, operation, address, port: CONTROL_PORT, errands, clients },
    });
  }

  async close(): Promise<void> {
    this.generator.close();
    await this.world.close();
  }
}
