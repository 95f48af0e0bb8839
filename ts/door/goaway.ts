import { MESSAGE_LEN } from '../ipc/frames.js';

/** First four bytes of every message (docs/protocol.md, "Messages"). */
const MAGIC = 0x3b1bb719;
const OPERATION_AT = 4;
const KNOCK = 0;
const RESPONSE = 2;
const GOAWAY = 4;
const REVOKE = 5;
/** What clients send. No answer to a server's: it would answer that again. */
const CLIENTS_OPERATIONS: ReadonlySet<number> = new Set([KNOCK, RESPONSE, REVOKE]);
const SALT_AT = 16;

/**
 * The GOAWAY for a message that no judge can look at now; undefined for bytes that no client sends.
 * It repeats the message's user and resource and is exactly as long as what was received.
 */
export function goAwayFor(message: Buffer): Buffer | undefined {
  if (message.length !== MESSAGE_LEN || message.readUInt32BE(0) !== MAGIC) {
    return undefined;
  }
  if (!CLIENTS_OPERATIONS.has(message.readUInt32BE(OPERATION_AT))) {
    return undefined;
  }
  const answer = Buffer.from(message);
  answer.writeUInt32BE(GOAWAY, OPERATION_AT);
  return answer.fill(0, SALT_AT);
}

/** Whether the message says that it is a RESPONSE: its sender has waited longest and goes first. */
export function saysResponse(message: Buffer): boolean {
  return message.readUInt32BE(OPERATION_AT) === RESPONSE;
}
