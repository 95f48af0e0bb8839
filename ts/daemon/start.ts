import { CommanderError } from 'commander';
import { Failure, messageOf } from './failure.js';

/** Exit status of wrong usage, as of a wrong configuration. */
const USAGE = 2;

/** Runs a daemon's start-up; what it throws becomes one line and the exit status. */
export function start(program: string, main: () => void): void {
  process.title = program;
  try {
    main();
  } catch (error) {
    process.exitCode = report(program, error);
  }
}

/** Ends the process because the daemon cannot go on. */
export function die(program: string, error: unknown): never {
  process.exit(report(program, error));
}

function report(program: string, error: unknown): number {
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? 0 : USAGE;
  }
  process.stderr.write(`${program}: ${messageOf(error)}\n`);
  return error instanceof Failure ? error.status : 1;
}
