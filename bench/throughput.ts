/** How many refreshes a second the daemons answer, and what one costs them in processor time. */
import type { Contestant } from './contestant.js';
import type { LoadUsers } from './population.js';
import { processorMs } from './processes.js';
import { Row } from './row.js';

const ROUNDS = 3;
/** Clients at a time, each waiting for its answer, and refreshes in a round: one to three seconds' worth. */
const LOADS = [
  { clients: 1, count: 4_000 },
  { clients: 16, count: 30_000 },
];
const MICROSECONDS_PER_MS = 1_000;
const MS_PER_S = 1_000;

/** Both daemons together. */
function spent({ world: { door, judge } }: Contestant): number {
  return processorMs(door.pid) + processorMs(judge.pid);
}

/** Measures both loads; the generator needs a processor too, so this is less than two machines would do. */
export async function throughput(
  contestants: readonly Contestant[],
  users: LoadUsers,
  say: (what: string) => void,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { clients, count } of LOADS) {
    say(`refreshes per second with ${clients} clients`);
    const what = `udp, ${clients} ${clients === 1 ? 'client' : 'clients'}`;
    const rate = new Row('refreshes per second', what, 'higher', 0);
    const wait = new Row('ms until COMEIN under that load: p50 (p99)', what);
    const cost = new Row('µs of processor time for one refresh, both daemons', what, 'lower', 0);
    for (let round = 0; round < ROUNDS; round += 1) {
      const { prime, errands } = users.refreshes(count, clients);
      for (const contestant of contestants) {
        await contestant.run('knock', prime, { clients });
        const before = spent(contestant);
        const { ms, totalMs } = await contestant.run('knock', errands, { clients });
        const costMs = spent(contestant) - before;
        rate.add(contestant.name, Float64Array.of((count / totalMs) * MS_PER_S));
        wait.add(contestant.name, ms);
        cost.add(contestant.name, Float64Array.of((costMs / count) * MICROSECONDS_PER_MS));
      }
    }
    rows.push(rate, wait, cost);
  }
  return rows;
}
