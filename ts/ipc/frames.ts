/**
 * The contract between the door and the judge: three kinds of frame, each of one exact size,
 * big-endian. docs/protocol.md, "The link".
 *
 *     kind       from    size  fields after the kind byte
 *     SETUP      judge     20  transports 1, port 2, control-timeout ms 4, policy 1, seccomp 1,
 *                              UDP in flight 2, TCP in flight 2, zero 2, generation 4
 *     REQUEST    door     100  transport 1, peer port 2, id 4, sent-at ms 8 (float), address 16,
 *                              standing 12, message 56
 *     ANSWER     judge     76  answer 1, zero 2, id 4, standing 12, message 56
 */

/** Bytes of a letmein message (docs/protocol.md, "Messages"). */
export const MESSAGE_LEN = 56;
/** Bytes of a connection's standing: written by the judge, kept and returned by the door. */
export const STANDING_LEN = 12;

export const SETUP = 3;
export const REQUEST = 1;
export const ANSWER = 2;

export const SETUP_LEN = 20;
export const REQUEST_LEN = 100;
export const ANSWER_LEN = 76;

export const TCP = 0;
export const UDP = 1;
export type Transport = typeof TCP | typeof UDP;

/** What the door does with an ANSWER. */
export const SILENCE = 0;
export const CHALLENGE = 1;
export const GRANTED = 2;
export const REFUSED = 3;
export type AnswerKind = typeof SILENCE | typeof CHALLENGE | typeof GRANTED | typeof REFUSED;

/** `control-error-policy`; the place in this list is the number on the link. */
const POLICIES = ['always', 'basic-auth', 'full-auth'] as const;
export type Policy = (typeof POLICIES)[number];

/** `seccomp`; the place in this list is the number on the link. */
const SECCOMP_MODES = ['off', 'log', 'kill'] as const;
export type SeccompMode = (typeof SECCOMP_MODES)[number];

/** The door's settings: all that it ever learns of the configuration. */
export interface Setup {
  readonly tcp: boolean;
  readonly udp: boolean;
  /** The control port, 1–65535. */
  readonly port: number;
  /** Milliseconds that a peer has for each step, 1–2³¹−1. */
  readonly controlTimeoutMs: number;
  readonly policy: Policy;
  readonly seccomp: SeccompMode;
  /** Requests that may wait for their answers, for each transport. */
  readonly udpInFlight: number;
  readonly tcpInFlight: number;
  /** Counts the judge's configurations since its start, from 1. */
  readonly generation: number;
}

/** One message of one peer. Its arrays are views of the frame. */
export interface Request {
  readonly transport: Transport;
  readonly peerPort: number;
  readonly id: number;
  /** Milliseconds of CLOCK_MONOTONIC when the door wrote the frame. */
  readonly sentAtMs: number;
  readonly address: Buffer;
  readonly standing: Buffer;
  readonly message: Buffer;
}

/** The judge's answer to the request of the same id. Its arrays are views of the frame. */
export interface Answer {
  readonly kind: AnswerKind;
  readonly id: number;
  readonly standing: Buffer;
  readonly message: Buffer;
}

/** Bytes that no honest other side sends: the link ends. */
export class LinkBroken extends Error {
  override readonly name = 'LinkBroken';
}

export function encodeSetup(setup: Setup): Buffer {
  const frame = Buffer.alloc(SETUP_LEN);
  frame.writeUInt8(SETUP, 0);
  frame.writeUInt8((setup.tcp ? 1 : 0) | (setup.udp ? 2 : 0), 1);
  frame.writeUInt16BE(setup.port, 2);
  frame.writeUInt32BE(setup.controlTimeoutMs, 4);
  frame.writeUInt8(POLICIES.indexOf(setup.policy), 8);
  frame.writeUInt8(SECCOMP_MODES.indexOf(setup.seccomp), 9);
  frame.writeUInt16BE(setup.udpInFlight, 10);
  frame.writeUInt16BE(setup.tcpInFlight, 12);
  frame.writeUInt32BE(setup.generation, 16);
  return frame;
}

/** @throws {@link LinkBroken} for a value outside its range. */
export function decodeSetup(frame: Buffer): Setup {
  const transports = frame.readUInt8(1);
  const setup = {
    tcp: (transports & 1) !== 0,
    udp: (transports & 2) !== 0,
    port: frame.readUInt16BE(2),
    controlTimeoutMs: frame.readUInt32BE(4),
    policy: POLICIES[frame.readUInt8(8)],
    seccomp: SECCOMP_MODES[frame.readUInt8(9)],
    udpInFlight: frame.readUInt16BE(10),
    tcpInFlight: frame.readUInt16BE(12),
    generation: frame.readUInt32BE(16),
  };
  const { policy, seccomp } = setup;
  if (policy === undefined || seccomp === undefined || transports < 1 || transports > 3) {
    throw new LinkBroken('a SETUP frame with unknown values');
  }
  if (
    setup.port === 0 ||
    setup.controlTimeoutMs === 0 ||
    setup.controlTimeoutMs > LONGEST_TIMER_MS
  ) {
    throw new LinkBroken('a SETUP frame with a value out of range');
  }
  return { ...setup, policy, seccomp };
}

/** The longest delay that Node's timers take: 2³¹−1 ms, almost 25 days. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * The numbers of the frame that begins at `at`. Without a JIT compiler a DataView, which is native, is five times as
 * fast as the methods of Buffer, which are JavaScript.
 */
function numbersOf(frames: Buffer, at: number, length: number): DataView {
  return new DataView(frames.buffer, frames.byteOffset + at, length);
}

/** Writes a REQUEST frame into `frames`, from byte `at` on. */
export function encodeRequest(request: Request, frames: Buffer, at = 0): void {
  const numbers = numbersOf(frames, at, REQUEST_LEN);
  numbers.setUint8(0, REQUEST);
  numbers.setUint8(1, request.transport);
  numbers.setUint16(2, request.peerPort);
  numbers.setUint32(4, request.id);
  numbers.setFloat64(8, request.sentAtMs);
  frames.set(request.address, at + 16);
  frames.set(request.standing, at + 32);
  frames.set(request.message, at + 44);
}

/** Reads the REQUEST frame that begins at byte `at`. @throws {@link LinkBroken} for an unknown transport. */
export function decodeRequest(frames: Buffer, at = 0): Request {
  const numbers = numbersOf(frames, at, REQUEST_LEN);
  const transport = numbers.getUint8(1);
  if (transport !== TCP && transport !== UDP) {
    throw new LinkBroken('a REQUEST frame of an unknown transport');
  }
  return {
    transport,
    peerPort: numbers.getUint16(2),
    id: numbers.getUint32(4),
    sentAtMs: numbers.getFloat64(8),
    address: frames.subarray(at + 16, at + 32),
    standing: frames.subarray(at + 32, at + 44),
    message: frames.subarray(at + 44, at + REQUEST_LEN),
  };
}

/** Writes an ANSWER frame into `frames`, from byte `at` on. */
export function encodeAnswer(answer: Answer, frames: Buffer, at = 0): void {
  const numbers = numbersOf(frames, at, ANSWER_LEN);
  numbers.setUint8(0, ANSWER);
  numbers.setUint8(1, answer.kind);
  numbers.setUint16(2, 0);
  numbers.setUint32(4, answer.id);
  frames.set(answer.standing, at + 8);
  frames.set(answer.message, at + 20);
}

/** Reads the ANSWER frame that begins at byte `at`. @throws {@link LinkBroken} for an unknown answer. */
export function decodeAnswer(frames: Buffer, at = 0): Answer {
  const numbers = numbersOf(frames, at, ANSWER_LEN);
  const kind = numbers.getUint8(1);
  if (kind !== SILENCE && kind !== CHALLENGE && kind !== GRANTED && kind !== REFUSED) {
    throw new LinkBroken('an ANSWER frame of an unknown kind');
  }
  return {
    kind,
    id: numbers.getUint32(4),
    standing: frames.subarray(at + 8, at + 20),
    message: frames.subarray(at + 20, at + ANSWER_LEN),
  };
}
