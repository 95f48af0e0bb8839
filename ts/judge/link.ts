import { createConnection, type Socket } from 'node:net';
import { type PeerCheck, peerCheck } from '../daemon/credentials.js';
import { Failure, messageOf } from '../daemon/failure.js';
import type { Log } from '../daemon/log.js';
import { encodeSetup, REQUEST, REQUEST_LEN, type Setup } from '../ipc/frames.js';
import { FrameReader } from '../ipc/reader.js';

/** How long after a broken or refused link the next try begins. */
const RETRY_MS = 250;
/** Answers that may wait for a door that does not read, in bytes: beyond it no request is taken. */
const MOST_UNSENT = 64 * 1024;
const FRAMES = new Map([[REQUEST, REQUEST_LEN]]);
/** A link that has lived so long is a link; one that ends sooner is one more failed try. */
const STEADY_MS = 1_000;

/** What there is to say of the link; each is said once until a link is steady. */
type News = 'linked' | 'failed' | 'closed';

/** The judge's side of the link: it connects, checks who listens, says SETUP, answers requests. */
export class Link {
  #socket: Socket | undefined;
  #retry: NodeJS.Timeout | undefined;
  #steady: NodeJS.Timeout | undefined;
  readonly #said = new Set<News>();
  readonly #wrongPeer: PeerCheck;

  /**
   * @param path of the door's socket
   * @param user the system user that the door runs as
   * @param answer makes ANSWER frames of REQUEST frames; what it throws ends the link
   */
  constructor(
    private readonly path: string,
    user: string,
    private readonly setup: () => Setup,
    private readonly answer: (requests: Buffer) => Buffer,
    private readonly log: Log,
  ) {
    this.#wrongPeer = peerCheck(user);
  }

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
    socket.on('error', (error) => this.#say('failed', this.#trouble(messageOf(error))));
    socket.on('close', () => this.#again(socket));
  }

  /** Ends the link for good. */
  close(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#steady);
    this.#socket?.removeAllListeners('close').destroy();
    this.#socket = undefined;
  }

  #greet(socket: Socket): void {
    const wrong = this.#wrongPeer(socket);
    if (wrong !== undefined) {
      throw new Error(`whoever listens there is not the door: ${wrong}`);
    }
    socket.write(encodeSetup(this.setup()));
    this.#say('linked', `linked to the door at ${this.path}`);
    this.#steady = setTimeout(() => this.#said.clear(), STEADY_MS);
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
      socket.destroy(new Error(messageOf(error)));
    }
  }

  #again(socket: Socket): void {
    clearTimeout(this.#steady);
    if (!socket.connecting && socket.errored === null) {
      this.#say('closed', this.#trouble('the door closed it'));
    }
    this.#retry = setTimeout(() => this.open(), RETRY_MS);
  }

  #trouble(what: string): string {
    return `no link to the door at ${this.path}: ${what}: trying again`;
  }

  /** A door that is away, or plays tricks, is tried four times a second: that is no news. */
  #say(news: News, text: string): void {
    if (!this.#said.has(news)) {
      this.#said.add(news);
      this.log.say(text);
    }
  }
}
