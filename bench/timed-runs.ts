/**
 * A process inside the client's namespace that runs a program again and again: `timed-runs.js TIMES PROGRAM ARGUMENT…`.
 * Prints milliseconds from spawn to exit, by run, as a JSON array; a first run is not counted.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

async function run(file: string, args: readonly string[]): Promise<number> {
  const started = performance.now();
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const [status] = await once(child, 'exit');
  const ms = performance.now() - started;
  if (status !== 0) throw new Error(`failed to run ${file} ${args.join(' ')}: status ${status}`);
  return ms;
}

const [times, file = '', ...args] = process.argv.slice(2);
const ms: number[] = [];
for (let n = 0; n <= Number(times); n += 1) ms.push(await run(file, args));
process.stdout.write(`${JSON.stringify(ms.slice(1))}\n`);
