/** Waiting with a deadline. Polling is for what has no event: the kernel's tables, another process's files. */
import { setTimeout as pause } from 'node:timers/promises';

const POLL_MS = 10;
/** Generous: a deadline is there to end a broken test, not to measure. */
export const DEADLINE_MS = 10_000;

/**
 * Asks `condition` every 10 ms until it returns something other than undefined, false or null, and returns that.
 * @throws when `deadlineMs` has passed; the message holds `what`.
 */
export async function waitFor<T>(
  what: string,
  condition: () => T | undefined | false | null | Promise<T | undefined | false | null>,
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false && value !== null) return value;
    if (performance.now() >= end) throw new Error(`waited ${deadlineMs} ms in vain for ${what}`);
    await pause(POLL_MS);
  }
}

/** Waits for a promise at most `deadlineMs`. @throws when it takes longer. */
export async function within<T>(
  what: string,
  promise: Promise<T>,
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`waited ${deadlineMs} ms in vain for ${what}`)),
      deadlineMs,
    );
    // A wait that nobody follows any more must not keep the test process alive.
    timer.unref();
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
