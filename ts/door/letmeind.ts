import { join, resolve } from 'node:path';
import { begin } from '../daemon/begin.js';
import { atLeastOne, type DaemonOptions, daemonCommand } from '../daemon/command-line.js';
import { Failure } from '../daemon/failure.js';
import { inheritedSockets, passedDescriptors } from '../daemon/inherited-sockets.js';
import type { Log } from '../daemon/log.js';
import { PidFile } from '../daemon/pid-file.js';
import { removeFile } from '../daemon/remove-file.js';
import type { ServiceManager } from '../daemon/service-manager.js';
import { onSignals } from '../daemon/signals.js';
import { die } from '../daemon/start.js';
import { VERSION } from '../daemon/version.js';
import { monotonicMs } from '../ipc/clock.js';
import type { Policy, SeccompMode, Setup } from '../ipc/frames.js';
import type { Plan } from '../sandbox/launch.js';
import { lockDown } from '../sandbox/lock.js';
import { roomForConnections } from './descriptors.js';
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

/** Addresses that may come after the start, for each family, and have UDP sockets of their own then. */
const LATE_ADDRESSES = 16;
const STRICTNESS: Readonly<Record<SeccompMode, number>> = { off: 0, log: 1, kill: 2 };

interface DoorOptions extends DaemonOptions {
  readonly numIpConnections?: number;
  readonly lowPort?: boolean;
}

/** Starts the door: each step is fatal, then it runs until a signal. */
export function runDoor(argv: readonly string[]): void {
  const options = parse(argv);
  const folder = join(resolve(options.rundir), PROGRAM);
  const passed = options.systemd ? passedDescriptors() : [];
  const plan: Plan = {
    user: PROGRAM,
    ...(options.lowPort === true ? { capability: 'net-bind-service' } : {}),
    folder,
    read: [],
    tcp: 'no-connect',
    mayStartPrograms: false,
    passed,
  };
  const { log, manager } = begin(PROGRAM, plan, options);
  const inherited = inheritedSockets(passed);
  const pidFile = PidFile.create(join(folder, `${PROGRAM}.pid`), PROGRAM);
  const socketPath = join(folder, 'judge.sock');
  process.on('exit', () => {
    removeFile(socketPath);
    pidFile.remove();
  });
  const slots = new Slots(
    connections(options.numConnections ?? CONNECTIONS, log),
    options.numIpConnections ?? CONNECTIONS_PER_ADDRESS,
    monotonicMs,
  );
  // With the capability an unbound socket could become another service's.
  const late = options.lowPort === true ? 0 : LATE_ADDRESSES;
  const listeners = (hall: Hall) => new Listeners(inherited, late, slots, hall, log);
  const door = new Door(listeners, options.seccomp, manager, log);
  door.link.listen(socketPath, (failure) => die(PROGRAM, failure));
  log.say(`waiting for letmeinfwd at ${socketPath}: no port is open before it comes`);
  onSignals(log, () => process.exit(0));
}

/** As many connections as are asked for, or as there can be. */
function connections(asked: number, log: Log): number {
  const room = roomForConnections();
  if (room < asked) {
    log.say(`-n ${asked}: this process may open too few files: going on with ${room} connections`);
  }
  return Math.min(asked, room);
}

function parse(argv: readonly string[]): DoorOptions {
  return daemonCommand(PROGRAM, VERSION, ABOUT)
    .option('-N, --num-ip-connections <N>', 'number of connections of one address', atLeastOne)
    .option('--low-port', 'keep CAP_NET_BIND_SERVICE, for a control port below 1024')
    .parse(argv, { from: 'node' })
    .opts<DoorOptions>();
}

/** The door as a whole: what the judge's SETUP says, the link to it, and the listeners. */
class Door implements Hall {
  readonly link: Link;
  readonly #listeners: Listeners;
  #setup: Setup | undefined;
  #isReady = false;
  /** What this process is locked by; nothing undoes it. */
  #locked: SeccompMode = 'off';
  /** One arrangement after the other, however fast SETUPs come. */
  #arranged: Promise<void> = Promise.resolve();

  constructor(
    listeners: (hall: Hall) => Listeners,
    /** The command line's, which goes before the configuration's. */
    private readonly seccomp: SeccompMode | undefined,
    private readonly manager: ServiceManager | undefined,
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

  /** Does what a judge's SETUP says, after what an earlier one said. */
  #arrange(setup: Setup): void {
    const before = this.#setup;
    this.#setup = setup;
    this.#arranged = this.#arranged
      .then(() => this.#follow(setup, before))
      .then(
        () => this.#ready(),
        (failure: unknown) => die(PROGRAM, failure),
      );
  }

  /** Listens where the judge says, unless that is where we listen already, and locks before anything is read there. */
  async #follow(setup: Setup, before: Setup | undefined): Promise<void> {
    const stays = before !== undefined && isSamePlace(before, setup);
    if (!stays) {
      await this.#open(setup);
    }
    this.#lock(this.seccomp ?? setup.seccomp);
    this.log.say(stays ? 'letmeinfwd is back' : `listening on port ${portText(setup)}`);
  }

  async #open(setup: Setup): Promise<void> {
    if (this.#locked === 'kill' && !this.#listeners.areInherited) {
      throw new Failure(
        'letmeinfwd wants another port or transport, and a locked letmeind opens no sockets: start it again',
      );
    }
    await this.#listeners.open(setup);
  }

  #ready(): void {
    if (!this.#isReady) {
      this.#isReady = true;
      this.manager?.ready();
    }
  }

  /** Every socket is open: what is asked for beyond the present lock is added, and nothing is taken back. */
  #lock(mode: SeccompMode): void {
    if (STRICTNESS[mode] <= STRICTNESS[this.#locked]) {
      return;
    }
    const warning = lockDown('door', mode);
    if (warning === undefined) {
      this.#locked = mode;
    } else if (!this.#isReady) {
      this.log.say(warning);
    }
  }
}

/** `5800, tcp and udp` */
function portText({ port, tcp, udp }: Setup): string {
  return `${port}, ${[tcp ? 'tcp' : [], udp ? 'udp' : []].flat().join(' and ')}`;
}

function isSamePlace(one: Setup, other: Setup): boolean {
  return one.port === other.port && one.tcp === other.tcp && one.udp === other.udp;
}
