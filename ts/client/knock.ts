import type { Allowed } from './attempt.js';
import type { Host } from './host.js';
import { Lane, type LaneEnd } from './lane.js';
import type { Family, Stop } from './network.js';
import type { Failure, NoAddress } from './outcome.js';
import type { Tools } from './way.js';

/** After one family's success the other gets the same time again, but at least this long, in ms: ssh may try it first. */
export const GRACE_LEAST_MS = 200;
/** ... and at most this long, in ms, unless its server has already answered. */
export const GRACE_MOST_MS = 1000;

/** What to knock at, and how. */
export interface Knock {
  host: Host;
  /** The families to knock at; for a literal address, its own. */
  families: readonly Family[];
  /** Whether every family must succeed (both -4 and -6 given), or any. */
  all: boolean;
  /** Control port of the server. */
  port: number;
  allowed: Allowed;
  /** For everything together, name look-up included, in ms. */
  deadlineMs: number;
}

/** How a knock ended, family by family. */
export interface Result {
  opened: readonly Family[];
  /** Every family that did not open, with its reason. */
  failed: readonly (Failure | NoAddress)[];
  success: boolean;
}

/**
 * Knocks (or revokes) in all families at once, under one deadline.
 *
 * @param done Called once, when everything this knock opened on the network is closed again.
 */
export function knock(tools: Tools, request: Knock, done: (result: Result) => void): void {
  new Race(tools, request, done).start();
}

class Race {
  readonly #tools: Tools;
  readonly #request: Knock;
  readonly #done: (result: Result) => void;
  readonly #lanes: Lane[];
  readonly #stops: Stop[] = [];
  #begun = 0;
  #graceBegun = false;
  #over = false;

  constructor(tools: Tools, request: Knock, done: (result: Result) => void) {
    this.#tools = tools;
    this.#request = request;
    this.#done = done;
    this.#lanes = request.families.map(
      (family) =>
        new Lane(tools, family, request.port, request.allowed, () => this.#laneEnded(family)),
    );
  }

  start(): void {
    const { clock } = this.#tools;
    this.#begun = clock.now();
    this.#stops.push(clock.after(this.#request.deadlineMs, () => this.#deadline()));
    const { host } = this.#request;
    if (host.kind === 'literal') {
      this.#lanes[0]?.found({ kind: 'addresses', addresses: [host.address] });
    } else {
      this.#lookUp(host.name);
    }
  }

  #lookUp(name: string): void {
    const { network, trace } = this.#tools;
    trace(`looking up ${name}`);
    const stop = network.lookup(name, this.#request.families, (family, result) => {
      trace(`IPv${family}: ${result.kind === 'none' ? result.code : result.addresses.join(', ')}`);
      this.#lanes.find((lane) => lane.family === family)?.found(result);
    });
    this.#stops.push(stop);
  }

  #laneEnded(family: Family): void {
    const opened = this.#lanes.some((lane) => lane.end?.kind === 'open');
    if (this.#lanes.every((lane) => lane.end !== undefined)) {
      this.#finish();
    } else if (opened && !this.#request.all && !this.#graceBegun) {
      this.#beginGrace(family);
    }
  }

  #beginGrace(family: Family): void {
    const { clock, trace } = this.#tools;
    this.#graceBegun = true;
    const sameAgain = clock.now() - this.#begun;
    const grace = Math.min(Math.max(sameAgain, GRACE_LEAST_MS), GRACE_MOST_MS);
    trace(`IPv${family} done, waiting up to ${Math.round(grace)} ms for the other family`);
    const hurry = () => {
      for (const lane of this.#lanes) {
        lane.hurry();
      }
      if (this.#lanes.every((lane) => lane.end !== undefined)) {
        this.#finish();
      }
    };
    this.#stops.push(clock.after(grace, hurry));
  }

  #deadline(): void {
    this.#tools.trace('the time is up');
    for (const lane of this.#lanes) {
      lane.stop();
    }
    this.#finish();
  }

  #finish(): void {
    if (this.#over) {
      return;
    }
    this.#over = true;
    for (const stop of this.#stops) {
      stop();
    }
    this.#done(resultOf(this.#lanes, this.#request.all));
  }
}

function resultOf(lanes: readonly Lane[], all: boolean): Result {
  const opened = lanes.filter((lane) => lane.end?.kind === 'open').map((lane) => lane.family);
  const failed = lanes.map((lane) => lane.end).filter(isFailure);
  return { opened, failed, success: all ? failed.length === 0 : opened.length > 0 };
}

function isFailure(end: LaneEnd | undefined): end is Failure | NoAddress {
  return end !== undefined && end.kind !== 'open';
}
