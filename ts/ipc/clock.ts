/** Milliseconds of CLOCK_MONOTONIC, the same in every process of one machine since its boot. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1_000_000;
}
