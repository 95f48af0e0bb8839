import { CommanderError } from 'commander';
import { Failure, messageOf } from './failure.js';

/** Exit status of wrong usage, as of a wrong configuration. */
const USAGE = 2;

/** Runs a daemon's start-up; what it throws, then or later, becomes one line and the exit status. */
export function start(program: string, main: () => void): void {
  process.title = program;
  process.on('uncaughtException', (error) => die(program, error));
  main();
}

/** Ends the process because the daemon cannot start or go on. */
export function die(program: string, error: unknown): never {
  process.exit(report(program, error));
}

/** Says what is wrong; returns the exit status. */
function report(program: string, error: unknown): number {
  if (error instanceof CommanderError) {
    // commander has printed the help, the version or the complaint itself.
    return error.exitCode === 0 ? 0 : USAGE;
  }
  process.stderr.write(`${program}: ${messageOf(error)}\n`);
  return error instanceof Failure ? error.status : 1;
}
