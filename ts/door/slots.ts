/**
 * How far a connection has come. When slots are short, the least go first; a peer whose RESPONSE was
 * right is never sent away.
 */
const RANKS = { silent: 0, partial: 1, knocked: 2, proven: 3 } as const;
export type Stage = keyof typeof RANKS;

/** A connection that holds a slot. */
export interface Occupant {
  /** Whom per-address limits count it for. */
  readonly group: string;
  stage: Stage;
  /** Sends it away: it has left its slot already. */
  evict(): void;
}

/**
 * For so long after its coming, in milliseconds, a connection is not held against its silence: the
 * first message travels behind the handshake. Without this, whoever came last would be the only
 * silent one among peers that replay a KNOCK, and go as soon as the next one comes.
 */
const HEAD_START_MS = 100;

/** The TCP connections that may be open at once, in all and for each address. */
export class Slots {
  /** When each came, in milliseconds; in the order of their coming: the oldest first. */
  readonly #occupants = new Map<Occupant, number>();
  readonly #perGroup = new Map<string, number>();

  /**
   * @param most connections in all (`-n`)
   * @param mostPerGroup connections of one address or IPv6 /56 (`-N`)
   * @param nowMs CLOCK_MONOTONIC in milliseconds
   */
  constructor(
    private readonly most: number,
    private readonly mostPerGroup: number,
    private readonly nowMs: () => number,
  ) {}

  get size(): number {
    return this.#occupants.size;
  }

  /** Gives `newcomer` a slot, at the cost of a lesser connection if none is free. */
  admit(newcomer: Occupant): boolean {
    if (this.#countOf(newcomer.group) >= this.mostPerGroup) {
      return false;
    }
    if (this.#occupants.size >= this.most && !this.#evictOne()) {
      return false;
    }
    this.#occupants.set(newcomer, this.nowMs());
    this.#perGroup.set(newcomer.group, this.#countOf(newcomer.group) + 1);
    return true;
  }

  /** Frees the slot of a connection that ended; again does nothing. */
  leave(occupant: Occupant): void {
    if (!this.#occupants.delete(occupant)) {
      return;
    }
    const left = this.#countOf(occupant.group) - 1;
    if (left > 0) {
      this.#perGroup.set(occupant.group, left);
    } else {
      this.#perGroup.delete(occupant.group);
    }
  }

  #countOf(group: string): number {
    return this.#perGroup.get(group) ?? 0;
  }

  #evictOne(): boolean {
    const victim = this.#leastWorthy();
    if (victim === undefined) {
      return false;
    }
    this.leave(victim);
    victim.evict();
    return true;
  }

  /** The lowest rank; within it the address with most connections; within that the oldest. */
  #leastWorthy(): Occupant | undefined {
    const youngestMs = this.nowMs() - HEAD_START_MS;
    let worst: Occupant | undefined;
    let worstRank: number = RANKS.proven;
    for (const [occupant, sinceMs] of this.#occupants) {
      const rank = rankOf(occupant, sinceMs > youngestMs);
      if (
        rank < worstRank ||
        (worst && rank === worstRank && this.#isMoreCrowded(occupant, worst))
      ) {
        worst = occupant;
        worstRank = rank;
      }
    }
    return worst;
  }

  #isMoreCrowded(one: Occupant, other: Occupant): boolean {
    return this.#countOf(one.group) > this.#countOf(other.group);
  }
}

function rankOf({ stage }: Occupant, isNew: boolean): number {
  return isNew ? Math.max(RANKS[stage], RANKS.knocked) : RANKS[stage];
}
