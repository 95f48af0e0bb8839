// @ts-check
/**
 * The addon with the feature `probe`, for tests/system/probe.test.ts alone: never into dist, and with the debug profile, which
 * leaves the release build's files as they are.
 */
import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { isMain, main, ROOT, step } from './step.mjs';

/** tests/system/probe.test.ts looks in the same place. */
const FOLDER = join(ROOT, 'build', 'tests', 'system', 'probe');

export async function buildProbe() {
  mkdirSync(FOLDER, { recursive: true });
  await step('building the addon that probes the sandbox', [
    join(ROOT, 'node_modules', '.bin', 'napi'),
    ...['build', '--platform', '--no-js', '--features', 'probe'],
    ...['--manifest-path', join(ROOT, 'crates', 'addon', 'Cargo.toml')],
    ...['--output-dir', FOLDER, '--dts', 'probe.d.ts'],
  ]);
  const [addon = ''] = readdirSync(FOLDER).filter((name) => /^letmein\..*\.node$/.test(name));
  renameSync(join(FOLDER, addon), join(FOLDER, 'probe.node'));
}

if (isMain(import.meta.url)) await main(buildProbe);
