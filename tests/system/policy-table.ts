/**
 * What a refused peer hears, by error policy, step and transport: the one source of the table in docs/protocol.md
 * ("Error policies") and of policy.test.ts.
 */

/** The policies; `absent` is a configuration that names none. */
export const POLICIES = ['always', 'basic-auth', 'full-auth', 'absent'] as const;
export type Policy = (typeof POLICIES)[number];

/** `nothing`: over UDP silence, over TCP the connection is closed without a byte. */
export type Heard = 'nothing' | 'GOAWAY' | 'CHALLENGE' | 'COMEIN';

/** What is heard under `always`, `basic-auth` and `full-auth`. Without the option it is as `always`. */
export type Cells = readonly [Heard, Heard, Heard];

export interface Row {
  /** What policy.test.ts does at this step. */
  readonly step: Step;
  /** The step in words, for the document. */
  readonly text: string;
  readonly tcp: Cells;
  readonly udp: Cells;
  /** Where upstream 12.6.2 was measured to do something else, and what. */
  readonly upstream?: { readonly tcp?: Cells; readonly udp?: Cells };
}

export type Step =
  | 'bad magic'
  | 'unknown operation'
  | 'short'
  | 'long'
  | 'challenge first'
  | 'comein first'
  | 'goaway first'
  | 'response first'
  | 'unknown user'
  | 'wrong knock'
  | 'wrong revoke'
  | 'unknown resource'
  | 'not for this user'
  | 'second knock'
  | 'wrong response'
  | 'response of another resource'
  | 'limit'
  | 'knock'
  | 'revoke';

const nothing: Cells = ['nothing', 'nothing', 'nothing'];
const always: Cells = ['GOAWAY', 'nothing', 'nothing'];
const afterFirst: Cells = ['GOAWAY', 'GOAWAY', 'nothing'];
const goAway: Cells = ['GOAWAY', 'GOAWAY', 'GOAWAY'];
const challenge: Cells = ['CHALLENGE', 'CHALLENGE', 'CHALLENGE'];
const comeIn: Cells = ['COMEIN', 'COMEIN', 'COMEIN'];

/** Over UDP no answer: two servers could be made to answer each other for ever. */
function serversMessage(operation: 'CHALLENGE' | 'COMEIN' | 'GOAWAY'): Row {
  const step = `${operation.toLowerCase() as Lowercase<typeof operation>} first` as const;
  return { step, text: `a ${operation}`, tcp: always, udp: nothing, upstream: { udp: always } };
}

export const TABLE: readonly Row[] = [
  { step: 'bad magic', text: 'another magic number', tcp: nothing, udp: nothing },
  { step: 'unknown operation', text: 'an unknown operation', tcp: nothing, udp: nothing },
  { step: 'short', text: 'fewer than 56 bytes', tcp: nothing, udp: nothing },
  {
    step: 'long',
    text: 'more than 56 bytes at once',
    tcp: nothing,
    udp: nothing,
    upstream: { tcp: challenge, udp: challenge },
  },
  ...(['CHALLENGE', 'COMEIN', 'GOAWAY'] as const).map(serversMessage),
  { step: 'response first', text: 'a RESPONSE without a challenge', tcp: always, udp: always },
  { step: 'unknown user', text: 'KNOCK, unknown user', tcp: always, udp: always },
  { step: 'wrong knock', text: 'KNOCK, wrong MAC', tcp: always, udp: always },
  { step: 'wrong revoke', text: 'REVOKE, wrong MAC', tcp: always, udp: always },
  {
    step: 'unknown resource',
    text: 'KNOCK, right MAC, unknown resource',
    tcp: afterFirst,
    udp: afterFirst,
  },
  {
    step: 'not for this user',
    text: 'KNOCK, right MAC, resource not for this user',
    tcp: afterFirst,
    udp: afterFirst,
  },
  {
    step: 'second knock',
    text: 'a second KNOCK after the CHALLENGE',
    tcp: afterFirst,
    udp: challenge,
    upstream: { udp: afterFirst },
  },
  {
    step: 'wrong response',
    text: 'RESPONSE, wrong MAC',
    tcp: afterFirst,
    udp: always,
    upstream: { udp: afterFirst },
  },
  {
    step: 'response of another resource',
    text: 'RESPONSE, right MAC, another resource than the KNOCK’s',
    tcp: afterFirst,
    udp: always,
    upstream: { udp: afterFirst },
  },
  {
    step: 'limit',
    text: 'RESPONSE, right MAC, but `max-nr-rules` is reached',
    tcp: goAway,
    udp: goAway,
  },
  { step: 'knock', text: 'RESPONSE, right MAC, KNOCK granted', tcp: comeIn, udp: comeIn },
  { step: 'revoke', text: 'RESPONSE, right MAC, REVOKE granted', tcp: comeIn, udp: comeIn },
];

/** The columns of {@link Cells}. */
const COLUMNS = ['always', 'basic-auth', 'full-auth'] as const;

/** What `row` promises under `policy`, by our daemons or upstream's. */
export function expected(
  row: Row,
  policy: Policy,
  transport: 'tcp' | 'udp',
  make: 'ours' | 'upstream',
): Heard {
  const cells = (make === 'upstream' ? row.upstream?.[transport] : undefined) ?? row[transport];
  return cells[policy === 'absent' ? 0 : COLUMNS.indexOf(policy)] ?? 'nothing';
}

/** The tables as docs/protocol.md has them, between the two marker comments. */
export function policyTables(): string {
  const differing = TABLE.filter(({ upstream }) => upstream !== undefined);
  return [
    ...head('what the peer sends'),
    ...TABLE.flatMap((row) => lines(row, 'ours')),
    '',
    'Where upstream 12.6.2 was measured to do something else:',
    '',
    ...head('what the peer sends to upstream'),
    ...differing.flatMap((row) => lines(row, 'upstream')),
    '',
  ].join('\n');
}

function head(first: string): string[] {
  const columns = COLUMNS.map((name) => `\`${name}\``).join(' | ');
  return [`| ${first} | over | ${columns} |`, '|---|---|---|---|---|'];
}

/** One line where both transports are alike, else one for each; of upstream only what is different. */
function lines(row: Row, make: 'ours' | 'upstream'): string[] {
  const cells = (transport: 'tcp' | 'udp', by = make): string =>
    COLUMNS.map((policy) => expected(row, policy, transport, by)).join(' | ');
  const isShown = (transport: 'tcp' | 'udp'): boolean =>
    make === 'ours' || cells(transport) !== cells(transport, 'ours');
  const shown = (['tcp', 'udp'] as const).filter(isShown);
  if (shown.length === 2 && cells('tcp') === cells('udp')) {
    return [`| ${row.text} | both | ${cells('tcp')} |`];
  }
  return shown.map((each) => `| ${row.text} | ${each.toUpperCase()} | ${cells(each)} |`);
}
