import type { Located, Place } from './located.js';
import { type Problems, quote } from './problems.js';

/** One item of a list value: `key: a, b`, or plain words `a, b` without a key. */
export interface Item {
  key: Located | undefined;
  values: Located[];
}

/** Splits a list value at `/`, its items at the first `:` and their values at `,`. Empty items are errors, and left out. */
export function readItems(value: Located, problems: Problems): Item[] {
  const items: Item[] = [];
  for (const part of value.split('/')) {
    if (part.text === '') {
      problems.error(part.place, "an empty item: remove its '/'");
      continue;
    }
    const colon = part.text.indexOf(':');
    if (colon === -1) {
      items.push({ key: undefined, values: part.split(',') });
    } else {
      const key = part.slice(0, colon);
      items.push({ key, values: part.slice(colon + 1, part.text.length).split(',') });
    }
  }
  return items;
}

/** The one value of a key that takes no list; `undefined` after telling `problems`. */
export function onlyValue(
  key: string,
  place: Place,
  values: readonly Located[],
  problems: Problems,
): Located | undefined {
  const [value, second] = values;
  if (second !== undefined) {
    problems.error(second.place, `${key} takes one value: ${quote(second.text)} is too many`);
    return undefined;
  }
  if (value === undefined || value.text === '') {
    problems.error(place, `${key} has no value`);
    return undefined;
  }
  return value;
}
