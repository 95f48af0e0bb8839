import { monotonicMs } from '../ipc/clock.js';
import { launched, type Plan } from '../sandbox/launch.js';
import type { DaemonOptions } from './command-line.js';
import { type Log, standardErrorLog } from './log.js';
import { ServiceManager } from './service-manager.js';

/** What both daemons have from the beginning. */
export interface Beginning {
  readonly log: Log;
  /** Undefined with `--no-systemd`. */
  readonly manager: ServiceManager | undefined;
}

/**
 * Goes on only in a launched process (ts/sandbox/launch.ts), and says what this kernel could not do for the launch.
 * @throws NativeError when the launch fails
 */
export function begin(program: string, plan: Plan, { systemd }: DaemonOptions): Beginning {
  const shortcomings = launched(plan);
  const log = standardErrorLog(program, monotonicMs);
  for (const line of shortcomings) {
    log.say(line);
  }
  return { log, manager: systemd ? new ServiceManager(log) : undefined };
}
