// @ts-check
/**
 * The Node versions that system tests run the daemons on, one of each supported line, whichever runs the tests. They come
 * from the packages of which the npm package `node` installs one: those are in a lock file, what its script installs is not.
 *
 * Inside the repository, like dist: who may read the programs under test may read what runs them.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { modulesAreCurrent } from './setup.mjs';
import { isMain, main, ROOT, StepFailed, step, succeeds } from './step.mjs';

/** Its package.json has a name for each version and processor, `node22-x64`. tests/system/nodes.ts looks there too. */
const FOLDER = join(ROOT, 'tests', 'nodes');

/** The names for this machine's processor. */
function names() {
  const { optionalDependencies } = JSON.parse(readFileSync(join(FOLDER, 'package.json'), 'utf8'));
  return Object.keys(optionalDependencies).filter((name) => name.endsWith(`-${process.arch}`));
}

/** Installs them where they are missing; half a minute, and 700 MB. */
export async function installNodes() {
  if (!modulesAreCurrent(FOLDER)) {
    const purpose = 'installing Node 20, 22, 24 and 26 to test the daemons on (700 MB, once)';
    await step(purpose, ['npm', 'ci'], { cwd: FOLDER });
  }
  // npm goes on without an optional package that it could not get.
  for (const name of names()) {
    const program = join(FOLDER, 'node_modules', name, 'bin', 'node');
    if (!(await succeeds([program, '--version']))) throw new StepFailed(`failed to run ${program}`);
  }
}

if (isMain(import.meta.url)) await main(installNodes);
