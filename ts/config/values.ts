import type { Located } from './located.js';
import { suggestion } from './nearest.js';
import { commentHint, type Problems, quote } from './problems.js';

/** Users and resources are 32-bit. */
const MAX_ID = 0xffff_ffff;
/** Durations are at most 2³²−1 seconds, as upstream's. */
const MAX_SECONDS = 0xffff_ffff;
const MAX_PORT = 65_535;
/** The largest chain name, as upstream's. */
const MAX_CHAIN_NAME = 64;
/** NFT_NAME_MAXLEN of linux/netfilter/nf_tables.h without its closing zero, in bytes. */
const MAX_TABLE_NAME = 255;

const BOOLEANS = new Map([
  ...['true', '1', 'yes', 'on'].map((word) => [word, true] as const),
  ...['false', '0', 'no', 'off'].map((word) => [word, false] as const),
]);

/**
 * Reads one value, which is not empty.
 *
 * @param name The option or key, for messages.
 * @returns `undefined` after telling `problems` why.
 */
export type Reader<T> = (value: Located, name: string, problems: Problems) => T | undefined;

/** `true`, `1`, `yes`, `on` or `false`, `0`, `no`, `off`, any case. */
export const readBoolean: Reader<boolean> = (value, name, problems) =>
  BOOLEANS.get(value.text.toLowerCase()) ??
  wrong(value, name, 'is not a boolean: use true or false', problems);

/** A whole number, decimal or 0x hexadecimal, within bounds. */
export function readInteger(least: number, most: number): Reader<number> {
  return (value, name, problems) => {
    const number = /^(?:\d+|0x[0-9a-f]+)$/i.test(value.text) ? Number(value.text) : Number.NaN;
    if (number >= least && number <= most) {
      return number;
    }
    return wrong(value, name, `is not a whole number from ${least} to ${most}`, problems);
  };
}

/** A port, 1-65535. */
export const readPortNumber: Reader<number> = readInteger(1, MAX_PORT);

/**
 * A duration in seconds, fractions allowed.
 *
 * @returns Milliseconds, rounded up and so at least 1: nftables takes 0 for "for ever".
 */
export const readDuration: Reader<number> = (value, name, problems) => {
  const form = /^(?:\+?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|0x[0-9a-f]+)$/i;
  const seconds = form.test(value.text) ? Number(value.text) : Number.NaN;
  if (!(seconds <= MAX_SECONDS)) {
    const what = `is not a duration: use seconds, more than 0 and at most ${MAX_SECONDS}`;
    return wrong(value, name, what, problems);
  }
  if (seconds === 0) {
    problems.error(value.place, `${name}: no time at all: use more than 0 seconds`);
    return undefined;
  }
  // To a millionth of a millisecond first: 0.069 * 1000 is 69.00000000000001, which is no 70 ms.
  return Math.max(1, Math.ceil(Number((seconds * 1000).toFixed(6))));
};

/** A user or resource: 32 bits in hexadecimal digits, leading zeros allowed, no `0x` (upstream refuses it too). */
export function parseId(text: string): number | undefined {
  const id = /^[0-9a-f]+$/i.test(text) ? Number.parseInt(text, 16) : Number.NaN;
  return id <= MAX_ID ? id : undefined;
}

/** {@link parseId}, with a message. */
export const readId: Reader<number> = (value, name, problems) =>
  parseId(value.text) ??
  wrong(value, name, 'is not an id: use up to 8 hexadecimal digits', problems);

/** One of a closed list of words. */
export function readWord<T extends string>(words: readonly T[], anyCase: boolean): Reader<T> {
  return (value, name, problems) => {
    const text = anyCase ? value.text.toLowerCase() : value.text;
    const word = words.find((known) => known === text);
    return word ?? wrong(value, name, `is not known: ${suggestion(value.text, words)}`, problems);
  };
}

/** A chain's name: 1-64 of `A-Z a-z 0-9 _ - .`. */
export const readChain: Reader<string> = (value, name, problems) => {
  if (value.text.length <= MAX_CHAIN_NAME && /^[\w.-]+$/.test(value.text)) {
    return value.text;
  }
  const what = `is not a chain name: use 1 to ${MAX_CHAIN_NAME} of A-Z a-z 0-9 _ - .`;
  return wrong(value, name, what, problems);
};

/** A table's name: whatever nftables may take, so only its length and what no name has. */
export const readTable: Reader<string> = (value, name, problems) => {
  if (Buffer.byteLength(value.text) <= MAX_TABLE_NAME && !/[\s\p{C}]/u.test(value.text)) {
    return value.text;
  }
  const what = `is not a table name: use at most ${MAX_TABLE_NAME} bytes, no blanks`;
  return wrong(value, name, what, problems);
};

/** Any text. */
export const readText: Reader<string> = (value) => value.text;

/** Says what is wrong with a value, and why if it looks like a comment behind it. */
export function wrong(value: Located, name: string, what: string, problems: Problems): undefined {
  problems.error(value.place, `${name}: ${quote(value.text)} ${what}${commentHint(value.text)}`);
  return undefined;
}
