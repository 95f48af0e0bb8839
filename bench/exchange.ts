/** One whole knock or revoke as a client sees it: KNOCK → CHALLENGE → RESPONSE → COMEIN, over UDP or TCP. */
import { createHmac } from 'node:crypto';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { type Errand, keyOf, sourceAddress } from './population.js';

const MESSAGE_LEN = 56;
const MAGIC = 0x3b1bb719;
const OPERATIONS = { knock: 0, challenge: 1, response: 2, comein: 3, revoke: 5 } as const;
const OPERATION_AT = 4;
const USER_AT = 8;
const RESOURCE_AT = 12;
const SALT_AT = 16;
const AUTH_AT = 24;
const NO_TOKEN = Buffer.alloc(32);
/** A lost or refused message is a failure of the benchmark, not a sample. */
const PATIENCE_MS = 10_000;

/** An errand made ready, so that only what needs the server's CHALLENGE is left for the measured time. */
export interface Prepared {
  source: number;
  key: Buffer;
  first: Buffer;
  response: Buffer;
}

let salt = 0;

function message(operation: keyof typeof OPERATIONS, { user, resource }: Errand): Buffer {
  const bytes = Buffer.alloc(MESSAGE_LEN);
  bytes.writeUInt32BE(MAGIC, 0);
  bytes.writeUInt32BE(OPERATIONS[operation], OPERATION_AT);
  bytes.writeUInt32BE(user, USER_AT);
  bytes.writeUInt32BE(resource, RESOURCE_AT);
  salt += 1;
  bytes.writeDoubleBE(salt, SALT_AT);
  return bytes;
}

function sign(bytes: Buffer, key: Buffer, token: Buffer): Buffer {
  const mac = createHmac('sha3-256', key).update(bytes.subarray(OPERATION_AT, AUTH_AT));
  bytes.set(mac.update(token).digest(), AUTH_AT);
  return bytes;
}

/** Everything of an errand that does not depend on the server. */
export function prepare(errand: Errand, operation: 'knock' | 'revoke'): Prepared {
  const key = keyOf(errand.user);
  return {
    source: errand.source,
    key,
    first: sign(message(operation, errand), key, NO_TOKEN),
    response: message('response', errand),
  };
}

/** The RESPONSE to a CHALLENGE; undefined when the message is the COMEIN. @throws for anything else */
function responseTo({ key, response }: Prepared, answer: Buffer): Buffer | undefined {
  const operation = answer.length === MESSAGE_LEN ? answer.readUInt32BE(OPERATION_AT) : -1;
  if (operation === OPERATIONS.comein) return undefined;
  if (operation !== OPERATIONS.challenge) {
    throw new Error(`the server answered with operation ${operation} and ${answer.length} bytes`);
  }
  return sign(response, key, answer.subarray(AUTH_AT));
}

/** A source's UDP socket; it runs one errand at a time. */
export class UdpClient {
  readonly #socket: UdpSocket;
  #errand: Prepared | undefined;
  #done: (error?: Error) => void = () => {};

  private constructor(socket: UdpSocket) {
    this.#socket = socket;
    socket.on('message', (answer) => this.#hear(answer));
    socket.on('error', (error) => this.#done(error));
  }

  /** Binds the source's address and connects, so that sending looks nothing up. */
  static async open(source: number, address: string, port: number): Promise<UdpClient> {
    const socket = createSocket('udp4');
    socket.bind(0, sourceAddress(source));
    await once(socket, 'listening');
    socket.connect(port, address);
    await once(socket, 'connect');
    return new UdpClient(socket);
  }

  /** Runs an errand; `done` is called at its COMEIN or when it failed. No promise: this is the measured path. */
  run(errand: Prepared, done: (error?: Error) => void): void {
    this.#errand = errand;
    this.#done = done;
    this.#socket.send(errand.first);
  }

  #hear(answer: Buffer): void {
    if (this.#errand === undefined) return;
    try {
      const response = responseTo(this.#errand, answer);
      if (response !== undefined) {
        this.#socket.send(response);
        return;
      }
    } catch (error) {
      this.#done(error as Error);
      return;
    }
    this.#errand = undefined;
    this.#done();
  }

  close(): void {
    this.#socket.close();
  }
}

/** Runs an errand on a TCP connection of its own; `done` is called at its COMEIN, before the connection is gone. */
export function runTcp(
  errand: Prepared,
  address: string,
  port: number,
  done: (error?: Error) => void,
): void {
  const localAddress = sourceAddress(errand.source);
  const socket = createConnection({ host: address, port, localAddress, noDelay: true });
  socket.write(errand.first);
  socket.on('error', done);
  socket.on('data', (answer) => {
    try {
      const response = responseTo(errand, answer);
      if (response !== undefined) {
        socket.write(response);
        return;
      }
    } catch (error) {
      done(error as Error);
    }
    socket.destroy();
    done();
  });
}

/** Calls `onStall` when `progress` has not changed for {@link PATIENCE_MS}. Returns how to stop watching. */
export function watch(progress: () => number, onStall: () => void): () => void {
  let before = -1;
  const timer = setInterval(() => {
    if (progress() === before) onStall();
    before = progress();
  }, PATIENCE_MS);
  return () => clearInterval(timer);
}
