/** How long one client waits for a new lease, a refresh and a revoke while others have leases too. */
import type { Contestant } from './contestant.js';
import type { Transport } from './generator.js';
import { FIRST_MEASURED_LEASE, leaseErrands } from './population.js';
import { Row } from './row.js';

/** Other leases. 2,000 is where the goal for revoke is set. */
const LEVELS = [0, 1_000, 2_000, 10_000];
/** Upstream needs minutes to fill more than this. */
const MOST_FOR_UPSTREAM = 2_000;
const ROUNDS = 3;
/** Requests of each sort in a round. */
const SAMPLES = 100;
/** Standing leases are made by this many clients at a time. */
const FILLING_CLIENTS = 16;
const SECTION = 'ms until COMEIN, one client: p50 (p99)';

interface Step {
  contestant: Contestant;
  transport: Transport;
  /** The first of the {@link SAMPLES} leases that are made, refreshed and revoked. */
  firstLease: number;
}

type Rows = Record<'new' | 'refresh' | 'revoke', Row>;

function rowsFor(transport: Transport, others: number): Rows {
  const row = (what: string): Row =>
    new Row(SECTION, `${what}, ${transport}, ${others.toLocaleString('en')} others`);
  return { new: row('new lease'), refresh: row('refresh'), revoke: row('revoke') };
}

/** Makes, refreshes and revokes the same leases: afterwards there are as many as before. */
async function measure(rows: Rows, { contestant, transport, firstLease }: Step): Promise<void> {
  const errands = leaseErrands(firstLease, SAMPLES);
  const { name } = contestant;
  rows.new.add(name, (await contestant.run('knock', errands, { transport })).ms);
  rows.refresh.add(name, (await contestant.run('knock', errands, { transport })).ms);
  rows.revoke.add(name, (await contestant.run('revoke', errands, { transport })).ms);
}

/** The contestants in turn, three times; who is first changes. */
async function rounds(
  contestants: readonly Contestant[],
  transport: Transport,
  others: number,
): Promise<Row[]> {
  const rows = rowsFor(transport, others);
  for (let round = 0; round < ROUNDS; round += 1) {
    const order = contestants.map((_, n) => contestants[(n + round) % contestants.length]);
    const firstLease = FIRST_MEASURED_LEASE + round * SAMPLES;
    for (const contestant of order) {
      if (contestant !== undefined) await measure(rows, { contestant, transport, firstLease });
    }
  }
  return Object.values(rows);
}

/**
 * Measures at each level.
 * @param long whether upstream is measured at the highest level too
 * @param say is told what comes next
 */
export async function latencies(
  contestants: readonly Contestant[],
  long: boolean,
  say: (what: string) => void,
): Promise<Row[]> {
  const rows: Row[] = [];
  let before = 0;
  for (const others of LEVELS) {
    const able = contestants.filter(
      ({ name }) => long || name !== 'upstream' || others <= MOST_FOR_UPSTREAM,
    );
    say(`latencies with ${others.toLocaleString('en')} other leases`);
    const fill = leaseErrands(before, others - before);
    for (const contestant of able) {
      if (fill.length > 0) await contestant.run('knock', fill, { clients: FILLING_CLIENTS });
    }
    rows.push(...(await rounds(able, 'udp', others)));
    if (others === 0) rows.push(...(await rounds(able, 'tcp', others)));
    before = others;
  }
  return rows;
}
