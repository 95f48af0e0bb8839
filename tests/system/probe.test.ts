/** The profiles on a real kernel: what a program that was taken over would try, from the main thread and from another. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { IS_ROOT } from './accounts.js';
import { INSTALLED, impossible, program, type Run, World } from './harness.js';

const skip = (await impossible()) ?? (IS_ROOT ? false : 'needs root for other users');

const CHILD = join(INSTALLED, 'build', 'tests', 'system', 'probe-child.js');
/** scripts/probe.mjs builds it here. */
const PROBE_FOLDER = join(dirname(CHILD), 'probe');

const { EACCES, ENOSYS, EOPNOTSUPP, EPERM, EPROTONOSUPPORT } = constants.errno;
const SIGSYS = 'SIGSYS';
const DONE = 0;
/** What becomes of an attempt: the end by SIGSYS, an errno, or nothing out of the ordinary (0). */
type Fate = typeof SIGSYS | number;

/** Forbidden to all three. */
const FORBIDDEN: Readonly<Record<string, Fate>> = {
  execve: SIGSYS,
  execveat: SIGSYS,
  fork: SIGSYS,
  thread: SIGSYS,
  clone3: ENOSYS,
  'socket-packet': SIGSYS,
  'socket-netfilter': SIGSYS,
  'socket-route': SIGSYS,
  'mprotect-exec': SIGSYS,
  'mmap-exec': SIGSYS,
  io_uring_setup: ENOSYS,
  io_uring_enter: SIGSYS,
  ptrace: SIGSYS,
  process_vm_readv: SIGSYS,
  kill: SIGSYS,
  'interface-down': ENOSYS,
  'attach-filter': ENOSYS,
  setuid: SIGSYS,
  setgroups: SIGSYS,
  capset: SIGSYS,
  dumpable: SIGSYS,
  unshare: SIGSYS,
  bpf: SIGSYS,
  userfaultfd: SIGSYS,
  keyctl: SIGSYS,
  seccomp: SIGSYS,
  unknown: ENOSYS,
  getpid: DONE,
};
const FATES: Readonly<Record<'door' | 'judge' | 'client', Readonly<Record<string, Fate>>>> = {
  door: {
    ...FORBIDDEN,
    'socket-inet': SIGSYS,
    'socket-inet-datagram': SIGSYS,
    'socket-raw': SIGSYS,
    'socket-unix': SIGSYS,
    disconnect: SIGSYS,
    connect: SIGSYS,
    'sendto-address': SIGSYS,
    open: EACCES,
  },
  judge: {
    ...FORBIDDEN,
    'socket-inet': SIGSYS,
    'socket-inet-datagram': SIGSYS,
    'socket-raw': SIGSYS,
    'socket-unix': DONE,
    // By Landlock, not by the table.
    open: EACCES,
  },
  client: {
    ...FORBIDDEN,
    'socket-inet': DONE,
    'socket-inet-datagram': DONE,
    // Its families are a list of what is allowed; the rest meets what every call does that no row names.
    'socket-raw': ENOSYS,
    'socket-unix': ENOSYS,
    'socket-packet': ENOSYS,
    'socket-netfilter': ENOSYS,
    'socket-route': ENOSYS,
    'sendto-address': SIGSYS,
    open: EACCES,
  },
};

function fateOf({ signal, status, stdout, stderr }: Run): Fate | string {
  if (signal !== null) return signal;
  const [locked, errno] = stdout.split('\n');
  return status === 0 && locked === 'locked' ? Number(errno) : `status ${status}: ${stderr}`;
}

for (const [profile, fates] of Object.entries(FATES)) {
  for (const place of ['main', 'thread'] as const) {
    test(`${profile}: what is forbidden, from the ${place} thread`, { skip }, async () => {
      const world = await World.create({ daemons: 'none', clients: 0 });
      try {
        const found = await Promise.all(
          Object.keys(fates).map(async (attempt) => {
            const command = [
              process.execPath,
              CHILD,
              PROBE_FOLDER,
              profile,
              'kill',
              place,
              attempt,
            ];
            return [attempt, fateOf(await world.server.run(command))] as const;
          }),
        );
        assert.deepEqual(Object.fromEntries(found), fates);
      } finally {
        await world.close();
      }
    });
  }
}

test('in log mode the same is logged and let through, but for what the launch refuses', {
  skip,
}, async () => {
  const world = await World.create({ daemons: 'none', clients: 0 });
  try {
    for (const attempt of ['socket-inet', 'socket-unix', 'keyctl']) {
      const command = [process.execPath, CHILD, PROBE_FOLDER, 'door', 'log', 'main', attempt];
      const fate = fateOf(await world.server.run(command));
      assert.equal(typeof fate, 'number', `${attempt}: ${fate}`);
      assert.notEqual(fate, ENOSYS, attempt);
    }
    const launched: Readonly<Record<string, Fate>> = {
      'terminal-input': EPERM,
      'socket-multipath': EPROTONOSUPPORT,
      'sendto-address': EOPNOTSUPP,
      io_uring_setup: ENOSYS,
    };
    for (const [attempt, expected] of Object.entries(launched)) {
      const command = [process.execPath, CHILD, PROBE_FOLDER, 'door', 'log', 'main', attempt];
      assert.equal(fateOf(await world.server.run(command)), expected, attempt);
    }
  } finally {
    await world.close();
  }
});

test('the probe is in no addon that is packed', () => {
  const native = join(dirname(program('ours', 'letmeind')[1] ?? ''), '..', 'native');
  const addons = readdirSync(native).filter((name) => name.endsWith('.node'));
  assert.equal(addons.length, 1, 'one addon, for this machine');
  const packed = Object.keys(createRequire(import.meta.url)(join(native, addons[0] ?? '')));
  const probing = Object.keys(createRequire(import.meta.url)(join(PROBE_FOLDER, 'probe.node')));
  assert.deepEqual(
    probing.filter((name) => !packed.includes(name)),
    ['Probe'],
  );
  assert.ok(!packed.includes('Probe'));
});
