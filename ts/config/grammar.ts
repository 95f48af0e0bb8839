import { Located, type Place } from './located.js';
import { commentHint, type Problems, quote } from './problems.js';

/** `name = value`, with the value's continuation lines joined to it. */
export interface Option {
  name: string;
  place: Place;
  value: Located;
}

/** A section and its options in the order of the file, repeated ones included. */
export interface Section {
  name: string;
  place: Place;
  options: Option[];
}

/** What may follow a line: an option still open for continuation lines. */
interface OpenOption {
  name: string;
  place: Place;
  parts: { text: string; place: Place }[];
}

/**
 * The lines of a file: CRLF ends are taken as LF, a byte order mark at the very beginning is dropped (upstream refuses
 * it; editors on Windows write it).
 */
export function splitLines(text: string): string[] {
  const lines = text.replace(/^\uFEFF/, '').split('\n');
  return lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
}

/**
 * Sections and options of a file, docs/configuration.md "Grammar". What is wrong goes to `problems`; reading goes on.
 *
 * @param mayShow Whether the lines of this section may be printed under their problems.
 */
export function readSections(
  lines: readonly string[],
  mayShow: (section: string) => boolean,
  problems: Problems,
): Map<string, Section> {
  const reader = new Reader(mayShow, problems);
  lines.forEach((line, index) => {
    reader.line(line, index + 1);
  });
  return reader.end();
}

class Reader {
  private readonly sections = new Map<string, Section>();
  /** `undefined` before the first section, `'broken'` after a header that could not be read. */
  private section: Section | 'broken' | undefined;
  private open: OpenOption | undefined;

  constructor(
    private readonly mayShow: (section: string) => boolean,
    private readonly problems: Problems,
  ) {}

  line(line: string, number: number): void {
    const text = line.trim();
    const place = { line: number, column: line.length - line.trimStart().length + 1 };
    if (typeof this.section === 'object' && this.mayShow(this.section.name)) {
      this.problems.show(number);
    }
    if (this.open !== undefined && text !== '' && (line.startsWith(' ') || line.startsWith('\t'))) {
      this.continuation(this.open, text, place);
      return;
    }
    this.close();
    if (text === '' || text.startsWith('#')) {
      return;
    }
    if (text.startsWith('[')) {
      this.header(text, place);
    } else {
      this.option(text, place);
    }
  }

  end(): Map<string, Section> {
    this.close();
    return this.sections;
  }

  private continuation(open: OpenOption, text: string, place: Place): void {
    if (text.startsWith('#')) {
      this.problems.warning(
        place,
        'this indented line is part of the value above, not a comment: begin it in the first column',
      );
    } else if (text.startsWith('[')) {
      this.problems.warning(
        place,
        'this indented line is part of the value above, not a section: begin it in the first column',
      );
    }
    open.parts.push({ text, place });
  }

  private header(text: string, place: Place): void {
    this.section = 'broken';
    if (!text.endsWith(']')) {
      const what = "section name is not closed: a section line ends with ']'";
      this.problems.error(place, `${what}${commentHint(text)}`);
      return;
    }
    const name = text.slice(1, -1);
    if (name.trim() === '') {
      this.problems.error(place, 'section name is empty');
      return;
    }
    this.problems.show(place.line);
    const earlier = this.sections.get(name);
    if (earlier !== undefined) {
      this.problems.error(
        place,
        `section ${quote(`[${name}]`)} is there already at line ${earlier.place.line}: put its options together`,
      );
      // Its options are still checked, with those of the first.
      this.section = earlier;
      return;
    }
    this.section = { name, place, options: [] };
    this.sections.set(name, this.section);
  }

  private option(text: string, place: Place): void {
    const equals = text.indexOf('=');
    const name = text.slice(0, equals === -1 ? text.length : equals).trimEnd();
    if (this.section === undefined) {
      this.problems.error(place, 'option outside a section: put it below a line like [GENERAL]');
    } else if (equals === -1) {
      this.problems.error(place, "option without '=': write it as 'name = value'");
    } else if (name === '') {
      this.problems.error(place, "option without a name before '='");
    }
    const value = text.slice(equals + 1);
    const column = place.column + equals + 1 + value.length - value.trimStart().length;
    const part = { text: value.trim(), place: { line: place.line, column } };
    // A line that is no option still takes its continuation lines with it, so that one mistake is reported once.
    this.open = { name: equals === -1 ? '' : name, place, parts: [part] };
  }

  private close(): void {
    if (this.open !== undefined && this.open.name !== '' && typeof this.section === 'object') {
      const { name, place, parts } = this.open;
      const value = Located.join(parts);
      // The first line's share may be empty: its joining space goes.
      this.section.options.push({ name, place, value: value.slice(0, value.text.length) });
    }
    this.open = undefined;
  }
}
