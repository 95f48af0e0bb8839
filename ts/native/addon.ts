import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type * as Addon from './index.js';

/**
 * Loads the addon for this system. The name is fixed by what Node says of itself: no environment
 * variable can point a privileged program at another file, and no program is started to find out.
 */
function load(): typeof Addon {
  try {
    return createRequire(import.meta.url)(ADDON_FILE);
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new Error(`failed to load the addon: ${reason}: build it with 'npm run build'`);
  }
}

function platform(): string {
  if (process.platform !== 'linux') {
    throw new Error(`the daemons run on Linux, and this is ${process.platform}`);
  }
  return `linux-${process.arch}-${usesGlibc() ? 'gnu' : 'musl'}`;
}

function usesGlibc(): boolean {
  const report = process.report.getReport();
  return 'header' in report && 'glibcVersionRuntime' in (report.header as object);
}

/** The addon's own file. */
export const ADDON_FILE = fileURLToPath(new URL(`./letmein.${platform()}.node`, import.meta.url));

export const addon = load();
