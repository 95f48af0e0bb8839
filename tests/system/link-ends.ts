/** Both ends of the link as a test plays them: no better and no worse than what runs as the right user. */
import { once } from 'node:events';
import { chown, rm } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import {
  ANSWER,
  ANSWER_LEN,
  type Answer,
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeRequest,
  encodeSetup,
  MESSAGE_LEN,
  REQUEST,
  REQUEST_LEN,
  type Request,
  SETUP,
  SETUP_LEN,
  type Setup,
  STANDING_LEN,
} from '#dist/ipc/frames.js';
import { FrameReader } from '#dist/ipc/reader.js';
import { ACCOUNTS, as, IS_ROOT } from './accounts.js';
import { CONTROL_PORT, type World } from './harness.js';
import { waitFor, within } from './wait.js';

/** Where the door waits. */
export function linkPath(world: World): string {
  return join(world.rundir, 'letmeind', 'judge.sock');
}

/** A connected end: whole frames received, and whether the other side ended it. */
class End {
  readonly frames: Buffer[] = [];
  isOver = false;

  constructor(
    readonly socket: Socket,
    sizes: ReadonlyMap<number, number>,
  ) {
    const reader = new FrameReader(sizes);
    socket.on('data', (chunk) => {
      const whole = reader.push(chunk);
      for (let at = 0; at < whole.length; ) {
        const end = at + reader.sizeAt(whole, at);
        this.frames.push(whole.subarray(at, end));
        at = end;
      }
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isOver = true;
    });
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  async ended(): Promise<void> {
    await waitFor('the end of the link', () => this.isOver);
  }

  async frame(at: number): Promise<Buffer> {
    return waitFor(`frame ${at} on the link`, () => this.frames[at]);
  }
}

/** A judge that a test plays. */
export class FakeJudge extends End {
  static async connect(world: World): Promise<FakeJudge> {
    const path = linkPath(world);
    const socket = await waitFor('the door at its socket', () => connected(path));
    return new FakeJudge(socket, new Map([[REQUEST, REQUEST_LEN]]));
  }

  setup(change: Partial<Setup> = {}): void {
    this.send(encodeSetup({ ...SETTINGS, ...change }));
  }

  async request(at: number): Promise<Request> {
    return decodeRequest(await this.frame(at));
  }

  answer(answer: Partial<Answer>): void {
    this.send(answerFrame(answer));
  }
}

/** A door that a test plays. */
export class FakeDoor extends End {
  /** The answers so far; the first frame is the SETUP. */
  get answers(): Answer[] {
    return this.frames.filter((frame) => frame[0] === ANSWER).map((frame) => decodeAnswer(frame));
  }
}

/** Where a test waits for judges, as the door does. */
export class FakeDoorway {
  readonly #coming: Socket[] = [];
  #taken = 0;

  private constructor(private readonly server: Server) {
    server.on('connection', (socket) => this.#coming.push(socket));
  }

  static async open(world: World): Promise<FakeDoorway> {
    const path = linkPath(world);
    await rm(path, { force: true });
    const server = createServer({ pauseOnConnect: true });
    if (IS_ROOT) await chown(dirname(path), ACCOUNTS.letmeind, ACCOUNTS.letmeind);
    as('letmeind', () => server.listen({ path, writableAll: true }));
    await once(server, 'listening');
    return new FakeDoorway(server);
  }

  /** The next judge that comes. */
  async judge(): Promise<FakeDoor> {
    const at = this.#taken;
    this.#taken += 1;
    const socket = await waitFor('a judge at the link', () => this.#coming[at]);
    const sizes = new Map([
      [SETUP, SETUP_LEN],
      [ANSWER, ANSWER_LEN],
    ]);
    const door = new FakeDoor(socket, sizes);
    socket.resume();
    return door;
  }

  async close(): Promise<void> {
    for (const socket of this.#coming) socket.destroy();
    this.server.close();
    await within('the doorway to close', once(this.server, 'close'));
  }
}

/** What a judge would say by default. */
export const SETTINGS: Setup = {
  tcp: true,
  udp: true,
  port: CONTROL_PORT,
  controlTimeoutMs: 5_000,
  policy: 'basic-auth',
  seccomp: 'off',
  udpInFlight: 256,
  tcpInFlight: 256,
  generation: 1,
};

export function requestFrame(request: Partial<Request>): Buffer {
  const frame = Buffer.alloc(REQUEST_LEN);
  const whole = {
    transport: 1,
    peerPort: 40_000,
    id: 0,
    sentAtMs: nowMs(),
    address: Buffer.from('00000000000000000000ffff0a4d000a', 'hex'),
    standing: Buffer.alloc(STANDING_LEN),
    message: Buffer.alloc(MESSAGE_LEN),
  } as const;
  encodeRequest({ ...whole, ...request }, frame);
  return frame;
}

export function answerFrame(answer: Partial<Answer>): Buffer {
  const frame = Buffer.alloc(ANSWER_LEN);
  const whole = {
    kind: 0,
    id: 0,
    standing: Buffer.alloc(STANDING_LEN),
    message: Buffer.alloc(MESSAGE_LEN),
  } as const;
  encodeAnswer({ ...whole, ...answer }, frame);
  return frame;
}

/** CLOCK_MONOTONIC, as frames carry it. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

async function connected(path: string): Promise<Socket | undefined> {
  const socket = as('letmeinfwd', () => createConnection(path));
  try {
    await once(socket, 'connect');
    return socket;
  } catch {
    return undefined;
  }
}
