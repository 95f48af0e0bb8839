// The one message of protocol 1 (docs/protocol.md), the same in both directions and on both transports.

/** Size of every message, in bytes. */
export const MESSAGE_LENGTH = 56;
/** Size of the salt, in bytes. */
export const SALT_LENGTH = 8;
/** Size of the authentication field (a MAC, or a challenge's token), in bytes. */
export const AUTH_LENGTH = 32;

const MAGIC = 0x3b1bb719;
const OPERATION_AT = 4;
const USER_AT = 8;
const RESOURCE_AT = 12;
const SALT_AT = 16;
const AUTH_AT = 24;

/** The operations; an operation's number on the wire is its place in this list. */
export const OPERATIONS = ['knock', 'challenge', 'response', 'comein', 'goaway', 'revoke'] as const;
/** One operation of the protocol. */
export type Operation = (typeof OPERATIONS)[number];

/** A message without its authentication field: what a MAC is made over. */
export interface Unsigned {
  operation: Operation;
  /** User id, unsigned 32 bits. */
  user: number;
  /** Resource id, unsigned 32 bits. */
  resource: number;
  /** 8 bytes, random, fresh for every message. */
  salt: Uint8Array;
}

/** A whole message. */
export interface Message extends Unsigned {
  /** 32 bytes: a MAC; in a CHALLENGE the token; in COMEIN and GOAWAY without meaning. */
  auth: Uint8Array;
}

/**
 * The bytes of a message as they travel.
 *
 * @returns 56 bytes.
 * @throws RangeError when an id is not an unsigned 32-bit number, or salt or auth have another size.
 */
export function encode(message: Message): Buffer {
  if (message.auth.length !== AUTH_LENGTH) {
    throw new RangeError(`failed to encode message: auth has ${message.auth.length} bytes`);
  }
  const bytes = Buffer.alloc(MESSAGE_LENGTH);
  bytes.writeUInt32BE(MAGIC, 0);
  signedPart(message).copy(bytes, OPERATION_AT);
  bytes.set(message.auth, AUTH_AT);
  return bytes;
}

/**
 * The message in these bytes.
 *
 * @returns undefined when they are not exactly 56 bytes, do not begin with the magic number, or name no operation.
 */
export function decode(bytes: Uint8Array): Message | undefined {
  if (bytes.length !== MESSAGE_LENGTH) {
    return undefined;
  }
  const view = Buffer.from(bytes);
  const operation = OPERATIONS[view.readUInt32BE(OPERATION_AT)];
  if (view.readUInt32BE(0) !== MAGIC || operation === undefined) {
    return undefined;
  }
  return {
    operation,
    user: view.readUInt32BE(USER_AT),
    resource: view.readUInt32BE(RESOURCE_AT),
    salt: view.subarray(SALT_AT, AUTH_AT),
    auth: view.subarray(AUTH_AT),
  };
}

/**
 * The bytes 4 to 24 of a message, which every MAC covers.
 *
 * @returns 20 bytes.
 * @throws RangeError as {@link encode} does.
 */
export function signedPart(message: Unsigned): Buffer {
  if (message.salt.length !== SALT_LENGTH) {
    throw new RangeError(`failed to encode message: salt has ${message.salt.length} bytes`);
  }
  const bytes = Buffer.alloc(AUTH_AT - OPERATION_AT);
  bytes.writeUInt32BE(OPERATIONS.indexOf(message.operation), 0);
  bytes.writeUInt32BE(message.user, USER_AT - OPERATION_AT);
  bytes.writeUInt32BE(message.resource, RESOURCE_AT - OPERATION_AT);
  bytes.set(message.salt, SALT_AT - OPERATION_AT);
  return bytes;
}
