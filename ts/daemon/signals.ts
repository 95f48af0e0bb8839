import type { Log } from './log.js';

/**
 * Calls `end` for SIGTERM and SIGINT. SIGHUP ends nothing: a terminal that closes, or an administrator
 * who hopes for a reload, must not leave a server without its daemon.
 */
export function onSignals(log: Log, end: () => void): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, end);
  }
  process.on('SIGHUP', () => {
    log.say('SIGHUP does nothing: the configuration is read at the start: restart letmeinfwd');
  });
}
