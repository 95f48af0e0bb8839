import type { Socket } from 'node:net';
import {
  type Answer,
  CHALLENGE,
  GRANTED,
  MESSAGE_LEN,
  type Policy,
  SILENCE,
  STANDING_LEN,
  TCP,
} from '../ipc/frames.js';
import { addressBytes, addressGroup } from './address.js';
import type { Inquiry } from './desk.js';
import { goAwayFor } from './goaway.js';
import type { Occupant, Stage } from './slots.js';

/** What a visitor needs of the door. */
export interface Hall {
  /** Milliseconds that a peer has for each step. */
  readonly stepMs: number;
  readonly policy: Policy;
  ask(inquiry: Inquiry): void;
}

/** One TCP connection: it collects messages of 56 bytes, one at a time, and passes answers on. */
export class Visitor implements Occupant {
  readonly group: string;
  stage: Stage = 'silent';
  readonly #address: Buffer;
  readonly #peerPort: number;
  readonly #message = Buffer.alloc(MESSAGE_LEN);
  #length = 0;
  #standing: Buffer = Buffer.alloc(STANDING_LEN);
  #isAsking = false;
  #deadline: NodeJS.Timeout | undefined;

  constructor(
    private readonly socket: Socket,
    private readonly hall: Hall,
  ) {
    this.#address = addressBytes(socket.remoteAddress ?? '::');
    this.#peerPort = socket.remotePort ?? 0;
    this.group = addressGroup(this.#address);
  }

  /** Begins to listen to the peer. @param onLeave is called once, when the connection has ended */
  enter(onLeave: () => void): void {
    this.socket.setNoDelay(true);
    this.socket.on('data', (chunk) => this.#collect(chunk));
    this.socket.on('error', () => this.socket.destroy());
    this.socket.on('close', () => {
      clearTimeout(this.#deadline);
      onLeave();
    });
    this.#restartDeadline();
  }

  evict(): void {
    this.socket.destroy();
  }

  #restartDeadline(): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.socket.destroy(), this.hall.stepMs).unref();
  }

  /** A peer speaks one message and waits for its answer: more than that ends the connection. */
  #collect(chunk: Buffer): void {
    if (this.#isAsking || this.#length + chunk.length > MESSAGE_LEN) {
      this.socket.destroy();
      return;
    }
    this.#message.set(chunk, this.#length);
    this.#length += chunk.length;
    if (this.#length === MESSAGE_LEN) {
      this.#ask();
    } else if (this.stage === 'silent') {
      this.stage = 'partial';
    }
  }

  #ask(): void {
    this.#length = 0;
    this.#isAsking = true;
    this.#restartDeadline();
    this.stage = 'knocked';
    this.hall.ask({
      transport: TCP,
      address: this.#address,
      peerPort: this.#peerPort,
      standing: this.#standing,
      message: this.#message,
      isWanted: () => !this.socket.destroyed,
      onAnswer: (answer) => this.#answer(answer),
      onNoJudge: () => this.#apologise(),
    });
  }

  #answer(answer: Answer): void {
    if (this.socket.destroyed) {
      return;
    }
    if (answer.kind === SILENCE) {
      this.socket.destroy();
      return;
    }
    const message = Buffer.from(answer.message);
    if (answer.kind === CHALLENGE) {
      this.#isAsking = false;
      this.#standing = Buffer.from(answer.standing);
      this.socket.write(message);
      this.#restartDeadline();
      return;
    }
    if (answer.kind === GRANTED) {
      this.stage = 'proven';
    }
    this.socket.end(message);
  }

  #apologise(): void {
    const message = this.hall.policy === 'always' ? goAwayFor(this.#message) : undefined;
    if (message === undefined) {
      this.socket.destroy();
    } else {
      this.socket.end(message);
    }
  }
}
