// @ts-check
/** Upstream's published programs, for interoperation tests and the benchmark: built once, kept outside the repository. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isMain, main, step } from './step.mjs';

const VERSION = '12.6.2';
const PROGRAMS = ['letmein', 'letmeind', 'letmeinfwd'];

/** Folder of the programs. tests/system/programs.ts looks in the same place. */
export function upstreamFolder() {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  return process.env.LETMEIN_UPSTREAM ?? join(cache, 'letmein-upstream', 'bin');
}

/** Installs them where they are missing; about two minutes. */
export async function installUpstream() {
  const folder = upstreamFolder();
  if (PROGRAMS.every((name) => existsSync(join(folder, name)))) return;
  const root = join(folder, '..');
  await step(
    `building upstream's letmein ${VERSION} for interoperation (about two minutes, once)`,
    ['cargo', 'install', '--version', VERSION, '--root', root, ...PROGRAMS],
  );
}

if (isMain(import.meta.url)) await main(installUpstream);
