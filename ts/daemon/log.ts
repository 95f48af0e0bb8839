/** Lines a second of what administrators, the system or proven users cause. */
const LINES_PER_SECOND = 100;
/** Lines a second of what anybody can cause: enough to see it happen, too few to fill a disk. */
const LINES_PER_SECOND_OF_ANYBODY = 10;
const SECOND_MS = 1_000;

/** A line, or how to make it: a suppressed one is never made. */
export type Text = string | (() => string);

/** So many lines a second; what comes beyond is counted. */
class Budget {
  #second = 0;
  #written = 0;
  #suppressed = 0;

  constructor(private readonly perSecond: number) {}

  /** Whether one more line may be written at `nowMs`. */
  admits(nowMs: number): boolean {
    const second = Math.floor(nowMs / SECOND_MS);
    if (second !== this.#second) {
      this.#second = second;
      this.#written = 0;
    }
    const admitted = this.#written < this.perSecond;
    this.#written += admitted ? 1 : 0;
    this.#suppressed += admitted ? 0 : 1;
    return admitted;
  }

  /** How many lines were not admitted since this was asked last. */
  takeSuppressed(): number {
    const suppressed = this.#suppressed;
    this.#suppressed = 0;
    return suppressed;
  }
}

/** A daemon's log: lines on standard error, which systemd or the administrator's shell keeps. */
export class Log {
  readonly #ours = new Budget(LINES_PER_SECOND);
  readonly #anybodys = new Budget(LINES_PER_SECOND_OF_ANYBODY);

  /**
   * @param program goes before every line
   * @param write takes a line with its line feed
   * @param nowMs a monotonic clock, in milliseconds
   * @param debugging whether {@link Log.debug} writes at all
   */
  constructor(
    private readonly program: string,
    private readonly write: (line: string) => void,
    private readonly nowMs: () => number,
    public debugging = false,
  ) {}

  /** Something an administrator wants to know, which no stranger can cause. */
  say(text: Text): void {
    this.#put(text, this.#ours);
  }

  /** Something an administrator wants to know, which strangers can cause as often as they like. */
  sayOfAnybody(text: Text): void {
    this.#put(text, this.#anybodys);
  }

  /** Something only a search for a fault wants to know. */
  debug(text: Text): void {
    if (this.debugging) {
      this.sayOfAnybody(text);
    }
  }

  #put(text: Text, budget: Budget): void {
    if (!budget.admits(this.nowMs())) {
      return;
    }
    const suppressed = budget.takeSuppressed();
    if (suppressed > 0) {
      this.write(`${this.program}: ${suppressed} lines before this one were suppressed\n`);
    }
    this.write(`${this.program}: ${typeof text === 'string' ? text : text()}\n`);
  }
}

/** The log of a running daemon. A reader that went away must not end it: errors are ignored. */
export function standardErrorLog(program: string, nowMs: () => number): Log {
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', () => undefined);
  return new Log(program, (line) => process.stderr.write(line), nowMs);
}
