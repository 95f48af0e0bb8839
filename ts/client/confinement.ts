import { CLIENT_FILE, placesOf } from '../config/places.js';
import { launched } from '../sandbox/launch.js';
import { lockDown } from '../sandbox/lock.js';
import type { Knock } from './knock.js';
import { resolveFirst } from './resolved-network.js';
import { lookUp } from './resolver.js';
import type { Tools } from './way.js';
// Imported here because it may be needed when no file can be opened any more.
import './advice.js';

/** Where the system's resolver has its configuration, its libraries and its sockets. */
const RESOLVER_PLACES = ['/etc', '/usr', '/lib', '/lib64', '/run', '/dev', '/sys'];

/**
 * Goes on only in a launched process; see ts/sandbox/launch.ts. The client stays the user it is, may read what its
 * configuration and the resolver need, and write nothing.
 *
 * @param config The configuration file that was named, if one was.
 * @returns What this kernel could not do for the launch, a line each.
 * @throws NativeError when the launch fails.
 */
export function launchClient(config: string | undefined): string[] {
  return launched({
    read: [...RESOLVER_PLACES, ...placesOf(CLIENT_FILE, config)],
    tcp: 'any',
    // The resolver is a process of its own.
    mayStartPrograms: true,
    passed: [],
  });
}

/** What a knock goes on with after the lock, and what there is to say about it. */
export interface Locked {
  tools: Tools;
  plan: Knock;
  warning: string | undefined;
}

/**
 * Resolves the name, then locks: from then on there are no files, threads and programs, and no name server.
 *
 * @throws NativeError when the kernel does not take the filter.
 */
export async function lockClient(mode: 'log' | 'kill', tools: Tools, plan: Knock): Promise<Locked> {
  const { clock, network } = tools;
  const { host, families, deadlineMs } = plan;
  const begun = clock.now();
  const lookup =
    host.kind === 'name'
      ? await resolveFirst(lookUp, clock, host.name, families, deadlineMs)
      : network.lookup;
  const warning = lockDown('client', mode);
  tools.trace(`locked (seccomp = ${mode})`);
  const leftMs = Math.max(deadlineMs - (clock.now() - begun), 1);
  return {
    tools: { ...tools, network: { ...network, lookup } },
    plan: { ...plan, deadlineMs: leftMs },
    warning,
  };
}
