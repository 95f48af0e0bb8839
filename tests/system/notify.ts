/**
 * The receiving end of sd_notify(3): readiness as an event.
 *
 * Node has no datagram sockets in AF_UNIX. Perl has, and perl-base is on every Debian and Ubuntu.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { cleanEnvironment, track } from './process.js';
import { DEADLINE_MS, within } from './wait.js';

const RECEIVER = `
  use Socket; $| = 1;
  socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die "socket: $!";
  bind($s, sockaddr_un($ARGV[0])) or die "bind: $!";
  chmod 0666, $ARGV[0];
  print "bound\\n";
  while (defined recv($s, my $m, 4096, 0)) { print "$m\\n" }
`;

/** One NOTIFY_SOCKET. */
export class Notifications {
  readonly path: string;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #wake = new Set<() => void>();

  private constructor(path: string, child: ChildProcess) {
    this.path = path;
    this.#child = child;
  }

  static async listen(path: string): Promise<Notifications> {
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'perl', '-e', RECEIVER, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: cleanEnvironment(),
    });
    track(child);
    const notifications = new Notifications(path, child);
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      notifications.#lines.push(...lines);
      for (const wake of [...notifications.#wake]) wake();
    });
    await notifications.line(/^bound$/);
    return notifications;
  }

  /** How many lines have come: pass it to {@link line} to wait for a new one. */
  get count(): number {
    return this.#lines.length;
  }

  /** Waits for a line (`READY=1`, `STATUS=…`) that came after the first `from`. */
  async line(pattern: RegExp, from = 0, deadlineMs = DEADLINE_MS): Promise<string> {
    let wake = (): void => {};
    const heard = new Promise<string>((resolve) => {
      wake = () => {
        const line = this.#lines.slice(from).find((text) => pattern.test(text));
        if (line !== undefined) resolve(line);
      };
    });
    this.#wake.add(wake);
    wake();
    return within(`notification ${pattern}`, heard, deadlineMs).finally(() =>
      this.#wake.delete(wake),
    );
  }

  close(): void {
    this.#child.kill('SIGKILL');
  }
}
