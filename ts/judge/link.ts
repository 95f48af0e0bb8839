import { createConnection, type Socket } from 'node:net';
import { wrongPeer } from '../daemon/credentials.js';
import { Failure, messageOf } from '../daemon/failure.js';
import type { Log } from '../daemon/log.js';
import { encodeSetup, REQUEST, REQUEST_LEN, type Setup } from '../ipc/frames.js';
import { FrameReader } from '../ipc/reader.js';

/** How long after a broken or refused link the next try begins. */
const RETRY_MS = 250;
/** Answers that may wait for a door that does not read, in bytes: beyond it no request is taken. */
const MOST_UNSENT = 64 * 1024;
const FRAMES = new Map([[REQUEST, REQUEST_LEN]]);

/** The judge's side of the link: it connects, checks who listens, says SETUP, answers requests. */
export class Link {
  #socket: Socket | undefined;
  #retry: NodeJS.Timeout | undefined;
  #lastTrouble: string | undefined;

  /**
   * @param path of the door's socket
   * @param user the system user that the door runs as
   * @param answer makes ANSWER frames of REQUEST frames; what it throws ends the link
   */
  constructor(
    private readonly path: string,
    private readonly user: string,
    private readonly setup: () => Setup,
    private readonly answer: (requests: Buffer) => Buffer,
    private readonly log: Log,
  ) {}

  /** Connects, and again whenever the link ends, until {@link Link.close}. */
  open(): void {
    const socket = createConnection(this.path);
    const reader = new FrameReader(FRAMES);
    this.#socket = socket;
    socket.on('connect', () => this.#guarded(socket, () => this.#greet(socket)));
    socket.on('data', (chunk) =>
      this.#guarded(socket, () => this.#serve(socket, reader.push(chunk))),
    );
    socket.on('drain', () => socket.resume());
    socket.on('error', (error) => this.#trouble(messageOf(error)));
    socket.on('close', () => this.#again(socket));
  }

  /** Ends the link for good. */
  close(): void {
    clearTimeout(this.#retry);
    this.#socket?.removeAllListeners('close').destroy();
    this.#socket = undefined;
  }

  #greet(socket: Socket): void {
    const wrong = wrongPeer(socket, this.user);
    if (wrong !== undefined) {
      throw new Error(`whoever listens there is not the door: ${wrong}`);
    }
    socket.write(encodeSetup(this.setup()));
    this.#lastTrouble = undefined;
    this.log.say(`linked to the door at ${this.path}`);
  }

  #serve(socket: Socket, requests: Buffer): void {
    if (requests.length === 0) {
      return;
    }
    socket.write(this.answer(requests));
    if (socket.writableLength > MOST_UNSENT) {
      socket.pause();
    }
  }

  /** Whatever the other side made go wrong ends this link, not the judge. */
  #guarded(socket: Socket, step: () => void): void {
    try {
      step();
    } catch (error) {
      if (error instanceof Failure) {
        throw error;
      }
      this.#trouble(messageOf(error));
      socket.destroy();
    }
  }

  /** Says what is wrong, once: not at every try. */
  #trouble(what: string): void {
    if (what !== this.#lastTrouble) {
      this.#lastTrouble = what;
      this.log.say(`no link to the door at ${this.path}: ${what}: trying again`);
    }
  }

  #again(socket: Socket): void {
    if (!socket.connecting && socket.errored === null) {
      this.#trouble('the door closed it');
    }
    this.#retry = setTimeout(() => this.open(), RETRY_MS);
  }
}
