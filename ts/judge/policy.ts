import type { Policy } from '../ipc/frames.js';

/**
 * How much a peer has proven when it is refused:
 * - `nothing`;
 * - `first`: its KNOCK or REVOKE had the right MAC;
 * - `response`: its RESPONSE had the right MAC.
 */
export type Proof = 'nothing' | 'first' | 'response';

/** Whether a refused peer is told so (docs/protocol.md, "Error policies"). */
export function answersGoAway(policy: Policy, proof: Proof): boolean {
  switch (policy) {
    case 'always':
      return true;
    case 'basic-auth':
      return proof !== 'nothing';
    case 'full-auth':
      return proof === 'response';
  }
}
