/** A longer name is no typing error, and comparing it would cost its length squared. */
const MAX_NAME = 40;

/**
 * The known name that a mistyped one most likely meant; case does not count.
 *
 * @returns `undefined` when more than a third of the letters (at least two) would have to change.
 */
export function nearest(name: string, known: readonly string[]): string | undefined {
  if (name.length > MAX_NAME) {
    return undefined;
  }
  const limit = Math.max(2, Math.floor(name.length / 3));
  let best: { word: string; distance: number } | undefined;
  for (const word of known) {
    const distance = editDistance(name.toLowerCase(), word.toLowerCase());
    if (distance <= limit && distance < word.length && distance < (best?.distance ?? Infinity)) {
      best = { word, distance };
    }
  }
  return best?.word;
}

/** The end of a message about an unknown name: the nearest known one, or all of them. */
export function suggestion(name: string, known: readonly string[]): string {
  const word = nearest(name, known);
  return word === undefined ? `known are ${known.join(', ')}` : `did you mean '${word}'?`;
}

/** Levenshtein: how many letters to insert, delete or replace to make `to` of `from`. */
export function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replace = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
