import type { Resource } from '../config/model.js';
import type { ChangeBatch, Entry, Holder } from '../native/firewall.js';
import { countsByHolder, type OpeningPattern, openingFor, openingPatterns } from './openings.js';

/** One enforcement element of a lease: what to open, and its key among all that are open. */
interface Element {
  readonly pattern: OpeningPattern;
  readonly key: string;
}

/** Who holds a lease, what it keeps open, and until when. Keys are made once: making them is what a lease costs here. */
interface Lease {
  readonly key: string;
  readonly holder: Holder;
  readonly elements: readonly Element[];
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
    const lease = this.#leaseOf(holder, nowMs + timeoutMs);
    if (!this.#hasRoomFor(lease, nowMs)) {
      return undefined;
    }
    const before = this.#leases.get(lease.key);
    this.#set(lease, nowMs);
    batch.hold(holder, timeoutMs);
    for (const { pattern, key } of lease.elements) {
      batch.open(openingFor(pattern, holder.address), this.#latest(key) - nowMs);
    }
    return () => (before === undefined ? this.#forget(lease.key, nowMs) : this.#set(before, nowMs));
  }

  /** Ends a lease; what others hold open stays open until the last of them ends. */
  close(holder: Holder, nowMs: number, batch: ChangeBatch): Undo {
    const lease = this.#leaseOf(holder, nowMs);
    const before = this.#leases.get(lease.key);
    this.#forget(lease.key, nowMs);
    batch.release(holder);
    for (const { pattern, key } of lease.elements) {
      const opening = openingFor(pattern, holder.address);
      const leftMs = this.#latest(key) - nowMs;
      if (leftMs > 0) {
        batch.open(opening, leftMs);
      } else {
        batch.close(opening);
      }
    }
    return () => before && this.#set(before, nowMs);
  }

  /** Takes over a lease that the ledger remembers; false if there are `max-nr-rules` already. */
  adopt(entry: Entry, nowMs: number, batch: ChangeBatch): boolean {
    return this.open(entry.holder, entry.remainingMs, nowMs, batch) !== undefined;
  }

  /** Forgets leases whose time is over: the kernel removed their elements already. */
  sweep(nowMs: number): void {
    for (const [key, lease] of this.#leases) {
      if (lease.deadlineMs <= nowMs) {
        this.#forget(key, nowMs);
      }
    }
  }

  #leaseOf(holder: Holder, deadlineMs: number): Lease {
    const { resource, user } = holder;
    const address = holder.address.toString('latin1');
    const elements = (this.#patterns.get(resource) ?? []).map((pattern) => ({
      pattern,
      key: pattern.perAddress ? pattern.key + address : pattern.key,
    }));
    return { key: `${address}/${resource}/${user}`, holder, elements, deadlineMs };
  }

  #hasRoomFor({ key, elements }: Lease, nowMs: number): boolean {
    if (this.#leases.has(key)) {
      return true;
    }
    if (this.#rules + this.#rulesFor(elements) > this.maxRules) {
      this.sweep(nowMs);
    }
    return this.#rules + this.#rulesFor(elements) <= this.maxRules;
  }

  /** Rules that a new lease adds: none for a port that another holder has open already. */
  #rulesFor(elements: readonly Element[]): number {
    const isNew = ({ pattern, key }: Element) =>
      countsByHolder(pattern.kind) || !this.#shared.has(key);
    return elements.filter(isNew).length;
  }

  /** The end of the longest lease on an element; 0 if nobody has one. */
  #latest(element: string): number {
    return this.#shared.get(element)?.latestMs ?? 0;
  }

  #set(lease: Lease, nowMs: number): void {
    this.#forget(lease.key, nowMs);
    this.#leases.set(lease.key, lease);
    for (const element of lease.elements) {
      this.#share(element, lease);
    }
  }

  #share({ pattern, key }: Element, lease: Lease): void {
    const shared = this.#shared.get(key);
    if (shared === undefined) {
      this.#shared.set(key, { holders: new Set([lease.key]), latestMs: lease.deadlineMs });
      this.#rules += 1;
      return;
    }
    shared.holders.add(lease.key);
    shared.latestMs = Math.max(shared.latestMs, lease.deadlineMs);
    this.#rules += countsByHolder(pattern.kind) ? 1 : 0;
  }

  #forget(key: string, nowMs: number): void {
    const lease = this.#leases.get(key);
    if (lease === undefined) {
      return;
    }
    this.#leases.delete(key);
    for (const element of lease.elements) {
      this.#unshare(element, lease, nowMs);
    }
  }

  #unshare({ pattern, key }: Element, lease: Lease, nowMs: number): void {
    const shared = this.#shared.get(key);
    if (shared === undefined) {
      return;
    }
    shared.holders.delete(lease.key);
    if (shared.holders.size === 0) {
      this.#shared.delete(key);
      this.#rules -= 1;
      return;
    }
    this.#rules -= countsByHolder(pattern.kind) ? 1 : 0;
    // Only the longest lease's end changes the element's; one that is over matters to nobody.
    if (lease.deadlineMs === shared.latestMs && shared.latestMs > nowMs) {
      shared.latestMs = this.#latestOf(shared.holders);
    }
  }

  #latestOf(holders: ReadonlySet<string>): number {
    let latestMs = 0;
    for (const key of holders) {
      latestMs = Math.max(latestMs, this.#leases.get(key)?.deadlineMs ?? 0);
    }
    return latestMs;
  }
}
