import { isUtf8 } from 'node:buffer';
import type { Place } from './located.js';

const NEWLINE = 0x0a;

/** A file's text, and where it is not UTF-8: once for each such line. What is wrong becomes U+FFFD. */
export function decodeUtf8(bytes: Uint8Array): { text: string; wrong: Place[] } {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const wrong: Place[] = [];
  if (isUtf8(bytes)) {
    return { text, wrong };
  }
  // No byte of a UTF-8 sequence is a newline, so lines can be looked at one by one.
  let line = 1;
  let start = 0;
  while (start <= bytes.length) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline === -1 ? bytes.length : newline;
    const bad = bytes.subarray(start, end);
    if (!isUtf8(bad)) {
      wrong.push({ line, column: validPrefix(bad) + 1 });
    }
    line += 1;
    start = end + 1;
  }
  return { text, wrong };
}

/** UTF-16 units before the first byte that is no UTF-8. */
function validPrefix(bytes: Uint8Array): number {
  let position = 0;
  let units = 0;
  while (position < bytes.length) {
    const length = sequenceLength(bytes[position] ?? 0);
    if (!isUtf8(bytes.subarray(position, position + length))) {
      return units;
    }
    position += length;
    // What takes four bytes takes a surrogate pair.
    units += length === 4 ? 2 : 1;
  }
  return units;
}

/** Bytes of the sequence that begins with this one (RFC 3629 section 3). */
function sequenceLength(lead: number): number {
  if (lead < 0xc0) {
    return 1;
  }
  if (lead < 0xe0) {
    return 2;
  }
  return lead < 0xf0 ? 3 : 4;
}
