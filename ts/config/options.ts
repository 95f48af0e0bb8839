import type { Section } from './grammar.js';
import type { Place } from './located.js';
import { suggestion } from './nearest.js';
import { type Problems, quote } from './problems.js';
import type { Reader } from './values.js';

/** A value that was read, and where its option stands. */
export interface Given<T> {
  value: T;
  place: Place;
}

type Readers = Record<string, Reader<unknown>>;
/** What {@link readOptions} found: nothing under the name of an option that is absent or wrong. */
export type Options<R extends Readers> = {
  [K in keyof R]?: R[K] extends Reader<infer T> ? Given<T> : never;
};

/**
 * Reads a section whose options have fixed names. Unknown options warn, repeated ones are errors (and are checked all
 * the same), an empty value is an error.
 */
export function readOptions<R extends Readers>(
  section: Section | undefined,
  readers: R,
  problems: Problems,
): Options<R> {
  const known = Object.keys(readers);
  const first = new Map<string, number>();
  const found: Record<string, Given<unknown>> = {};
  for (const { name, place, value } of section?.options ?? []) {
    reportRepeat(name, place, first, problems);
    const reader = Object.hasOwn(readers, name) ? readers[name] : undefined;
    if (reader === undefined) {
      const what = `unknown option ${quote(name)} in [${section?.name}] is ignored`;
      problems.warning(place, `${what}: ${suggestion(name, known)}`);
    } else if (value.text === '') {
      problems.error(place, `${name} has no value`);
    } else {
      const read = reader(value, name, problems);
      if (read !== undefined && !Object.hasOwn(found, name)) {
        found[name] = { value: read, place: value.place };
      }
    }
  }
  // Each entry was read by the reader of its own name.
  return found as Options<R>;
}

/** A section nobody reads: its options must still not repeat. Names are not quoted, as they may be anything. */
export function checkUnknownSection(section: Section, problems: Problems): void {
  const first = new Map<string, number>();
  for (const { name, place } of section.options) {
    const line = first.get(name);
    if (line === undefined) {
      first.set(name, place.line);
    } else {
      problems.error(place, `the same option is there already at line ${line}`);
    }
  }
}

function reportRepeat(
  name: string,
  place: Place,
  first: Map<string, number>,
  problems: Problems,
): void {
  const line = first.get(name);
  if (line === undefined) {
    first.set(name, place.line);
  } else {
    problems.error(place, `option ${quote(name)} is there already at line ${line}`);
  }
}
