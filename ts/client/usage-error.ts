/**
 * The command cannot be carried out as it was asked: wrong usage or configuration, exit status 2.
 * Its message is one line for people, without a prefix and without any key.
 */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
