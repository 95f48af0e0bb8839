/** Lines a second that a log takes; beyond that they are counted and the number is written. */
const LINES_PER_SECOND = 100;
const SECOND_MS = 1_000;

/** A daemon's log: lines on standard error, which systemd or the administrator's shell keeps. */
export class Log {
  #second = 0;
  #written = 0;
  #suppressed = 0;

  /**
   * @param program goes before every line
   * @param write takes a line with its line feed
   * @param debug whether {@link Log.debug} writes at all
   * @param nowMs a monotonic clock
   */
  constructor(
    private readonly program: string,
    private readonly write: (line: string) => void,
    private readonly nowMs: () => number,
    public debugging = false,
  ) {}

  /** Something an administrator wants to know; of too many lines in a second, the text is never made. */
  say(text: string | (() => string)): void {
    if (this.#admits()) {
      this.write(`${this.program}: ${typeof text === 'string' ? text : text()}\n`);
    }
  }

  /** Something only a search for a fault wants to know. */
  debug(text: () => string): void {
    if (this.debugging) {
      this.say(text);
    }
  }

  #admits(): boolean {
    const second = Math.floor(this.nowMs() / SECOND_MS);
    if (second !== this.#second) {
      this.#startSecond(second);
    }
    const admitted = this.#written < LINES_PER_SECOND;
    if (admitted) {
      this.#written += 1;
    } else {
      this.#suppressed += 1;
    }
    return admitted;
  }

  #startSecond(second: number): void {
    if (this.#suppressed > 0) {
      this.write(`${this.program}: ${this.#suppressed} more lines were suppressed\n`);
    }
    this.#second = second;
    this.#written = 0;
    this.#suppressed = 0;
  }
}

/** The log of a running daemon. A reader that went away must not end it: errors are ignored. */
export function standardErrorLog(program: string, nowMs: () => number): Log {
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', () => undefined);
  return new Log(program, (line) => process.stderr.write(line), nowMs);
}
