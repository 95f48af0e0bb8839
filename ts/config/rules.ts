import type { GeneralSection } from './general.js';
import type { NftablesSection } from './nftables.js';
import { formatId, type Problems, quote } from './problems.js';
import type { Declared, Hook } from './resource.js';

/** Rules that join sections: each takes what was read of both, and tells `problems`. */

/** The control port is open to everybody: as a resource it could be closed by a revoke. */
export function checkControlPort(
  { general, portUnknown }: GeneralSection,
  declared: readonly Declared[],
  problems: Problems,
): void {
  for (const { port } of declared) {
    if (!portUnknown && port?.value === general.port) {
      problems.error(port.place, `port: ${port.value} is the control port of [GENERAL]`);
    }
  }
}

/** A forged KNOCK over UDP draws a GOAWAY towards whoever it names, if every failure is answered. */
export function checkReflection(
  { general, portPlace, policyPlace }: GeneralSection,
  problems: Problems,
): void {
  if (general.udp && general.policy === 'always') {
    const what =
      "control-error-policy 'always' with udp lets strangers use this server for reflection: use basic-auth";
    problems.warning(policyPlace ?? portPlace, what);
  }
}

/** A user without a key can prove nothing, so such a name is probably mistyped. */
export function checkUsers(
  keys: ReadonlyMap<number, Uint8Array>,
  declared: readonly Declared[],
  problems: Problems,
): void {
  for (const { users } of declared) {
    for (const { value, place } of users) {
      if (!keys.has(value)) {
        problems.warning(place, `users: ${formatId(value)} has no key in [KEYS]`);
      }
    }
  }
}

/** A jump starts in one of letmein's own chains, which must be named, and must not lead back to it. */
export function checkJumps(
  own: NftablesSection['chains'],
  declared: readonly Declared[],
  problems: Problems,
): void {
  for (const { chains } of declared) {
    for (const [hook, target] of chains) {
      const what = jumpProblem(hook, own[hook], target.value);
      if (what !== undefined) {
        problems.error(target.place, `${hook}: ${what}`);
      }
    }
  }
}

function jumpProblem(hook: Hook, own: string | undefined, target: string): string | undefined {
  if (own === target) {
    return `${quote(target)} is chain-${hook} itself: jumping there is a loop`;
  }
  // A missing chain-input is an error by itself.
  if (own === undefined && hook !== 'input') {
    return `there is no chain to jump from: set chain-${hook} in [NFTABLES]`;
  }
  return undefined;
}
