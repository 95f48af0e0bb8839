import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ADDON_FILE } from '../native/addon.js';
import { NativeError } from '../native/error.js';
import { type Capability, launch, proveLaunch } from '../native/sandbox.js';
import { hasForeign, launchEnvironment, MARKER } from './environment.js';
import { nodeFlags } from './node-flags.js';

/** The folder that holds `dist`, of which this file is part. */
const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
/** What Node and our own code read at start, besides the files that are mapped into the process. */
const PROGRAM_FILES = [
  join(PACKAGE, 'dist'),
  join(PACKAGE, 'package.json'),
  dirname(fileURLToPath(import.meta.resolve('commander'))),
];
const SYSTEM_FILES = [
  '/proc',
  '/dev/urandom',
  '/etc/passwd',
  '/etc/group',
  '/etc/localtime',
  '/usr/share/zoneinfo',
  // Where the loaders of glibc and musl look libraries up.
  '/etc/ld.so.cache',
  '/etc/ld-musl-x86_64.path',
  '/etc/ld-musl-aarch64.path',
  // Debian's Node has part of its own JavaScript here.
  '/usr/share/nodejs',
  '/sys/fs/cgroup',
  '/sys/devices/system/cpu',
];

/** What a program is to become. */
export interface Plan {
  /** The system user whom root becomes; undefined: whoever starts the program. */
  readonly user?: string;
  readonly capability?: Capability;
  /** The folder of the runtime files: the only one that may be written. */
  readonly folder?: string;
  /** What it may read besides Node and itself. */
  readonly read: readonly string[];
  readonly tcp: 'any' | 'no-connect' | 'none';
  /** Whether it may still start other programs. */
  readonly mayStartPrograms: boolean;
  /** Descriptors that go with it, besides 0 to 2. */
  readonly passed: readonly number[];
}

/**
 * Goes on only in a launched process: in any other it replaces the process by the same program under the plan's
 * conditions (docs/sandbox.md).
 * @returns what this kernel could not do for the launch, a line each
 * @throws NativeError when the launch fails, or the kernel does not confirm one that the marker claims
 */
export function launched(plan: Plan): string[] {
  if (process.env[MARKER] === undefined) {
    replaceProcess(plan);
  }
  delete process.env[MARKER];
  try {
    const shortcomings = proveLaunch(plan.capability, plan.user === undefined);
    if (process.execArgv.join() !== nodeFlags().join() || hasForeign(process.env)) {
      throw new NativeError('SANDBOX', 'this process was not launched: Node runs in another way');
    }
    return shortcomings;
  } catch (error) {
    if (error instanceof NativeError) {
      const text = `${error.message}: was ${MARKER} set by hand? unset it`;
      throw new NativeError(error.code, text);
    }
    throw error;
  }
}

function replaceProcess(plan: Plan): never {
  const { user, capability, folder, read, tcp, mayStartPrograms, passed } = plan;
  const script = realpathSync(process.argv[1] ?? '');
  const writable = folder === undefined ? [] : [folder];
  launch({
    ...(user === undefined ? {} : { user }),
    ...(capability === undefined ? {} : { capability }),
    ...(folder === undefined ? {} : { folder }),
    read: [...PROGRAM_FILES, ...SYSTEM_FILES, ...read],
    write: writable,
    tcp,
    mayStartPrograms,
    passed: [...passed],
    command: [process.execPath, ...nodeFlags(), script, ...process.argv.slice(2)],
    environment: launchEnvironment(process.env),
    needs: [script, ADDON_FILE],
  });
}
