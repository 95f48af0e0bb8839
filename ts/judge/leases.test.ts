import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Resource } from '../config/model.js';
import { ChangeBatch, type Holder } from '../native/firewall.js';
import { Leases } from './leases.js';

const EVERYBODY = { timeoutMs: undefined, users: undefined };
const NOWHERE = { input: undefined, forward: undefined, output: undefined };
const SSH = 1;
const DNS = 2;
const JUMP_FOR_ALL = 3;
const JUMP_FOR_ONE = 4;
const RESOURCES: ReadonlyMap<number, Resource> = new Map<number, Resource>([
  [SSH, { kind: 'port', id: SSH, port: 22, tcp: true, udp: false, ...EVERYBODY }],
  [DNS, { kind: 'port', id: DNS, port: 53, tcp: true, udp: true, ...EVERYBODY }],
  [
    JUMP_FOR_ALL,
    {
      ...{ kind: 'jump', id: JUMP_FOR_ALL, ...NOWHERE, ...EVERYBODY },
      input: { chain: 'SHARED', matchSource: false },
      output: { chain: 'OUT', matchSource: true },
    },
  ],
  [
    JUMP_FOR_ONE,
    {
      ...{ kind: 'jump', id: JUMP_FOR_ONE, ...NOWHERE, ...EVERYBODY },
      input: { chain: 'SHARED', matchSource: true },
    },
  ],
]);
const PLENTY = 1_000;

/** Deadlines of elements, by key, as a kernel would have them after the batches it was given. */
class Elements {
  readonly deadlines = new Map<string, number>();

  apply(batch: ChangeBatch, nowMs: number): void {
    const records = Buffer.from(batch.records);
    for (let at = 0; at < records.length; at += 36) {
      this.#change(records.subarray(at, at + 36), nowMs);
    }
  }

  alive(nowMs: number): Map<string, number> {
    return new Map([...this.deadlines].filter(([, deadline]) => deadline > nowMs).sort());
  }

  #change(record: Buffer, nowMs: number): void {
    const key = elementKey(record);
    if (record.readUInt8(0) === 1) {
      this.deadlines.set(key, nowMs + record.readDoubleBE(28));
    } else {
      this.deadlines.delete(key);
    }
  }
}

/** What tells elements apart in the kernel's sets; an unmatched jump's set has one for everybody. */
function elementKey(record: Buffer): string {
  const object = record.readUInt8(1);
  const [port, resource, user] = [2, 4, 8].map((at) =>
    at === 2 ? record.readUInt16BE(at) : record.readUInt32BE(at),
  );
  const address = record.toString('hex', 12, 28);
  switch (object) {
    case 0:
      return `ledger ${address} ${resource} ${user}`;
    case 1:
    case 2:
      return `port ${object} ${port} ${address}`;
    default:
      return object === 3 && resource === JUMP_FOR_ALL
        ? 'jump for all'
        : `jump ${object} ${resource} ${address}`;
  }
}

function holder(address: number, resource: number, user: number): Holder {
  return { address: Buffer.alloc(16, address), resource, user };
}

/** What should be open: each element as long as the longest lease that needs it. */
function expected(held: ReadonlyMap<string, [Holder, number]>, nowMs: number): Map<string, number> {
  const elements = new Elements();
  const all = new Map<string, number>();
  for (const [each, deadline] of held.values()) {
    if (deadline > nowMs) {
      const alone = new Leases(RESOURCES, PLENTY);
      const batch = new ChangeBatch();
      alone.open(each, deadline - nowMs, nowMs, batch);
      elements.apply(batch, nowMs);
      for (const [key, until] of elements.deadlines) {
        all.set(key, Math.max(until, all.get(key) ?? 0));
      }
      elements.deadlines.clear();
    }
  }
  return new Map([...all].sort());
}

const anyHolder = fc
  .tuple(
    fc.integer({ min: 1, max: 2 }),
    fc.integer({ min: 1, max: 4 }),
    fc.integer({ min: 1, max: 2 }),
  )
  .map(([address, resource, user]) => holder(address, resource, user));
const anyStep = fc.oneof(
  fc.record({
    act: fc.constant('knock' as const),
    who: anyHolder,
    ms: fc.integer({ min: 1, max: 50 }),
  }),
  fc.record({ act: fc.constant('revoke' as const), who: anyHolder }),
  fc.record({ act: fc.constant('failed knock' as const), who: anyHolder }),
  fc.record({ act: fc.constant('failed revoke' as const), who: anyHolder }),
  fc.record({ act: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 30 }) }),
  fc.record({ act: fc.constant('sweep' as const) }),
  fc.record({ act: fc.constant('restart' as const) }),
);

test('an element lives exactly as long as the longest lease that needs it', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 60, size: 'max' }), (steps) => {
      let leases = new Leases(RESOURCES, PLENTY);
      let elements = new Elements();
      const held = new Map<string, [Holder, number]>();
      let nowMs = 1_000;
      for (const step of steps) {
        const batch = new ChangeBatch();
        switch (step.act) {
          case 'knock':
            leases.open(step.who, step.ms, nowMs, batch);
            held.set(JSON.stringify(step.who), [step.who, nowMs + step.ms]);
            elements.apply(batch, nowMs);
            break;
          case 'revoke':
            leases.close(step.who, nowMs, batch);
            held.delete(JSON.stringify(step.who));
            elements.apply(batch, nowMs);
            break;
          case 'failed knock':
            leases.open(step.who, 999, nowMs, batch)?.();
            break;
          case 'failed revoke':
            leases.close(step.who, nowMs, batch)();
            break;
          case 'wait':
            nowMs += step.ms;
            break;
          case 'sweep':
            leases.sweep(nowMs);
            break;
          case 'restart':
            leases = new Leases(RESOURCES, PLENTY);
            elements = new Elements();
            for (const [who, deadline] of held.values()) {
              if (deadline > nowMs) {
                leases.adopt({ holder: who, remainingMs: deadline - nowMs }, nowMs, batch);
              }
            }
            elements.apply(batch, nowMs);
            break;
        }
        assert.deepEqual(elements.alive(nowMs), expected(held, nowMs));
      }
      leases.sweep(Number.POSITIVE_INFINITY);
      assert.equal(leases.rules, 0);
      assert.equal(leases.size, 0);
    }),
    { numRuns: 500 },
  );
});

test('rules are counted as upstream would install them', () => {
  const leases = new Leases(RESOURCES, PLENTY);
  const open = (who: Holder) => leases.open(who, 10, 0, new ChangeBatch());
  open(holder(1, DNS, 1));
  assert.equal(leases.rules, 2, 'a port over tcp and udp is two');
  open(holder(1, DNS, 2));
  assert.equal(leases.rules, 2, 'a second user of one address needs no other');
  open(holder(1, JUMP_FOR_ALL, 1));
  assert.equal(leases.rules, 4, 'a jump in two chains is two');
  open(holder(2, JUMP_FOR_ALL, 1));
  assert.equal(leases.rules, 6, 'a jump is counted for each of its holders');
  leases.close(holder(1, JUMP_FOR_ALL, 1), 0, new ChangeBatch());
  leases.close(holder(1, DNS, 1), 0, new ChangeBatch());
  assert.equal(leases.rules, 4);
});

test('max-nr-rules refuses a new lease, refreshes an old one, and counts no dead ones', () => {
  const leases = new Leases(RESOURCES, 2);
  const open = (who: Holder, nowMs: number) => leases.open(who, 10, nowMs, new ChangeBatch());
  assert.ok(open(holder(1, SSH, 1), 0));
  assert.ok(open(holder(2, SSH, 1), 5));
  assert.equal(open(holder(3, SSH, 1), 9), undefined);
  assert.ok(open(holder(2, SSH, 2), 9), 'an open port has room for one more holder');
  assert.ok(open(holder(2, SSH, 1), 9), 'a refresh needs no room');
  assert.ok(open(holder(3, SSH, 1), 10), 'the first one is over');
});
