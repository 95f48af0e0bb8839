import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import fc from 'fast-check';
import { type Occupant, Slots, type Stage } from './slots.js';

/** Longer than the head start of a connection that has just come. */
const LATER_MS = 1_000;

let nowMs = 0;
let gone: string[] = [];

beforeEach(() => {
  nowMs = 0;
  gone = [];
});

function slots(most: number, mostPerGroup = most): Slots {
  return new Slots(most, mostPerGroup, () => nowMs);
}

function peer(name: string, stage: Stage = 'silent', group = name): Occupant {
  return { group, stage, evict: () => gone.push(name) };
}

/** Lets them in, and time pass. */
function admit(to: Slots, ...peers: readonly Occupant[]): void {
  for (const each of peers) {
    assert.ok(to.admit(each));
  }
  nowMs += LATER_MS;
}

test('one too many of a group is turned away, others are not', () => {
  const full = slots(10, 2);
  admit(full, peer('a1', 'silent', 'a'), peer('a2', 'silent', 'a'));
  assert.equal(full.admit(peer('a3', 'silent', 'a')), false);
  admit(full, peer('b'));
  assert.deepEqual([gone, full.size], [[], 3]);
});

test('who leaves makes room once, however often', () => {
  const full = slots(2, 1);
  const first = peer('a1', 'silent', 'a');
  admit(full, first);
  full.leave(first);
  full.leave(first);
  admit(full, peer('a2', 'silent', 'a'));
  assert.equal(full.admit(peer('a3', 'silent', 'a')), false);
});

test('who has come least far goes first', () => {
  const full = slots(4);
  admit(full, peer('proven', 'proven'), peer('knocked', 'knocked'));
  admit(full, peer('partial', 'partial'), peer('silent'));
  for (const name of ['1', '2', '3']) {
    admit(full, peer(name, 'proven'));
  }
  assert.deepEqual(gone, ['silent', 'partial', 'knocked']);
  assert.equal(full.admit(peer('4')), false, 'all are proven');
  assert.equal(full.size, 4);
});

test('of one stage: from the largest group, then the oldest', () => {
  const full = slots(4);
  admit(full, peer('a'), peer('b1', 'silent', 'b'), peer('b2', 'silent', 'b'), peer('c'));
  for (const name of ['1', '2', '3']) {
    admit(full, peer(name, 'knocked'));
  }
  assert.deepEqual(gone, ['b1', 'a', 'b2']);
});

test('who has just come is not held against its silence', () => {
  const full = slots(3);
  admit(full, peer('old', 'knocked'), peer('older', 'knocked'));
  assert.ok(full.admit(peer('new')));
  assert.ok(full.admit(peer('newer')));
  assert.deepEqual(gone, ['old']);
  nowMs += LATER_MS;
  assert.ok(full.admit(peer('newest')));
  assert.deepEqual(gone, ['old', 'new'], 'but silence gets old');
});

test('whatever happens, no limit is exceeded and no proven peer is sent away', () => {
  const stages = fc.constantFrom<Stage>('silent', 'partial', 'knocked', 'proven');
  const steps = fc.record({
    group: fc.nat(5),
    stage: stages,
    leaves: fc.boolean(),
    ms: fc.nat(200),
  });
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 200 }), (all) => {
      const full = slots(8, 3);
      const inside = new Set<Occupant>();
      for (const { group, stage, leaves, ms } of all) {
        nowMs += ms;
        const newcomer: Occupant = {
          group: `${group}`,
          stage,
          evict: () => {
            assert.notEqual(newcomer.stage, 'proven');
            inside.delete(newcomer);
          },
        };
        if (full.admit(newcomer)) {
          inside.add(newcomer);
        }
        const [oldest] = inside;
        if (leaves && oldest !== undefined) {
          full.leave(oldest);
          inside.delete(oldest);
        }
        assert.equal(full.size, inside.size);
        assert.ok(inside.size <= 8);
        const ofGroup = [...inside].filter((each) => each.group === `${group}`);
        assert.ok(ofGroup.length <= 3);
      }
    }),
  );
});
