/** What the benchmark asks of the generator, a process in a client's namespace (see generator.ts and load.ts). */
import type { Errand } from './population.js';

export type Transport = 'udp' | 'tcp';

/** Errands to run: `clients` at a time, errand n by client n modulo `clients`, each waiting for its COMEIN. */
export interface Load {
  transport: Transport;
  operation: 'knock' | 'revoke';
  /** The server's control port. */
  address: string;
  port: number;
  errands: Errand[];
  clients: number;
}

/** What came of a load. */
export interface LoadResult {
  /** Milliseconds from the KNOCK's sending (TCP: from the connect) to the COMEIN, by errand. */
  ms: Float64Array;
  /** Milliseconds from the first errand's start to the last one's end. */
  totalMs: number;
}

/** Programs to run one after the other; all must succeed. */
export interface Programs {
  command: readonly string[];
  times: number;
}

export type Request =
  | { id: number; call: 'load'; args: Load }
  | { id: number; call: 'run'; args: Programs };
/** `run` answers milliseconds from spawn to exit, by run. */
export type Reply =
  | { id: number; value: LoadResult | Float64Array }
  | { id: number; error: string };
