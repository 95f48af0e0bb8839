import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Family, Found, Stop } from './network.js';

/** One line of the child's output: the answer for one family. */
export interface Line {
  family: Family;
  addresses?: string[];
  code?: string;
}

const CHILD = fileURLToPath(new URL('./resolver-child.js', import.meta.url));

/**
 * Asks the system resolver (hosts file, mDNS, DNS) for each family by itself, so that a name server that never
 * answers for one does not delay the other.
 *
 * In a process of its own: a look-up cannot be cancelled, and a process that has one under way waits for it when it
 * exits, for 10 s and more behind a dead name server. The child is simply killed.
 *
 * @param found Called once for each family, unless stopped.
 * @param gone Called when the process has ended, stopped or not.
 */
export function lookUp(
  host: string,
  families: readonly Family[],
  found: (family: Family, result: Found) => void,
  gone: () => void = () => {},
): Stop {
  // These two make every start of Node slower, and the child needs neither.
  const { NODE_OPTIONS, NODE_EXTRA_CA_CERTS, ...env } = process.env;
  const child = spawn(process.execPath, [CHILD, host, ...families.map(String)], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env,
  });
  const missing = new Set(families);
  const report = (family: Family, result: Found) => {
    if (missing.delete(family)) {
      found(family, result);
    }
  };
  const reportMissing = (code: string) => {
    for (const family of [...missing]) {
      report(family, { kind: 'none', code });
    }
  };
  createInterface({ input: child.stdout }).on('line', (text) => {
    const { family, addresses, code }: Line = JSON.parse(text);
    report(
      family,
      addresses ? { kind: 'addresses', addresses } : { kind: 'none', code: code ?? '' },
    );
  });
  child.on('error', (error: NodeJS.ErrnoException) => reportMissing(error.code ?? error.message));
  child.on('close', () => {
    reportMissing('EAI_SYSTEM');
    gone();
  });
  return () => {
    missing.clear();
    child.kill('SIGKILL');
  };
}
