import { Command, InvalidArgumentError, Option } from 'commander';

/** Options that both daemons take. */
export interface DaemonOptions {
  readonly config?: string;
  readonly rundir: string;
  readonly numConnections?: number;
  readonly systemd: boolean;
  readonly seccomp?: 'off' | 'log' | 'kill';
}

/** A command line with the options that both daemons take. Errors are one line and status 2. */
export function daemonCommand(program: string, version: string, about: string): Command {
  return new Command(program)
    .description(about)
    .version(`${program} version ${version}`, '-v, --version', 'print the version')
    .option('-c, --config <FILE>', 'read this configuration file')
    .option('--rundir <DIR>', 'folder of the runtime files', '/run')
    .option('-n, --num-connections <N>', 'number of connections', atLeastOne)
    .option('--no-systemd', 'use no sockets from systemd and do not notify it')
    .addOption(new Option('--seccomp <MODE>', 'system call filter').choices(['off', 'log', 'kill']))
    .allowExcessArguments(false)
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, `${program}: `)),
    })
    .exitOverride();
}

/** Parses a positive decimal number of at most 6 digits. */
export function atLeastOne(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) {
    throw new InvalidArgumentError('it must be a number from 1 to 999999');
  }
  return Number(text);
}
