/** The Node versions that the daemons are tested on; scripts/nodes.mjs installs them. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { INSTALLED } from './programs.js';

const FOLDER = join(INSTALLED, 'tests', 'nodes', 'node_modules');

/** One of them. */
export interface NodeVersion {
  /** `node22-x64` */
  name: string;
  /** The binary. */
  node: string;
}

/** Those for this machine's processor, oldest first; none before `npm test` has installed them. */
export const NODES: readonly NodeVersion[] = (existsSync(FOLDER) ? readdirSync(FOLDER) : [])
  .filter((name) => name.endsWith(`-${process.arch}`))
  .sort()
  .map((name) => ({ name, node: join(FOLDER, name, 'bin', 'node') }));

/** Why there are none. */
export const NO_NODES =
  NODES.length === 0 ? `no Node versions for ${process.arch}: npm test installs them` : undefined;
