/** What system tests ask about leases: of the client's run, of the service behind the port, of the kernel. */
import assert from 'node:assert/strict';
import type { ProbeResult, Run, Transport, World } from './harness.js';
import { first, MESSAGE_LENGTH, operationOf, response, type Speaker } from './protocol.js';

/** Ample on a veth pair, and paid in full for every port that drops. */
const DROPPED_MS = 80;
/** An answer that comes is waited for, however busy the machine is. */
const ANSWER_MS = 3000;
export const TRANSPORTS: readonly Transport[] = ['tcp', 'udp'];

/** The client's options for one transport. */
export const FLAG = { tcp: '-T', udp: '-U' } as const;

/** Status 0, and not a word. */
export function assertDone(run: Run, what: string): void {
  assert.deepEqual([run.status, run.stdout, run.stderr], [0, '', ''], `${what}: ${run.stderr}`);
}

/** One line on stderr like `line`, and the status. */
export function assertFailed(run: Run, line: RegExp, status = 1): void {
  assert.match(run.stderr, line);
  assert.equal(run.status, status, run.stderr);
  assert.match(run.stderr, /^[^\n]+\n$/, 'one line');
  assert.equal(run.stdout, '');
}

/** What clients see of a service; by default over TCP and UDP, at the server's IPv4 address, from client 0. */
export async function assertService(
  world: World,
  port: number,
  expected: ProbeResult,
  options: { address?: string; client?: number; transports?: readonly Transport[] } = {},
): Promise<void> {
  const { transports = TRANSPORTS, ...where } = options;
  const timeoutMs = expected === 'dropped' ? DROPPED_MS : ANSWER_MS;
  const probes = transports.map((transport) =>
    world.probe(port, { ...where, transport, timeoutMs }),
  );
  const seen = await Promise.all(probes);
  const place = `port ${port} at ${where.address ?? world.v4}, ${transports.join(' and ')}`;
  assert.deepEqual(
    seen,
    transports.map(() => expected),
    place,
  );
}

/** An entry of the ledger. */
export interface Held {
  /** `ADDRESS RESOURCE USER`, ids as 8 hex digits; IPv4 as people write it. */
  holder: string;
  bootId: string;
  /** CLOCK_BOOTTIME, milliseconds. */
  deadlineMs: number;
}

/** The ledger, sorted by holder. */
export async function ledger(world: World): Promise<Held[]> {
  const entries = await world.elements('letmein-ledger');
  return entries
    .map(({ key, comment }) => {
      const [address = '', resource = '', user = ''] = key.split(' . ');
      const [bootId = '', deadline = ''] = (comment ?? '').split(' ');
      const holder = [address.replace('::ffff:', ''), id(resource), id(user)].join(' ');
      return { holder, bootId, deadlineMs: Number(deadline) };
    })
    .sort((one, other) => (one.holder < other.holder ? -1 : 1));
}

/** Who holds what, as {@link Held.holder} says it. */
export async function holders(world: World): Promise<string[]> {
  return (await ledger(world)).map(({ holder }) => holder);
}

function id(decimal: string): string {
  return Number(decimal).toString(16).toUpperCase().padStart(8, '0');
}

/** The keys of a set's elements, sorted. */
export async function keys(world: World, set: string): Promise<string[]> {
  return (await world.elements(set)).map(({ key }) => key).sort();
}

const UNIT_MS: Record<string, number> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** Milliseconds that the kernel still gives each element of a set, as `nft list set` prints them. */
export async function expiries(world: World, set: string): Promise<number[]> {
  const { family = 'inet', table = 'filter' } = world.options.server ?? {};
  const text = await world.nft(['list', 'set', family, table, set]);
  return [...text.matchAll(/expires (\w+)/g)].map(([, clock = '']) =>
    [...clock.matchAll(/(\d+)(ms|[dhms])/g)].reduce(
      (sum, [, number, unit = '']) => sum + Number(number) * (UNIT_MS[unit] ?? Number.NaN),
      0,
    ),
  );
}

/** A knock or revoke without the client, which takes a twentieth of the time: what the server said in the end. */
export async function quick(
  world: World,
  operation: 'knock' | 'revoke',
  speaker: Speaker,
  where: { address?: string; client?: number; transport?: Transport; timeoutMs?: number } = {},
): Promise<string> {
  const conversation = await world.open({ transport: 'udp', ...where });
  await conversation.send(first(operation, speaker));
  const challenge = await conversation.receive(MESSAGE_LENGTH, ANSWER_MS);
  if (operationOf(challenge.bytes) !== 'challenge') return operationOf(challenge.bytes);
  await conversation.send(response(challenge.bytes, speaker));
  const { bytes } = await conversation.receive(2 * MESSAGE_LENGTH, ANSWER_MS);
  await conversation.close();
  return operationOf(bytes.subarray(MESSAGE_LENGTH));
}

/** Starts the judge again, after `signal` if it runs, and waits until the door has it back. */
export async function nextJudge(world: World, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  await world.judge.stop(signal);
  const from = world.door.log.length;
  await world.judge.start();
  await world.door.line(/letmeinfwd is back$/, from);
}
