// @ts-check
/**
 * Measures the daemons and the client against upstream's: `npm run bench`, about three minutes.
 *
 * `npm run bench -- --long` also measures upstream with 10,000 leases, which takes it several minutes to fill.
 * Prints a table and writes bench/results.json. Needs root, or unprivileged user namespaces.
 */
import { spawn } from 'node:child_process';
import { setup } from './setup.mjs';
import { environment, isMain, main, ROOT, step } from './step.mjs';
import { installUpstream } from './upstream.mjs';

const PROGRAM = 'build/bench/main.js';

/** @returns {Promise<number>} its exit status */
function measure() {
  const child = spawn(process.execPath, [PROGRAM, ...process.argv.slice(2)], {
    cwd: ROOT,
    env: environment(),
    stdio: 'inherit',
  });
  return new Promise((resolve) => child.once('close', (status) => resolve(status ?? 1)));
}

/** The load generator: bench/generator.ts starts it. */
async function buildGenerator() {
  const example = ['-p', 'letmein-wire', '--example', 'load'];
  await step('building the load generator', ['cargo', 'build', '--release', '-q', ...example]);
}

async function bench() {
  await setup();
  await buildGenerator();
  await installUpstream();
  return measure();
}

if (isMain(import.meta.url)) await main(bench);
