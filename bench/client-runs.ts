/** How long `letmein knock` takes from start to end, Node's own start included. */
import { fileURLToPath } from 'node:url';
import { type Make, type Namespace, program } from '../tests/system/harness.js';
import { CLIENT_USERS, type Contestant, type ContestantName } from './contestant.js';
import { portOf } from './population.js';
import { Row } from './row.js';

const ROUNDS = CLIENT_USERS;
const RUNS = 6;
const CLIENTS: readonly { name: ContestantName; make: Make; options: readonly string[] }[] = [
  { name: 'ours', make: 'ours', options: [] },
  { name: 'ours, seccomp = kill', make: 'ours', options: ['--seccomp', 'kill'] },
  { name: 'upstream', make: 'upstream', options: [] },
];
const TRANSPORTS = { udp: '--server-port-udp', tcp: '--server-port-tcp' } as const;

const TIMED_RUNS = fileURLToPath(new URL('./timed-runs.js', import.meta.url));

async function timed(namespace: Namespace, command: readonly string[]): Promise<Float64Array> {
  const runner = [process.execPath, TIMED_RUNS, `${RUNS}`];
  const printed = await namespace.must([...runner, ...command]);
  return Float64Array.from(JSON.parse(printed) as number[]);
}

/** Runs the clients against the same daemons: `contestant`'s. */
export async function clientRuns(contestant: Contestant): Promise<Row[]> {
  const { world } = contestant;
  const rows: Row[] = [];
  for (const [transport, option] of Object.entries(TRANSPORTS)) {
    const row = new Row('ms for the whole client', `letmein knock, ${transport}`, 'lower', 1);
    for (let round = 0; round < ROUNDS; round += 1) {
      // Another user each round: none proves more often than the judge allows in 30 s.
      const user = `${1 + round}`;
      const knock = ['knock', option, '-u', user, world.v4, `${portOf(1)}`];
      for (const { name, make, options } of CLIENTS) {
        const begin = [...program(make, 'letmein'), '-c', world.clientConfPath, ...options];
        row.add(name, await timed(world.client(), [...begin, ...knock]));
      }
    }
    rows.push(row);
  }
  return rows;
}
