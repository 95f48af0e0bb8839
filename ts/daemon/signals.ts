import type { Log } from './log.js';

/**
 * Calls `end` for SIGTERM and SIGINT. SIGHUP ends nothing: a terminal that closes, or an administrator
 * who hopes for a reload, must not leave a server without its daemon.
 */
export function onSignals(log: Log, end: () => void): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, end);
  }
  // Node would start its debugger, which listens on a port; a locked program would end.
  process.on('SIGUSR1', () => log.say('SIGUSR1 does nothing: there is no debugger'));
  process.on('SIGHUP', () => {
    log.say('SIGHUP does nothing: the configuration is read at the start: restart letmeinfwd');
  });
}
