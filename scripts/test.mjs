// @ts-check
/**
 * Everything that CI checks, in one command: `npm test`.
 *
 * `npm test -- --only lint|rust|unit|system` runs a part. The last thing printed is node's own summary.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
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
  // Built from a changed crate in an earlier run: only git still knows what is committed.
  const askGit = IN_CI && existsSync(join(ROOT, '.git'));
  const committed =
    !askGit || (await succeeds(['git', 'diff', '--exit-code', '--', 'ts/native/index.d.ts']));
  if (built.typesChanged || !committed) {
    say(
      paint('red', 'ts/native/index.d.ts was not what crates/addon generates: commit the new one'),
    );
    failures.push('generated files');
  }
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
 * The compiled tests of the parts asked for.
 * @param {ReadonlySet<string>} parts
 */
async function nodeTests(parts) {
  const all = [...testFiles('dist'), ...testFiles('build/tests')];
  const system = all.filter((path) => path.startsWith(join('build', 'tests', 'system')));
  const files = parts.has('unit') ? all.filter((path) => !system.includes(path)) : [];
  if (!parts.has('system')) return files;
  if (await namespacesWork()) {
    await installUpstream();
    return [...files, ...system];
  }
  say(
    paint(
      'yellow',
      `NOT RUN: ${system.length} files of system tests. They need network namespaces: be root, or allow unprivileged user namespaces`,
    ),
  );
  if (IN_CI) failures.push('system tests (no network namespaces)');
  return files;
}

/**
 * Runs node's test runner on the terminal itself, so that its summary is the end of the output.
 * @param {readonly string[]} files
 * @returns {Promise<boolean>}
 */
function runNodeTests(files) {
  const options = [`--test-concurrency=${CONCURRENCY}`, '--test-reporter=spec'];
  const child = spawn(process.execPath, ['--test', ...options, ...files], {
    cwd: ROOT,
    env: environment(),
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
  const files = await nodeTests(parts);
  if (failures.length > 0) say(paint('red', `failed so far: ${failures.join(', ')}`));
  const passed = files.length === 0 || (await runNodeTests(files));
  if (failures.length > 0) say(paint('red', `failed besides: ${failures.join(', ')}`));
  return passed && failures.length === 0 ? 0 : 1;
}

if (isMain(import.meta.url)) await main(test);
