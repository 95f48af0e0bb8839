import { join, resolve } from 'node:path';
import { loadServerConfig } from '../config/load.js';
import type { ServerConfig } from '../config/model.js';
import { placesOf, SERVER_FILE } from '../config/places.js';
import { formatProblem } from '../config/report.js';
import { begin } from '../daemon/begin.js';
import { type DaemonOptions, daemonCommand } from '../daemon/command-line.js';
import { Failure, messageOf } from '../daemon/failure.js';
import type { Log } from '../daemon/log.js';
import { PidFile } from '../daemon/pid-file.js';
import { onSignals } from '../daemon/signals.js';
import { VERSION } from '../daemon/version.js';
import { monotonicMs } from '../ipc/clock.js';
import { LONGEST_TIMER_MS, type Setup } from '../ipc/frames.js';
import { Firewall } from '../native/firewall.js';
import { Gate } from '../native/gate.js';
import type { Plan } from '../sandbox/launch.js';
import { lockDown } from '../sandbox/lock.js';
import { adopt } from './adoption.js';
import { Judgement } from './judgement.js';
import { Leases } from './leases.js';
import { Link } from './link.js';
import { firewallRuleset } from './ruleset.js';

export const PROGRAM = 'letmeinfwd';
const ABOUT = 'The firewall daemon of letmein: checks every knock and opens ports in nftables.';

/** A challenge's window, unless control-timeout is longer (docs/protocol.md, "Challenges"). */
const SHORTEST_WINDOW_MS = 30_000;
/** The longest window the addon takes. */
const LONGEST_WINDOW_MS = 2 ** 32 - 1;
/** Requests that the door may have in flight, for each transport. */
const MOST_IN_FLIGHT = 256;
/** How often leases whose time is over are forgotten. */
const SWEEP_MS = 5_000;

/** Starts the judge: each step is fatal, then it runs until a signal. */
export function runJudge(argv: readonly string[]): void {
  const options = parse(argv);
  const rundir = resolve(options.rundir);
  const folder = join(rundir, PROGRAM);
  const plan: Plan = {
    user: PROGRAM,
    capability: 'net-admin',
    folder,
    read: placesOf(SERVER_FILE, options.config),
    tcp: 'none',
    mayStartPrograms: false,
    passed: [],
  };
  const { log, manager } = begin(PROGRAM, plan, options);
  const config = configuration(options, log);
  const pidFile = PidFile.create(join(folder, `${PROGRAM}.pid`), PROGRAM);
  process.on('exit', () => pidFile.remove());
  const gate = new Gate(windowMs(config));
  gate.setKeys(config.keys);
  forget(config.keys);
  const firewall = new Firewall(firewallRuleset(config));
  const leases = new Leases(config.resources, roomForLeases(config));
  const outOfService = adopt(firewall, leases, config, monotonicMs(), log);
  setInterval(() => leases.sweep(monotonicMs()), SWEEP_MS).unref();
  const judgement = new Judgement({ config, gate, firewall, leases, outOfService, log });
  const link = new Link(
    join(rundir, 'letmeind', 'judge.sock'),
    'letmeind',
    () => setupOf(config, options),
    (requests) => judgement.of(requests, monotonicMs()),
    log,
  );
  onSignals(log, () => end(link, firewall, config, log));
  const warning = lockDown('judge', options.seccomp ?? config.general.seccomp);
  if (warning !== undefined) {
    log.say(warning);
  }
  link.open();
  manager?.ready();
}

function parse(argv: readonly string[]): DaemonOptions {
  return daemonCommand(PROGRAM, VERSION, ABOUT).parse(argv, { from: 'node' }).opts<DaemonOptions>();
}

/** Reads the configuration; every problem of it is a line. @throws Failure if it cannot be used */
function configuration(options: DaemonOptions, log: Log): ServerConfig {
  const loaded = loadServerConfig(options.config);
  const problems = loaded.kind === 'ok' ? loaded.warnings : loaded.problems;
  const caret = process.stderr.isTTY === true;
  for (const problem of problems) {
    process.stderr.write(`${formatProblem(problem, { caret })}\n`);
  }
  if (loaded.kind === 'invalid') {
    throw new Failure('the configuration cannot be used, nothing was started: see above', 2);
  }
  log.debugging = loaded.config.general.debug;
  return loaded.config;
}

function windowMs(config: ServerConfig): number {
  return Math.min(Math.max(SHORTEST_WINDOW_MS, config.general.controlTimeoutMs), LONGEST_WINDOW_MS);
}

/** The gate has the keys now; this process needs no second copy. */
function forget(keys: ReadonlyMap<number, Uint8Array>): void {
  for (const key of keys.values()) {
    key.fill(0);
  }
}

/** `max-nr-rules` counts the control port's rules too. */
function roomForLeases({ general, nftables }: ServerConfig): number {
  return nftables.maxRules - (general.tcp ? 1 : 0) - (general.udp ? 1 : 0);
}

function setupOf({ general }: ServerConfig, options: DaemonOptions): Setup {
  return {
    tcp: general.tcp,
    udp: general.udp,
    port: general.port,
    controlTimeoutMs: Math.min(Math.ceil(general.controlTimeoutMs), LONGEST_TIMER_MS),
    policy: general.policy,
    seccomp: options.seccomp ?? general.seccomp,
    udpInFlight: MOST_IN_FLIGHT,
    tcpInFlight: MOST_IN_FLIGHT,
    generation: 1,
  };
}

/** A clean end closes every port, unless the configuration keeps leases until their time is over. */
function end(link: Link, firewall: Firewall, config: ServerConfig, log: Log): void {
  link.close();
  try {
    if (!config.nftables.keepLeases) {
      firewall.remove();
    }
    process.exit(0);
  } catch (error) {
    log.say(`the rules could not be removed: ${messageOf(error)}`);
    process.exit(1);
  }
}
