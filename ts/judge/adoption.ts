import type { ServerConfig } from '../config/model.js';
import { formatId } from '../config/problems.js';
import type { Log } from '../daemon/log.js';
import { ChangeBatch, type Entry, type Firewall } from '../native/firewall.js';
import { unusable } from './address.js';
import type { Leases } from './leases.js';
import { forbidden } from './rights.js';

/**
 * Start-up of the firewall: leases that the kernel remembers and the configuration still allows go
 * on, everything else of ours is removed, and the rules are written anew.
 * @returns jump resources that are out of service
 * @throws NativeError when the core (control port, ports) cannot be installed
 */
export function adopt(
  firewall: Firewall,
  leases: Leases,
  config: ServerConfig,
  nowMs: number,
  log: Log,
): ReadonlySet<number> {
  const batch = new ChangeBatch();
  const allowed = firewall.ledger().filter((entry) => isAllowed(entry, config));
  const left = allowed.filter((entry) => !leases.adopt(entry, nowMs, batch)).length;
  if (left > 0) {
    log.say(`closed ${left} leases: max-nr-rules = ${config.nftables.maxRules} is reached`);
  }
  const { foreign, outOfService, kept } = firewall.install(batch);
  for (const rule of foreign) {
    log.say(`removed from a chain that is letmein's alone: ${rule}`);
  }
  for (const set of kept) {
    log.say(`emptied a set that is not needed any more and cannot be deleted: ${set}`);
  }
  for (const { resource, reason } of outOfService) {
    log.say(`resource ${formatId(resource)} is out of service: ${reason}`);
  }
  if (leases.size > 0) {
    log.say(`${leases.size} leases go on`);
  }
  return new Set(outOfService.map(({ resource }) => resource));
}

function isAllowed({ holder }: Entry, { keys, resources, nftables }: ServerConfig): boolean {
  return (
    keys.has(holder.user) &&
    forbidden(resources, holder.resource, holder.user) === undefined &&
    unusable(holder.address, nftables.family) === undefined
  );
}
