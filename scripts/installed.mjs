// @ts-check
/**
 * Where the programs under test are run from. Root's daemons become users of their own, who must be able to read them: a
 * checkout below a home, or made with a strict umask, is closed to them.
 */
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, step, succeeds } from './step.mjs';

/** What is run, from the repository's folder on. */
const PARTS = [
  'package.json',
  'dist',
  'build',
  'node_modules/commander',
  'tests/nodes/node_modules',
];
/** Any user who owns nothing; tests/system/accounts.ts has the ones that the daemons become. */
const SOMEBODY = ['setpriv', '--reuid=64001', '--regid=64001', '--clear-groups', '--'];

/** Whether other users than root can read what is run. */
async function isReachable() {
  if (process.getuid?.() !== 0) return true;
  const nodes = join(ROOT, 'tests', 'nodes', 'node_modules');
  const binaries = existsSync(nodes)
    ? readdirSync(nodes, { recursive: true, encoding: 'utf8' })
    : [];
  const files = binaries
    .filter((name) => name.endsWith('bin/node'))
    .map((name) => join(nodes, name));
  return succeeds([
    ...SOMEBODY,
    'head',
    '-qc1',
    join(ROOT, 'dist', 'bin', 'letmeind.js'),
    ...files,
  ]);
}

/**
 * The folder that the programs are run from: the repository, or a copy that is removed when this process ends.
 * @returns {Promise<string>}
 */
export async function installed() {
  if (await isReachable()) return ROOT;
  const copy = mkdtempSync(join(tmpdir(), 'letmein-installed-'));
  process.on('exit', () => rmSync(copy, { recursive: true, force: true }));
  for (const part of PARTS) {
    if (existsSync(join(ROOT, part)))
      cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  }
  await step('copying the programs to where every user may read them', [
    'chmod',
    '-R',
    'a+rX',
    copy,
  ]);
  return copy;
}
