/** Messages of protocol 1 as a test wants them: right, or wrong in one way. */
import { randomBytes } from 'node:crypto';
import { authenticate, NO_TOKEN } from '#dist/wire/mac.js';
import { decode, encode, type Operation, SALT_LENGTH } from '#dist/wire/message.js';
import { ALICE, USERS, WEB } from './conf.js';

export { MESSAGE_LENGTH } from '#dist/wire/message.js';

/** Whose message it is, and about what: ids as the configuration writes them, the key as 64 hex digits. */
export interface Speaker {
  user?: string;
  resource?: string;
  key?: string;
}

/** A KNOCK, REVOKE or whatever `operation` says, signed as a first message is. */
export function first(operation: Operation, speaker: Speaker = {}): Buffer {
  return signed(operation, speaker, NO_TOKEN);
}

/** The RESPONSE to a CHALLENGE. */
export function response(challenge: Uint8Array, speaker: Speaker = {}): Buffer {
  const { auth } = decode(challenge) ?? {};
  if (auth === undefined) throw new Error('failed to answer: this is no CHALLENGE');
  return signed('response', speaker, auth);
}

/** The same message with the last bit of its MAC turned over. */
export function tampered(message: Buffer): Buffer {
  const other = Buffer.from(message);
  other[other.length - 1] = (other[other.length - 1] ?? 0) ^ 1;
  return other;
}

/** What a received message says: its operation, or that it is none. */
export function operationOf(bytes: Uint8Array): Operation | 'no message' {
  return decode(bytes)?.operation ?? 'no message';
}

function signed(operation: Operation, speaker: Speaker, token: Uint8Array): Buffer {
  const { user = ALICE, resource = WEB, key = USERS[user] ?? '' } = speaker;
  const message = {
    operation,
    user: Number.parseInt(user, 16),
    resource: Number.parseInt(resource, 16),
    salt: randomBytes(SALT_LENGTH),
  };
  return encode({ ...message, auth: authenticate(Buffer.from(key, 'hex'), message, token) });
}
