import { randomBytes } from 'node:crypto';
import { authenticate, NO_TOKEN } from '../wire/mac.js';
import { decode, encode, type Message, type Operation, SALT_LENGTH } from '../wire/message.js';

/** What is asked of the server, and by whom: the same at every address and over every transport. */
export interface Errand {
  operation: 'knock' | 'revoke';
  /** User id, unsigned 32 bits. */
  user: number;
  /** Resource id, unsigned 32 bits. */
  resource: number;
  /** The user's key, 32 bytes. */
  key: Uint8Array;
}

/** The KNOCK or REVOKE that begins an exchange: 56 bytes, with a fresh salt each time. */
export function firstMessage(errand: Errand): Buffer {
  return signed(errand, errand.operation, NO_TOKEN);
}

/** The RESPONSE to a challenge: 56 bytes, with a fresh salt each time. */
export function responseTo(errand: Errand, challenge: Message): Buffer {
  return signed(errand, 'response', challenge.auth);
}

/**
 * A server's answer in this exchange.
 *
 * @returns undefined when the bytes are no message, none a server sends, or belong to another user or resource.
 */
export function answer(errand: Errand, bytes: Uint8Array): Message | undefined {
  const message = decode(bytes);
  if (message?.user !== errand.user || message.resource !== errand.resource) {
    return undefined;
  }
  const fromServer = ['challenge', 'comein', 'goaway'].includes(message.operation);
  return fromServer ? message : undefined;
}

function signed(errand: Errand, operation: Operation, token: Uint8Array): Buffer {
  const { user, resource } = errand;
  const unsigned = { operation, user, resource, salt: randomBytes(SALT_LENGTH) };
  return encode({ ...unsigned, auth: authenticate(errand.key, unsigned, token) });
}
