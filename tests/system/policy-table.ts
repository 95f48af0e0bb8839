/**
 * What a refused peer hears, by error policy, step and transport: the one source of the table in docs/protocol.md
 * ("Error policies") and of policy.test.ts.
 */

/** The policies; `absent` is a configuration that names none. */
export const POLICIES = ['always', 'basic-auth', 'full-auth', 'absent'] as const;
export type Policy = (typeof POLICIES)[number];

/** `nothing`: over UDP silence, over TCP the connection is closed without a byte. */
export type Heard = 'nothing' | 'GOAWAY' | 'CHALLENGE' | 'COMEIN';

/** What is heard under `always`, `basic-auth` and `full-auth`. Without the option it is as `basic-auth`. */
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

export const TABLE: readonly Row[] = [
  { step: 'bad magic', text: 'another magic number', tcp: nothing, udp: nothing },
  { step: 'unknown operation', text: 'an unknown operation', tcp: nothing, udp: nothing },
  { step: 'short', text: 'fewer than 56 bytes', tcp: nothing, udp: nothing },
  { step: 'long', text: 'more than 56 bytes at once', tcp: nothing, udp: nothing },
  { step: 'challenge first', text: 'a CHALLENGE', tcp: always, udp: always },
  { step: 'comein first', text: 'a COMEIN', tcp: always, udp: always },
  { step: 'goaway first', text: 'a GOAWAY', tcp: always, udp: always },
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
  },
  { step: 'wrong response', text: 'RESPONSE, wrong MAC', tcp: afterFirst, udp: always },
  {
    step: 'response of another resource',
    text: 'RESPONSE, right MAC, another resource than the KNOCK’s',
    tcp: afterFirst,
    udp: always,
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
