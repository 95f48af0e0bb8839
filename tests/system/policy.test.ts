/** Error policies: every step of policy-table.ts, over both transports, against our daemons and upstream's. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  BOB,
  BOTH,
  type Conversation,
  haveUpstream,
  impossible,
  newKey,
  port,
  RESOURCES,
  ROOT,
  type Transport,
  type World,
  type WorldOptions,
  withWorld,
} from './harness.js';
import {
  expected,
  type Heard,
  POLICIES,
  type Policy,
  policyTables,
  type Step,
  TABLE,
} from './policy-table.js';
import { first, MESSAGE_LENGTH, operationOf, response, tampered } from './protocol.js';

const skip = (await impossible()) ?? false;
const skipUpstream = skip || !haveUpstream() ? skip || 'upstream is not installed' : false;

/** For Bob alone; every other resource is for everybody. */
const BOBS = '0000000D';
const NO_RESOURCE = '0000FFFF';
const NO_USER = '00000099';
/** Seconds: a peer that sends too little is sent away after it. */
const CONTROL_TIMEOUT_S = 0.5;
/** Two for the control port and one more: WEB fits, BOTH (two) never does. */
const MAX_RULES = 3;
/** What nobody says within this time is not said: ample on a veth pair. */
const SILENCE_MS = 300;
/** TCP's silence ends with the connection; this is for one that would stay. */
const CLOSING_MS = 2_000;
const OTHER_MAGIC = 0x3b1bb718;
const NO_OPERATION = 6;

function patched(message: Buffer, at: number, value: number): Buffer {
  message.writeUInt32BE(value, at);
  return message;
}

/** Messages of steps that end with the first one. */
const FIRSTS: Partial<Record<Step, () => Buffer>> = {
  'bad magic': () => patched(first('knock'), 0, OTHER_MAGIC),
  'unknown operation': () => patched(first('knock'), 4, NO_OPERATION),
  short: () => first('knock').subarray(1),
  long: () => Buffer.concat([first('knock'), Buffer.alloc(1)]),
  'challenge first': () => first('challenge'),
  'comein first': () => first('comein'),
  'goaway first': () => first('goaway'),
  'response first': () => first('response'),
  'unknown user': () => first('knock', { user: NO_USER, key: newKey() }),
  'wrong knock': () => tampered(first('knock')),
  'wrong revoke': () => tampered(first('revoke')),
  'unknown resource': () => first('knock', { resource: NO_RESOURCE }),
  'not for this user': () => first('knock', { resource: BOBS }),
};

/** The others: a first message that draws a CHALLENGE, and what is sent then. */
const SECONDS: Partial<Record<Step, [Buffer, (challenge: Uint8Array) => Buffer]>> = {
  'second knock': [first('knock'), () => first('knock')],
  'wrong response': [first('knock'), (challenge) => tampered(response(challenge))],
  'response of another resource': [
    first('knock'),
    (challenge) => response(challenge, { resource: BOTH }),
  ],
  limit: [
    first('knock', { resource: BOTH }),
    (challenge) => response(challenge, { resource: BOTH }),
  ],
  knock: [first('knock'), response],
  revoke: [first('revoke'), response],
};

/** Sends a message; what is heard after the `before` bytes that came already. */
async function say(
  conversation: Conversation,
  transport: Transport,
  bytes: Buffer,
  before = 0,
): Promise<{ heard: Heard | 'no end'; message: Uint8Array }> {
  await conversation.send(bytes);
  const wait = transport === 'tcp' ? CLOSING_MS : SILENCE_MS;
  const state = await conversation.receive(before + MESSAGE_LENGTH, wait);
  const message = state.bytes.subarray(before);
  if (message.length > 0) {
    assert.equal(message.length, MESSAGE_LENGTH, 'one message');
    return { heard: operationOf(message).toUpperCase() as Heard, message };
  }
  const isOpen = transport === 'tcp' && state.end === undefined;
  return { heard: isOpen ? 'no end' : 'nothing', message };
}

/** Does one step in a conversation of its own; returns what its last message draws. */
async function take(world: World, step: Step, transport: Transport): Promise<string> {
  const conversation = await world.open({ transport });
  try {
    const only = FIRSTS[step];
    if (only !== undefined) return (await say(conversation, transport, only())).heard;
    const [opening, next] = SECONDS[step] ?? [];
    assert.ok(opening && next, step);
    const { heard, message } = await say(conversation, transport, opening);
    if (heard !== 'CHALLENGE') return `${heard} to the first message`;
    return (await say(conversation, transport, next(message), MESSAGE_LENGTH)).heard;
  } finally {
    await conversation.close();
  }
}

function optionsOf(make: 'ours' | 'upstream', policy: Policy): WorldOptions {
  return {
    daemons: make,
    // All steps at once come from one address.
    doorArgs: ['-n', '100', '-N', '100'],
    server: {
      resources: { ...RESOURCES, [BOBS]: port(4004, { users: [BOB] }) },
      controlTimeout: CONTROL_TIMEOUT_S,
      maxRules: MAX_RULES,
      ...(policy === 'absent' ? {} : { policy }),
      ...(make === 'upstream' ? { extra: { nftables: 'exe = nft\n' } } : {}),
    },
  };
}

/** The builder always names a policy. */
async function configure(world: World, policy: Policy): Promise<void> {
  if (policy !== 'absent') return;
  const text = await readFile(world.serverConfPath, 'utf8');
  await world.configureServer(text.replace(/^control-error-policy.*\n/m, ''));
}

for (const make of ['ours', 'upstream'] as const) {
  for (const policy of POLICIES) {
    const name = `what a refused peer hears: policy ${policy}, daemons ${make}`;
    test(name, { skip: make === 'ours' ? skip : skipUpstream }, () =>
      withWorld({ ...optionsOf(make, policy), start: false }, async (world) => {
        await configure(world, policy);
        await world.start();
        const cases = TABLE.flatMap((row) =>
          (['tcp', 'udp'] as const).map((transport) => ({ row, transport })),
        );
        const heard = await Promise.all(
          cases.map(async ({ row, transport }) => [
            `${row.step} over ${transport}`,
            await take(world, row.step, transport),
          ]),
        );
        const wanted = cases.map(({ row, transport }) => [
          `${row.step} over ${transport}`,
          expected(row, policy, transport, make),
        ]);
        assert.deepEqual(Object.fromEntries(heard), Object.fromEntries(wanted));
      }),
    );
  }
}

const PROTOCOL = join(ROOT, 'docs', 'protocol.md');

test('docs/protocol.md has the table that these tests run', { skip: !existsSync(PROTOCOL) }, () => {
  const text = readFileSync(PROTOCOL, 'utf8');
  const marked = /<!-- policy table -->\n([\s\S]*?)<!-- end of policy table -->/.exec(text)?.[1];
  assert.equal(marked?.trim(), policyTables().trim());
});
