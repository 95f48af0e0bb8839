/** Launch: however a daemon is started, it ends in one state, or says in one line why it cannot. */
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ACCOUNTS, IS_ROOT } from './accounts.js';
import {
  type Daemon,
  impossible,
  program,
  ROOT,
  type Run,
  type Seccomp,
  type World,
  type WorldOptions,
  waitFor,
  withWorld,
} from './harness.js';
import { coreLimit, descriptors, environment, threads, writableAndExecutable } from './proc.js';

const skip = (await impossible()) ?? (IS_ROOT ? false : 'needs root for other users');

const PORT = '4001';
const NET_ADMIN = '0000000000001000';
const NET_BIND_SERVICE = '0000000000000400';
const NOTHING = '0000000000000000';
/** Seccomp filters on each thread: the launch's, and the lock's. */
const FILTERS: Readonly<Record<Seccomp, string>> = { off: '1', log: '2', kill: '2' };
const NAMES = { door: 'letmeind', judge: 'letmeinfwd' } as const;
type Role = keyof typeof NAMES;

function assertConfined(world: World, role: Role, mode: Seccomp, capabilities: string): void {
  const { pid } = world[role];
  const id = `${ACCOUNTS[NAMES[role]]}`;
  const groups = role === 'door' ? id : `${ACCOUNTS.letmeind} ${id}`;
  for (const status of threads(pid)) {
    assert.equal(status.NoNewPrivs, '1');
    assert.equal(status.Seccomp, '2');
    assert.equal(status.Seccomp_filters, FILTERS[mode]);
    assert.deepEqual(status.Uid?.split('\t'), Array(4).fill(id));
    assert.deepEqual(status.Gid?.split('\t'), Array(4).fill(id));
    assert.equal(status.Groups?.trim(), groups);
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
      assert.equal(status[set], capabilities, set);
    }
  }
  assert.equal(coreLimit(pid)?.replace(/\s+/g, ' '), '0 0');
  assert.deepEqual(writableAndExecutable(pid), []);
  const open = descriptors(pid);
  assert.deepEqual(
    open.filter((each) => /io_uring|letmeind\.conf|\.lock$/.test(each)),
    [],
  );
  // Undumpable: what /proc shows of it belongs to root (proc(5)), so no other process of its user can touch its memory.
  assert.equal(statSync(`/proc/${pid}/mem`).uid, 0);
}

async function assertServes(world: World): Promise<void> {
  for (const option of ['-T', '-U']) {
    const { status, stderr } = await world.knock([world.v4, PORT, option]);
    assert.equal(status, 0, stderr);
  }
}

for (const mode of ['off', 'log', 'kill'] as const) {
  test(`both daemons, seccomp = ${mode}: what /proc shows of every thread`, { skip }, () =>
    withWorld({ server: { seccomp: mode } }, async (world) => {
      await assertServes(world);
      assertConfined(world, 'door', mode, NOTHING);
      assertConfined(world, 'judge', mode, NET_ADMIN);
      assert.equal(statSync(join(world.rundir, 'letmeind')).uid, ACCOUNTS.letmeind);
      assert.equal(statSync(join(world.rundir, 'letmeinfwd')).uid, ACCOUNTS.letmeinfwd);
    }),
  );
}

test('--seccomp goes before the configuration, for each daemon', { skip }, () =>
  withWorld(
    {
      server: { seccomp: 'kill' },
      doorArgs: ['--seccomp', 'off'],
      judgeArgs: ['--seccomp', 'off'],
    },
    async (world) => {
      assertConfined(world, 'door', 'off', NOTHING);
      assertConfined(world, 'judge', 'off', NET_ADMIN);
    },
  ),
);

/** Started in `launcher`'s way, the daemon ends in the same state as ever. */
async function assertSameHowever(
  role: Role,
  launcher: readonly string[],
  more: WorldOptions = {},
): Promise<void> {
  const options = {
    server: { seccomp: 'kill' },
    launchers: { [role]: launcher },
    ...more,
  } as const;
  await withWorld(options, async (world) => {
    await assertServes(world);
    assertConfined(world, role, 'kill', role === 'door' ? NOTHING : NET_ADMIN);
    const names = environment(world[role].pid).map((entry) => entry.split('=')[0]);
    const fixed = ['LETMEIN_LAUNCHED', 'OPENSSL_CONF', 'UV_THREADPOOL_SIZE'];
    const kept = ['LANG', 'NOTIFY_SOCKET', 'PATH', ...fixed].sort();
    assert.deepEqual(
      names.filter((name) => !name?.startsWith('LISTEN_')),
      kept,
    );
  });
}

const WAYS: Readonly<Record<string, readonly string[]>> = {
  'with NODE_OPTIONS, LD_PRELOAD and more in the environment': [
    'env',
    'NODE_OPTIONS=--max-http-header-size=9999',
    'LD_PRELOAD=libc.so.6',
    'LD_LIBRARY_PATH=/tmp',
    'OPENSSL_CONF=/dev/null',
    'SSH_AUTH_SOCK=/tmp/agent',
  ],
  'with 0 to 2 closed': ['sh', '-c', 'exec "$@" <&- >&- 2>&-', 'sh'],
  'with LISTEN_FDS for another process': ['env', 'LISTEN_FDS=1', 'LISTEN_PID=1'],
  'with descriptors of others open': [
    'sh',
    '-c',
    'exec "$@" 7</etc/shadow 9>/tmp/../dev/null',
    'sh',
  ],
  'from a folder that its user cannot enter': ['sh', '-c', 'cd /root && exec "$@"', 'sh'],
};
for (const role of ['door', 'judge'] as const) {
  for (const [what, launcher] of Object.entries(WAYS)) {
    test(`${NAMES[role]} ${what}`, { skip }, () => assertSameHowever(role, launcher));
  }
}

test('with a pipe for stdout, and through the shebang', { skip }, () =>
  withWorld({ start: false }, async (world) => {
    const path = program('ours', 'letmeind')[1] ?? '';
    const args = ['--rundir', world.rundir, '--no-systemd'];
    const script = '"$@" | cat & wait';
    const run = world.server.run(['sh', '-c', script, 'sh', path, ...args]);
    const file = join(world.rundir, 'letmeind', 'letmeind.pid');
    const pid = await waitFor('the door', () => pidIn(file));
    assert.equal(threads(pid)[0]?.NoNewPrivs, '1');
    process.kill(pid, 'SIGTERM');
    assert.match((await run).stderr, /waiting for letmeinfwd/);
  }),
);

/** The pid in a file, once the door also listens for its judge. */
function pidIn(file: string): number | undefined {
  const isThere = [file, join(file, '..', 'judge.sock')].every((path) => existsSync(path));
  return isThere ? pidOf(file) : undefined;
}

function pidOf(file: string): number {
  return Number(readFileSync(file, 'utf8'));
}

function assertRefused(run: Run, said: RegExp): void {
  assert.match(run.stderr, said);
  assert.equal(run.stderr.trimEnd().split('\n').length, 1, run.stderr);
  assert.equal(run.status, 1);
}

function start(world: World, role: Role, before: readonly string[] = []): Promise<Run> {
  const paths = ['--config', world.serverConfPath, '--rundir', world.rundir, '--no-systemd'];
  const command = [...before, ...program('ours', NAMES[role]), ...paths];
  return world.server.run(command, { limitMs: 5_000 });
}

test('the marker set by hand is no launch', { skip }, () =>
  withWorld({ start: false }, async (world) => {
    for (const role of ['door', 'judge'] as const) {
      const asRoot = await start(world, role, ['env', 'LETMEIN_LAUNCHED=1']);
      assertRefused(
        asRoot,
        /: this process was not launched: it is root: was LETMEIN_LAUNCHED set/,
      );
      const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
      const other = await start(world, role, [...asNobody, 'env', 'LETMEIN_LAUNCHED=1']);
      assertRefused(other, /: this process was not launched: /);
      const bare = [...asNobody, '--no-new-privs', '--inh-caps=-all', '--bounding-set=-all'];
      const most = await start(world, 'door', [...bare, 'env', 'LETMEIN_LAUNCHED=1']);
      assertRefused(most, /: this process was not launched: (core dumps|io_uring|no Landlock)/);
    }
  }),
);

test('no such user: what to do', { skip }, () =>
  withWorld({ start: false, accounts: { someone: 4711 } }, async (world) => {
    for (const role of ['door', 'judge'] as const) {
      const name = NAMES[role];
      const said = `^${name}: there is no user ${name} to run as: make it, as README`;
      assertRefused(await start(world, role), new RegExp(said));
    }
  }),
);

test('a judge without CAP_NET_ADMIN says what it needs', { skip }, () =>
  withWorld({ start: false }, async (world) => {
    const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    const said = /^letmeinfwd: it needs CAP_NET_ADMIN: start it as root, or as a service with Amb/;
    assertRefused(await start(world, 'judge', asNobody), said);
  }),
);

/** A Node binary of the test's own. */
function ownNode(world: World, folderMode: number): string {
  const folder = join(world.folder, 'node');
  mkdirSync(folder);
  const path = join(folder, 'node');
  copyFileSync(process.execPath, path);
  chmodSync(path, 0o755);
  chmodSync(folder, folderMode);
  return path;
}

test('a Node binary with file capabilities: the judge names getcap', { skip }, () =>
  withWorld({ start: false }, async (world) => {
    const node = ownNode(world, 0o755);
    await world.server.must(['setcap', 'cap_net_bind_service=+ep', node]);
    const [, script = ''] = program('ours', 'letmeinfwd');
    const paths = ['--config', world.serverConfPath, '--rundir', world.rundir, '--no-systemd'];
    const judge = await world.server.run([node, script, ...paths]);
    assertRefused(judge, /has file capabilities, .*CAP_NET_ADMIN.*'getcap .*node'/);
  }),
);

test('a door on a Node binary with file capabilities has none of them', { skip }, () =>
  withWorld({ start: false, server: { seccomp: 'kill' } }, async (world) => {
    world.options.node = ownNode(world, 0o755);
    await world.server.must(['setcap', 'cap_net_bind_service=+ep', world.options.node]);
    world.door.launch();
    world.options.node = process.execPath;
    await world.judge.start();
    await world.door.line(/listening on port/);
    assertConfined(world, 'door', 'kill', NOTHING);
  }),
);

test('a Node binary that the daemon’s user cannot reach', { skip }, () =>
  withWorld({ start: false }, async (world) => {
    const node = ownNode(world, 0o700);
    for (const role of ['door', 'judge'] as const) {
      const [, script = ''] = program('ours', NAMES[role]);
      const paths = ['--config', world.serverConfPath, '--rundir', world.rundir, '--no-systemd'];
      const run = await world.server.run([node, script, ...paths]);
      assertRefused(
        run,
        new RegExp(`^${NAMES[role]}: failed to .*${node}.*: EACCES: .* must be able`),
      );
    }
  }),
);

test('a program folder that the daemon’s user cannot reach', { skip }, () =>
  withWorld({ start: false }, async (world) => {
    const folder = join(world.folder, 'closed');
    mkdirSync(folder, { mode: 0o700 });
    for (const part of ['dist', 'package.json', 'node_modules/commander']) {
      const from =
        part === 'dist' ? join(program('ours', 'letmeind')[1] ?? '', '..', '..') : join(ROOT, part);
      await world.server.must(['mkdir', '-p', join(folder, part, '..')]);
      await world.server.must(['cp', '-r', from, join(folder, part)]);
    }
    const script = join(folder, 'dist', 'bin', 'letmeind.js');
    const run = await world.server.run([process.execPath, script, '--rundir', world.rundir]);
    assertRefused(run, /^letmeind: failed to open .*: EACCES: letmeind must be able to read it/);
  }),
);

test('a control port below 1024: refused with what to do, or kept for', { skip }, async () => {
  const low = { server: { port: 443, seccomp: 'kill' } } as const;
  await withWorld({ ...low, start: false }, async (world) => {
    await world.judge.start();
    world.door.launch();
    assert.deepEqual(await world.door.exited, { code: 1, signal: null });
    assert.match(
      world.door.log,
      /EACCES.*: a port below 1024 needs --low-port, or sockets from sy/,
    );
  });
  await withWorld({ ...low, doorArgs: ['--low-port'] }, async (world) => {
    await assertServes(world);
    assertConfined(world, 'door', 'kill', NET_BIND_SERVICE);
  });
});

/** A full disk for the runtime folder. */
async function fill(world: World, role: Role): Promise<void> {
  const folder = join(world.rundir, NAMES[role]);
  await world.server.must(['mount', '-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', folder]);
  await world.server.run(['sh', '-c', `head -c 100000 /dev/zero > ${folder}/full`]);
}

test('a full disk for the pid file: a clear end, nothing opened', { skip }, () =>
  withWorld({ start: false }, async (world) => {
    for (const role of ['door', 'judge'] as const) {
      await fill(world, role);
      assertRefused(await start(world, role), /failed to write the pid file .*ENOSPC/);
    }
    assert.doesNotMatch(await world.nft(['list', 'ruleset']), /letmein-/);
  }),
);

test('nobody reads the log: the daemons serve on', { skip }, () =>
  withWorld({ start: false, server: { seccomp: 'kill' } }, async (world) => {
    const unread = ['sh', '-c', 'exec "$@" >/dev/full 2>&1', 'sh'];
    world.options.launchers = { door: unread, judge: unread };
    await world.start();
    await assertServes(world);
    const gone = ['sh', '-c', '"$@" 2>&1 | true', 'sh'];
    await Promise.all([world.door.stop(), world.judge.stop()]);
    world.options.launchers = { door: gone, judge: gone };
    await startAll([world.door, world.judge]);
    await assertServes(world);
    for (const role of ['door', 'judge'] as const) {
      const pid = pidOf(join(world.rundir, NAMES[role], `${NAMES[role]}.pid`));
      assert.equal(threads(pid)[0]?.Seccomp_filters, FILTERS.kill);
      process.kill(pid, 'SIGTERM');
    }
  }),
);

async function startAll(daemons: readonly Daemon[]): Promise<void> {
  await Promise.all(daemons.map((daemon) => daemon.start()));
}

test('a link in the runtime folder’s place leads root nowhere', { skip }, () =>
  withWorld({ start: false }, async (world) => {
    const victim = join(world.folder, 'victim');
    mkdirSync(victim, { mode: 0o700 });
    for (const role of ['door', 'judge'] as const) {
      const folder = join(world.rundir, NAMES[role]);
      await world.server.must(['sh', '-c', `rm -r ${folder} && ln -s ${victim} ${folder}`]);
      assertRefused(await start(world, role), /failed to open the folder .*: E(LOOP|NOTDIR)/);
    }
    assert.equal(statSync(victim).uid, 0);
  }),
);
