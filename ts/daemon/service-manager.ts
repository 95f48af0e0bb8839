import { ServiceManagerSocket } from '../native/host.js';
import { messageOf } from './failure.js';
import type { Log } from './log.js';

const MICROSECONDS_PER_MS = 1_000;
/** A sign of life goes out this many times within the time that the service manager allows (sd_watchdog_enabled(3)). */
const SIGNS_PER_LIMIT = 2;

/**
 * The service manager, if there is one: it is told when start-up is over and, if it asked for that, that we live.
 * One that cannot be told is no reason to end: a shell that some unit started passes its NOTIFY_SOCKET on.
 */
export class ServiceManager {
  readonly #socket: ServiceManagerSocket | undefined;

  /** Connects now: a locked program cannot. */
  constructor(private readonly log: Log) {
    this.#socket = this.#connect(process.env.NOTIFY_SOCKET);
  }

  /** Start-up is over. */
  ready(): void {
    this.#tell('READY=1');
    const limitMs = watchdogLimitMs(process.env);
    if (limitMs !== undefined && this.#socket !== undefined) {
      setInterval(() => this.#tell('WATCHDOG=1'), limitMs / SIGNS_PER_LIMIT).unref();
    }
  }

  #connect(path: string | undefined): ServiceManagerSocket | undefined {
    if (path === undefined || path === '') {
      return undefined;
    }
    try {
      return new ServiceManagerSocket(path);
    } catch (error) {
      this.log.say(`${messageOf(error)}: NOTIFY_SOCKET is ${path}: going on without`);
      return undefined;
    }
  }

  #tell(state: string): void {
    try {
      this.#socket?.notify(state);
    } catch (error) {
      this.log.say(`${messageOf(error)}: ${state} is lost`);
    }
  }
}

/** How long the service manager waits for a sign of life of ours, in ms; undefined if it does not. */
export function watchdogLimitMs(environment: NodeJS.ProcessEnv): number | undefined {
  const { WATCHDOG_USEC, WATCHDOG_PID = String(process.pid) } = environment;
  const microseconds = Number(WATCHDOG_USEC);
  const isOurs = WATCHDOG_PID === String(process.pid) && microseconds > 0;
  return isOurs ? microseconds / MICROSECONDS_PER_MS : undefined;
}
