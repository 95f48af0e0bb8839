/**
 * Who knocks in the benchmark: sources (client addresses), users and resources, and what falls to which measurement.
 *
 * Our daemons remember at most 64 proofs of a user in 30 s, so every load has enough users that each proves less than
 * that in the whole benchmark; and their configuration is at most 1 MiB, so there are no more users than needed.
 */
import { createHash } from 'node:crypto';

/** Client addresses 10.200.0.1 and on, all of them local to the client's namespace. A multiple of every concurrency. */
export const SOURCES = 256;
/** Ports that can be leased for each source: {@link SOURCES} × this many leases in all. */
export const RESOURCES = 48;
/** Users with a key in every configuration; user ids count from 1. */
export const USERS = 12_000;
/** The one of them that loads refresh; {@link leaseErrands} never reaches it. */
const LOAD_RESOURCE = RESOURCES;
/** The first port that a resource opens; the next resource has the next one. */
const FIRST_PORT = 20_000;
/** Leases below this one only stand there while others are measured. */
export const FIRST_MEASURED_LEASE = 10_000;
/** Users who share the standing leases; each measured lease has a user of its own, and then come those of loads. */
const STANDING_USERS = 500;
const FIRST_LOAD_USER = STANDING_USERS + (SOURCES * RESOURCES - FIRST_MEASURED_LEASE) + 1;
/** How often one user proves himself in one load, well below 64 in a window. */
const PROOFS_PER_USER = 50;

/** One request: which source asks, as whom, for what. */
export interface Errand {
  /** 0 to {@link SOURCES} − 1. */
  source: number;
  /** Resource id: 1 to {@link RESOURCES}. */
  resource: number;
  user: number;
}

/** The address of a source. */
export function sourceAddress(source: number): string {
  return `10.200.${source >> 8}.${source & 0xff}`;
}

/**
 * An address of the server's for each source, and a route to it that begins at that source: what chooses a TCP client's
 * address, which the generator cannot bind (Rust's standard library binds no socket that connects).
 */
export function routedServerAddress(source: number): string {
  return `10.201.${source >> 8}.${source & 0xff}`;
}

/** The 32-byte key of a user, worth nothing outside the benchmark. */
export function keyOf(user: number): Buffer {
  return createHash('sha256').update(`letmein benchmark, user ${user}`).digest();
}

/** Port that resource `id` opens. */
export function portOf(id: number): number {
  return FIRST_PORT + id;
}

/** The errand that opens, refreshes or revokes lease number `lease`: another address or port for each. */
function leaseErrand(lease: number): Errand {
  const measured = lease - FIRST_MEASURED_LEASE;
  return {
    source: lease % SOURCES,
    resource: 1 + Math.floor(lease / SOURCES),
    user: measured < 0 ? 1 + (lease % STANDING_USERS) : 1 + STANDING_USERS + measured,
  };
}

/** Leases number `first` to `first + count − 1`. */
export function leaseErrands(first: number, count: number): Errand[] {
  return Array.from({ length: count }, (_, n) => leaseErrand(first + n));
}

/** A refresh load: `prime` opens every lease once, then `errands` refresh them. */
export interface RefreshLoad {
  prime: Errand[];
  errands: Errand[];
}

/** Hands out loads whose users no other load has. */
export class LoadUsers {
  #next = FIRST_LOAD_USER;

  /** `count` refreshes by `clients` clients, each with one address and port and users in turn. */
  refreshes(count: number, clients: number): RefreshLoad {
    const usersEach = Math.ceil(count / clients / PROOFS_PER_USER);
    const first = this.#next;
    this.#next += usersEach * clients;
    if (this.#next > USERS + 1) throw new Error('the benchmark has too few users for its loads');
    const errand = (n: number): Errand => {
      const source = n % clients;
      const turn = Math.floor(n / clients) % usersEach;
      return { source, resource: LOAD_RESOURCE, user: first + turn * clients + source };
    };
    return {
      prime: Array.from({ length: usersEach * clients }, (_, n) => errand(n)),
      errands: Array.from({ length: count }, (_, n) => errand(n)),
    };
  }
}
