import { readGeneral } from './general.js';
import { splitLines } from './grammar.js';
import { readKeys } from './keys.js';
import { conclude, type Loaded } from './loaded.js';
import type { ClientConfig } from './model.js';
import { readOptions } from './options.js';
import { Problems } from './problems.js';
import { readResources, resourceMap } from './resources.js';
import { checkControlPort } from './rules.js';
import { readKnownSections } from './sections.js';
import { readId } from './values.js';

const SECTIONS = ['GENERAL', 'CLIENT', 'KEYS', 'RESOURCES'];
const SERVER_SECTIONS = new Map([['NFTABLES', 'letmeind.conf']]);
/** Upstream's: the user that a `[KEYS]` line of `gen-key` is for. */
const DEFAULT_USER = 0;

/**
 * Reads the text of a `letmein.conf`. Never throws.
 *
 * @param file What to call it in problems.
 * @returns The configuration with its warnings, or every problem.
 */
export function parseClientConfig(text: string, file: string): Loaded<ClientConfig> {
  const lines = splitLines(text);
  const problems = new Problems(file, lines);
  const sections = readKnownSections(lines, SECTIONS, SERVER_SECTIONS, problems);
  const general = readGeneral(sections.get('GENERAL'), problems);
  const client = readOptions(sections.get('CLIENT'), { 'default-user': readId }, problems);
  const keys = readKeys(sections.get('KEYS'), problems);
  const declared = readResources(sections.get('RESOURCES'), problems);
  checkControlPort(general, declared, problems);
  const config = {
    path: file,
    general: general.general,
    defaultUser: client['default-user']?.value ?? DEFAULT_USER,
    keys,
    resources: resourceMap(declared),
  };
  return conclude(config, problems.list());
}

/** What holds without a file. */
export function emptyClientConfig(): ClientConfig {
  return {
    path: undefined,
    general: readGeneral(undefined, new Problems('', [])).general,
    defaultUser: DEFAULT_USER,
    keys: new Map(),
    resources: new Map(),
  };
}
