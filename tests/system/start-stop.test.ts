/** Starting and stopping: what opens when, what is said when something is wrong, and that nothing is left. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  ALICE,
  CONTROL_PORT,
  firewall,
  impossible,
  port,
  program,
  type Run,
  serverConf,
  USERS,
  World,
  type WorldOptions,
  within,
  withWorld,
} from './harness.js';
import { assertDone, assertService, FLAG, holders, quick, TRANSPORTS } from './leases.js';
import { Notifications } from './notify.js';

const skip = (await impossible()) ?? false;

const SERVICE = 4003;
const RESOURCE = '0000000C';
/** The port of sockets that are passed in: another than the configuration's, so that it shows which are used. */
const PASSED_PORT = 5811;

/** Runs a daemon that is to end by itself. */
function daemon(world: World, name: 'letmeind' | 'letmeinfwd', args: readonly string[] = []) {
  const paths = ['--config', world.serverConfPath, '--rundir', world.rundir];
  return world.server.run([...program('ours', name), ...paths, ...args], { limitMs: 10_000 });
}

function assertEnded(run: Run, status: number, stderr: RegExp): void {
  assert.match(run.stderr, stderr);
  assert.equal(run.status, status, run.stderr);
  assert.doesNotMatch(run.stderr, /^\s+at /m, 'no stack');
  assert.equal(run.stdout, '');
}

/** The files below the runtime folder. */
function runtimeFiles(world: World): string[] {
  const names = readdirSync(world.rundir, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.includes('.')).sort();
}

const IDLE: WorldOptions = { services: [SERVICE], start: false };

test('a bad configuration: each problem with its place, status 2, nothing opened', { skip }, () =>
  withWorld(IDLE, async (world) => {
    const untouched = await world.nft(['list', 'ruleset']);
    const good = serverConf();
    const lineOf = (text: string, what: string) =>
      text.slice(0, text.indexOf(what)).split('\n').length;
    const bad = good
      .replace('family = inet', 'family = inett')
      .replace(/^0000000A = .*$/m, '0000000A = port: 99999');
    await world.configureServer(bad);
    const { stderr, ...run } = await daemon(world, 'letmeinfwd');
    assert.equal(run.status, 2, stderr);
    const lines = stderr.trimEnd().split('\n');
    const at = (what: string) => `${world.serverConfPath}:${lineOf(bad, what)}:`;
    assert.equal(lines.length, 3, stderr);
    assert.ok(lines[0]?.includes(at('family = inett')), stderr);
    assert.ok(lines[1]?.includes(at('0000000A = port')), stderr);
    assert.match(lines[2] ?? '', /^letmeinfwd: the configuration .*nothing was started/);
    // A key is never shown, not even a broken one.
    const key = USERS[ALICE] ?? '';
    await world.configureServer(good.replace(key, `${key.slice(0, -1)}x`));
    const broken = await daemon(world, 'letmeinfwd');
    assertEnded(broken, 2, /letmeind\.conf:\d+:\d+: /);
    assert.doesNotMatch(broken.stderr, new RegExp(key.slice(8, 20)));
    await world.configureServer('');
    assertEnded(await daemon(world, 'letmeinfwd'), 2, /letmeind\.conf: .*\[NFTABLES\]/);
    const nowhere = await daemon(world, 'letmeinfwd', ['-c', '/nonexistent/letmeind.conf']);
    assertEnded(nowhere, 2, /\/nonexistent\/letmeind\.conf: /);
    assert.equal(await world.nft(['list', 'ruleset']), untouched);
    assert.deepEqual(runtimeFiles(world), []);
  }),
);

test('wrong usage: one line and status 2', { skip }, () =>
  withWorld(IDLE, async (world) => {
    for (const name of ['letmeind', 'letmeinfwd'] as const) {
      const unknown = await daemon(world, name, ['--nonsense']);
      assertEnded(unknown, 2, new RegExp(`^${name}: unknown option '--nonsense'\n$`));
      assertEnded(await daemon(world, name, ['-n', '0']), 2, new RegExp(`^${name}: .*-n`));
      const version = await daemon(world, name, ['--version']);
      assert.deepEqual([version.status, version.stderr], [0, '']);
      assert.match(version.stdout, /^\w+ version \d+\.\d+\.\d+\n$/);
    }
    assert.deepEqual(runtimeFiles(world), []);
  }),
);

test('no table, no chain: what is missing, and what to do', { skip }, async () => {
  for (const [ruleset, said] of [
    ['', /^letmeinfwd: failed to find table inet filter: ENOENT: .+\n$/],
    [
      'table inet filter { }',
      /^letmeinfwd: failed to add rule to chain LETMEIN-INPUT of table inet filter: ENOENT: does the chain exist\?\n$/,
    ],
    ['table ip filter {\n chain LETMEIN-INPUT { }\n}', /table inet filter: ENOENT: /],
  ] as const) {
    await withWorld({ ...IDLE, ruleset }, async (world) => {
      const before = await world.nft(['list', 'ruleset']);
      assertEnded(await daemon(world, 'letmeinfwd'), 1, said);
      assert.equal(await world.nft(['list', 'ruleset']), before);
      assert.deepEqual(runtimeFiles(world), []);
    });
  }
});

test('the door listens, and is ready, only when the judge has said where', { skip }, () =>
  withWorld(IDLE, async (world) => {
    const door = await Notifications.listen(join(world.folder, 'door.notify'));
    const judge = await Notifications.listen(join(world.folder, 'judge.notify'));
    const listens = () =>
      Promise.all(TRANSPORTS.map((each) => world.server.listens(each, CONTROL_PORT)));
    try {
      world.door.launch();
      await world.door.line(/waiting for letmeinfwd at .*judge\.sock: no port is open before it/);
      const before = door.count;
      assert.deepEqual(await listens(), [false, false]);
      world.judge.launch();
      await door.line(/^READY=1$/, before);
      assert.equal(before, 1, 'nothing but the receiver’s own line came before the judge did');
      assert.deepEqual(await listens(), [true, true]);
      await judge.line(/^READY=1$/);
      assert.equal(await quick(world, 'knock', { resource: RESOURCE }), 'comein');
      await assertService(world, SERVICE, 'open');
    } finally {
      door.close();
      judge.close();
    }
  }),
);

test('a service manager that asks for signs of life gets them, locked or not', {
  skip,
}, async () => {
  const watched = ['env', 'WATCHDOG_USEC=200000'];
  const launchers = { door: watched, judge: watched };
  const managers: Notifications[] = [];
  await withWorld({ ...IDLE, launchers }, async (world) => {
    for (const role of ['door', 'judge'] as const) {
      const manager = await Notifications.listen(join(world.folder, `${role}.notify`));
      world[role].launch();
      managers.push(manager);
    }
    try {
      for (const manager of managers) {
        await manager.line(/^READY=1$/);
        const before = manager.count;
        await manager.line(/^WATCHDOG=1$/, before);
        await manager.line(/^WATCHDOG=1$/, before + 1);
      }
    } finally {
      for (const manager of managers) manager.close();
    }
  });
});

test('a service manager that cannot be told is no reason not to open the door', { skip }, () =>
  withWorld(IDLE, async (world) => {
    // NOTIFY_SOCKET is set, and nobody has made it: a shell that was started by some unit passes it on.
    world.door.launch();
    world.judge.launch();
    for (const each of [world.door, world.judge]) {
      await each.line(/: failed to reach the service manager: .*: going on without$/);
    }
    await world.door.line(/listening on port 5800, tcp and udp$/);
    assertDone(await world.knock([world.v4, `${SERVICE}`]), 'knock');
  }),
);

test('pid files: the right pid, gone after a clean end, no obstacle after a kill', { skip }, () =>
  withWorld({ services: [SERVICE] }, async (world) => {
    const pidOf = (name: string) => readFileSync(join(world.rundir, name, `${name}.pid`), 'utf8');
    const files = ['letmeind/judge.sock', 'letmeind/letmeind.pid', 'letmeinfwd/letmeinfwd.pid'];
    assert.deepEqual(runtimeFiles(world), files);
    for (const signal of ['SIGKILL', 'SIGTERM', 'SIGINT'] as const) {
      assert.equal(pidOf('letmeind'), `${world.door.pid}\n`);
      assert.equal(pidOf('letmeinfwd'), `${world.judge.pid}\n`);
      assert.equal(await quick(world, 'knock', { resource: RESOURCE }), 'comein');
      const exits = await Promise.all([world.door.stop(signal), world.judge.stop(signal)]);
      const clean = signal !== 'SIGKILL';
      const expected = clean ? { code: 0, signal: null } : { code: null, signal };
      assert.deepEqual(exits, [expected, expected]);
      assert.deepEqual(runtimeFiles(world), clean ? [] : files);
      if (clean) assert.doesNotMatch(await world.nft(['list', 'ruleset']), /letmein-|dport 5800/);
      await world.start();
    }
  }),
);

test('a second start is refused while one runs, and does no harm', { skip }, () =>
  withWorld({ services: [SERVICE] }, async (world) => {
    assert.equal(await quick(world, 'knock', { resource: RESOURCE }), 'comein');
    const before = runtimeFiles(world);
    for (const [name, running] of [
      ['letmeind', world.door],
      ['letmeinfwd', world.judge],
    ] as const) {
      const said = `${name} is running already as process ${running.pid}: see .*/${name}\\.pid`;
      assertEnded(await daemon(world, name), 1, new RegExp(`^${name}: ${said}\n$`));
    }
    assert.deepEqual(runtimeFiles(world), before);
    assert.equal((await holders(world)).length, 1);
    await assertService(world, SERVICE, 'open');
    assertDone(await world.revoke([world.v4, `${SERVICE}`]), 'revoke');
    await assertService(world, SERVICE, 'dropped');
  }),
);

test('a control port that somebody else has: the door says so and ends', { skip }, () =>
  withWorld({ ...IDLE, services: [CONTROL_PORT] }, async (world) => {
    await world.judge.start();
    world.door.launch();
    const exit = await within('the door to end', world.door.exited);
    assert.deepEqual(exit, { code: 1, signal: null });
    const said =
      /^letmeind: failed to listen on the control port: .*EADDRINUSE.* [\d.:]+:5800: .*'ss -lntup'/m;
    assert.match(world.door.log, said);
    assert.deepEqual(runtimeFiles(world), ['letmeinfwd/letmeinfwd.pid']);
  }),
);

/** Opens sockets as systemd does for letmeind.socket, and becomes the daemon. `$^F` keeps them over exec. */
const AS_SYSTEMD = `
  use Socket qw(:all);
  my ($port, $pid, @kinds) = (shift, shift, split(/,/, shift));
  $^F = 9;
  my @kept;
  for (@kinds) {
    my ($type, $family) = /^(tcp|udp)([46]|dual)$/ or die "kind";
    my $domain = $family eq '4' ? AF_INET : AF_INET6;
    socket(my $s, $domain, $type eq 'tcp' ? SOCK_STREAM : SOCK_DGRAM, 0) or die "socket: $!";
    setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1) or die "reuse: $!";
    setsockopt($s, IPPROTO_IPV6, IPV6_V6ONLY, $family eq '6' ? 1 : 0) or die "v6only: $!"
      if $domain == AF_INET6;
    bind($s, $domain == AF_INET ? sockaddr_in($port, INADDR_ANY) : sockaddr_in6($port, IN6ADDR_ANY))
      or die "bind: $!";
    listen($s, 128) or die "listen: $!" if $type eq 'tcp';
    push @kept, $s;
  }
  fileno($kept[0]) == 3 or die 'the first socket is ' . fileno($kept[0]);
  $ENV{LISTEN_FDS} = @kept;
  $ENV{LISTEN_PID} = $pid eq 'self' ? $$ : $pid;
  exec @ARGV or die "exec: $!";
`;

function passing(at: number, kinds: string, pid = 'self'): WorldOptions {
  const door = ['perl', '-e', AS_SYSTEMD, `${at}`, pid, kinds];
  const ruleset = firewall({
    open: TRANSPORTS.map((each) => `${each} dport ${PASSED_PORT} accept`),
  });
  return { services: [SERVICE], launchers: { door }, ruleset };
}

async function assertKnocks(world: World, at: number): Promise<void> {
  for (const address of [world.v4, world.v6]) {
    for (const transport of TRANSPORTS) {
      const args = [address, `${SERVICE}`, '-P', `${at}`, FLAG[transport]];
      assertDone(await world.knock(args), `knock ${args.join(' ')}`);
      await assertService(world, SERVICE, 'open', { address });
      assertDone(await world.revoke(args), `revoke ${args.join(' ')}`);
    }
  }
}

for (const kinds of ['tcpdual,udpdual', 'tcp4,udp4,tcp6,udp6']) {
  test(`sockets from systemd (${kinds}) are used`, { skip }, async () => {
    await withWorld(passing(PASSED_PORT, kinds), async (world) => {
      await assertKnocks(world, PASSED_PORT);
      await world.door.line(/a socket from systemd is at port 5811, letmeind.conf says 5800: /);
      assert.equal(await world.server.listens('tcp', CONTROL_PORT), false, 'instead of our own');
    });
  });
}

test('sockets from systemd at the control port itself stand beside our own', { skip }, () =>
  withWorld(passing(CONTROL_PORT, 'tcpdual,udpdual'), async (world) => {
    await assertKnocks(world, CONTROL_PORT);
    // The passed sockets outlive a judge, and serve the next one.
    await world.judge.restart('SIGKILL');
    await assertKnocks(world, CONTROL_PORT);
  }),
);

test('sockets from systemd cannot follow another port, and the door says so', { skip }, () =>
  withWorld(passing(CONTROL_PORT, 'tcpdual,udpdual'), async (world) => {
    await world.judge.stop();
    await world.configureServer({ port: PASSED_PORT });
    world.judge.launch();
    await world.door.line(/sockets from systemd cannot change: restart letmeind.socket/);
    assert.equal((await world.door.exited).code, 1);
  }),
);

test('sockets that are another process’s, or not wanted, are left alone', { skip }, async () => {
  for (const options of [
    passing(PASSED_PORT, 'tcpdual,udpdual', '1'),
    { ...passing(PASSED_PORT, 'tcpdual,udpdual'), doorArgs: ['--no-systemd'] },
  ]) {
    await withWorld(options, async (world) => {
      assert.equal(await world.server.listens('tcp', CONTROL_PORT), true);
      assert.equal(await quick(world, 'knock', { resource: RESOURCE }), 'comein');
    });
  }
});

test('neither daemon starts a process in its life', { skip }, async () => {
  const KNOCKS = 100;
  const world = await World.create({
    services: [SERVICE],
    server: { resources: { [RESOURCE]: port(SERVICE, { transports: ['tcp', 'udp'] }) } },
  });
  try {
    const pids = [world.door.pid, world.judge.pid];
    for (let n = 0; n < KNOCKS; n += 1) {
      const user = Object.keys(USERS)[n % 2] ?? '';
      const transport = TRANSPORTS[n % TRANSPORTS.length] ?? 'tcp';
      const where = { transport, address: n % 4 < 2 ? world.v4 : world.v6 };
      const operation = n % 8 < 4 ? 'knock' : 'revoke';
      assert.equal(await quick(world, operation, { resource: RESOURCE, user }, where), 'comein');
      for (const pid of pids) assert.deepEqual(childrenOf(pid), [], 'running, or a zombie');
    }
    // A child that was there and was waited for has left its page faults (proc_pid_stat(5)): no process starts without.
    for (const pid of pids) assert.deepEqual(faultsOfChildren(pid), { minor: 0, major: 0 });
    assert.ok(faultsOfChildren(process.pid).minor > 0, 'as this process, which has had some');
  } catch (error) {
    process.stderr.write(`${world.log}\n`);
    throw error;
  } finally {
    await world.close();
  }
});

function childrenOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
  );
}

/** Fields 11 and 13 of /proc/PID/stat, counted behind the name in brackets. */
function faultsOfChildren(pid: number): { minor: number; major: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { minor: Number(fields[8]), major: Number(fields[10]) };
}
