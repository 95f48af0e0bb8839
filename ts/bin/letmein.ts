#!/usr/bin/env node
import { run } from '../client/main.js';

// The status is set, not forced: whatever was written still goes out, and nothing is left that would keep Node running.
process.exitCode = await run(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  error: (line) => void process.stderr.write(`${line}\n`),
  interactive: process.stderr.isTTY === true,
});
