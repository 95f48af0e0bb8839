import type { ClientConfig } from '../config/model.js';
import { formatId, quote } from '../config/problems.js';
import type { Allowed } from './attempt.js';
import type { Errand } from './errand.js';
import { type Host, parseHost } from './host.js';
import type { Knock } from './knock.js';
import type { Family } from './network.js';
import { parseId, parsePort } from './number.js';
import { UsageError } from './usage-error.js';

/** The options of `knock` and `revoke`, as typed. */
export interface KnockOptions {
  resource?: string;
  user?: string;
  serverPort?: string;
  serverPortTcp?: boolean;
  serverPortUdp?: boolean;
  ipv4?: boolean;
  ipv6?: boolean;
}

/** The command line of `knock` or `revoke`, read as far as it goes without the configuration. */
export interface KnockArguments {
  operation: Errand['operation'];
  /** HOST as typed. */
  hostText: string;
  host: Host;
  families: readonly Family[];
  all: boolean;
  target: { kind: 'port'; port: number } | { kind: 'resource'; id: number };
  user: number | undefined;
  serverPort: number | undefined;
  tcp: boolean;
  udp: boolean;
}

/**
 * Checks the command line of `knock` or `revoke`.
 *
 * @throws UsageError naming the argument that is wrong.
 */
export function readArguments(
  operation: Errand['operation'],
  hostText: string,
  portText: string | undefined,
  options: KnockOptions,
): KnockArguments {
  const host = parseHost(hostText);
  if (host === undefined) {
    throw new UsageError(`HOST: ${quote(hostText)} is neither a name nor an IP address`);
  }
  return {
    operation,
    hostText,
    host,
    families: familiesFor(host, options),
    all: host.kind === 'name' && options.ipv4 === true && options.ipv6 === true,
    target: readTarget(portText, options.resource),
    user: options.user === undefined ? undefined : parseId(options.user, '--user'),
    serverPort:
      options.serverPort === undefined ? undefined : parsePort(options.serverPort, '--server-port'),
    tcp: options.serverPortTcp === true,
    udp: options.serverPortUdp === true,
  };
}

function readTarget(
  portText: string | undefined,
  resource: string | undefined,
): KnockArguments['target'] {
  if (portText !== undefined && resource !== undefined) {
    throw new UsageError('PORT and --resource exclude each other: give one of them');
  }
  if (resource !== undefined) {
    return { kind: 'resource', id: parseId(resource, '--resource') };
  }
  if (portText !== undefined) {
    return { kind: 'port', port: parsePort(portText, 'PORT') };
  }
  throw new UsageError('what to open is missing: give PORT, or --resource with its id');
}

function familiesFor(host: Host, { ipv4, ipv6 }: KnockOptions): readonly Family[] {
  const asked = familiesAsked(ipv4 === true, ipv6 === true);
  if (host.kind === 'name') {
    return asked;
  }
  if (!asked.includes(host.family)) {
    throw new UsageError(
      `HOST is an IPv${host.family} address, which -${asked.join()} excludes: leave the option out`,
    );
  }
  return [host.family];
}

// Neither and both ask for the same families; they differ in what counts as success.
function familiesAsked(ipv4: boolean, ipv6: boolean): readonly Family[] {
  if (ipv4 === ipv6) {
    return [6, 4];
  }
  return ipv4 ? [4] : [6];
}

/**
 * The errand that the arguments and the configuration make together.
 *
 * @param file The configuration file's name, for messages.
 * @throws UsageError when the user has no key, or no resource of his has the port.
 */
export function errandOf(args: KnockArguments, config: ClientConfig, file: string): Errand {
  const user = args.user ?? config.defaultUser;
  const resource =
    args.target.kind === 'resource'
      ? args.target.id
      : resourceAt(args.target.port, user, config, file);
  const key = config.keys.get(user);
  if (key === undefined) {
    throw new UsageError(
      `no key for user ${formatId(user)} in ${file}: add one under [KEYS], or name another user with -u`,
    );
  }
  return { operation: args.operation, user, resource, key };
}

function resourceAt(port: number, user: number, config: ClientConfig, file: string): number {
  for (const resource of config.resources.values()) {
    const allowed = resource.users?.has(user) ?? true;
    if (resource.kind === 'port' && resource.port === port && allowed) {
      return resource.id;
    }
  }
  throw new UsageError(
    `no resource with port ${port} for user ${formatId(user)} in ${file}: add one under [RESOURCES], or give its id with -r`,
  );
}

/** How to knock: what the command line leaves open comes from the configuration. */
export function knockOf(args: KnockArguments, config: ClientConfig): Knock {
  const { general } = config;
  return {
    host: args.host,
    families: args.families,
    all: args.all,
    port: args.serverPort ?? general.port,
    allowed: allowedBy(args, general),
    deadlineMs: general.controlTimeoutMs,
  };
}

// An explicit -T or -U forbids the other; both given allow both; neither leaves it to the configuration.
function allowedBy(args: Allowed, configured: Allowed): Allowed {
  const { tcp, udp } = args.tcp || args.udp ? args : configured;
  return { tcp, udp };
}
