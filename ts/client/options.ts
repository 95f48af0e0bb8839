import { readFileSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import { quote } from '../config/problems.js';
import type { KnockOptions } from './request.js';
import { UsageError } from './usage-error.js';

const VERSION_ASKED = 'letmein.version';

/** The options in front of the command. */
export interface CommonOptions {
  config?: string;
  verbose?: boolean;
  seccomp?: 'off' | 'log' | 'kill';
  dns?: string;
  dnsCrypt?: string;
}

/** What the command line asks for. */
export type Asked =
  | { kind: 'knock' | 'revoke'; host: string; port: string | undefined; options: KnockOptions }
  | { kind: 'gen-key'; user: string | undefined };

/** A read command line: what to do, or a text (help, version) that is the whole answer. */
export type CommandLine =
  | { kind: 'command'; asked: Asked; common: CommonOptions }
  | { kind: 'text'; text: string };

/**
 * Reads the command line.
 *
 * @param args Without the program's name.
 * @throws UsageError when it is not understood.
 */
export function readCommandLine(args: readonly string[]): CommandLine {
  let asked: Asked | undefined;
  let text = '';
  const program = describe((found) => {
    asked = found;
  });
  // Subcommands have been given these settings' defaults when they were made, so each is told again.
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      writeOut: (piece) => {
        text += piece;
      },
      writeErr: () => {},
      outputError: () => {},
    });
  }
  try {
    program.parse(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) {
      return { kind: 'text', text: error.code === VERSION_ASKED ? version() : text };
    }
    throw error instanceof CommanderError ? usageError(error) : error;
  }
  if (asked === undefined) {
    throw missingCommand();
  }
  return { kind: 'command', asked, common: program.opts<CommonOptions>() };
}

function describe(found: (asked: Asked) => void): Command {
  const program = new Command('letmein')
    .description('Authenticated port knocking: opens a port of a server for your address')
    .option('-v, --version', 'print the version')
    .on('option:version', () => {
      throw new CommanderError(0, VERSION_ASKED, '');
    })
    .option(
      '-c, --config <FILE>',
      'configuration file instead of letmein.conf in /opt/letmein/etc or /etc',
    )
    .option('--verbose', 'show each step with the time since start')
    .addOption(
      new Option('--seccomp <MODE>', "override the configuration's seccomp").choices([
        'off',
        'log',
        'kill',
      ]),
    )
    .addOption(new Option('--dns <MODE>', 'obsolete, ignored').hideHelp())
    .addOption(new Option('--dns-crypt <MODE>', 'obsolete, ignored').hideHelp());
  describeKnock(program, 'knock', 'Open a resource (a port, or jump rules) on a server', found);
  describeKnock(program, 'revoke', 'Close it again', found);
  program
    .command('gen-key')
    .description('Print a fresh key, as a line for [KEYS] of both configuration files')
    .option('-u, --user <USER>', 'user id in hex; default: default-user of the configuration')
    .action((options: { user?: string }) => found({ kind: 'gen-key', user: options.user }));
  return program;
}

function describeKnock(
  program: Command,
  kind: 'knock' | 'revoke',
  description: string,
  found: (asked: Asked) => void,
): void {
  program
    .command(kind)
    .description(description)
    .argument('<HOST>', 'name or IP address of the server')
    .argument('[PORT]', 'the port: stands for the resource of the configuration that has it')
    .option('-r, --resource <RESOURCE>', 'resource id in hex, instead of PORT')
    .option('-u, --user <USER>', 'user id in hex; default: default-user of the configuration')
    .option(
      '-P, --server-port <PORT>',
      "the server's control port; default: port of the configuration",
    )
    .option('-T, --server-port-tcp', 'over TCP; excludes UDP unless -U is given too')
    .option('-U, --server-port-udp', 'over UDP; excludes TCP unless -T is given too')
    .option('-4, --ipv4', 'at the IPv4 address of HOST')
    .option('-6, --ipv6', 'at the IPv6 address of HOST; with -4: both must succeed')
    .action((host: string, port: string | undefined, options: KnockOptions) =>
      found({ kind, host, port, options }),
    );
}

function missingCommand(): UsageError {
  return new UsageError('no command: give knock, revoke or gen-key (letmein --help explains)');
}

// Commander's messages begin with `error: `, put what was typed in quotes, and may have a proposal on a second line.
function usageError({ code, message }: CommanderError): UsageError {
  if (code === 'commander.help') {
    return missingCommand();
  }
  const line = message
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ')
    .replace(/\p{C}/gu, '?')
    .replace(/'([^']*)'/g, (_, typed: string) => quote(typed));
  return new UsageError(`${line.replace(/[.,]$/, '')}: letmein --help explains`);
}

// Read only when asked for: no knock fails because this file is missing.
function version(): string {
  const description: { version: string } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  return `letmein version ${description.version}\n`;
}
