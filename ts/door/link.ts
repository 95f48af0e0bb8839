import { chmodSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { peerCheck } from '../daemon/credentials.js';
import { Failure, messageOf } from '../daemon/failure.js';
import type { Log } from '../daemon/log.js';
import { removeFile } from '../daemon/remove-file.js';
import {
  ANSWER,
  ANSWER_LEN,
  decodeAnswer,
  decodeSetup,
  LinkBroken,
  SETUP,
  SETUP_LEN,
  type Setup,
} from '../ipc/frames.js';
import { FrameReader } from '../ipc/reader.js';
import { Desk, type Inquiry } from './desk.js';

const FRAMES = new Map([
  [SETUP, SETUP_LEN],
  [ANSWER, ANSWER_LEN],
]);
/** Our own group may connect: the judge's user is in it. */
const SOCKET_MODE = 0o660;
/** Bytes of a unix socket's path, without its final zero (unix(7), sun_path). */
const LONGEST_SOCKET_PATH = 107;
const JUDGE_USER = 'letmeinfwd';

/** The door's side of the link: it waits at a unix socket; the newest judge that comes is the judge. */
export class Link {
  readonly #server: Server;
  #judge: Socket | undefined;
  #desk: Desk | undefined;
  readonly #wrongPeer = peerCheck(JUDGE_USER);
  /** Whether a wrong judge was spoken of since the last right one: not at its every try. */
  #hasTurnedAway = false;

  /** @param onSetup is called for each SETUP frame, before any request is made under it */
  constructor(
    private readonly onSetup: (setup: Setup) => void,
    private readonly log: Log,
    private readonly nowMs: () => number,
  ) {
    this.#server = createServer((socket) => this.#welcome(socket));
  }

  /** Waits for judges at `path`; calls `onFailure` if that cannot be. */
  listen(path: string, onFailure: (failure: Failure) => void): void {
    this.#server.on('error', (error) => {
      onFailure(new Failure(`failed to listen for letmeinfwd at ${path}: ${messageOf(error)}`));
    });
    if (Buffer.byteLength(path) > LONGEST_SOCKET_PATH) {
      throw new Failure(`${path} is too long for a socket: choose a shorter --rundir`);
    }
    // The pid file says that no other door runs: what is left here is a dead one's.
    removeFile(path);
    const before = process.umask(0o777 & ~SOCKET_MODE);
    this.#server.listen(path, () => chmodSync(path, SOCKET_MODE));
    process.umask(before);
  }

  /** Asks the judge, or tells the inquiry that there is none. */
  ask(inquiry: Inquiry): void {
    if (this.#desk === undefined) {
      inquiry.onNoJudge();
    } else {
      this.#desk.ask(inquiry);
    }
  }

  #welcome(socket: Socket): void {
    const wrong = this.#wrongPeer(socket);
    if (wrong !== undefined) {
      this.#turnAway(socket, wrong);
      return;
    }
    this.#hasTurnedAway = false;
    const reader = new FrameReader(FRAMES);
    this.#judge?.destroy();
    this.#leave(this.#judge);
    this.#judge = socket;
    socket.on('data', (chunk) => this.#read(socket, reader, chunk));
    socket.on('error', (error) => this.log.say(`the link failed: ${messageOf(error)}`));
    socket.on('close', () => this.#leave(socket));
  }

  #turnAway(socket: Socket, wrong: string): void {
    socket.destroy();
    if (!this.#hasTurnedAway) {
      this.#hasTurnedAway = true;
      this.log.say(`turned a judge away: ${wrong}`);
    }
  }

  #read(socket: Socket, reader: FrameReader, chunk: Buffer): void {
    try {
      const frames = reader.push(chunk);
      for (let at = 0; at < frames.length && socket === this.#judge; ) {
        this.#obey(socket, frames, at);
        at += reader.sizeAt(frames, at);
      }
    } catch (error) {
      if (!(error instanceof LinkBroken)) {
        throw error;
      }
      this.log.say(`ended the link: the judge sent ${error.message}`);
      socket.destroy();
      this.#leave(socket);
    }
  }

  /** Does what the frame that begins at `at` says. */
  #obey(socket: Socket, frames: Buffer, at: number): void {
    if (frames[at] === ANSWER) {
      this.#passOn(frames, at);
      return;
    }
    const setup = decodeSetup(frames.subarray(at, at + SETUP_LEN));
    this.onSetup(setup);
    if (this.#desk === undefined) {
      this.#desk = new Desk(setup, (requests) => socket.write(requests), this.nowMs);
    } else {
      this.#desk.limit(setup);
    }
  }

  #passOn(frames: Buffer, at: number): void {
    if (this.#desk === undefined) {
      throw new LinkBroken('an ANSWER before its SETUP');
    }
    this.#desk.answer(decodeAnswer(frames, at));
  }

  /** The judge behind `socket` is gone, or another one came. */
  #leave(socket: Socket | undefined): void {
    if (socket === undefined || socket !== this.#judge) {
      return;
    }
    const desk = this.#desk;
    this.#judge = undefined;
    this.#desk = undefined;
    this.log.say('the link to letmeinfwd ended: waiting for it');
    desk?.close();
  }
}
