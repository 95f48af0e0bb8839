/** The typed configuration: what is left of a file once every rule of docs/configuration.md holds. */

/** `control-error-policy`: who is told of a failure. */
export type Policy = 'always' | 'basic-auth' | 'full-auth';

/** `seccomp`: accepted and kept; see docs/sandbox.md. */
export type SeccompMode = 'off' | 'log' | 'kill';

/** `[NFTABLES] family`: the address family of the administrator's table. */
export type Family = 'inet' | 'ip' | 'ip6';

/** `[GENERAL]`, the same in both files. */
export interface General {
  debug: boolean;
  /** The control port, 1-65535. */
  port: number;
  tcp: boolean;
  udp: boolean;
  /** Milliseconds, 1 to 4,294,967,295,000 (more than one Node timer can wait: 2,147,483,647); 5000 unless configured. */
  controlTimeoutMs: number;
  policy: Policy;
  seccomp: SeccompMode;
}

/** Where a jump resource sends packets in one of the three chains. */
export interface JumpTarget {
  /** The administrator's chain, in the table of `[NFTABLES]`. */
  chain: string;
  /** `…-match: saddr`: only packets from the client's address. */
  matchSource: boolean;
}

/** A resource that opens one port. */
export interface PortResource {
  kind: 'port';
  /** Unsigned 32-bit. */
  id: number;
  /** 1-65535, never the control port. */
  port: number;
  tcp: boolean;
  udp: boolean;
  /** Milliseconds, at least 1; `undefined`: `[NFTABLES] timeout`. */
  timeoutMs: number | undefined;
  /** Unsigned 32-bit users; `undefined`: every user. */
  users: ReadonlySet<number> | undefined;
}

/** A resource that sends packets to the administrator's own chains; at least one target is set. */
export interface JumpResource {
  kind: 'jump';
  /** Unsigned 32-bit. */
  id: number;
  input: JumpTarget | undefined;
  forward: JumpTarget | undefined;
  output: JumpTarget | undefined;
  /** Milliseconds, at least 1; `undefined`: `[NFTABLES] timeout`. */
  timeoutMs: number | undefined;
  /** Unsigned 32-bit users; `undefined`: every user. */
  users: ReadonlySet<number> | undefined;
}

/** What a knock may open. */
export type Resource = PortResource | JumpResource;

/** `[NFTABLES]`: server only. */
export interface Nftables {
  family: Family;
  table: string;
  chainInput: string;
  chainForward: string | undefined;
  chainOutput: string | undefined;
  /** Milliseconds a lease lasts when its resource says nothing, at least 1; 600,000 unless configured. */
  timeoutMs: number;
  /** 1-1,000,000; 4096 unless configured. */
  maxRules: number;
  /** Leave leases in the kernel on a clean shutdown. */
  keepLeases: boolean;
  /** Accepted for upstream's files, never run. */
  exe: string | undefined;
}

/** `letmeind.conf`: read by letmeinfwd alone. */
export interface ServerConfig {
  /** The file as it was found or named. */
  path: string;
  general: General;
  /** User → 32-byte key. */
  keys: ReadonlyMap<number, Uint8Array>;
  nftables: Nftables;
  /** Resource id → resource, in the order of the file. */
  resources: ReadonlyMap<number, Resource>;
}

/** `letmein.conf`. */
export interface ClientConfig {
  /** The file as it was found or named; `undefined`: there is none. */
  path: string | undefined;
  general: General;
  /** Unsigned 32-bit; 0 unless configured. */
  defaultUser: number;
  /** User → 32-byte key. */
  keys: ReadonlyMap<number, Uint8Array>;
  /** Resource id → resource, in the order of the file. */
  resources: ReadonlyMap<number, Resource>;
}

/** One thing to tell about a file. */
export interface Problem {
  severity: 'error' | 'warning';
  file: string;
  /** 1-based; 0: about the file as a whole. */
  line: number;
  /** 1-based, in UTF-16 units of the line; 0 with line 0. */
  column: number;
  /** Lower case, no full stop, never any part of a key. */
  what: string;
  /** The line, for the caret; `undefined` where it could show a key. */
  source: string | undefined;
}
