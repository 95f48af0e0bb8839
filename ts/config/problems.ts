import type { Place } from './located.js';
import type { Problem } from './model.js';

/** A line longer than this (UTF-16 units) is not shown under a problem. */
const MAX_SOURCE = 200;
/** A quoted word longer than this is cut. */
const MAX_QUOTE = 60;
/**
 * Sixteen hexadecimal digits in a row, at most one blank, colon or dash between two: a quarter of a key. Keys stand in
 * wrong places too (a forgotten `[KEYS]`, an indented one), so every quoted text is checked, not only that section.
 */
const SECRET = /[0-9a-f](?:[\s:-]?[0-9a-f]){15,}/i;

/** Collects what is wrong with one file. Lines may be shown only if they were allowed one by one: see {@link show}. */
export class Problems {
  private readonly found: Problem[] = [];
  private readonly shown = new Set<number>();

  /**
   * @param file What to call the file.
   * @param lines Its lines without their ends.
   */
  constructor(
    readonly file: string,
    private readonly lines: readonly string[],
  ) {}

  /** Allows a line (1-based) to be printed under its problems. */
  show(line: number): void {
    this.shown.add(line);
  }

  /** `place` undefined: about the file as a whole. */
  error(place: Place | undefined, what: string): void {
    this.add('error', place, what);
  }

  /** `place` undefined: about the file as a whole. */
  warning(place: Place | undefined, what: string): void {
    this.add('warning', place, what);
  }

  /** Everything found, in the order of the file. */
  list(): Problem[] {
    const list = this.found.map((problem) => ({ ...problem, source: this.sourceOf(problem.line) }));
    return list.sort((a, b) => a.line - b.line || a.column - b.column);
  }

  private add(severity: Problem['severity'], place: Place | undefined, what: string): void {
    const { line, column } = place ?? { line: 0, column: 0 };
    this.found.push({ severity, file: this.file, line, column, what, source: undefined });
  }

  private sourceOf(line: number): string | undefined {
    const source = this.lines[line - 1];
    if (source === undefined || !this.shown.has(line) || source.length > MAX_SOURCE) {
      return undefined;
    }
    return SECRET.test(source) ? undefined : source;
  }
}

/**
 * A word of the file or the command line in quotes, for a message; what could be a key is not repeated, what is long
 * is cut, and nothing in it reaches a terminal as an escape.
 */
export function quote(text: string): string {
  if (SECRET.test(text)) {
    return 'a value that is not shown, as it may be a key,';
  }
  const cut = text.length > MAX_QUOTE ? `${text.slice(0, MAX_QUOTE)}…` : text;
  return `'${printable(cut)}'`;
}

/** Files and arguments may hold terminal escapes: all but tabs and visible characters become question marks. */
export function printable(text: string): string {
  return text.replace(/[^\t\P{C}]/gu, '?');
}

/** What to add to a message about a text that seems to have a comment behind it; empty if it has none. */
export function commentHint(text: string): string {
  return text.includes('#') ? ' (a comment needs a line of its own)' : '';
}

/** An id as the files write it: 8 hexadecimal digits. */
export function formatId(id: number): string {
  return id.toString(16).padStart(8, '0').toUpperCase();
}
