// @ts-check
/**
 * Everything that CI checks, in one command: `npm test`.
 *
 * `npm test -- --only lint|rust|unit|system` runs a part. The last thing printed is node's own summary.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { installed } from './installed.mjs';
import { installNodes } from './nodes.mjs';
import { buildProbe } from './probe.mjs';
import { updateSandboxDocument } from './sandbox-document.mjs';
import { setup } from './setup.mjs';
import {
  environment,
  isMain,
  main,
  paint,
  ROOT,
  StepFailed,
  say,
  step,
  succeeds,
} from './step.mjs';
import { installUpstream } from './upstream.mjs';

const PARTS = ['lint', 'rust', 'unit', 'system'];
const TOOLS = join(ROOT, 'node_modules', '.bin');
/** Test files at a time: system tests measure time, and each has several processes of its own. */
const CONCURRENCY = 2;
/** System tests that say themselves whether the programs are locked, and so run once. */
const SAY_THEMSELVES = new Set([
  ...['client-seccomp', 'launch', 'node-versions', 'probe', 'stress', 'units', 'harness'],
]);
const IN_CI = Boolean(process.env.CI);

/** What failed so far: checks go on after a failure, so that one run shows everything. */
const failures = /** @type {string[]} */ ([]);

/**
 * @param {string} purpose
 * @param {readonly string[]} command
 */
async function check(purpose, command) {
  try {
    await step(purpose, command);
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    say(paint('red', error.message));
    failures.push(purpose);
  }
}

/** @param {import('./build.mjs').Built} built */
async function lint(built) {
  await check('biome: format and lint', [join(TOOLS, 'biome'), 'check', '--error-on-warnings']);
  await check('tsc: types of the scripts', [join(TOOLS, 'tsc'), '-p', 'scripts']);
  await check('rustfmt', ['cargo', 'fmt', '--all', '--check', '--', '--color', 'never']);
  // napi-derive leaves its exports out of a test build, which is then dead code: no test target there.
  const denied = ['--quiet', '--', '-D', 'warnings'];
  await check('clippy', [
    ...['cargo', 'clippy', '--workspace', '--exclude', 'letmein-addon', '--all-targets', ...denied],
  ]);
  await check('clippy: the addon', ['cargo', 'clippy', '--package', 'letmein-addon', ...denied]);
  await generated('ts/native/index.d.ts', 'crates/addon', async () => built.typesChanged);
  await generated('docs/sandbox.md', 'crates/sandbox', updateSandboxDocument);
}

/**
 * Checks that a committed file is what a crate generates.
 * @param {string} path
 * @param {string} crate
 * @param {() => Promise<boolean>} update writes it anew; whether that changed it
 */
async function generated(path, crate, update) {
  let changed = true;
  try {
    changed = await update();
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    say(paint('red', error.message));
  }
  // Written in an earlier run, after the crate had changed: only git still knows what is committed.
  const askGit = IN_CI && existsSync(join(ROOT, '.git'));
  const committed = !askGit || (await succeeds(['git', 'diff', '--exit-code', '--', path]));
  if (!changed && committed) return;
  say(paint('red', `${path} was not what ${crate} generates: commit the new one`));
  failures.push(`generated: ${path}`);
}

async function rust() {
  await check('cargo test', [
    ...['cargo', 'test', '--workspace', '--exclude', 'letmein-addon', '--quiet'],
  ]);
}

/**
 * Compiled test files below a folder.
 * @param {string} folder relative to the repository
 * @returns {string[]}
 */
function testFiles(folder) {
  const path = join(ROOT, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.js'))
    .map((name) => join(folder, name))
    .sort();
}

/** Whether a network namespace can be had: as root, or as anybody where user namespaces are allowed. */
async function namespacesWork() {
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  // Some systems allow the namespace and take the capabilities away: try to use one.
  const use = ['ip', 'link', 'set', 'lo', 'up'];
  return succeeds(['unshare', ...user, '--net', '--mount', '--', ...use]);
}

/**
 * Runs of node's test runner: files, and what the environment says to them.
 * @typedef {{ files: readonly string[], env: Record<string, string> }} TestRun
 */

/**
 * The runs for the parts asked for.
 * @param {ReadonlySet<string>} parts
 * @returns {Promise<TestRun[]>}
 */
async function testRuns(parts) {
  const all = [...testFiles('dist'), ...testFiles('build/tests')];
  const system = all.filter((path) => path.startsWith(join('build', 'tests', 'system')));
  const unit = all.filter((path) => !system.includes(path));
  const runs = parts.has('unit') ? [{ files: unit, env: {} }] : [];
  if (!parts.has('system')) return runs;
  if (await namespacesWork()) {
    await installUpstream();
    await installNodes();
    await buildProbe();
    const from = { LETMEIN_INSTALLED: await installed() };
    // Once as it is, and once with the programs locked.
    const locked = { ...from, LETMEIN_TEST_SECCOMP: 'kill' };
    const eitherWay = system.filter((path) => !SAY_THEMSELVES.has(basename(path, '.test.js')));
    return [...runs, { files: system, env: from }, { files: eitherWay, env: locked }];
  }
  say(
    paint(
      'yellow',
      `NOT RUN: ${system.length} files of system tests. They need network namespaces: be root, or allow unprivileged user namespaces`,
    ),
  );
  if (IN_CI) failures.push('system tests (no network namespaces)');
  return runs;
}

/**
 * Runs node's test runner on the terminal itself, so that its summary is the end of the output.
 * @param {TestRun} run
 * @returns {Promise<boolean>}
 */
function runNodeTests({ files, env }) {
  const mode = env.LETMEIN_TEST_SECCOMP;
  say(`${paint('cyan', '›')} ${files.length} files of tests${mode ? `, seccomp = ${mode}` : ''}`);
  const options = [`--test-concurrency=${CONCURRENCY}`, '--test-reporter=spec'];
  const child = spawn(process.execPath, ['--test', ...options, ...files], {
    cwd: ROOT,
    env: { ...environment(), ...env },
    stdio: 'inherit',
  });
  return new Promise((resolve) => child.once('close', (status) => resolve(status === 0)));
}

/**
 * @param {readonly string[]} args
 * @returns {ReadonlySet<string>}
 */
function partsAsked(args) {
  if (args.length === 0) return new Set(PARTS);
  const [option, ...parts] = args;
  const unknown = parts.filter((part) => !PARTS.includes(part));
  if (option !== '--only' || parts.length === 0 || unknown.length > 0) {
    throw new StepFailed(`usage: npm test -- [--only ${PARTS.join('|')} ...]`);
  }
  return new Set(parts);
}

async function test() {
  const parts = partsAsked(process.argv.slice(2));
  const built = await setup();
  if (parts.has('lint')) await lint(built);
  if (parts.has('rust')) await rust();
  const runs = await testRuns(parts);
  if (failures.length > 0) say(paint('red', `failed so far: ${failures.join(', ')}`));
  let passed = true;
  for (const run of runs) passed = (await runNodeTests(run)) && passed;
  if (!passed && runs.length > 1) say(paint('red', 'tests have failed: see above'));
  if (failures.length > 0) say(paint('red', `failed besides: ${failures.join(', ')}`));
  return passed && failures.length === 0 ? 0 : 1;
}

if (isMain(import.meta.url)) await main(test);
