/** No message shows any part of a key, wherever the key stands. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseClientConfig, parseServerConfig } from './load.js';
import { formatProblem } from './report.js';

/** Any four digits of it in a row are found nowhere else in these files. */
const KEY = '9e3779b97f4a7c15f39cc0605cedc8341082276bf3a27251f86c6a11d0c18e95';

function output(text: string): string {
  const loaded = [parseServerConfig(text, 'a.conf'), parseClientConfig(text, 'b.conf')];
  const problems = loaded.flatMap((each) => (each.kind === 'ok' ? each.warnings : each.problems));
  return problems.map((problem) => formatProblem(problem, { caret: true })).join('\n');
}

function assertHidden(text: string): void {
  const shown = output(text);
  for (let at = 0; at + 4 <= KEY.length; at++) {
    assert.ok(!shown.includes(KEY.slice(at, at + 4)), shown);
  }
}

test('a key in every wrong place', () => {
  const grouped = KEY.replace(/.{8}/g, '$& ');
  for (const key of [
    KEY,
    `${KEY}0`,
    `x${KEY}`,
    KEY.slice(0, 40),
    grouped,
    KEY.replace(/../g, '$&:'),
  ]) {
    for (const text of [
      `[KEYS]\n1 = ${key}\n1 = ${key}`,
      `[KEYS]\n${key}`,
      `[KEYS]\n${key} = 1`,
      `[KEYS]\n1 = ${key}\n  # ${key}\n  [${key}`,
      `1 = ${key}`,
      `[KEY]\n1 = ${key}\n1 = ${key}\n${key}`,
      `[keys]\n${key} = ${key}`,
      `[KEYS\n1 = ${key}\n${key}`,
      `[CLIENT]\n1 = ${key}`,
      `[CLIENT]\n${key} = 1`,
      `[CLIENT]\ndefault-user = 1\n [KEYS]\n 1 = ${key}`,
      `[CLIENT]\ndefault-user = ${key}`,
      `[GENERAL]\nport = 5800 / ${key}\nseccomp = ${key}\ndebug = ${key}\ncontrol-timeout = ${key}`,
      `[RESOURCES]\n1 = ${key}\n${key} = port: 22\n2 = port: 22 / users: ${key}\n3 = ${key}: 1`,
      `[NFTABLES]\nchain-input = ${key}\n[${key}]`,
      `[NFTABLES]\nchain-input = ${key}\nchain-forward = ${key}`,
      `[RESOURCES]\n1 = jump / input: ${key}\n[NFTABLES]\nchain-input = ${key}`,
    ]) {
      assert.notEqual(output(text), '');
      assertHidden(text);
    }
  }
});

test('[KEYS] shows nothing of any line in it', () => {
  const word = fc.string({ unit: fc.constantFrom(...'QWZ '), minLength: 3, maxLength: 9 });
  fc.assert(
    fc.property(
      fc.array(word, { minLength: 1, maxLength: 6 }),
      fc.constantFrom('=', ' ', '\n  ', '\n'),
      (words, glue) => {
        const shown = output(`[KEYS]\n${words.join(glue)}`);
        assert.ok(!/[QWZ]/.test(shown), shown);
      },
    ),
  );
});
