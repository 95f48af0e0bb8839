/**
 * The benchmark: our daemons, locked (seccomp = kill) and not, against upstream's, in one run. Contestants take
 * turns, so that whatever else the machine does falls on all of them; ratios are more certain than milliseconds.
 * `--long` measures upstream with 10,000 leases too.
 */
import { writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { haveUpstream, impossible, ROOT } from '../tests/system/harness.js';
import { clientRuns } from './client-runs.js';
import { CONTESTANTS, Contestant } from './contestant.js';
import { latencies } from './latency.js';
import { LoadUsers } from './population.js';
import { hasHadChildren, memory } from './processes.js';
import type { Row } from './row.js';
import { table } from './table.js';
import { throughput } from './throughput.js';

/** Requests before anything is measured: heaps have their size by then. */
const WARM_UP = { count: 4_000, clients: 16 };
const FEW_USERS = 5;

/** What was set out to be reached, on a machine with nothing else to do. Upstream there: 0.11–0.18 ms, 23,400/s. */
const GOALS = [
  "goals: new lease 4 and revoke at 2,000 leases 50 times faster than upstream's, both flat to 10,000 leases;",
  '       refresh in at most 0.35 ms with one client, and at least 15,000/s with 16',
];

function say(what: string): void {
  process.stdout.write(`› ${what}\n`);
}

/** Starts all contestants afresh, warms them up, and ends them after `body`. */
async function withContestants<T>(
  body: (contestants: readonly Contestant[], users: LoadUsers) => Promise<T>,
): Promise<T> {
  const users = new LoadUsers();
  const contestants: Contestant[] = [];
  try {
    for (const name of CONTESTANTS) contestants.push(await Contestant.start(name));
    const { prime, errands } = users.refreshes(WARM_UP.count, WARM_UP.clients);
    for (const contestant of contestants) {
      await contestant.run('knock', [...prime, ...errands], WARM_UP);
    }
    return await body(contestants, users);
  } catch (error) {
    for (const { world } of contestants) process.stderr.write(`${world.log.slice(-1_000)}\n`);
    throw error;
  } finally {
    for (const contestant of contestants) await contestant.close();
  }
}

/** Which judges have started a process so far; each is asked at the end of all its work. */
function childrenFact(contestants: readonly Contestant[]): string {
  const answers = contestants.map(({ name, world }) => {
    const had = hasHadChildren(world.judge.pid);
    return `${name}: ${had ? 'yes' : 'none in its life'}`;
  });
  return `processes started by letmeinfwd: ${answers.join('; ')}`;
}

/** Memory of daemons as people have them: a few users, and nothing has happened yet. */
async function idleMemory(): Promise<Row[]> {
  const contestants: Contestant[] = [];
  try {
    for (const name of CONTESTANTS) contestants.push(await Contestant.start(name, FEW_USERS));
    return memory(contestants, `idle, ${FEW_USERS} users`);
  } finally {
    for (const contestant of contestants) await contestant.close();
  }
}

async function measure(long: boolean): Promise<{ rows: Row[]; facts: string[] }> {
  const rows: Row[] = [];
  const facts: string[] = [];
  await withContestants(async (contestants, users) => {
    rows.push(...(await throughput(contestants, users, say)));
    say('the client');
    const [ours] = contestants;
    if (ours !== undefined) rows.push(...(await clientRuns(ours)));
  });
  await withContestants(async (contestants) => {
    rows.push(...(await latencies(contestants, long, say)));
    rows.push(...(await idleMemory()));
    // Upstream has 2,000 leases now, unless --long was asked for.
    rows.push(...memory(contestants, 'with 10,000 leases'));
    facts.push(childrenFact(contestants));
  });
  return { rows, facts };
}

async function main(): Promise<void> {
  const missing = haveUpstream() ? await impossible() : "upstream's programs are not installed";
  if (missing !== undefined) throw new Error(`the benchmark cannot run here: ${missing}`);
  const { rows, facts } = await measure(process.argv.includes('--long'));
  const machine = { cpu: cpus()[0]?.model, cpus: cpus().length, kernel: release() };
  const results = { node: process.versions.node, machine, rows, facts };
  writeFileSync(join(ROOT, 'bench', 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
  process.stdout.write(`\n${table(rows)}\n${[...facts, ...GOALS].join('\n')}\n`);
}

await main();
