/**
 * A world for a system test: real network namespaces, a real kernel's nftables, real processes.
 *
 * ```ts
 * import { withWorld, BOTH } from './harness.js';
 *
 * test('a knock opens the port', () => withWorld({ services: [4003] }, async (world) => {
 *   assert.equal(await world.probe(4003), 'dropped');
 *   const knock = await world.knock([world.v4, '4003']);       // { status, signal, stdout, stderr, ms }
 *   assert.equal(knock.status, 0, knock.stderr);
 *   assert.equal(await world.probe(4003), 'open');
 *   assert.equal((await world.elements('letmein-port4')).length, 2);
 * }));
 * ```
 *
 * `withWorld(options, body)` creates, runs, prints what the daemons said if the body throws, and closes.
 * (`World.create` and `world.close()` do the same by hand, for worlds shared by several tests.)
 *
 * - Namespaces: one server, `clients` clients, each client joined to the server by a veth pair. Server: 10.77.0.1, fd77::1 and,
 *   with `serverAddresses: 2`, 10.77.0.2, fd77::2. Client i: 10.(77+i).0.10 and fd77:i::10 (hex i), counted up for
 *   `clientAddresses`. `/etc/hosts` in each client names `server.test` (both families), `v4.test`, `v6.test`
 *   and whatever `hosts` adds.
 * - Programs: `daemons` and `client` say whose ('ours' by default, 'upstream'; `daemons: 'none'` starts nothing). Door and judge are
 *   `Daemon`s: `signal`, `stop`, `restart`, `log`, `line(regexp)`, `exited`, `pid`; see daemon.ts.
 * - Raw conversations with any port: `world.open({ transport, … })` → `send(bytes)`, `receive(n)`, `close()`;
 *   load: `world.flood({ transport, perSecond, payloads, … })` → `stop()`.
 * - Round trips: the kernel may lack netem, so `world.relay({ delayMs })` puts a forwarder on 127.0.0.1 and ::1
 *   of the client's namespace: knock that address instead. Everything through it comes from the client's address.
 * - `world.server.must([...])`, `world.clients[0].run([...])` run any program inside; nothing uses a shell.
 *
 * No test sleeps: `waitFor(what, condition)` polls every 10 ms for what has no event, `within(what, promise)` limits what has.
 * Needs root, or a kernel that allows unprivileged user namespaces; `impossible()` says what is missing.
 */
import { chmod, chown, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ACCOUNTS, IS_ROOT } from './accounts.js';
import { type Addresses, clientAddresses, joinByWires, serverAddresses } from './addresses.js';
import type { Flood, FloodResult, OpenConversation, ProbeResult, Transport } from './calls.js';
import {
  type ClientConf,
  CONTROL_PORT,
  clientConf,
  firewall,
  type ServerConf,
  serverConf,
} from './conf.js';
import { Conversation } from './conversation.js';
import { Daemon } from './daemon.js';
import { Namespace } from './namespace.js';
import { type Element, parseElements } from './nft.js';
import { Notifications } from './notify.js';
import { type Run, removeFolder, run, trackFolder } from './process.js';
import { type Make, program } from './programs.js';

export type { FloodResult, ProbeResult, Transport } from './calls.js';
export * from './conf.js';
export type { Conversation } from './conversation.js';
export type { Element } from './nft.js';
export type { Exit, Run } from './process.js';
export { haveUpstream, INSTALLED, type Make, program, ROOT } from './programs.js';
export { DEADLINE_MS, waitFor, within } from './wait.js';
export type { Daemon, Namespace };

/** A probe that gets nothing back waits this long: ample on a veth pair, where an answer takes microseconds. */
const PROBE_TIMEOUT_MS = 250;
const UPSTREAM_ACCOUNTS = { letmeind: 0, letmeinfwd: 0 };
/** Files with keys; the server's is for the group letmeinfwd as well. */
const PRIVATE_MODE = 0o600;
const SERVER_MODE = 0o640;
/** The daemons' users must be able to reach what is in a world's folder. */
const FOLDER_MODE = 0o755;

/** What a world is made of; every part has a default. */
export interface WorldOptions {
  daemons?: Make | 'none';
  client?: Make;
  /** False: configuration and namespaces only; start with `world.start()` or `world.door.launch()`. */
  start?: boolean;
  clients?: number;
  /** Addresses per family in each client, default 1, at most 200. */
  clientAddresses?: number;
  serverAddresses?: 1 | 2;
  server?: ServerConf;
  clientConf?: ClientConf;
  /** The ruleset loaded before anything starts; default: `firewall()` in the configuration's family and table. */
  ruleset?: string;
  /** Regular chains for jump resources in the default ruleset: name → rules. */
  chains?: Record<string, readonly string[]>;
  /** TCP and UDP echo services in the server, both families. */
  services?: readonly number[];
  doorArgs?: readonly string[];
  judgeArgs?: readonly string[];
  /** Programs that end by executing the daemon, e.g. one that opens its sockets as systemd does. */
  launchers?: { door?: readonly string[]; judge?: readonly string[] };
  /** Users to run as (root only), e.g. `{ door: 65534 }`. */
  users?: { door?: number; judge?: number };
  /**
   * What /etc/passwd and /etc/group in the server name: account → user and group id. Upstream's daemons refuse to start
   * without letmeind and letmeinfwd; by default theirs are root, as which tests run them. Ours become these users, where
   * root runs the tests; in a user namespace of its own a world has no other user than root.
   */
  accounts?: Record<string, number>;
  /** The Node binary of our daemons. */
  node?: string;
  /** More lines of the clients' /etc/hosts: name → addresses. */
  hosts?: Record<string, readonly string[]>;
}

/** Which client acts, from which of its addresses, and for how long. */
export interface From {
  client?: number;
  from?: string;
  timeoutMs?: number;
}

/** See the head of this file. */
export class World {
  readonly options: WorldOptions;
  readonly server: Namespace;
  readonly clients: Namespace[] = [];
  /** Holds rundir and configuration; removed by `close`. */
  readonly folder: string;
  readonly rundir: string;
  readonly serverConfPath: string;
  readonly clientConfPath: string;
  readonly addresses: Addresses;
  readonly door: Daemon;
  readonly judge: Daemon;
  #notifications: Notifications[] = [];

  private constructor(options: WorldOptions, server: Namespace, folder: string) {
    this.options = options;
    this.server = server;
    this.folder = folder;
    this.rundir = join(folder, 'run');
    this.serverConfPath = join(folder, 'letmeind.conf');
    this.clientConfPath = join(folder, 'letmein.conf');
    this.addresses = serverAddresses(options.serverAddresses ?? 1);
    this.door = this.#daemon('door');
    this.judge = this.#daemon('judge');
  }

  /** Builds a world and, unless told otherwise, starts judge and door and waits until both serve. */
  static async create(options: WorldOptions = {}): Promise<World> {
    const server = await Namespace.create();
    const folder = await mkdtemp(join(tmpdir(), 'letmein-test-'));
    trackFolder(folder);
    await chmod(folder, FOLDER_MODE);
    const world = new World(options, server, folder);
    try {
      await world.#build();
      if (options.start !== false && options.daemons !== 'none') await world.start();
      return world;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  /** The server's first IPv4 address. */
  get v4(): string {
    return this.addresses.v4[0] ?? '';
  }

  /** The server's first IPv6 address. */
  get v6(): string {
    return this.addresses.v6[0] ?? '';
  }

  /** A client's addresses. */
  clientAddresses(client = 0): Addresses {
    return clientAddresses(client, this.options.clientAddresses ?? 1);
  }

  /** A client's namespace. */
  client(index = 0): Namespace {
    const client = this.clients[index];
    if (client === undefined) throw new Error(`this world has no client ${index}`);
    return client;
  }

  async #build(): Promise<void> {
    const { options, server } = this;
    for (let n = 0; n < (options.clients ?? 1); n += 1) {
      this.clients.push(await Namespace.create(server));
    }
    await joinByWires(server, this.clients, this.addresses, (n) => this.clientAddresses(n));
    await Promise.all([
      mkdir(join(this.rundir, 'letmeind'), { recursive: true }),
      mkdir(join(this.rundir, 'letmeinfwd'), { recursive: true }),
      this.configureServer(options.server ?? {}),
      this.configureClient(options.clientConf ?? {}),
      this.#nameHosts(),
      this.#nameAccounts(),
      server.must(['nft', '-f', '-'], { input: this.#ruleset() }),
    ]);
    await Promise.all((options.services ?? []).map((number) => this.service(number)));
  }

  #ruleset(): string {
    const { ruleset, server, chains } = this.options;
    return (
      ruleset ??
      firewall({
        ...(server?.family === undefined ? {} : { family: server.family }),
        ...(server?.table === undefined ? {} : { table: server.table }),
        ...(chains === undefined ? {} : { chains }),
      })
    );
  }

  async #nameHosts(): Promise<void> {
    const names: Record<string, readonly string[]> = {
      'server.test': [this.v4, this.v6],
      'v4.test': [this.v4],
      'v6.test': [this.v6],
      ...this.options.hosts,
    };
    const lines = Object.entries(names).flatMap(([name, addresses]) =>
      addresses.map((address) => `${address} ${name}\n`),
    );
    const path = join(this.folder, 'hosts');
    await writeFile(path, `127.0.0.1 localhost\n${lines.join('')}`);
    await Promise.all(
      this.clients.map((client) => client.must(['mount', '--bind', path, '/etc/hosts'])),
    );
  }

  get #accounts(): Record<string, number> | undefined {
    const { daemons, accounts } = this.options;
    if (accounts !== undefined) return accounts;
    if (daemons === 'upstream') return UPSTREAM_ACCOUNTS;
    return IS_ROOT ? ACCOUNTS : undefined;
  }

  async #nameAccounts(): Promise<void> {
    const accounts = this.#accounts;
    if (accounts === undefined) return;
    const passwd = Object.entries(accounts).map(
      ([name, id]) => `${name}:x:${id}:${id}::/:/bin/false`,
    );
    // The judge's user is in the door's group: it is how it may reach the door's socket.
    const group = Object.entries(accounts).map(
      ([name, id]) => `${name}:x:${id}:${name === 'letmeind' ? 'letmeinfwd' : ''}`,
    );
    for (const [file, lines] of [
      ['passwd', ['root:x:0:0::/:/bin/false', ...passwd]],
      ['group', ['root:x:0:', ...group]],
    ] as const) {
      const path = join(this.folder, file);
      await writeFile(path, `${lines.join('\n')}\n`);
      await this.server.must(['mount', '--bind', path, `/etc/${file}`]);
    }
  }

  /** Writes letmeind.conf: a builder's options, or the text. Restart the judge afterwards. */
  async configureServer(conf: ServerConf | string): Promise<void> {
    const text = typeof conf === 'string' ? conf : serverConf(conf);
    await writeFile(this.serverConfPath, text, { mode: SERVER_MODE });
    const judge = this.#accounts?.letmeinfwd;
    if (IS_ROOT && judge !== undefined) await chown(this.serverConfPath, 0, judge);
  }

  /** Writes letmein.conf. By default it has the server's keys, resources, port and transports. */
  async configureClient(conf: ClientConf | string): Promise<void> {
    const { users, resources, port, transports } = this.options.server ?? {};
    const inherited = Object.fromEntries(
      Object.entries({ users, resources, port, transports }).filter(([, v]) => v !== undefined),
    );
    const text = typeof conf === 'string' ? conf : clientConf({ ...inherited, ...conf });
    await writeFile(this.clientConfPath, text, { mode: PRIVATE_MODE });
  }

  #daemon(role: 'door' | 'judge'): Daemon {
    const { options } = this;
    const make = options.daemons === 'upstream' ? 'upstream' : 'ours';
    const name = role === 'door' ? 'letmeind' : 'letmeinfwd';
    const args = (role === 'door' ? options.doorArgs : options.judgeArgs) ?? [];
    const user = options.users?.[role];
    const identity =
      user === undefined ? [] : ['--reuid', `${user}`, '--regid', `${user}`, '--clear-groups'];
    const command = [
      'setpriv',
      '--pdeathsig',
      'KILL',
      ...identity,
      '--',
      ...(options.launchers?.[role] ?? []),
      ...program(make, name, options.node),
      '--config',
      this.serverConfPath,
      '--rundir',
      this.rundir,
      ...(make === 'upstream' ? ['--no-systemd'] : []),
      ...args,
    ];
    const env = { NOTIFY_SOCKET: join(this.folder, `${role}.notify`) };
    return new Daemon({
      name: role,
      command: () => this.server.command(command),
      env,
      listen: () => this.#notified(env.NOTIFY_SOCKET),
      serves:
        make === 'upstream' || args.includes('--no-systemd')
          ? () => (role === 'door' ? this.#doorListens() : this.#rulesInstalled())
          : undefined,
    });
  }

  async #doorListens(): Promise<boolean> {
    const { port = CONTROL_PORT, transports = ['tcp', 'udp'] } = this.options.server ?? {};
    const listens = transports.map((transport) => this.server.listens(transport, port));
    return (await Promise.all(listens)).every(Boolean);
  }

  async #rulesInstalled(): Promise<boolean> {
    const {
      family = 'inet',
      table = 'filter',
      chainInput = 'LETMEIN-INPUT',
    } = this.options.server ?? {};
    return /dport/.test(await this.nft(['list', 'chain', family, table, chainInput]));
  }

  async #notified(path: string): Promise<Notifications> {
    const known = this.#notifications.find((notifications) => notifications.path === path);
    if (known !== undefined) return known;
    const fresh = await Notifications.listen(path);
    this.#notifications.push(fresh);
    return fresh;
  }

  /** Starts judge and door and waits until both serve. */
  async start(): Promise<void> {
    // Upstream's door connects to its firewall daemon, so that one is first; ours may start in any order.
    if (this.options.daemons === 'upstream') {
      await this.judge.start();
      await this.door.start();
      return;
    }
    await Promise.all([this.door.start(), this.judge.start()]);
  }

  /** Runs the client with any arguments; `-c` is given. */
  letmein(args: readonly string[], from: { client?: number; make?: Make } = {}): Promise<Run> {
    const make = from.make ?? this.options.client ?? 'ours';
    const command = [...program(make, 'letmein'), '-c', this.clientConfPath, ...args];
    return this.client(from.client).run(command);
  }

  /** `letmein knock …` */
  knock(args: readonly string[], from?: { client?: number; make?: Make }): Promise<Run> {
    return this.letmein(['knock', ...args], from);
  }

  /** `letmein revoke …` */
  revoke(args: readonly string[], from?: { client?: number; make?: Make }): Promise<Run> {
    return this.letmein(['revoke', ...args], from);
  }

  /** An echo service in the server, TCP and UDP, both families. */
  async service(port: number): Promise<void> {
    const { v4, v6 } = this.addresses;
    // One UDP socket per address, so that an echo leaves from the address that was asked.
    await Promise.all([
      this.server.call('listenTcp', { address: '0.0.0.0', port }),
      this.server.call('listenTcp', { address: '::', port }),
      ...[...v4, ...v6].map((address) => this.server.call('listenUdp', { address, port })),
    ]);
  }

  /** What a client sees of a port: `open`, `refused`, `dropped`. TCP on the server's IPv4 address by default. */
  probe(
    port: number,
    options: From & { address?: string; transport?: Transport } = {},
  ): Promise<ProbeResult> {
    const args = {
      address: options.address ?? this.v4,
      port,
      timeoutMs: options.timeoutMs ?? PROBE_TIMEOUT_MS,
      ...(options.from === undefined ? {} : { from: options.from }),
    };
    const call = options.transport === 'udp' ? 'probeUdp' : 'probeTcp';
    return this.client(options.client).call(call, args);
  }

  /** Whether a client reaches a service. */
  async canConnect(address: string, port: number, transport: Transport = 'tcp'): Promise<boolean> {
    return (await this.probe(port, { address, transport })) === 'open';
  }

  /** A raw conversation, with the control port unless told otherwise. */
  open(
    options: From & { transport: Transport; address?: string; port?: number; fromPort?: number },
  ): Promise<Conversation> {
    const args: OpenConversation = {
      transport: options.transport,
      address: options.address ?? this.v4,
      port: options.port ?? this.options.server?.port ?? CONTROL_PORT,
      timeoutMs: options.timeoutMs ?? PROBE_TIMEOUT_MS,
      ...(options.from === undefined ? {} : { from: options.from }),
      ...(options.fromPort === undefined ? {} : { fromPort: options.fromPort }),
    };
    return Conversation.open(this.client(options.client), args);
  }

  /** Load on the control port unless told otherwise, until `stop`. */
  async flood(
    options: Omit<Flood, 'address' | 'port'> & { address?: string; port?: number; client?: number },
  ): Promise<{ stop(): Promise<FloodResult> }> {
    const { client, ...flood } = options;
    const namespace = this.client(client);
    const id = await namespace.call('floodStart', {
      address: this.v4,
      port: this.options.server?.port ?? CONTROL_PORT,
      ...flood,
    });
    return { stop: () => namespace.call('floodStop', { id }) };
  }

  /**
   * Puts a forwarder on the control port of 127.0.0.1 (to the server's IPv4 address) and ::1 (IPv6) of a client.
   * `delayMs` is one way: 150 makes a round trip of 300.
   */
  async relay(options: { delayMs: number; client?: number }): Promise<void> {
    const namespace = this.client(options.client);
    const port = this.options.server?.port ?? CONTROL_PORT;
    const shared = { port, targetPort: port, delayMs: options.delayMs };
    await Promise.all([
      namespace.call('relayStart', { ...shared, address: '127.0.0.1', targetAddress: this.v4 }),
      namespace.call('relayStart', { ...shared, address: '::1', targetAddress: this.v6 }),
    ]);
  }

  /** Runs nft in the server; returns its standard output. @throws when it fails. */
  nft(args: readonly string[], input?: string): Promise<string> {
    return this.server.must(['nft', ...args], input === undefined ? {} : { input });
  }

  /** The elements of a set in the configured table; none when there is no such set. */
  async elements(set: string): Promise<Element[]> {
    const { family = 'inet', table = 'filter' } = this.options.server ?? {};
    const list = await this.server.run(['nft', '-j', 'list', 'set', family, table, set]);
    return list.status === 0 ? parseElements(list.stdout) : [];
  }

  /** What both daemons said, for a failed test. */
  get log(): string {
    return `--- judge\n${this.judge.log}--- door\n${this.door.log}---`;
  }

  /** Ends every process and namespace of this world and removes its folder. Never throws. */
  async close(): Promise<void> {
    await Promise.allSettled([this.door.stop('SIGKILL'), this.judge.stop('SIGKILL')]);
    for (const notifications of this.#notifications) notifications.close();
    await Promise.allSettled([this.server, ...this.clients].map((space) => space.close()));
    removeFolder(this.folder);
  }
}

/** Creates a world for `body`, prints what its daemons said if `body` throws, and closes it. */
export async function withWorld(
  options: WorldOptions,
  body: (world: World) => Promise<void>,
): Promise<void> {
  const world = await World.create(options);
  try {
    await body(world);
  } catch (error) {
    process.stderr.write(`${world.log}\n`);
    throw error;
  } finally {
    await world.close();
  }
}

/** Undefined where system tests can run; else one line saying what is missing. */
export async function impossible(): Promise<string | undefined> {
  for (const tool of ['unshare', 'nsenter', 'setpriv', 'ip', 'nft', 'perl']) {
    const found = await run([tool, '--version']).catch(() => undefined);
    if (found === undefined) return `${tool} is not installed`;
  }
  try {
    const namespace = await Namespace.create();
    await namespace.must(['nft', 'list', 'ruleset']).finally(() => namespace.close());
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
