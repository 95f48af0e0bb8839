import { MESSAGE_LEN } from '../ipc/frames.js';

/** First four bytes of every message (docs/protocol.md, "Messages"). */
const MAGIC = 0x3b1bb719;
const OPERATION_AT = 4;
const GOAWAY = 4;
/** REVOKE: a larger number is no operation. */
const LAST_OPERATION = 5;
const SALT_AT = 16;

/**
 * The GOAWAY for a message that no judge can look at now; undefined for bytes that are no message.
 * It repeats the message's user and resource and is exactly as long as what was received.
 */
export function goAwayFor(message: Buffer): Buffer | undefined {
  if (message.length !== MESSAGE_LEN || message.readUInt32BE(0) !== MAGIC) {
    return undefined;
  }
  if (message.readUInt32BE(OPERATION_AT) > LAST_OPERATION) {
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

const RESPONSE = 2;
