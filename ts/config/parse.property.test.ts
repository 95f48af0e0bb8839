/** Whatever the text, a file gives a configuration or problems that stand in it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { splitLines } from './grammar.js';
import { type Loaded, parseClientConfig, parseServerConfig } from './load.js';
import type { Problem } from './model.js';
import { formatProblem } from './report.js';

const WORDS =
  `[GENERAL] [KEYS] [CLIENT] [NFTABLES] [RESOURCES] [ ] = / : , # tcp udp port jump users timeout input
input-match saddr forward control-timeout debug family table chain-input inet 0 1 22 5800 0x1 ffffffff on é \u{1F600}
\u0000 \uFEFF \uD800 \r`.split(/\s/);

const token = fc.oneof(
  fc.constantFrom(...WORDS),
  fc.constantFrom(' ', '\t', '\n', '\n  ', ' = ', ': ', ' / '),
  fc.string({ unit: 'binary', maxLength: 4 }),
);
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(token, { maxLength: 60 }).map((tokens) => tokens.join('')),
);

/** Parsing 1 MiB takes about 1 s at worst; anything that grows with the square would take minutes. */
const LONGEST_MS = 20_000;

function check(loaded: Loaded<unknown>, source: string): void {
  const problems: Problem[] = loaded.kind === 'ok' ? loaded.warnings : loaded.problems;
  const errors = problems.filter((problem) => problem.severity === 'error');
  assert.equal(errors.length > 0, loaded.kind === 'invalid');
  const lines = splitLines(source);
  for (const problem of problems) {
    const line = lines[problem.line - 1];
    if (problem.line === 0) {
      assert.equal(problem.column, 0);
    } else {
      assert.ok(line !== undefined && problem.column >= 1 && problem.column <= line.length + 1);
    }
    assert.ok(problem.what !== '' && (problem.source === undefined || problem.source === line));
    const printed = formatProblem(problem, { caret: true });
    assert.ok(printed.split('\n').length === (problem.source === undefined ? 1 : 3));
    assert.ok(!/[^\P{C}\n\t]/u.test(printed), 'control characters stay out of the terminal');
  }
}

test('any text is a configuration or a list of problems', () => {
  fc.assert(
    fc.property(text, (source) => {
      check(parseServerConfig(source, 'a'), source);
      check(parseClientConfig(source, 'b'), source);
    }),
    { numRuns: 3000 },
  );
});

test('a file as long as files may be takes no more than a moment', () => {
  const size = 1024 * 1024;
  for (const unit of [
    '[RESOURCES]\n1 = port: 22\n /',
    '\n ,/',
    '[A]\na=\n x\n',
    '[GENERAL]\ndebug = 1\n a',
    'a',
  ]) {
    const head = '[GENERAL]\nport = 1';
    const source = head + unit.repeat(Math.floor((size - head.length) / unit.length));
    const start = process.hrtime.bigint();
    parseServerConfig(source, 'a');
    const ms = Number(process.hrtime.bigint() - start) / 1e6;
    assert.ok(ms < LONGEST_MS, `${JSON.stringify(unit)} took ${ms} ms`);
  }
});
