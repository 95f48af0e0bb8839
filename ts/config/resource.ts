import { type Item, onlyValue, readItems } from './items.js';
import type { Located, Place } from './located.js';
import type { JumpTarget, Resource } from './model.js';
import { suggestion } from './nearest.js';
import type { Given } from './options.js';
import { formatId, type Problems, quote } from './problems.js';
import { PROTOCOLS, type Protocol, protocolOf, repeatedProtocol } from './protocols.js';
import { readChain, readDuration, readId, readPortNumber, readWord } from './values.js';

/** The three chains a jump may start from. */
export const HOOKS = ['input', 'forward', 'output'] as const;
export type Hook = (typeof HOOKS)[number];

const MATCHES = HOOKS.map((hook) => `${hook}-match` as const);
const KEYS = ['port', 'timeout', 'users', ...HOOKS, ...MATCHES] as const;
type Key = (typeof KEYS)[number];
/** What a mistyped word may have meant. */
const NAMES = [...KEYS, 'jump', ...PROTOCOLS];

/** A line of `[RESOURCES]` and where its parts stand, for rules that look at other lines and sections. */
export interface Declared {
  /** `undefined`: something in it is wrong, `problems` knows what. The rest is as far as it was understood. */
  resource: Resource | undefined;
  /** `undefined`: wrong. */
  id: number | undefined;
  place: Place;
  port: Given<number> | undefined;
  chains: ReadonlyMap<Hook, Given<string>>;
  users: readonly Given<number>[];
}

/**
 * Reads the value of one `ID = …` line of `[RESOURCES]`.
 *
 * @param id `undefined`: it is wrong, and the rest is read for its own mistakes.
 * @param place Where the line begins.
 */
export function readResource(
  id: number | undefined,
  place: Place,
  value: Located,
  problems: Problems,
): Declared {
  const draft = new Draft(problems);
  for (const item of value.text === '' ? [] : readItems(value, problems)) {
    draft.take(item);
  }
  return draft.finish(id, place);
}

/** A resource while its items are being read, in any order. */
class Draft {
  private readonly seen = new Set<string>();
  private readonly protocols: Partial<Record<Protocol, Place>> = {};
  private readonly chains = new Map<Hook, Given<string>>();
  /** Chains and matches that are there, right or wrong. */
  private readonly jumpKeys = new Map<string, Place>();
  private readonly users: Given<number>[] = [];
  private jump: Place | undefined;
  private port: Given<number> | undefined;
  private timeoutMs: number | undefined;
  private failed = false;

  constructor(private readonly problems: Problems) {}

  take(item: Item): void {
    if (item.key === undefined) {
      for (const word of item.values) {
        this.word(word);
      }
      return;
    }
    const key = KEYS.find((known) => known === item.key?.text);
    if (key === undefined) {
      this.unknown(item.key);
    } else if (this.seen.has(key)) {
      this.error(item.key.place, `${key} is given twice`);
    } else {
      this.seen.add(key);
      this.keyed(key, item.key.place, item.values);
    }
  }

  finish(id: number | undefined, place: Place): Declared {
    this.checkKind(place);
    const { port, chains, users } = this;
    const resource = this.failed || id === undefined ? undefined : this.resource(id);
    return { resource, id, place, port, chains, users };
  }

  /** Called when nothing failed, so one of the two kinds is complete. */
  private resource(id: number): Resource {
    const timeoutMs = this.timeoutMs;
    const users = this.seen.has('users')
      ? new Set(this.users.map((user) => user.value))
      : undefined;
    const common = { id, timeoutMs, users };
    if (this.port === undefined) {
      const [input, forward, output] = HOOKS.map((hook) => this.target(hook));
      return { kind: 'jump', ...common, input, forward, output };
    }
    const udp = this.protocols.udp !== undefined;
    const tcp = this.protocols.tcp !== undefined || !udp;
    return { kind: 'port', ...common, port: this.port.value, tcp, udp };
  }

  private word(word: Located): void {
    const protocol = protocolOf(word.text);
    if (protocol !== undefined) {
      const seen = { tcp: this.protocols.tcp !== undefined, udp: this.protocols.udp !== undefined };
      repeatedProtocol(seen, protocol, word.place, this.problems);
      this.protocols[protocol] = word.place;
    } else if (word.text === 'jump') {
      if (this.jump !== undefined) {
        this.error(word.place, 'jump is given twice');
      }
      this.jump ??= word.place;
    } else if (KEYS.some((key) => key === word.text)) {
      this.error(word.place, `${word.text} has no value: write '${word.text}: …'`);
    } else {
      this.unknown(word);
    }
  }

  private unknown(word: Located): void {
    if (word.text === '') {
      this.error(word.place, "an empty item: remove its ',' or ':'");
    } else if (word.text === 'jump') {
      this.error(word.place, "jump takes no value: write 'jump / input: CHAIN'");
      this.jump ??= word.place;
    } else {
      const hint = word.text.startsWith('#')
        ? 'a comment needs a line of its own'
        : suggestion(word.text, NAMES);
      this.error(word.place, `${quote(word.text)} is not known: ${hint}`);
    }
  }

  private keyed(key: Key, place: Place, values: Located[]): void {
    const problems = this.problems;
    if (key === 'users') {
      this.readUsers(place, values);
      return;
    }
    if (key !== 'port' && key !== 'timeout') {
      this.jumpKeys.set(key, place);
    }
    const value = onlyValue(key, place, values, problems);
    if (value === undefined) {
      this.failed = true;
    } else if (key === 'port') {
      const port = this.checked(readPortNumber(value, key, problems));
      this.port = port === undefined ? undefined : { value: port, place: value.place };
    } else if (key === 'timeout') {
      this.timeoutMs = this.checked(readDuration(value, key, problems));
    } else {
      this.readJumpKey(key, value);
    }
  }

  private readJumpKey(key: Exclude<Key, 'users' | 'port' | 'timeout'>, value: Located): void {
    const hook = HOOKS.find((known) => known === key);
    if (hook === undefined) {
      this.checked(readWord(['saddr'], false)(value, key, this.problems));
      return;
    }
    const chain = this.checked(readChain(value, key, this.problems));
    if (chain !== undefined) {
      this.chains.set(hook, { value: chain, place: value.place });
    }
  }

  private readUsers(place: Place, values: Located[]): void {
    const known = new Set<number>();
    for (const value of values) {
      if (value.text === '') {
        const what =
          values.length === 1 ? 'users has no value' : "users: an empty item: remove a ','";
        this.error(values.length === 1 ? place : value.place, what);
        continue;
      }
      const user = this.checked(readId(value, 'users', this.problems));
      if (user !== undefined && known.has(user)) {
        this.problems.warning(value.place, `users: ${formatId(user)} is given twice`);
      } else if (user !== undefined) {
        known.add(user);
        this.users.push({ value: user, place: value.place });
      }
    }
  }

  /** Exactly one of `port` and `jump`, each with what belongs to it. */
  private checkKind(place: Place): void {
    const isPort = this.seen.has('port');
    if (isPort && this.jump !== undefined) {
      this.error(this.jump, 'jump and port exclude each other: make two resources of it');
    } else if (!isPort && this.jump === undefined) {
      this.error(place, "a resource needs 'port: N' or 'jump'");
    } else if (isPort) {
      for (const [key, where] of this.jumpKeys) {
        this.error(where, `${key} belongs to a jump resource, not to a port`);
      }
    } else {
      this.checkJump(place);
    }
  }

  private checkJump(place: Place): void {
    for (const protocol of PROTOCOLS) {
      const where = this.protocols[protocol];
      if (where !== undefined) {
        this.error(where, `${protocol} belongs to a port resource, not to a jump`);
      }
    }
    if (!HOOKS.some((hook) => this.seen.has(hook))) {
      this.error(this.jump ?? place, "jump has no target: add 'input: CHAIN', forward or output");
    }
    for (const hook of HOOKS) {
      const match = this.jumpKeys.get(`${hook}-match`);
      if (match !== undefined && !this.seen.has(hook)) {
        this.problems.warning(match, `${hook}-match has no effect without '${hook}: CHAIN'`);
      }
    }
  }

  private target(hook: Hook): JumpTarget | undefined {
    const chain = this.chains.get(hook)?.value;
    return chain === undefined ? undefined : { chain, matchSource: this.seen.has(`${hook}-match`) };
  }

  private error(place: Place, what: string): void {
    this.problems.error(place, what);
    this.failed = true;
  }

  /** Passes a read value on; `undefined` was told to `problems` already. */
  private checked<T>(value: T | undefined): T | undefined {
    this.failed ||= value === undefined;
    return value;
  }
}
