import type { Resource } from '../config/model.js';
import type { ChangeBatch, Entry, Holder } from '../native/firewall.js';
import { countsByHolder, type OpeningPattern, openingFor, openingPatterns } from './openings.js';

/** Who holds a lease, and until when. */
interface Lease {
  readonly holder: Holder;
  readonly deadlineMs: number;
}

/** Who keeps one enforcement element open, by holder's key, and until when the last of them does. */
interface Shared {
  readonly holders: Set<string>;
  latestMs: number;
}

/** Takes a change back that the kernel did not make. */
export type Undo = () => void;

/**
 * Who holds what, as the kernel's ledger says it: this copy answers "who else?" without asking.
 * Every change goes into a batch for the kernel; if that fails, its {@link Undo} restores the copy.
 * Times are milliseconds of CLOCK_MONOTONIC, passed in.
 */
export class Leases {
  readonly #leases = new Map<string, Lease>();
  readonly #shared = new Map<string, Shared>();
  readonly #patterns: ReadonlyMap<number, readonly OpeningPattern[]>;
  #rules = 0;

  /** @param maxRules limit of {@link rules}, the control port's own rules not counted */
  constructor(
    resources: ReadonlyMap<number, Resource>,
    private readonly maxRules: number,
  ) {
    this.#patterns = new Map([...resources].map(([id, each]) => [id, openingPatterns(each)]));
  }

  /** Live and lately expired leases. */
  get size(): number {
    return this.#leases.size;
  }

  /** How many rules upstream would need for these: one a port and protocol, one a jump lease and chain. */
  get rules(): number {
    return this.#rules;
  }

  /**
   * Opens or refreshes a lease. Nobody's lease gets shorter but the holder's own.
   * @returns undefined, and changes nothing, when that would be more than `max-nr-rules`
   */
  open(holder: Holder, timeoutMs: number, nowMs: number, batch: ChangeBatch): Undo | undefined {
    const key = holderKey(holder);
    if (!this.#hasRoomFor(key, holder, nowMs)) {
      return undefined;
    }
    const before = this.#leases.get(key);
    this.#set(key, { holder, deadlineMs: nowMs + timeoutMs }, nowMs);
    batch.hold(holder, timeoutMs);
    for (const pattern of this.#patternsOf(holder)) {
      batch.open(openingFor(pattern, holder.address), this.#latest(pattern, holder) - nowMs);
    }
    return () => (before === undefined ? this.#forget(key, nowMs) : this.#set(key, before, nowMs));
  }

  /** Ends a lease; what others hold open stays open until the last of them ends. */
  close(holder: Holder, nowMs: number, batch: ChangeBatch): Undo {
    const key = holderKey(holder);
    const before = this.#leases.get(key);
    this.#forget(key, nowMs);
    batch.release(holder);
    for (const pattern of this.#patternsOf(holder)) {
      const opening = openingFor(pattern, holder.address);
      const leftMs = this.#latest(pattern, holder) - nowMs;
      if (leftMs > 0) {
        batch.open(opening, leftMs);
      } else {
        batch.close(opening);
      }
    }
    return () => before && this.#set(key, before, nowMs);
  }

  /** Takes over a lease that the ledger remembers from before a restart. */
  adopt(entry: Entry, nowMs: number, batch: ChangeBatch): void {
    this.open(entry.holder, entry.remainingMs, nowMs, batch);
  }

  /** Forgets leases whose time is over: the kernel removed their elements already. */
  sweep(nowMs: number): void {
    for (const [key, lease] of this.#leases) {
      if (lease.deadlineMs <= nowMs) {
        this.#forget(key, nowMs);
      }
    }
  }

  #hasRoomFor(key: string, holder: Holder, nowMs: number): boolean {
    if (this.#leases.has(key)) {
      return true;
    }
    const wanted = this.#patternsOf(holder).length;
    if (this.#rules + wanted > this.maxRules) {
      this.sweep(nowMs);
    }
    return this.#rules + wanted <= this.maxRules;
  }

  #patternsOf(holder: Holder): readonly OpeningPattern[] {
    return this.#patterns.get(holder.resource) ?? [];
  }

  /** The end of the longest lease on an element; 0 if nobody has one. */
  #latest(pattern: OpeningPattern, holder: Holder): number {
    return this.#shared.get(elementKey(pattern, holder))?.latestMs ?? 0;
  }

  #set(key: string, lease: Lease, nowMs: number): void {
    this.#forget(key, nowMs);
    this.#leases.set(key, lease);
    for (const pattern of this.#patternsOf(lease.holder)) {
      this.#share(pattern, key, lease);
    }
  }

  #share(pattern: OpeningPattern, key: string, lease: Lease): void {
    const element = elementKey(pattern, lease.holder);
    const shared = this.#shared.get(element);
    if (shared === undefined) {
      this.#shared.set(element, { holders: new Set([key]), latestMs: lease.deadlineMs });
      this.#rules += 1;
      return;
    }
    shared.holders.add(key);
    shared.latestMs = Math.max(shared.latestMs, lease.deadlineMs);
    this.#rules += countsByHolder(pattern.kind) ? 1 : 0;
  }

  #forget(key: string, nowMs: number): void {
    const lease = this.#leases.get(key);
    if (lease === undefined) {
      return;
    }
    this.#leases.delete(key);
    for (const pattern of this.#patternsOf(lease.holder)) {
      this.#unshare(pattern, key, lease, nowMs);
    }
  }

  #unshare(pattern: OpeningPattern, key: string, lease: Lease, nowMs: number): void {
    const element = elementKey(pattern, lease.holder);
    const shared = this.#shared.get(element);
    if (shared === undefined) {
      return;
    }
    shared.holders.delete(key);
    if (shared.holders.size === 0) {
      this.#shared.delete(element);
      this.#rules -= 1;
      return;
    }
    this.#rules -= countsByHolder(pattern.kind) ? 1 : 0;
    // Only the longest lease's end changes the element's; one that is over matters to nobody.
    if (lease.deadlineMs === shared.latestMs && shared.latestMs > nowMs) {
      shared.latestMs = Math.max(...this.#deadlines(shared));
    }
  }

  #deadlines(shared: Shared): number[] {
    return [...shared.holders].map((key) => this.#leases.get(key)?.deadlineMs ?? 0);
  }
}

function holderKey(holder: Holder): string {
  return `${holder.address.toString('latin1')}/${holder.resource}/${holder.user}`;
}

function elementKey(pattern: OpeningPattern, holder: Holder): string {
  return pattern.perAddress ? pattern.key + holder.address.toString('latin1') : pattern.key;
}
