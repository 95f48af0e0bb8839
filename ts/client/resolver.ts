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
  // The first two make every start of Node slower. The third, which a launched client has, would have one family wait for
  // the other: the child asks for each on a thread of the pool.
  const { NODE_OPTIONS, NODE_EXTRA_CA_CERTS, UV_THREADPOOL_SIZE, ...env } = process.env;
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
  let isGone = false;
  const end = (code: string) => {
    reportMissing(code);
    if (!isGone) {
      isGone = true;
      gone();
    }
  };
  createInterface({ input: child.stdout }).on('line', (text) => {
    const { family, addresses, code }: Line = JSON.parse(text);
    report(
      family,
      addresses ? { kind: 'addresses', addresses } : { kind: 'none', code: code ?? '' },
    );
  });
  // A child that could not be started has no end.
  child.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  child.on('close', () => end('EAI_SYSTEM'));
  return () => {
    missing.clear();
    child.kill('SIGKILL');
  };
}
