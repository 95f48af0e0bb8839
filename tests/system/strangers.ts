/** stranger.ts as a process, and what it said. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { cleanEnvironment, track } from './process.js';
import { waitFor, within } from './wait.js';

const STRANGER = fileURLToPath(new URL('./stranger.js', import.meta.url));

/** A running stranger. */
export interface Stranger {
  readonly lines: readonly string[];
  line(text: string): Promise<void>;
  stop(): Promise<void>;
}

/** Starts one at `path`; see stranger.ts. */
export function startStranger(role: 'listen' | 'connect', path: string): Stranger {
  const child = spawn(process.execPath, [STRANGER, role, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: cleanEnvironment(),
  });
  track(child);
  // A test that fails leaves it behind: it ends with this process, which must not wait for it.
  child.unref();
  (child.stdout as Socket).unref();
  const lines: string[] = [];
  createInterface(child.stdout).on('line', (line) => lines.push(line));
  return {
    lines,
    line: async (text) =>
      void (await waitFor(`the stranger’s ${text}`, () => lines.includes(text))),
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await within('the stranger to end', gone);
    },
  };
}
