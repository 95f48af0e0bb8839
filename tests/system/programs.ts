/** The programs under test: this project's, or upstream's published ones. */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Whose daemons or client a test uses. */
export type Make = 'ours' | 'upstream';
export type Program = 'letmein' | 'letmeind' | 'letmeinfwd';

function findRoot(from: string): string {
  const file = join(from, 'package.json');
  if (existsSync(file)) {
    const { name } = JSON.parse(readFileSync(file, 'utf8')) as { name?: unknown };
    if (name === 'letmein') return from;
  }
  const parent = dirname(from);
  if (parent === from)
    throw new Error('failed to find the repository: no package.json of letmein above');
  return findRoot(parent);
}

/** The repository. `LETMEIN_ROOT` names it for tests built somewhere else. */
export const ROOT = process.env.LETMEIN_ROOT ?? findRoot(dirname(fileURLToPath(import.meta.url)));
/** Where our programs are run from; scripts/installed.mjs says when it is not the repository. */
export const INSTALLED = process.env.LETMEIN_INSTALLED ?? ROOT;
const DIST = join(INSTALLED, 'dist');
const CACHE = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
/** Where scripts/upstream.mjs installs upstream's programs. */
const UPSTREAM = process.env.LETMEIN_UPSTREAM ?? join(CACHE, 'letmein-upstream', 'bin');

/** The command line that starts a program; ours with this Node or the one named. Upstream's filters are not under test. */
export function program(make: Make, name: Program, node = process.execPath): string[] {
  if (make === 'upstream') return [join(UPSTREAM, name), '--seccomp', 'off'];
  return [node, join(DIST, 'bin', `${name}.js`)];
}

/** Whether upstream's programs are there; `npm test` installs them. */
export function haveUpstream(): boolean {
  return existsSync(join(UPSTREAM, 'letmein'));
}
