// @ts-check
/**
 * Everything between `git clone` and a running program: Node and Rust checked, system packages, `npm ci`, the build.
 * Needs nothing but Node; asks the machine what is there and does only what is missing.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { collect, isMain, main, ROOT, StepFailed, say, step, succeeds } from './step.mjs';

/** As package.json's `engines`, and Cargo.toml's `rust-version`. */
const NODE_MINIMUM = [20, 17];
const RUST_MINIMUM = [1, 88];

/**
 * What the build, the tests and the demo need of the system: a command that succeeds when it is there, and Debian's
 * package that brings it.
 * @type {readonly { has: readonly string[], package: string }[]}
 */
const SYSTEM = [
  { has: ['cc', '--version'], package: 'gcc' },
  { has: ['pkg-config', '--version'], package: 'pkg-config' },
  { has: ['pkg-config', '--exists', 'libmnl'], package: 'libmnl-dev' },
  { has: ['pkg-config', '--exists', 'libnftnl'], package: 'libnftnl-dev' },
  { has: ['pkg-config', '--exists', 'libseccomp'], package: 'libseccomp-dev' },
  { has: ['nft', '--version'], package: 'nftables' },
  { has: ['ip', '-V'], package: 'iproute2' },
  { has: ['unshare', '--version'], package: 'util-linux' },
  { has: ['perl', '-e', '1'], package: 'perl-base' },
  { has: ['systemd-analyze', '--version'], package: 'systemd' },
  { has: ['kill', '--version'], package: 'procps' },
];
/** Brought along with a package by Debian's usual recommendations, which are not installed here. */
const COMPANIONS = { gcc: ['libc6-dev'] };

/**
 * @param {readonly number[]} version
 * @param {readonly number[]} minimum
 */
function atLeast(version, minimum) {
  const [major = 0, minor = 0] = version;
  const [wantedMajor = 0, wantedMinor = 0] = minimum;
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

/** @param {string} text */
function versionIn(text) {
  return (/(\d+)\.(\d+)/.exec(text)?.slice(1) ?? []).map(Number);
}

function checkNode() {
  if (atLeast(versionIn(process.versions.node), NODE_MINIMUM)) return;
  throw new StepFailed(
    `this is Node ${process.versions.node}, and letmein needs ${NODE_MINIMUM.join('.')} or newer: see https://nodejs.org`,
  );
}

async function checkRust() {
  const cargo = await collect(['cargo', '--version']);
  if (cargo.status !== 0) {
    throw new StepFailed(
      "cargo was not found. Install Rust, then run this again:\n  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y",
    );
  }
  if (atLeast(versionIn(cargo.text), RUST_MINIMUM)) return;
  throw new StepFailed(
    `this is ${cargo.text.trim()}, and letmein needs Rust ${RUST_MINIMUM.join('.')} or newer:\n  rustup update stable`,
  );
}

async function missingPackages() {
  const found = await Promise.all(SYSTEM.map(({ has }) => succeeds(has)));
  // Without pkg-config nothing can be said about the libraries: they are counted as missing then.
  return SYSTEM.filter((_, n) => !found[n]).flatMap(({ package: name }) => [
    name,
    ...(COMPANIONS[/** @type {keyof typeof COMPANIONS} */ (name)] ?? []),
  ]);
}

/** The prefix that makes a command root's: nothing for root, sudo where it asks for no password. */
async function asRoot() {
  if (process.getuid?.() === 0) return [];
  return (await succeeds(['sudo', '-n', 'true'])) ? ['sudo', '-n'] : undefined;
}

async function installPackages() {
  const packages = await missingPackages();
  if (packages.length === 0) return;
  const list = packages.join(' ');
  if (!(await succeeds(['apt-get', '--version']))) {
    throw new StepFailed(
      `these are missing, and there is no apt-get to install them: ${list} (Debian's names). Install them, then run this again`,
    );
  }
  const prefix = await asRoot();
  if (prefix === undefined) {
    throw new StepFailed(
      `system packages are missing, and installing them needs root. Run this, then try again:\n  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${list}`,
    );
  }
  const apt = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get'];
  await step('refreshing the list of system packages', [...apt, 'update', '-q']);
  await step(`installing system packages: ${list}`, [
    ...apt,
    ...['install', '-y', '-q', '--no-install-recommends', ...packages],
  ]);
  const still = await missingPackages();
  if (still.length > 0) {
    throw new StepFailed(`still missing after the installation: ${still.join(' ')}`);
  }
}

/**
 * @param {string} path
 * @returns {Record<string, { version?: string, optional?: boolean, devOptional?: boolean }>}
 */
function lockedPackages(path) {
  return JSON.parse(readFileSync(path, 'utf8')).packages;
}

/**
 * Whether node_modules holds what package-lock.json names: npm writes what it installed into a lock file of its own.
 * @param {string} folder where both are
 */
export function modulesAreCurrent(folder) {
  const record = join(folder, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  const installed = lockedPackages(record);
  return Object.entries(lockedPackages(join(folder, 'package-lock.json'))).every(
    ([path, wanted]) => {
      if (path === '') return true;
      const found = installed[path];
      // Optional packages are for other systems or processors.
      if (found === undefined) return wanted.optional === true || wanted.devOptional === true;
      return found.version === wanted.version;
    },
  );
}

/**
 * Prepares the repository; quick when there is nothing to do.
 * @returns {Promise<import('./build.mjs').Built>}
 */
export async function setup() {
  say('letmein: setting up (Node, Rust, system packages, npm packages, build)');
  checkNode();
  await checkRust();
  await installPackages();
  if (!modulesAreCurrent(ROOT)) await step('installing npm packages', ['npm', 'ci', '--no-audit']);
  return build();
}

if (isMain(import.meta.url)) await main(async () => void (await setup()));
