import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Problem } from './model.js';
import { editDistance, nearest, suggestion } from './nearest.js';
import { formatProblem } from './report.js';

const PROBLEM: Problem = {
  severity: 'error',
  file: '/etc/letmein.conf',
  line: 3,
  column: 9,
  what: 'debug: wrong',
  source: '\tdebug =\u001b1',
};

test('a line for logs, three for a terminal', () => {
  const head = '/etc/letmein.conf:3:9: debug: wrong';
  assert.equal(formatProblem(PROBLEM, { caret: false }), head);
  assert.equal(formatProblem(PROBLEM, { caret: true }), `${head}\n\tdebug =?1\n\t       ^`);
  assert.equal(formatProblem({ ...PROBLEM, source: undefined }, { caret: true }), head);
});

test('warnings are called so, a whole file has no line', () => {
  const warning: Problem = { ...PROBLEM, severity: 'warning', line: 0, column: 0 };
  const head = '/etc/letmein.conf: warning: debug: wrong';
  assert.equal(formatProblem(warning, { caret: true }), head);
});

test('the nearest name', () => {
  assert.equal(editDistance('kitten', 'sitting'), 3);
  assert.equal(editDistance('', 'abc'), 3);
  assert.equal(editDistance('abc', ''), 3);
  assert.equal(nearest('contol-timeot', ['port', 'control-timeout']), 'control-timeout');
  assert.equal(nearest('PORT', ['debug', 'port']), 'port');
  assert.equal(nearest('elephant', ['debug', 'port']), undefined);
  assert.equal(nearest('x'.repeat(1_000_000), ['debug']), undefined);
  assert.equal(suggestion('prot', ['port', 'debug']), "did you mean 'port'?");
  assert.equal(suggestion('elephant', ['port', 'debug']), 'known are port, debug');
});
