// Run as a process of its own by resolver.ts: `node resolver-child.js HOST FAMILY...`, one JSON line per family.

import { lookup } from 'node:dns';
import type { Family } from './network.js';
import type { Line } from './resolver.js';

const [host = '', ...families] = process.argv.slice(2);

for (const text of families) {
  const family: Family = text === '6' ? 6 : 4;
  lookup(host, { family, all: true }, (error, found) => {
    const line: Line = error
      ? { family, code: error.code ?? error.message }
      : { family, addresses: found.map((entry) => entry.address) };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  });
}
