/** One line of the table: the same measurement of each contestant, over several rounds. */
import { CONTESTANTS, type ContestantName } from './contestant.js';
import { median, percentile } from './statistics.js';

/** How much more than 1 a ratio is when one side is better. */
export type Better = 'lower' | 'higher';

/** What results.json says of a contestant in a row. */
export interface Figure {
  /** The median of the rounds' medians. */
  typical: number;
  /** Of all rounds together; undefined where a round is one number. */
  p99: number | undefined;
  /** How many times better than upstream: the median of the rounds' ratios. */
  timesBetter: number | undefined;
}

/** Rounds are paired: round n of every contestant was measured at about the same time, under the same other load. */
export class Row {
  readonly #rounds = new Map<ContestantName, Float64Array[]>();

  constructor(
    readonly section: string,
    readonly what: string,
    readonly better: Better = 'lower',
    /** Digits after the point. */
    readonly digits = 2,
  ) {}

  /** Takes a contestant's samples of the next round. */
  add(name: ContestantName, samples: Float64Array): void {
    this.#rounds.set(name, [...this.#roundsOf(name), samples]);
  }

  #roundsOf(name: ContestantName): readonly Float64Array[] {
    return this.#rounds.get(name) ?? [];
  }

  /** What is known of a contestant; undefined if it was not measured here. */
  figure(name: ContestantName): Figure | undefined {
    const rounds = this.#roundsOf(name);
    if (rounds.length === 0) return undefined;
    const all = rounds.flatMap((samples) => [...samples]);
    return {
      typical: median(rounds.map(median)),
      p99: all.length > rounds.length ? percentile(all, 0.99) : undefined,
      timesBetter: this.#timesBetter(name),
    };
  }

  #timesBetter(name: ContestantName): number | undefined {
    const rivals = this.#roundsOf('upstream');
    const rounds = this.#roundsOf(name);
    if (name === 'upstream' || rivals.length !== rounds.length) return undefined;
    const ratios = rounds.map((samples, round) => {
      const ratio = median(rivals[round] ?? []) / median(samples);
      return this.better === 'lower' ? ratio : 1 / ratio;
    });
    return median(ratios);
  }

  /** For results.json. */
  toJSON(): object {
    const figures = CONTESTANTS.map((name) => [name, this.figure(name)]);
    return { section: this.section, what: this.what, ...Object.fromEntries(figures) };
  }
}
