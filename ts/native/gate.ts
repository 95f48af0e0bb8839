import { addon } from './addon.js';
import { translated } from './error.js';

/** Bytes of a verdict: kind 1, operation 1, zero 2, user 4, resource 4, yes 56, no 56. */
const VERDICT_LEN = 124;

/** What a message proved; the place in this list is the number in the record. */
const KINDS = [
  'malformed',
  'misplaced',
  'wrong-first',
  'challenge',
  'wrong-response',
  'proven',
  'again',
  'pending',
  'share-full',
] as const;

/**
 * - `malformed`: not a message of this protocol; `misplaced`: one that only a server sends
 * - `wrong-first`: KNOCK or REVOKE of an unknown user or with a wrong MAC
 * - `challenge`: KNOCK or REVOKE with the right MAC
 * - `wrong-response`: RESPONSE to no challenge that is valid now
 * - `proven`: a new RESPONSE with the right MAC; `again`: one that was accepted before
 * - `pending`: a copy of one in the same batch
 * - `share-full`: right, but its user has used up this window's proofs
 */
export type VerdictKind = (typeof KINDS)[number];

/** The operation of a request to open; the other request is REVOKE (docs/protocol.md, "Messages"). */
export const KNOCK = 0;

/** The verdicts over one batch, by place in it. */
export class Verdicts {
  /** Of the same bytes; without a JIT compiler much faster than Buffer's methods for numbers. */
  readonly #numbers: DataView;

  constructor(private readonly records: Buffer) {
    this.#numbers = new DataView(records.buffer, records.byteOffset, records.length);
  }

  get length(): number {
    return this.records.length / VERDICT_LEN;
  }

  kind(at: number): VerdictKind {
    const kind = KINDS[this.#numbers.getUint8(at * VERDICT_LEN)];
    if (kind === undefined) {
      throw new Error('a verdict of an unknown kind: are addon and program of one version?');
    }
    return kind;
  }

  /** What is asked for; of a `proven` or `again` RESPONSE, what its first message asked for. */
  operation(at: number): number {
    return this.#numbers.getUint8(at * VERDICT_LEN + 1);
  }

  user(at: number): number {
    return this.#numbers.getUint32(at * VERDICT_LEN + 4);
  }

  resource(at: number): number {
    return this.#numbers.getUint32(at * VERDICT_LEN + 8);
  }

  /** The message that says yes: the CHALLENGE or the COMEIN. A view of 56 bytes. */
  yes(at: number): Buffer {
    return this.records.subarray(at * VERDICT_LEN + 12, at * VERDICT_LEN + 68);
  }

  /** The GOAWAY. A view of 56 bytes. */
  no(at: number): Buffer {
    return this.records.subarray(at * VERDICT_LEN + 68, at * VERDICT_LEN + VERDICT_LEN);
  }
}

/** Keyring, challenge secret and remembered proofs: all that checks messages (crates/wire). */
export class Gate {
  readonly #gate: InstanceType<typeof addon.Gate>;

  /** @param windowMs length of a challenge's window; @throws NativeError without random bytes */
  constructor(windowMs: number) {
    this.#gate = translated(() => new addon.Gate(windowMs));
  }

  /** Replaces the keyring. The bytes handed to the addon are overwritten before this returns. */
  setKeys(keys: ReadonlyMap<number, Uint8Array>): void {
    const bytes = Buffer.concat([...keys.values()]);
    try {
      translated(() => this.#gate.setKeys(Uint32Array.from(keys.keys()), bytes));
    } finally {
      bytes.fill(0);
    }
  }

  /**
   * Judges REQUEST frames that lie back to back.
   * @param nowMs CLOCK_MONOTONIC in milliseconds
   * @throws NativeError `MALFORMED_ARGUMENT` for a frame with an impossible field
   */
  check(queries: Uint8Array, nowMs: number): Verdicts {
    return new Verdicts(translated(() => this.#gate.check(queries, nowMs)));
  }

  /** Says of each query of the last batch whether its lease was acknowledged (1) or not (0). */
  settle(acknowledged: Uint8Array): void {
    this.#gate.settle(acknowledged);
  }
}
