import {
  type Answer,
  encodeRequest,
  LinkBroken,
  REQUEST_LEN,
  type Setup,
  TCP,
  type Transport,
} from '../ipc/frames.js';
import { saysResponse } from './goaway.js';

/** A message that waits for the judge, and what to do with the answer. */
export interface Inquiry {
  readonly transport: Transport;
  /** 16 bytes. */
  readonly address: Buffer;
  readonly peerPort: number;
  /** 12 bytes. */
  readonly standing: Buffer;
  /** 56 bytes. */
  readonly message: Buffer;
  /** Whether anybody still waits; a closed connection does not. */
  readonly isWanted: () => boolean;
  readonly onAnswer: (answer: Answer) => void;
  /** There is no judge now. */
  readonly onNoJudge: () => void;
}

/** Ids are 32 bits on the link; with at most 512 in flight, the next one is free again by then. */
const IDS = 2 ** 32;

/** The inquiries of one transport: those asked, those that wait, and how many may be asked at once. */
class Counter {
  inFlight = 0;
  /** RESPONSEs, then all others, each in the order of their coming. */
  readonly waiting: [Inquiry[], Inquiry[]] = [[], []];
  /** With more than so many waiting, it is time to look who still does. */
  #crowd: number;

  constructor(public most: number) {
    this.#crowd = most;
  }

  get size(): number {
    return this.waiting[0].length + this.waiting[1].length;
  }

  /** While a judge says nothing, those who give up must not pile up here. */
  forgetUnwanted(): void {
    if (this.size <= this.#crowd) {
      return;
    }
    for (const queue of this.waiting) {
      const wanted = queue.filter((inquiry) => inquiry.isWanted());
      queue.splice(0, queue.length, ...wanted);
    }
    this.#crowd = 2 * this.size + this.most;
  }

  take(): Inquiry | undefined {
    return this.waiting[0].shift() ?? this.waiting[1].shift();
  }
}

/**
 * Where inquiries are handed to the judge: those of one event-loop turn in one write, RESPONSEs
 * first, never more in flight than the judge allows. Beyond that UDP is dropped and TCP waits.
 */
export class Desk {
  readonly #tcp: Counter;
  readonly #udp: Counter;
  readonly #asked = new Map<number, Inquiry>();
  #nextId = 0;
  #flush: NodeJS.Immediate | undefined;

  /**
   * @param setup the judge's limits
   * @param write hands REQUEST frames to the judge
   * @param nowMs CLOCK_MONOTONIC in milliseconds
   */
  constructor(
    setup: Setup,
    private readonly write: (frames: Buffer) => void,
    private readonly nowMs: () => number,
  ) {
    this.#tcp = new Counter(setup.tcpInFlight);
    this.#udp = new Counter(setup.udpInFlight);
  }

  /** Follows new limits of the same judge. */
  limit(setup: Setup): void {
    this.#tcp.most = setup.tcpInFlight;
    this.#udp.most = setup.udpInFlight;
  }

  /** How many have not been handed to the judge. */
  get waiting(): number {
    return this.#tcp.size + this.#udp.size;
  }

  /** Asks the judge, at the end of this event-loop turn at the earliest. */
  ask(inquiry: Inquiry): void {
    const { waiting } = this.#counterOf(inquiry);
    waiting[saysResponse(inquiry.message) ? 0 : 1].push(inquiry);
    this.#flush ??= setImmediate(() => this.#handOver());
  }

  /** Passes an answer on. @throws LinkBroken for an id that was not asked */
  answer(answer: Answer): void {
    const inquiry = this.#asked.get(answer.id);
    if (inquiry === undefined) {
      throw new LinkBroken('an ANSWER to a request that was never made');
    }
    this.#asked.delete(answer.id);
    const counter = this.#counterOf(inquiry);
    counter.inFlight -= 1;
    if (counter.size > 0) {
      this.#flush ??= setImmediate(() => this.#handOver());
    }
    inquiry.onAnswer(answer);
  }

  /** The judge is gone: everybody who waits is told. */
  close(): void {
    clearImmediate(this.#flush);
    const waiting = [this.#tcp, this.#udp].flatMap((counter) => counter.waiting.flat());
    for (const inquiry of [...this.#asked.values(), ...waiting]) {
      inquiry.onNoJudge();
    }
    this.#asked.clear();
  }

  #counterOf({ transport }: Inquiry): Counter {
    return transport === TCP ? this.#tcp : this.#udp;
  }

  #handOver(): void {
    this.#flush = undefined;
    const inquiries = [...this.#select(this.#tcp), ...this.#select(this.#udp)];
    for (const queue of this.#udp.waiting) {
      queue.length = 0;
    }
    this.#tcp.forgetUnwanted();
    if (inquiries.length > 0) {
      this.write(this.#encode(inquiries));
    }
  }

  #select(counter: Counter): Inquiry[] {
    const chosen: Inquiry[] = [];
    while (counter.inFlight < counter.most) {
      const inquiry = counter.take();
      if (inquiry === undefined) {
        break;
      }
      if (inquiry.isWanted()) {
        counter.inFlight += 1;
        chosen.push(inquiry);
      }
    }
    return chosen;
  }

  #encode(inquiries: readonly Inquiry[]): Buffer {
    const frames = Buffer.allocUnsafe(inquiries.length * REQUEST_LEN);
    const sentAtMs = this.nowMs();
    inquiries.forEach((inquiry, place) => {
      const { transport, peerPort, address, standing, message } = inquiry;
      const id = this.#enter(inquiry);
      const request = { transport, peerPort, id, sentAtMs, address, standing, message };
      encodeRequest(request, frames, place * REQUEST_LEN);
    });
    return frames;
  }

  #enter(inquiry: Inquiry): number {
    const id = this.#nextId;
    this.#nextId = (id + 1) % IDS;
    this.#asked.set(id, inquiry);
    return id;
  }
}
