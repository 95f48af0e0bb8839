import { type Allowed, Attempt } from './attempt.js';
import type { Family, Found } from './network.js';
import type { Failure, NoAddress, Outcome } from './outcome.js';
import type { Tools } from './way.js';

/** The end of the knock in one address family. */
export type LaneEnd = Outcome | NoAddress;

// Another address of the same name may still be right after these; after an answer it would be asking twice.
const NEXT_ADDRESS_AFTER: readonly LaneEnd['kind'][] = ['closed-port', 'unreachable'];

/** The knock in one address family: the name's addresses one after the other, as far as they fail at once. */
export class Lane {
  readonly family: Family;
  /** How it ended; undefined while it goes on. */
  end: LaneEnd | undefined;
  readonly #tools: Tools;
  readonly #allowed: Allowed;
  readonly #port: number;
  readonly #ended: () => void;
  #addresses: string[] = [];
  #attempt: Attempt | undefined;
  #progressed = false;
  #last = false;

  /** @param ended Called once, when `end` is set other than by `stop`; never before the constructor returns. */
  constructor(tools: Tools, family: Family, port: number, allowed: Allowed, ended: () => void) {
    this.#tools = tools;
    this.family = family;
    this.#port = port;
    this.#allowed = allowed;
    this.#ended = ended;
  }

  /** Begins, with what the resolver found. */
  found(result: Found): void {
    if (this.end !== undefined) {
      return;
    }
    if (result.kind === 'none') {
      this.#finish({ kind: 'no-address', family: this.family, code: result.code });
      return;
    }
    this.#addresses = [...result.addresses];
    this.#next();
  }

  /** The other family has succeeded and the wait for this one is over: goes on only if its server has answered. */
  hurry(): void {
    this.#last = true;
    if (!this.#progressed) {
      this.stop();
    }
  }

  /** Ends it where it stands. */
  stop(): void {
    if (this.end === undefined) {
      this.end = this.#standing();
      this.#attempt?.close();
    }
  }

  #next(): void {
    const address = this.#addresses.shift();
    if (address === undefined) {
      this.#finish({ kind: 'no-address', family: this.family, code: 'ENODATA' });
      return;
    }
    this.#progressed = false;
    const endpoint = { family: this.family, address, port: this.#port };
    this.#attempt = new Attempt(this.#tools, endpoint, this.#allowed, {
      progressed: () => {
        this.#progressed = true;
      },
      ended: (outcome) => this.#attemptEnded(outcome),
    });
  }

  #attemptEnded(outcome: Outcome): void {
    const more = this.#addresses.length > 0 && !this.#last;
    if (more && NEXT_ADDRESS_AFTER.includes(outcome.kind)) {
      this.#next();
    } else {
      this.#finish(outcome);
    }
  }

  #finish(end: LaneEnd): void {
    this.end = end;
    this.#ended();
  }

  #standing(): Failure | NoAddress {
    return (
      this.#attempt?.standing() ?? { kind: 'no-address', family: this.family, code: 'TIMEOUT' }
    );
  }
}
