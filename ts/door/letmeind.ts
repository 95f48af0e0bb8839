import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { atLeastOne, type DaemonOptions, daemonCommand } from '../daemon/command-line.js';
import type { Failure } from '../daemon/failure.js';
import { type Log, standardErrorLog } from '../daemon/log.js';
import { PidFile } from '../daemon/pid-file.js';
import { warnOfNoSandbox } from '../daemon/sandbox.js';
import { inheritedSockets, sayReady } from '../daemon/service-manager.js';
import { onSignals } from '../daemon/signals.js';
import { die } from '../daemon/start.js';
import { VERSION } from '../daemon/version.js';
import { monotonicMs } from '../ipc/clock.js';
import type { Policy, Setup } from '../ipc/frames.js';
import type { Inquiry } from './desk.js';
import { Link } from './link.js';
import { Listeners } from './listeners.js';
import { Slots } from './slots.js';
import type { Hall } from './visitor.js';

export const PROGRAM = 'letmeind';
const ABOUT = 'The public daemon of letmein: takes knocks and hands them to letmeinfwd.';

/** TCP connections in all, unless `-n` says otherwise. */
const CONNECTIONS = 1_024;
/** TCP connections of one IPv4 address or IPv6 /56, unless `-N` says otherwise. */
const CONNECTIONS_PER_ADDRESS = 8;

interface DoorOptions extends DaemonOptions {
  readonly numIpConnections?: number;
}

/** Starts the door: each step is fatal, then it runs until a signal. */
export function runDoor(argv: readonly string[]): void {
  const options = parse(argv);
  const log = standardErrorLog(PROGRAM, monotonicMs);
  const inherited = options.systemd ? inheritedSockets() : [];
  const folder = join(options.rundir, PROGRAM);
  const pidFile = PidFile.create(join(folder, `${PROGRAM}.pid`), PROGRAM);
  const socketPath = join(folder, 'judge.sock');
  process.on('exit', () => {
    rmSync(socketPath, { force: true });
    pidFile.remove();
  });
  const slots = new Slots(
    options.numConnections ?? CONNECTIONS,
    options.numIpConnections ?? CONNECTIONS_PER_ADDRESS,
    monotonicMs,
  );
  const door = new Door((hall) => new Listeners(inherited, slots, hall, log), options.systemd, log);
  warnOfNoSandbox(options.seccomp, log);
  door.link.listen(socketPath, (failure) => die(PROGRAM, failure));
  log.say(`waiting for letmeinfwd at ${socketPath}: no port is open before it comes`);
  onSignals(log, () => process.exit(0));
}

function parse(argv: readonly string[]): DoorOptions {
  return daemonCommand(PROGRAM, VERSION, ABOUT)
    .option('-N, --num-ip-connections <N>', 'number of connections of one address', atLeastOne)
    .parse(argv, { from: 'node' })
    .opts<DoorOptions>();
}

/** The door as a whole: what the judge's SETUP says, the link to it, and the listeners. */
class Door implements Hall {
  readonly link: Link;
  readonly #listeners: Listeners;
  #setup: Setup | undefined;
  #isReady = false;
  /** One arrangement after the other, however fast SETUPs come. */
  #arranged: Promise<void> = Promise.resolve();

  constructor(
    listeners: (hall: Hall) => Listeners,
    private readonly hasServiceManager: boolean,
    private readonly log: Log,
  ) {
    this.#listeners = listeners(this);
    this.link = new Link((setup) => this.#arrange(setup), log, monotonicMs);
  }

  get stepMs(): number {
    return this.#setup?.controlTimeoutMs ?? 1;
  }

  get policy(): Policy {
    return this.#setup?.policy ?? 'full-auth';
  }

  ask(inquiry: Inquiry): void {
    this.link.ask(inquiry);
  }

  /** Listens where the judge says, unless that is where we listen already. */
  #arrange(setup: Setup): void {
    const before = this.#setup;
    this.#setup = setup;
    if (before !== undefined && isSamePlace(before, setup)) {
      this.log.say('letmeinfwd is back');
      return;
    }
    this.#arranged = this.#arranged
      .then(() => this.#listeners.open(setup))
      .then(
        () => this.#ready(setup),
        (failure: Failure) => die(PROGRAM, failure),
      );
  }

  #ready({ port, tcp, udp }: Setup): void {
    const transports = [tcp ? 'tcp' : [], udp ? 'udp' : []].flat().join(' and ');
    this.log.say(`listening on port ${port}, ${transports}`);
    if (this.hasServiceManager && !this.#isReady) {
      sayReady(this.log);
    }
    this.#isReady = true;
  }
}

function isSamePlace(one: Setup, other: Setup): boolean {
  return one.port === other.port && one.tcp === other.tcp && one.udp === other.udp;
}
