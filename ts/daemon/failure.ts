/** A daemon cannot start, or cannot go on: the message is the one line that a person gets. */
export class Failure extends Error {
  override readonly name = 'Failure';

  /** @param status the exit status: 1 the world, 2 usage or configuration */
  constructor(
    message: string,
    readonly status: 1 | 2 = 1,
  ) {
    super(message);
  }
}

/** The message of whatever was thrown, without its stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
