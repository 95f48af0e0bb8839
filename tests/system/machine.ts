/**
 * A machine that boots: systemd as the first process of a namespace, inside the server of a world.
 *
 * It has an /etc, /run, /tmp, /var and /usr/local of its own, and a cgroup tree; everything else is the real machine's.
 * The units are this repository's and the few of the system that they need, so nothing else starts.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { World } from './harness.js';
import { cleanEnvironment, must, type Run, track } from './process.js';
import { INSTALLED, ROOT } from './programs.js';
import { waitFor } from './wait.js';

export const UNITS = join(ROOT, 'etc', 'systemd');
const OWN_UNITS = ['letmeind.socket', 'letmeind.service', 'letmeinfwd.service'];
/** systemd's program for process 1: no package puts it on a search path. */
export const INIT = '/usr/lib/systemd/systemd';
/** Where distributions have the units that ours name. */
export const SYSTEM_UNITS = '/usr/lib/systemd/system';
const TARGETS = ['sysinit', 'basic', 'sockets', 'network-pre', 'network', 'multi-user', 'shutdown'];
/** What the daemons say goes here: there is no journal. */
const LOG = '/run/daemons.log';
const LOGGING = `[Service]\nStandardError=append:${LOG}\n`;

/** Of the real /etc, for the dynamic linker: where it finds libraries. */
const COPIED = ['ld.so.cache'];
const FILE_MODE = 0o644;
const KEYS_MODE = 0o640;

/** Runs in the server: a cgroup of its own ($1 the folder, $2 its name), then systemd in new namespaces. */
const START = `set -e
mount -t cgroup2 none "$1/cgroup"
mkdir "$1/cgroup/$2"
echo $$ > "$1/cgroup/$2/cgroup.procs"
exec unshare --fork --pid --mount --cgroup --uts --ipc --kill-child --mount-proc -- sh -c "$3" sh "$1" "$4" "$5"
`;
/**
 * Runs as process 1: $1 the folder, $2 the Node binary, $3 the package. All three may lie below what is hidden here, so
 * they are bound first.
 */
const BOOT = `set -e
mount -t tmpfs -o mode=755 none /run
mount -t cgroup2 none /sys/fs/cgroup
mount --bind "$2" "$1/local/bin/node"
mount --bind "$3" "$1/local/lib/node_modules/letmein"
mount --rbind "$1/local" /usr/local
mount --bind "$1/etc" /etc
mount -t tmpfs -o mode=755 none /var
mkdir -m 1777 /var/tmp
mount -t tmpfs -o mode=1777 none /tmp
exec ${INIT} --unit=multi-user.target --log-target=null --show-status=false
`;
/** systemd leaves the host's name, clock and kernel settings alone in what calls itself a container. */
const ENVIRONMENT = {
  container: 'letmein-test',
  SYSTEMD_UNIT_PATH: '/etc/systemd/system',
  SYSTEMD_GENERATOR_PATH: '/nonexistent',
  SYSTEMD_ENVIRONMENT_GENERATOR_PATH: '/nonexistent',
};

/** See the head of this file. */
export class Machine {
  readonly #world: World;
  readonly #folder: string;
  readonly #cgroup: string;
  #unshare: ChildProcess | undefined;
  #init = 0;

  private constructor(world: World) {
    this.#world = world;
    this.#folder = join(world.folder, 'machine');
    this.#cgroup = `letmein-test-${process.pid}`;
  }

  /** Installs letmein as README.md says, with this letmeind.conf, enables it and nftables, and boots. */
  static async boot(world: World, conf: string): Promise<Machine> {
    const machine = new Machine(world);
    try {
      await machine.#install(conf);
      await machine.#start();
      return machine;
    } catch (error) {
      await machine.close();
      throw error;
    }
  }

  async #install(conf: string): Promise<void> {
    const inside = (...path: string[]): string => join(this.#folder, ...path);
    const units = inside('etc', 'systemd', 'system');
    for (const folder of [
      'cgroup',
      'etc/sysusers.d',
      'local/bin',
      'local/lib/node_modules/letmein',
    ]) {
      await mkdir(inside(folder), { recursive: true });
    }
    for (const unit of OWN_UNITS) {
      await mkdir(join(units, `${unit}.d`), { recursive: true });
      await copyFile(join(UNITS, unit), join(units, unit));
      if (unit.endsWith('.service')) await writeFile(join(units, `${unit}.d`, 'log.conf'), LOGGING);
    }
    for (const unit of [...TARGETS.map((name) => `${name}.target`), 'nftables.service']) {
      await copyFile(join(SYSTEM_UNITS, unit), join(units, unit));
    }
    for (const file of COPIED.filter((name) => existsSync(join('/etc', name)))) {
      await copyFile(join('/etc', file), inside('etc', file));
    }
    await copyFile(join(ROOT, 'etc', 'nftables.conf'), inside('etc', 'nftables.conf'));
    await copyFile(join(UNITS, 'letmein.sysusers'), inside('etc', 'sysusers.d', 'letmein.conf'));
    await writeFile(inside('etc', 'passwd'), 'root:x:0:0::/:/bin/sh\n');
    await writeFile(inside('etc', 'group'), 'root:x:0:\n');
    // It leaves out what it cannot read, with status 0: a wrong line shows when nobody can become that user.
    await must(['systemd-sysusers', `--root=${this.#folder}`]);
    await must(['systemctl', `--root=${this.#folder}`, 'enable', 'letmeind', 'nftables']);
    await this.#installPrograms(inside('local', 'bin'));
    await writeFile(inside('etc', 'letmeind.conf'), conf, { mode: KEYS_MODE });
    await must(['chgrp', `${this.#group('letmeinfwd')}`, inside('etc', 'letmeind.conf')]);
  }

  /** As `npm install --global` does it. */
  async #installPrograms(folder: string): Promise<void> {
    await writeFile(join(folder, 'node'), '', { mode: FILE_MODE });
    for (const name of ['letmeind', 'letmeinfwd']) {
      await symlink(`../lib/node_modules/letmein/dist/bin/${name}.js`, join(folder, name));
    }
  }

  #group(name: string): number {
    const lines = readFileSync(join(this.#folder, 'etc', 'group'), 'utf8').split('\n');
    return Number(lines.find((line) => line.startsWith(`${name}:`))?.split(':')[2]);
  }

  async #start(): Promise<void> {
    const args = [this.#folder, this.#cgroup, BOOT, process.execPath, INSTALLED];
    const [file = '', ...command] = this.#world.server.command([
      ...['setpriv', '--pdeathsig', 'KILL', '--'],
      ...['sh', '-c', START, 'sh', ...args],
    ]);
    const child = spawn(file, command, {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...cleanEnvironment(), ...ENVIRONMENT },
    });
    this.#unshare = track(child);
    this.#init = await waitFor('process 1', () => this.#firstProcess(child));
    await waitFor('the machine to boot', async () => {
      const state = (await this.systemctl(['is-system-running'])).stdout.trim();
      return state === 'running' || state === 'degraded';
    });
  }

  /** The child of unshare, once it is systemd. */
  #firstProcess({ pid, exitCode }: ChildProcess): number | undefined {
    if (exitCode !== null) throw new Error('the machine did not start');
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    const init = Number(children);
    const isSystemd = init > 0 && readFileSync(`/proc/${init}/comm`, 'utf8') === 'systemd\n';
    return isSystemd ? init : undefined;
  }

  /** Runs a program inside, whatever its status. */
  run(command: readonly string[]): Promise<Run> {
    return this.#world.server.run([...this.#enter(), ...command]);
  }

  /** Runs a program inside that must succeed; returns its standard output. */
  must(command: readonly string[]): Promise<string> {
    return this.#world.server.must([...this.#enter(), ...command]);
  }

  #enter(): string[] {
    const spaces = ['--mount', '--uts', '--ipc', '--net', '--pid', '--cgroup'];
    return ['nsenter', '--target', `${this.#init}`, ...spaces, '--'];
  }

  systemctl(args: readonly string[]): Promise<Run> {
    return this.run(['systemctl', '--no-pager', ...args]);
  }

  /** A property of a unit. */
  async property(unit: string, name: string): Promise<string> {
    return (await this.must(['systemctl', 'show', '--value', '-p', name, unit])).trim();
  }

  /** What the daemons have said. */
  async log(): Promise<string> {
    return (await this.run(['cat', LOG])).stdout;
  }

  /** Ends everything inside, and removes the cgroups. */
  async close(): Promise<void> {
    const child = this.#unshare;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit');
      // The kernel ends process 1 with unshare, and every other process with process 1.
      child.kill('SIGKILL');
      await gone;
    }
    const path = join(this.#folder, 'cgroup', this.#cgroup);
    // The kernel takes a moment to empty them.
    await waitFor('the cgroups to go', async () => {
      await this.#world.server.run([
        'find',
        path,
        '-depth',
        '-type',
        'd',
        '-exec',
        'rmdir',
        '{}',
        '+',
      ]);
      return (await this.#world.server.run(['test', '-d', path])).status !== 0;
    });
  }
}
