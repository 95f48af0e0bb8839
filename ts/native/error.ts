/** A broken world as the addon met it: `code` is stable, `message` names step, object and errno. */
export class NativeError extends Error {
  override readonly name = 'NativeError';

  constructor(
    /** An errno's name such as `ENOENT`, or `RANDOM_UNAVAILABLE`, `SYSTEM_CALL`, `MALFORMED_ARGUMENT`. */
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** Runs `call`; what the addon throws comes out as a {@link NativeError}. */
export function translated<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
      throw new NativeError(error.code, error.message);
    }
    throw error;
  }
}
