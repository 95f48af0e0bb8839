// @ts-check
/** The build: native addon, its types, TypeScript. Each tool skips what has not changed. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { isMain, main, ROOT, say, step } from './step.mjs';

const TOOLS = join(ROOT, 'node_modules', '.bin');
const NATIVE = join(ROOT, 'dist', 'native');
const PROGRAMS = join(ROOT, 'dist', 'bin');
/** Committed, and generated from crates/addon. */
const TYPES = join(ROOT, 'ts', 'native', 'index.d.ts');
/** Readable and executable by everybody. */
const EXECUTABLE = 0o755;

/**
 * @typedef {object} Built
 * @property {boolean} typesChanged the committed ts/native/index.d.ts was not what crates/addon generates; it is now
 */

async function buildAddon() {
  mkdirSync(NATIVE, { recursive: true });
  await step('building the native addon (the first time takes about a minute)', [
    join(TOOLS, 'napi'),
    ...['build', '--platform', '--release', '--no-js'],
    ...['--manifest-path', join(ROOT, 'crates', 'addon', 'Cargo.toml')],
    ...['--output-dir', NATIVE, '--dts', 'index.d.ts'],
  ]);
}

/** Copies the generated types to where they are committed; written only when they differ, for tsc's sake. */
function updateTypes() {
  const generated = readFileSync(join(NATIVE, 'index.d.ts'), 'utf8');
  if (existsSync(TYPES) && readFileSync(TYPES, 'utf8') === generated) return false;
  writeFileSync(TYPES, generated);
  say('  ts/native/index.d.ts has changed: commit it');
  return true;
}

async function buildTypeScript() {
  const tsc = join(TOOLS, 'tsc');
  await step('compiling TypeScript', [tsc, '-b', 'ts']);
  await step('compiling the tests', [tsc, '-p', 'tests']);
  for (const name of readdirSync(PROGRAMS)) {
    if (name.endsWith('.js')) chmodSync(join(PROGRAMS, name), EXECUTABLE);
  }
}

/**
 * Builds everything.
 * @returns {Promise<Built>}
 */
export async function build() {
  await buildAddon();
  const typesChanged = updateTypes();
  await buildTypeScript();
  return { typesChanged };
}

if (isMain(import.meta.url)) await main(async () => void (await build()));
