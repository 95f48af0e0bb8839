import type { Problem } from './model.js';
import { printable } from './problems.js';

/**
 * One problem for people: `file:line:column: what` (`file: what` about a whole file), warnings marked as such.
 *
 * @param options.caret Add the source line and a caret under the offending word, when the line may be shown:
 *   for a terminal.
 * @returns One line without its end, or three joined by `\n`.
 */
export function formatProblem(problem: Problem, options: { caret: boolean }): string {
  const { file, line, column, source } = problem;
  const where = line === 0 ? file : `${file}:${line}:${column}`;
  const what = problem.severity === 'warning' ? `warning: ${problem.what}` : problem.what;
  const head = `${printable(where)}: ${printable(what)}`;
  if (!options.caret || source === undefined || line === 0) {
    return head;
  }
  // Tabs stay tabs before the caret, so that it stands under its word whatever a terminal's tab width is.
  const indent = printable(source.slice(0, column - 1)).replace(/[^\t]/g, ' ');
  return `${head}\n${printable(source)}\n${indent}^`;
}
