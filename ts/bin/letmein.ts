#!/usr/bin/env node
import { EXIT_FAILED, run } from '../client/main.js';

// A knock does not depend on being read: a reader that goes away (`| head -1`) misses the rest, and that is all.
process.stderr.on('error', () => {});
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') {
    process.stderr.write(`letmein: failed to write to stdout: ${error.code ?? error.message}\n`);
    // At the very end, after the status of `run`: a key that a full disk has not taken is not done.
    process.once('exit', () => {
      process.exitCode = EXIT_FAILED;
    });
  }
});

// The status is set, not forced: whatever was written still goes out, and nothing is left that would keep Node running.
process.exitCode = await run(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  error: (line) => void process.stderr.write(`${line}\n`),
  interactive: process.stderr.isTTY === true,
});
