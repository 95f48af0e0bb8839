import { addon } from './addon.js';
import { translated } from './error.js';
import type { FirewallRuleset, Installed } from './index.js';

export type { FirewallRuleset, Installed, JumpResource, JumpTarget } from './index.js';

/** Bytes of a change: action 1, object 1, port 2, resource 4, user 4, address 16, ms 8. */
const CHANGE_LEN = 36;
/** Bytes of a ledger entry: address 16, resource 4, user 4, ms left 8. */
const ENTRY_LEN = 32;
/** Room of a new batch, in changes; it doubles as needed. */
const FIRST_ROOM = 16;

/** Who holds a lease. */
export interface Holder {
  /** 16 bytes, IPv4 mapped. */
  readonly address: Buffer;
  readonly resource: number;
  readonly user: number;
}

/** A ledger entry: a holder and the milliseconds left. */
export interface Entry {
  readonly holder: Holder;
  readonly remainingMs: number;
}

const LEDGER = 0;
/** Sorts of enforcement elements, by their number in a record. */
export const OPENING_KINDS = { tcp: 1, udp: 2, input: 3, forward: 4, output: 5 } as const;
export type OpeningKind = keyof typeof OPENING_KINDS;

/** One enforcement element: a port for an address, or a jump resource's way through one chain. */
export interface Opening {
  readonly kind: OpeningKind;
  /** The port that is open; 0 for a jump. */
  readonly port: number;
  readonly resource: number;
  /** 16 bytes, IPv4 mapped; without meaning where a jump matches no source. */
  readonly address: Buffer;
}

/** Changes of one transaction, as the packed records that the addon takes. */
export class ChangeBatch {
  #records = Buffer.allocUnsafe(FIRST_ROOM * CHANGE_LEN);
  #length = 0;

  /** The ledger says that `holder` has a lease for `ms` from now. */
  hold(holder: Holder, ms: number): void {
    this.#append(1, LEDGER, 0, holder.resource, holder.user, holder.address, ms);
  }

  /** The ledger says nothing of `holder` any more. */
  release(holder: Holder): void {
    this.#append(0, LEDGER, 0, holder.resource, holder.user, holder.address, 0);
  }

  /** `opening` is open for `ms` from now, whatever it was before. */
  open(opening: Opening, ms: number): void {
    const { kind, port, resource, address } = opening;
    this.#append(1, OPENING_KINDS[kind], port, resource, 0, address, ms);
  }

  /** `opening` is closed, whatever it was before. */
  close(opening: Opening): void {
    const { kind, port, resource, address } = opening;
    this.#append(0, OPENING_KINDS[kind], port, resource, 0, address, 0);
  }

  /** The records so far, back to back. */
  get records(): Uint8Array {
    return this.#records.subarray(0, this.#length);
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  #append(
    action: 0 | 1,
    object: number,
    port: number,
    resource: number,
    user: number,
    address: Buffer,
    ms: number,
  ): void {
    const at = this.#length;
    if (at + CHANGE_LEN > this.#records.length) {
      this.#records = Buffer.concat([this.#records, Buffer.alloc(this.#records.length)]);
    }
    const records = this.#records;
    // Without a JIT compiler much faster than Buffer's methods.
    const numbers = new DataView(records.buffer, records.byteOffset + at, CHANGE_LEN);
    numbers.setUint8(0, action);
    numbers.setUint8(1, object);
    numbers.setUint16(2, port);
    numbers.setUint32(4, resource);
    numbers.setUint32(8, user);
    records.set(address, at + 12);
    numbers.setFloat64(28, ms);
    this.#length = at + CHANGE_LEN;
  }
}

/** letmein's part of the administrator's table (crates/firewall). Every method throws NativeError. */
export class Firewall {
  readonly #firewall: InstanceType<typeof addon.Firewall>;

  /** Opens the netlink socket; changes nothing. */
  constructor(ruleset: FirewallRuleset) {
    this.#firewall = translated(() => new addon.Firewall(ruleset));
  }

  /** Leases of this boot that are alive, from the kernel. */
  ledger(): Entry[] {
    const records = translated(() => this.#firewall.ledger());
    const entries: Entry[] = [];
    for (let at = 0; at < records.length; at += ENTRY_LEN) {
      entries.push(entryAt(records, at));
    }
    return entries;
  }

  /** Writes sets and rules anew, holding exactly what `batch` opens and holds. */
  install(batch: ChangeBatch): Installed {
    return translated(() => this.#firewall.install(batch.records));
  }

  /** Makes all changes of `batch` in one transaction, or none. */
  apply(batch: ChangeBatch): void {
    translated(() => this.#firewall.apply(batch.records));
  }

  /** Removes rules and sets of ours; the administrator's chains stay. */
  remove(): void {
    translated(() => this.#firewall.remove());
  }
}

function entryAt(records: Buffer, at: number): Entry {
  return {
    holder: {
      address: records.subarray(at, at + 16),
      resource: records.readUInt32BE(at + 16),
      user: records.readUInt32BE(at + 20),
    },
    remainingMs: records.readDoubleBE(at + 24),
  };
}
