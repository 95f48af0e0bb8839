import { readSections, type Section } from './grammar.js';
import { suggestion } from './nearest.js';
import { checkUnknownSection } from './options.js';
import { type Problems, quote } from './problems.js';

/** Its lines are never printed. */
const SECRET_SECTION = 'KEYS';

/**
 * The sections of a file. Unknown ones warn, and so does one that only the other file has.
 *
 * @param known The sections of this file.
 * @param elsewhere Sections of the other file, and its name.
 */
export function readKnownSections(
  lines: readonly string[],
  known: readonly string[],
  elsewhere: ReadonlyMap<string, string>,
  problems: Problems,
): Map<string, Section> {
  // An unknown section may be a mistyped [KEYS], so its lines are not shown either.
  const mayShow = (name: string) => name !== SECRET_SECTION && known.includes(name);
  const sections = readSections(lines, mayShow, problems);
  for (const section of sections.values()) {
    if (known.includes(section.name)) {
      continue;
    }
    const file = elsewhere.get(section.name);
    const what =
      file === undefined
        ? `unknown section ${quote(`[${section.name}]`)} is ignored: ${suggestion(section.name, known)}`
        : `section [${section.name}] is ignored: it belongs to ${file}`;
    problems.warning(section.place, what);
    checkUnknownSection(section, problems);
  }
  return sections;
}
