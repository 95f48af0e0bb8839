import { createHmac, timingSafeEqual } from 'node:crypto';
import { AUTH_LENGTH, type Message, signedPart, type Unsigned } from './message.js';

/** Size of a user's key, in bytes. */
export const KEY_LENGTH = 32;
/** Size of a challenge's token, in bytes. */
export const TOKEN_LENGTH = AUTH_LENGTH;
/** The token of KNOCK and REVOKE, which answer no challenge. */
export const NO_TOKEN: Uint8Array = new Uint8Array(TOKEN_LENGTH);

/**
 * HMAC-SHA3-256 over OPERATION ‖ USER ‖ RESOURCE ‖ SALT ‖ TOKEN.
 *
 * @param key 32 bytes.
 * @param token 32 bytes: the challenge's AUTH for a RESPONSE, {@link NO_TOKEN} otherwise.
 * @returns 32 bytes.
 * @throws RangeError when key, token or salt have another size (the key's bytes are never named).
 */
export function authenticate(key: Uint8Array, message: Unsigned, token: Uint8Array): Buffer {
  if (key.length !== KEY_LENGTH || token.length !== TOKEN_LENGTH) {
    throw new RangeError('failed to authenticate message: key and token must have 32 bytes each');
  }
  return createHmac('sha3-256', key).update(signedPart(message)).update(token).digest();
}

/** Whether a message carries the right MAC, compared in constant time. */
export function verify(key: Uint8Array, message: Message, token: Uint8Array): boolean {
  return timingSafeEqual(authenticate(key, message, token), message.auth);
}
