import type { Problem } from './model.js';

/** A configuration, or every reason why there is none: `problems` has errors and warnings, in the order of the file. */
export type Loaded<T> =
  | { kind: 'ok'; config: T; warnings: Problem[] }
  | { kind: 'invalid'; problems: Problem[] };

/** `config` undefined goes with at least one error. */
export function conclude<T>(config: T | undefined, problems: Problem[]): Loaded<T> {
  if (config === undefined || problems.some((problem) => problem.severity === 'error')) {
    return { kind: 'invalid', problems };
  }
  return { kind: 'ok', config, warnings: problems };
}

/** Puts problems about the file as a whole, or found before its text was read, to those of its text. */
export function withProblems<T>(loaded: Loaded<T>, more: readonly Problem[]): Loaded<T> {
  const problems = [...more, ...(loaded.kind === 'ok' ? loaded.warnings : loaded.problems)];
  problems.sort((a, b) => a.line - b.line || a.column - b.column);
  return conclude(loaded.kind === 'ok' ? loaded.config : undefined, problems);
}
