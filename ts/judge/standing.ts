import { STANDING_LEN } from '../ipc/frames.js';

/**
 * What the judge thinks of a TCP connection, kept by the door and handed back with its next message:
 * whether a first message had the right MAC (1), and which: operation (1), zero (2), user (4),
 * resource (4). The door is trusted with this only: it decides who is told of a failure, never what
 * is opened (docs/protocol.md, "Error policies").
 */
export function standingAfterFirst(operation: number, user: number, resource: number): Buffer {
  const standing = Buffer.alloc(STANDING_LEN);
  standing.writeUInt8(1, 0);
  standing.writeUInt8(operation, 1);
  standing.writeUInt32BE(user, 4);
  standing.writeUInt32BE(resource, 8);
  return standing;
}

/** Whether this connection's first message had the right MAC. */
export function hasProvenFirst(standing: Buffer): boolean {
  return standing.readUInt8(0) === 1;
}
