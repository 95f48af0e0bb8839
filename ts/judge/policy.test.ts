import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answersGoAway } from './policy.js';

test('who is told of a failure', () => {
  const told = (['always', 'basic-auth', 'full-auth'] as const).map((policy) =>
    (['nothing', 'first', 'response'] as const).map((proof) => answersGoAway(policy, proof)),
  );
  assert.deepEqual(told, [
    [true, true, true],
    [false, true, true],
    [false, false, true],
  ]);
});
