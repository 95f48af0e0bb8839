/** Every rule of docs/configuration.md: a text, and exactly the problems it has, in one run. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLIENT_CASES } from './fixtures/client.js';
import { GENERAL_CASES } from './fixtures/general.js';
import { GRAMMAR_CASES } from './fixtures/grammar.js';
import { KEYS_CASES } from './fixtures/keys.js';
import { NFTABLES_CASES } from './fixtures/nftables.js';
import { RESOURCES_CASES } from './fixtures/resources.js';
import { type Loaded, parseClientConfig, parseServerConfig } from './load.js';
import { formatProblem } from './report.js';

const FILE = 'letmein.conf';
const NFTABLES = '\n[NFTABLES]\nfamily = inet\ntable = filter\nchain-input = LETMEIN-INPUT\n';

interface Case {
  name: string;
  text: string;
  problems: string[];
}

/** Reads the form that the fixtures are written in. */
function parseCases(fixture: string): Case[] {
  const parts = fixture.split(/^--- /m).slice(1);
  return parts.map((part) => {
    const [name = '', ...lines] = part.replace(/\n$/, '').split('\n');
    const problems = lines.filter((line) => line.startsWith('> ')).map((line) => line.slice(2));
    const text = lines.filter((line) => !line.startsWith('> ')).join('\n');
    return { name, text, problems };
  });
}

/** What people would read, without the file's name where a line follows. */
function messages(loaded: Loaded<unknown>): string[] {
  const problems = loaded.kind === 'ok' ? loaded.warnings : loaded.problems;
  const lines = problems.map((problem) => formatProblem(problem, { caret: false }));
  return lines.map((line) => line.replace(/^letmein\.conf:(?=\d)/, ''));
}

function run(title: string, cases: Case[], parse: (text: string) => Loaded<unknown>): void {
  assert.ok(cases.length > 5, title);
  for (const { name, text, problems } of cases) {
    test(`${title}: ${name}`, () => {
      const loaded = parse(text);
      assert.deepEqual(messages(loaded), problems);
      const wrong = problems.some((problem) => !problem.includes(': warning: '));
      assert.equal(loaded.kind, wrong ? 'invalid' : 'ok');
    });
  }
}

const server = (below: string) => (text: string) => parseServerConfig(text + below, FILE);
const client = (text: string) => parseClientConfig(text, FILE);

const general = parseCases(GENERAL_CASES);
const keys = parseCases(KEYS_CASES);
run('grammar', parseCases(GRAMMAR_CASES), server(NFTABLES));
run('[GENERAL]', general, server(NFTABLES));
run('[KEYS]', keys, server(NFTABLES));
run(
  '[RESOURCES]',
  parseCases(RESOURCES_CASES),
  server(`${NFTABLES}chain-forward = FWD\nchain-output = OUT\n`),
);
run('[NFTABLES]', parseCases(NFTABLES_CASES), server(''));
run('client', parseCases(CLIENT_CASES), client);
// The sections that both files have mean the same in both; only the server warns of reflection.
const shared = general.filter(({ name }) => !name.startsWith('reflection'));
run('[GENERAL] of the client', shared, client);
run('[KEYS] of the client', keys, client);
