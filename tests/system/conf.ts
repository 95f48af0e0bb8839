/** Configuration files for tests: builders for what the tests vary, text for everything else. */
import { randomBytes } from 'node:crypto';

export const CONTROL_PORT = 5800;
/** Enough for a slow machine, and short enough that a test of the limit itself does not take 5 s. */
const CONTROL_TIMEOUT_S = 5;
const LEASE_TIMEOUT_S = 600;

export type Seccomp = 'off' | 'log' | 'kill';
export type Family = 'inet' | 'ip' | 'ip6';

/** A resource's value as the file has it; see {@link port} and {@link jump}. */
export type ResourceText = string;

/** What a server's file says; everything has a default. */
export interface ServerConf {
  users?: Record<string, string>;
  resources?: Record<string, ResourceText>;
  port?: number;
  transports?: readonly ('tcp' | 'udp')[];
  policy?: 'always' | 'basic-auth' | 'full-auth';
  /** Seconds, fractions allowed. */
  controlTimeout?: number;
  /** Default: what this run of the tests is about (scripts/test.mjs). */
  seccomp?: Seccomp;
  /** Default lease, seconds. */
  timeout?: number;
  family?: Family;
  table?: string;
  chainInput?: string;
  chainForward?: string;
  chainOutput?: string;
  maxRules?: number;
  keepLeases?: boolean;
  /** More lines per section, as they stand. */
  extra?: { general?: string; nftables?: string; end?: string };
}

/** What a client's file says. */
export interface ClientConf {
  users?: Record<string, string>;
  resources?: Record<string, ResourceText>;
  port?: number;
  transports?: readonly ('tcp' | 'udp')[];
  controlTimeout?: number;
  seccomp?: Seccomp;
  defaultUser?: string;
  extra?: { general?: string; end?: string };
}

/** A fresh key, 64 hex digits. */
export function newKey(): string {
  return randomBytes(32).toString('hex').toUpperCase();
}

export const ALICE = '00000001';
export const BOB = '00000002';
/** Two users whose keys are new in every test process. */
export const USERS: Record<string, string> = { [ALICE]: newKey(), [BOB]: newKey() };

/** `port: 22 / tcp / timeout: 2 / users: 1, 2` */
export function port(
  number: number,
  options: {
    transports?: readonly ('tcp' | 'udp')[];
    timeout?: number;
    users?: readonly string[];
  } = {},
): ResourceText {
  return [`port: ${number}`, ...(options.transports ?? ['tcp']), ...shared(options)].join(' / ');
}

/** `jump / input: CHAIN / input-match: saddr / …` */
export function jump(options: {
  input?: string;
  forward?: string;
  output?: string;
  /** Chains whose rule matches the source address. */
  matchSource?: readonly ('input' | 'forward' | 'output')[];
  timeout?: number;
  users?: readonly string[];
}): ResourceText {
  const parts = ['jump'];
  for (const hook of ['input', 'forward', 'output'] as const) {
    const chain = options[hook];
    if (chain !== undefined) parts.push(`${hook}: ${chain}`);
    if (options.matchSource?.includes(hook)) parts.push(`${hook}-match: saddr`);
  }
  return [...parts, ...shared(options)].join(' / ');
}

function shared(options: { timeout?: number; users?: readonly string[] }): string[] {
  const parts: string[] = [];
  if (options.timeout !== undefined) parts.push(`timeout: ${options.timeout}`);
  if (options.users !== undefined) parts.push(`users: ${options.users.join(', ')}`);
  return parts;
}

/** Resource ids of {@link RESOURCES}. */
export const WEB = '0000000A';
export const SHORT = '0000000B';
export const BOTH = '0000000C';
/** TCP port 4001; TCP and UDP port 4002 for 2 s; TCP and UDP port 4003. */
export const RESOURCES: Record<string, ResourceText> = {
  [WEB]: port(4001),
  [SHORT]: port(4002, { transports: ['tcp', 'udp'], timeout: 2 }),
  [BOTH]: port(4003, { transports: ['tcp', 'udp'] }),
};

function options(values: Record<string, string | number | boolean | undefined>): string {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('');
}

function general(conf: ServerConf | ClientConf): string {
  const policy = 'policy' in conf ? conf.policy : undefined;
  const transports = conf.transports ?? ['tcp', 'udp'];
  return `[GENERAL]\n${options({
    port: [conf.port ?? CONTROL_PORT, ...transports].join(' / '),
    'control-timeout': conf.controlTimeout ?? CONTROL_TIMEOUT_S,
    'control-error-policy': policy ?? 'basic-auth',
    seccomp: conf.seccomp ?? process.env.LETMEIN_TEST_SECCOMP,
  })}${conf.extra?.general ?? ''}\n`;
}

function tables(conf: ServerConf | ClientConf): string {
  const keys = options(conf.users ?? USERS);
  return `[KEYS]\n${keys}\n[RESOURCES]\n${options(conf.resources ?? RESOURCES)}${conf.extra?.end ?? ''}`;
}

/** The text of a letmeind.conf. */
export function serverConf(conf: ServerConf = {}): string {
  const nftables = options({
    family: conf.family ?? 'inet',
    table: conf.table ?? 'filter',
    'chain-input': conf.chainInput ?? 'LETMEIN-INPUT',
    'chain-forward': conf.chainForward ?? 'LETMEIN-FORWARD',
    'chain-output': conf.chainOutput ?? 'LETMEIN-OUTPUT',
    timeout: conf.timeout ?? LEASE_TIMEOUT_S,
    'max-nr-rules': conf.maxRules,
    'keep-leases': conf.keepLeases,
  });
  return `${general(conf)}[NFTABLES]\n${nftables}${conf.extra?.nftables ?? ''}\n${tables(conf)}`;
}

/** The text of a letmein.conf. */
export function clientConf(conf: ClientConf = {}): string {
  const client = `[CLIENT]\n${options({ 'default-user': conf.defaultUser ?? ALICE })}\n`;
  return `${general(conf)}${client}${tables(conf)}`;
}

/**
 * An administrator's firewall: drops by default, lets in what is established and ICMP (a drop-by-default that drops
 * neighbour discovery would break IPv6), and asks LETMEIN-INPUT for the rest.
 * `chains` adds regular chains, by name, for jump resources: their rules as nft has them. `open` adds rules for what is
 * let in without a knock.
 */
export function firewall(
  options: {
    family?: Family;
    table?: string;
    chains?: Record<string, readonly string[]>;
    open?: readonly string[];
  } = {},
): string {
  const family = options.family ?? 'inet';
  const icmp = {
    inet: 'meta l4proto { icmp, icmpv6 } accept',
    ip: 'meta l4proto icmp accept',
    ip6: 'meta l4proto icmpv6 accept',
  }[family];
  const lines = (rules: readonly string[]): string => rules.map((rule) => `    ${rule}\n`).join('');
  const chains = Object.entries(options.chains ?? {})
    .map(([name, rules]) => `  chain ${name} {\n${lines(rules)}  }\n`)
    .join('');
  const open = lines(options.open ?? []);
  return `table ${family} ${options.table ?? 'filter'} {
${chains}  chain LETMEIN-INPUT { }
  chain LETMEIN-FORWARD { }
  chain LETMEIN-OUTPUT { }
  chain input {
    type filter hook input priority filter; policy drop;
    iif lo accept
    ct state established,related accept
    ${icmp}
${open}    jump LETMEIN-INPUT
  }
  chain forward {
    type filter hook forward priority filter; policy drop;
    jump LETMEIN-FORWARD
  }
  chain output {
    type filter hook output priority filter; policy accept;
    jump LETMEIN-OUTPUT
  }
}
`;
}
