import type { Loaded } from '../config/loaded.js';
import type { ClientConfig } from '../config/model.js';
import { formatProblem } from '../config/report.js';
import type { Locked } from './confinement.js';
import { generateKey } from './gen-key.js';
import type { Knock, Result } from './knock.js';
import { parseId } from './number.js';
import { type Asked, type CommonOptions, readCommandLine } from './options.js';
import { UsageError } from './usage-error.js';
import type { Tools } from './way.js';

/** Done. */
export const EXIT_DONE = 0;
/** Refused by the server, or the server could not be reached. */
export const EXIT_FAILED = 1;
/** Wrong usage or configuration: nothing was sent. */
export const EXIT_USAGE = 2;
/** The exit statuses of letmein. */
export type ExitStatus = typeof EXIT_DONE | typeof EXIT_FAILED | typeof EXIT_USAGE;

/** Where the program writes. */
export interface Terminal {
  out(text: string): void;
  /** One line, without its end. */
  error(line: string): void;
  /** Whether a person reads `error`: problems of the configuration then come with the line and a caret. */
  interactive: boolean;
}

// The configuration file's name in messages when there is none.
const NO_FILE = 'letmein.conf (neither in /opt/letmein/etc nor in /etc)';

/**
 * Runs letmein.
 *
 * @param args The command line without the program's name.
 * @returns The exit status; whatever there is to say has been written.
 */
export async function run(args: readonly string[], terminal: Terminal): Promise<ExitStatus> {
  try {
    const line = readCommandLine(args);
    if (line.kind === 'text') {
      terminal.out(line.text);
      return EXIT_DONE;
    }
    return await new Run(terminal, line.common).run(line.asked);
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.error(`letmein: ${error.message}`);
      return EXIT_USAGE;
    }
    if (error instanceof Unprotected) {
      terminal.error(`letmein: ${error.message}`);
      return EXIT_FAILED;
    }
    const what = error instanceof Error ? error.message : String(error);
    terminal.error(`letmein: unexpected failure, please report it: ${what}`);
    return EXIT_FAILED;
  }
}

/** Protection that was asked for and cannot be had. */
class Unprotected extends Error {}

/** @throws Unprotected when `step` fails: never a silent run without. */
async function protectedBy<T>(mode: 'log' | 'kill', step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Unprotected(`seccomp = ${mode} is asked for, so nothing was sent: ${why}`);
  }
}

class Run {
  readonly #terminal: Terminal;
  readonly #common: CommonOptions;

  constructor(terminal: Terminal, common: CommonOptions) {
    this.#terminal = terminal;
    this.#common = common;
  }

  async run(asked: Asked): Promise<ExitStatus> {
    return asked.kind === 'gen-key' ? this.#genKey(asked.user) : this.#knock(asked);
  }

  async #genKey(userText: string | undefined): Promise<ExitStatus> {
    this.#warnObsolete();
    const user =
      userText === undefined
        ? this.#accept(await this.#loadConfig()).defaultUser
        : parseId(userText, '--user');
    this.#terminal.out(`${generateKey(user)}\n`);
    return EXIT_DONE;
  }

  async #knock(asked: Asked & { kind: 'knock' | 'revoke' }): Promise<ExitStatus> {
    // Imported here, because gen-key, --help and every usage error do without the network.
    const [{ errandOf, knockOf, readArguments }, { knock }, { systemClock, systemNetwork }] =
      await Promise.all([
        import('./request.js'),
        import('./knock.js'),
        import('./system-network.js'),
      ]);
    const request = readArguments(asked.kind, asked.host, asked.port, asked.options);
    const loaded = await this.#loadConfig();
    // Before anything is said: a launched process begins again.
    const mode = await this.#launch(loaded);
    this.#warnObsolete();
    const config = this.#accept(loaded);
    if (mode === 'kill' && request.hostText.includes('%')) {
      throw new UsageError(
        'HOST: a locked client cannot look up the interface of a link-local address: add --seccomp off',
      );
    }
    const errand = errandOf(request, config, config.path ?? this.#common.config ?? NO_FILE);
    const tools = { clock: systemClock, network: systemNetwork, errand, trace: this.#trace() };
    const plan = knockOf(request, config);
    const begun = mode === 'off' ? { tools, plan } : await this.#lock(mode, tools, plan);
    const result = await new Promise<Result>((resolve) => knock(begun.tools, begun.plan, resolve));
    if (result.success) {
      tools.trace(`${asked.kind} done`);
      return EXIT_DONE;
    }
    const { explain } = await import('./advice.js');
    const context = { knock: plan, errand, host: asked.host };
    this.#terminal.error(`letmein: ${explain(result, context)}`);
    return EXIT_FAILED;
  }

  async #loadConfig(): Promise<Loaded<ClientConfig>> {
    const { loadClientConfig } = await import('../config/load.js');
    return loadClientConfig(this.#common.config);
  }

  /** Says what is wrong with a configuration. @throws UsageError if it cannot be used */
  #accept(loaded: Loaded<ClientConfig>): ClientConfig {
    const caret = this.#terminal.interactive;
    const problems = loaded.kind === 'ok' ? loaded.warnings : loaded.problems;
    for (const problem of problems) {
      this.#terminal.error(formatProblem(problem, { caret }));
    }
    if (loaded.kind === 'ok') {
      return loaded.config;
    }
    const file = loaded.problems[0]?.file ?? this.#common.config ?? NO_FILE;
    throw new UsageError(`${file} cannot be used: correct it as said above, nothing was sent`);
  }

  /** Goes on only in a launched process, if protection is asked for. Returns which lock is due. */
  async #launch(loaded: Loaded<ClientConfig>): Promise<'off' | 'log' | 'kill'> {
    const mode =
      this.#common.seccomp ?? (loaded.kind === 'ok' ? loaded.config.general.seccomp : 'off');
    if (mode === 'off') {
      return 'off';
    }
    if (process.platform !== 'linux') {
      this.#warn(`seccomp = ${mode}: there is no filter for ${process.platform}: going on without`);
      return 'off';
    }
    return protectedBy(mode, async () => {
      const { launchClient } = await import('./confinement.js');
      launchClient(this.#common.config).forEach(this.#trace());
      return mode;
    });
  }

  async #lock(mode: 'log' | 'kill', tools: Tools, plan: Knock): Promise<Locked> {
    const { lockClient } = await import('./confinement.js');
    const locked = await protectedBy(mode, () => lockClient(mode, tools, plan));
    if (locked.warning !== undefined) {
      this.#warn(locked.warning);
    }
    return locked;
  }

  #warnObsolete(): void {
    const { dns, dnsCrypt } = this.#common;
    for (const [option, value] of [
      ['--dns', dns],
      ['--dns-crypt', dnsCrypt],
    ]) {
      if (value !== undefined) {
        this.#warn(`${option} is obsolete and ignored: leave it out`);
      }
    }
  }

  #warn(what: string): void {
    this.#terminal.error(`letmein: warning: ${what}`);
  }

  #trace(): (step: string) => void {
    if (this.#common.verbose !== true) {
      return () => {};
    }
    // performance.now() counts from the start of the process.
    return (step) =>
      this.#terminal.error(`letmein: ${performance.now().toFixed(1).padStart(7)} ms  ${step}`);
  }
}
