import type { Section } from './grammar.js';
import type { Place } from './located.js';
import { formatId, type Problems } from './problems.js';
import { parseId } from './values.js';

/** Bytes of a key; the file has two hexadecimal digits for each. */
const KEY_LENGTH = 32;

/**
 * Reads `[KEYS]`: `USER = KEY`. Messages show a user only where it was understood as one, and no part of a key at all.
 *
 * @returns User → 32 bytes.
 */
export function readKeys(
  section: Section | undefined,
  problems: Problems,
): Map<number, Uint8Array> {
  const keys = new Map<number, Uint8Array>();
  const lines = new Map<number, number>();
  for (const { name, place, value } of section?.options ?? []) {
    const user = parseId(name);
    if (user === undefined) {
      problems.error(place, "a user's id is up to 8 hexadecimal digits");
    } else {
      reportRepeat(user, place, lines, problems);
    }
    const who = user === undefined ? 'this user' : `user ${formatId(user)}`;
    const key = parseKey(value.text);
    if (typeof key === 'string') {
      problems.error(value.place, `the key of ${who} ${key}: make one with 'letmein gen-key'`);
    } else if (user !== undefined && !keys.has(user)) {
      keys.set(user, key);
    }
  }
  return keys;
}

/** `1` and `00000001` are the same user. */
function reportRepeat(
  user: number,
  place: Place,
  lines: Map<number, number>,
  problems: Problems,
): void {
  const line = lines.get(user);
  if (line === undefined) {
    lines.set(user, place.line);
  } else {
    problems.error(place, `user ${formatId(user)} has a key already at line ${line}`);
  }
}

/** The key's bytes, or what is wrong with it. */
function parseKey(text: string): Uint8Array | string {
  if (text === '') {
    return 'is missing';
  }
  const digits = KEY_LENGTH * 2;
  if (text.length !== digits) {
    return `has ${text.length} characters, not ${digits} hexadecimal digits`;
  }
  if (!/^[0-9a-f]+$/i.test(text)) {
    return 'has characters that are not hexadecimal digits';
  }
  const key = Uint8Array.from({ length: KEY_LENGTH }, (_, index) =>
    Number.parseInt(text.slice(index * 2, index * 2 + 2), 16),
  );
  if (key.every((byte) => byte === 0)) {
    return 'is all zeros';
  }
  return key.every((byte) => byte === 0xff) ? 'is all ones' : key;
}
