import type { JumpResource, ServerConfig } from '../config/model.js';
import type { JumpResource as FirewallJump, FirewallRuleset } from '../native/firewall.js';

/** What the firewall needs of the configuration. */
export function firewallRuleset(config: ServerConfig): FirewallRuleset {
  const { general, nftables, resources } = config;
  return {
    family: nftables.family,
    table: nftables.table,
    chainInput: nftables.chainInput,
    ...(nftables.chainForward === undefined ? {} : { chainForward: nftables.chainForward }),
    ...(nftables.chainOutput === undefined ? {} : { chainOutput: nftables.chainOutput }),
    controlPort: general.port,
    controlTcp: general.tcp,
    controlUdp: general.udp,
    jumps: [...resources.values()].filter((resource) => resource.kind === 'jump').map(firewallJump),
  };
}

function firewallJump({ id, input, forward, output }: JumpResource): FirewallJump {
  return {
    id,
    ...(input === undefined ? {} : { input }),
    ...(forward === undefined ? {} : { forward }),
    ...(output === undefined ? {} : { output }),
  };
}
