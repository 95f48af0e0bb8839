import { readGeneral } from './general.js';
import { splitLines } from './grammar.js';
import { readKeys } from './keys.js';
import { conclude, type Loaded } from './loaded.js';
import type { ServerConfig } from './model.js';
import { readNftables } from './nftables.js';
import { Problems } from './problems.js';
import { readResources, resourceMap } from './resources.js';
import { checkControlPort, checkJumps, checkReflection, checkUsers } from './rules.js';
import { readKnownSections } from './sections.js';

const SECTIONS = ['GENERAL', 'KEYS', 'NFTABLES', 'RESOURCES'];
const CLIENT_SECTIONS = new Map([['CLIENT', 'letmein.conf']]);

/**
 * Reads the text of a `letmeind.conf`. Never throws.
 *
 * @param file What to call it in problems.
 * @returns The configuration with its warnings, or every problem.
 */
export function parseServerConfig(text: string, file: string): Loaded<ServerConfig> {
  const lines = splitLines(text);
  const problems = new Problems(file, lines);
  const sections = readKnownSections(lines, SECTIONS, CLIENT_SECTIONS, problems);
  const general = readGeneral(sections.get('GENERAL'), problems);
  const keys = readKeys(sections.get('KEYS'), problems);
  const { nftables, chains } = readNftables(sections.get('NFTABLES'), problems);
  const declared = readResources(sections.get('RESOURCES'), problems);
  checkControlPort(general, declared, problems);
  checkReflection(general, problems);
  checkUsers(keys, declared, problems);
  checkJumps(chains, declared, problems);
  const config = nftables && {
    path: file,
    general: general.general,
    keys,
    nftables,
    resources: resourceMap(declared),
  };
  return conclude(config, problems.list());
}
