import type { Log } from './log.js';

/** Asked-for protection that is not there must be said, never be a silent run without. */
export function warnOfNoSandbox(mode: 'off' | 'log' | 'kill' | undefined, log: Log): void {
  if (mode !== undefined && mode !== 'off') {
    log.say(`seccomp ${mode} is asked for, but this version has no sandbox yet: going on without`);
  }
}
