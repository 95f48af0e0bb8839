/**
 * How far a connection has come. When slots are short, the least go first; a peer whose RESPONSE was
 * right is never sent away.
 */
export const STAGES = ['silent', 'partial', 'knocked', 'proven'] as const;
export type Stage = (typeof STAGES)[number];

/** A connection that holds a slot. */
export interface Occupant {
  /** Whom per-address limits count it for. */
  readonly group: string;
  stage: Stage;
  /** Sends it away: it has left its slot already. */
  evict(): void;
}

/** The TCP connections that may be open at once, in all and for each address. */
export class Slots {
  /** In the order of their coming: the oldest first. */
  readonly #occupants = new Set<Occupant>();
  readonly #perGroup = new Map<string, number>();

  /**
   * @param most connections in all (`-n`)
   * @param mostPerGroup connections of one address or IPv6 /56 (`-N`)
   */
  constructor(
    private readonly most: number,
    private readonly mostPerGroup: number,
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
    this.#occupants.add(newcomer);
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

  /** The lowest stage; within it the address with most connections; within that the oldest. */
  #leastWorthy(): Occupant | undefined {
    let worst: Occupant | undefined;
    for (const occupant of this.#occupants) {
      if (occupant.stage !== 'proven' && (worst === undefined || this.#isWorse(occupant, worst))) {
        worst = occupant;
      }
    }
    return worst;
  }

  #isWorse(one: Occupant, other: Occupant): boolean {
    const further = STAGES.indexOf(one.stage) - STAGES.indexOf(other.stage);
    return further === 0 ? this.#countOf(one.group) > this.#countOf(other.group) : further < 0;
  }
}
