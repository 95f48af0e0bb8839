import { randomBytes } from 'node:crypto';
import { formatId } from '../config/problems.js';
import { KEY_LENGTH } from '../wire/mac.js';

/**
 * A fresh key from the system's random source, as one line for the `[KEYS]` section of both files:
 * `USER = KEY`, 8 and 64 hex digits.
 */
export function generateKey(user: number): string {
  return `${formatId(user)} = ${randomBytes(KEY_LENGTH).toString('hex').toUpperCase()}`;
}
