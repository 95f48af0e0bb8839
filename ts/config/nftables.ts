import type { Section } from './grammar.js';
import type { Family, Nftables } from './model.js';
import { type Given, type Options, readOptions } from './options.js';
import { type Problems, quote } from './problems.js';
import type { Hook } from './resource.js';
import {
  readBoolean,
  readChain,
  readDuration,
  readInteger,
  readTable,
  readText,
  readWord,
} from './values.js';

/** How long a lease lasts, milliseconds. */
const DEFAULT_TIMEOUT_MS = 600_000;
/** Upstream's is 100: there each lease is a rule, here an element, which costs no packet any time. */
const DEFAULT_MAX_RULES = 4096;
/** Hard limit: what the kernel's sets were measured to stay quick with, and a bound on memory. */
const MAX_RULES = 1_000_000;

const FAMILIES: readonly Family[] = ['inet', 'ip', 'ip6'];

const READERS = {
  exe: readText,
  family: readWord(FAMILIES, false),
  table: readTable,
  'chain-input': readChain,
  'chain-forward': readChain,
  'chain-output': readChain,
  timeout: readDuration,
  'max-nr-rules': readInteger(1, MAX_RULES),
  'keep-leases': readBoolean,
};
type NftablesOptions = Options<typeof READERS>;

/** `[NFTABLES]`, and its chains also where something else is missing or wrong, for rules that look at them. */
export interface NftablesSection {
  /** `undefined`: `problems` knows why. */
  nftables: Nftables | undefined;
  /** letmein's own chains; empty: given, but no chain name. */
  chains: Record<Hook, string | undefined>;
}

/** Reads `[NFTABLES]`; absent options get their defaults, the three required ones are errors. */
export function readNftables(section: Section | undefined, problems: Problems): NftablesSection {
  const options = readOptions(section, READERS, problems);
  if (options.exe !== undefined) {
    const what = 'exe is not used: the firewall is set over netlink, no program is started';
    problems.warning(options.exe.place, what);
  }
  reportMissing(section, problems);
  const chains = [options['chain-input'], options['chain-forward'], options['chain-output']];
  reportSharedChains(chains, problems);
  return { nftables: complete(options), chains: ownChains(section, options) };
}

/** The section with its defaults, if the three required options are there. */
function complete(options: NftablesOptions): Nftables | undefined {
  if (!options.family || !options.table || !options['chain-input']) {
    return undefined;
  }
  return {
    family: options.family.value,
    table: options.table.value,
    chainInput: options['chain-input'].value,
    chainForward: options['chain-forward']?.value,
    chainOutput: options['chain-output']?.value,
    timeoutMs: options.timeout?.value ?? DEFAULT_TIMEOUT_MS,
    maxRules: options['max-nr-rules']?.value ?? DEFAULT_MAX_RULES,
    keepLeases: options['keep-leases']?.value ?? false,
    exe: options.exe?.value,
  };
}

function ownChains(
  section: Section | undefined,
  options: NftablesOptions,
): NftablesSection['chains'] {
  const chain = (name: 'chain-input' | 'chain-forward' | 'chain-output') => {
    const given = section?.options.some((option) => option.name === name) === true;
    return options[name]?.value ?? (given ? '' : undefined);
  };
  return {
    input: chain('chain-input'),
    forward: chain('chain-forward'),
    output: chain('chain-output'),
  };
}

/** The options without which there is no firewall to set. */
function reportMissing(section: Section | undefined, problems: Problems): void {
  if (section === undefined) {
    const what = 'section [NFTABLES] is missing: it needs family, table and chain-input';
    problems.error(undefined, what);
    return;
  }
  for (const name of ['family', 'table', 'chain-input']) {
    if (!section.options.some((option) => option.name === name)) {
      problems.error(section.place, `[NFTABLES] needs the option '${name}'`);
    }
  }
}

/** Each chain is flushed and filled as a whole: one of them used twice would lose half its rules. */
function reportSharedChains(
  chains: readonly (Given<string> | undefined)[],
  problems: Problems,
): void {
  const seen = new Set<string>();
  for (const chain of chains) {
    if (chain !== undefined && seen.has(chain.value)) {
      const what = `chain ${quote(chain.value)} is used already: input, forward and output need one each`;
      problems.error(chain.place, what);
    } else if (chain !== undefined) {
      seen.add(chain.value);
    }
  }
}
