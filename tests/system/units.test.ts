/** The systemd units: how much they protect, and that the daemons live with it. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { impossible, program, ROOT, World } from './harness.js';
import { assertDone, assertService } from './leases.js';
import { INIT, Machine, SYSTEM_UNITS, UNITS } from './machine.js';
import { must, run } from './process.js';
import { waitFor } from './wait.js';

/** `systemd-analyze security`: 0 is best, 10 worst. */
const MOST_EXPOSED = 1.5;
const SERVICES = ['letmeind.service', 'letmeinfwd.service'];
const ALL = ['letmeind.socket', ...SERVICES];
/** As the shipped configurations have them. */
const USER = '00000000';
const PORT = 22;
const NET_ADMIN = '0000000000001000';
/** letmeinfwd says it each time. */
const LINKED = /linked to the door/g;
/** Where root could write, if the units did not forbid it. */
const FOLDERS = ['/etc', '/home', '/opt', '/root', '/run', '/tmp', '/usr', '/var'];
const NONE = '0000000000000000';

/** Why units cannot be run here. CI must be able to. */
async function noUnits(): Promise<string | undefined> {
  if (process.env.CI) return undefined;
  if (process.geteuid?.() !== 0) return 'systemd as process 1 needs root';
  for (const file of [INIT, join(SYSTEM_UNITS, 'nftables.service')]) {
    if (!existsSync(file)) return `${file} is not there: install systemd and nftables`;
  }
  return impossible();
}

const analyze = (await run(['systemd-analyze', '--version']).catch(() => undefined)) !== undefined;
const noAnalyze = analyze || process.env.CI ? false : 'systemd-analyze is not installed';
const skip = (await noUnits()) ?? false;

for (const service of SERVICES) {
  test(`${service} scores at most ${MOST_EXPOSED}`, { skip: noAnalyze }, async () => {
    const security = ['systemd-analyze', 'security', '--no-pager', '--offline=true'];
    const text = await must([...security, join(UNITS, service)]);
    const [, score] = /Overall exposure level for \S+: ([\d.]+)/.exec(text) ?? [];
    assert.ok(Number(score) <= MOST_EXPOSED, text);
    assert.doesNotMatch(readFileSync(join(UNITS, service), 'utf8'), /^User=root/m);
  });
}

/** A shipped configuration with a key in it. */
function shipped(name: string, key: string): string {
  const text = readFileSync(join(ROOT, 'etc', name), 'utf8');
  assert.match(text, /^#00000000 = PASTE.*$/m);
  return text.replace(/^#00000000 = PASTE.*$/m, key.trim());
}

async function withMachine(body: (machine: Machine, world: World) => Promise<void>): Promise<void> {
  const world = await World.create({ daemons: 'none', ruleset: '', services: [PORT] });
  let machine: Machine | undefined;
  try {
    const key = await must([...program('ours', 'letmein'), 'gen-key', '-u', USER]);
    await world.configureClient(shipped('letmein.conf', key));
    machine = await Machine.boot(world, shipped('letmeind.conf', key));
    await body(machine, world);
  } catch (error) {
    const status = await machine?.systemctl(['status', '--full', ...ALL, 'nftables.service']);
    process.stderr.write(`${status?.stdout}\n${await machine?.log()}\n`);
    throw error;
  } finally {
    await machine?.close();
    await world.close();
  }
}

async function assertOpens(world: World): Promise<void> {
  const options = { transports: ['tcp'] as const };
  await assertService(world, PORT, 'dropped', options);
  assertDone(await world.knock([world.v4, `${PORT}`]), 'knock');
  await assertService(world, PORT, 'open', options);
  assertDone(await world.revoke([world.v4, `${PORT}`]), 'revoke');
  await assertService(world, PORT, 'dropped', options);
}

/** The process of a service: its own user, and what it may. */
async function assertConfined(machine: Machine, service: string, capabilities: string) {
  const pid = await machine.property(service, 'MainPID');
  const status = await machine.must(['cat', `/proc/${pid}/status`]);
  assert.doesNotMatch(status, /^[UG]id:.*\b0\b/m, 'not root');
  for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
    assert.match(status, new RegExp(`^${set}:\t${capabilities}$`, 'm'), service);
  }
  assert.match(status, /^NoNewPrivs:\t1$/m);
  assert.match(status, /^Seccomp:\t2$/m);
  const name = service.replace('.service', '');
  const inside = ['nsenter', '--target', pid, '--mount', '--'];
  const find = ['find', ...FOLDERS, '-maxdepth', '2', '-type', 'd', '-writable'];
  const writable = (await machine.must([...inside, ...find])).trim().split('\n').sort();
  assert.deepEqual(writable, [`/run/${name}`, '/tmp', '/var/tmp']);
}

/** Does something that restarts services, and waits until they are there again. */
async function restarts(machine: Machine, services: readonly string[], cause: readonly string[]) {
  const invocations = () =>
    Promise.all(services.map((each) => machine.property(each, 'InvocationID')));
  const before = await invocations();
  await machine.must(['systemctl', ...cause]);
  await waitFor(`${services.join(' and ')} to restart`, async () => {
    const now = await invocations();
    const states = await Promise.all(services.map((each) => machine.property(each, 'ActiveState')));
    return now.every((id, n) => id !== before[n]) && states.every((state) => state === 'active');
  });
}

async function linked(machine: Machine, times: number): Promise<void> {
  await waitFor(`link ${times}`, async () => {
    const links = (await machine.log()).match(LINKED) ?? [];
    return links.length >= times;
  });
}

test('the units start, serve, reload, restart and stop', { skip }, () =>
  withMachine(async (machine, world) => {
    const verified = await machine.run([
      ...['systemd-analyze', 'verify'],
      ...ALL.map((unit) => `/etc/systemd/system/${unit}`),
    ]);
    assert.deepEqual([verified.status, verified.stdout, verified.stderr], [0, '', '']);

    assert.equal((await machine.systemctl(['is-system-running'])).stdout, 'running\n');
    for (const unit of ALL) assert.equal(await machine.property(unit, 'ActiveState'), 'active');
    await assertConfined(machine, 'letmeind.service', NONE);
    await assertConfined(machine, 'letmeinfwd.service', NET_ADMIN);
    const door = await machine.property('letmeind.service', 'MainPID');
    const keys = join(`/proc/${door}/root`, 'etc', 'letmeind.conf');
    assert.equal(await machine.must(['cat', keys]), '', 'the door sees an empty file');
    await assertOpens(world);

    const pids = () => Promise.all(SERVICES.map((each) => machine.property(each, 'MainPID')));
    const before = await pids();
    await machine.must(['systemctl', 'reload', ...SERVICES]);
    await assertOpens(world);
    assert.deepEqual(await pids(), before, 'a reload is no restart');

    // The ruleset is loaded anew, and the door stays.
    await restarts(machine, ['letmeinfwd.service'], ['restart', 'nftables.service']);
    await linked(machine, 2);
    await assertOpens(world);
    await machine.must(['systemctl', 'stop', 'nftables.service']);
    assert.equal(await machine.property('letmeinfwd.service', 'ActiveState'), 'inactive');
    await restarts(machine, ['letmeinfwd.service'], ['start', 'nftables.service']);
    await linked(machine, 3);
    assert.equal((await pids())[0], before[0]);

    // The door goes, its socket stays: a knock brings it back.
    const judge = (await pids())[1];
    await machine.must(['systemctl', 'stop', 'letmeind.service']);
    assert.equal(await world.server.listens('tcp', 5800), true);
    await assertOpens(world);
    assert.equal(await machine.property('letmeind.service', 'ActiveState'), 'active');
    assert.equal((await pids())[1], judge);

    const links = (await machine.log()).match(LINKED)?.length ?? 0;
    await restarts(machine, SERVICES, ['kill', '--signal=KILL', ...SERVICES]);
    await linked(machine, links + 1);
    await assertOpens(world);

    await machine.must(['systemctl', 'stop', ...ALL]);
    assert.equal(await world.server.listens('tcp', 5800), false);
    const ruleset = await world.nft(['list', 'ruleset']);
    assert.match(ruleset, /chain LETMEIN-INPUT/);
    assert.doesNotMatch(ruleset, /letmein-|dport 5800/);
    for (const unit of ALL) {
      assert.equal(await machine.property(unit, 'ActiveState'), 'inactive');
      assert.equal(await machine.property(unit, 'Result'), 'success');
    }
    assert.equal(await machine.must(['systemctl', '--failed', '--quiet']), '');
  }),
);
