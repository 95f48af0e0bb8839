import { GRACE_MOST_MS } from './knock.js';
import type { Clock, Family, Found, Network, Stop } from './network.js';
import type { lookUp } from './resolver.js';

/** The resolver, and word when its process has ended. */
export type Resolver = typeof lookUp;

/**
 * Asks for a name before anything else is done, for a program that cannot ask later: each family has until `withinMs`, and
 * at most a second once another one has been found.
 *
 * @returns The look-up of a network that answers from what was found, when the resolver's process has ended.
 */
export function resolveFirst(
  resolver: Resolver,
  clock: Clock,
  name: string,
  families: readonly Family[],
  withinMs: number,
): Promise<Network['lookup']> {
  return new Promise((resolve) => {
    const found = new Map<Family, Found>();
    const stops: Stop[] = [];
    const end = () => {
      for (const stop of stops.splice(0)) {
        stop();
      }
    };
    const hear = (family: Family, result: Found) => {
      found.set(family, result);
      if (found.size === families.length) {
        end();
      } else if (result.kind === 'addresses') {
        stops.push(clock.after(GRACE_MOST_MS, end));
      }
    };
    stops.push(resolver(name, families, hear, () => resolve(answersFrom(found))));
    stops.push(clock.after(withinMs, end));
  });
}

function answersFrom(results: ReadonlyMap<Family, Found>): Network['lookup'] {
  return (_name, families, found) => {
    const answer = setImmediate(() => {
      for (const family of families) {
        found(family, results.get(family) ?? { kind: 'none', code: 'TIMEOUT' });
      }
    });
    return () => clearImmediate(answer);
  };
}
