/** Order statistics. On a machine that does other things too, medians of several rounds say more than one long run. */

/** The smallest sample that `fraction` (0 to 1) of all samples do not exceed (nearest rank). */
export function percentile(samples: ArrayLike<number>, fraction: number): number {
  const sorted = Float64Array.from(samples).sort();
  const rank = Math.ceil(fraction * sorted.length) - 1;
  return sorted[Math.max(rank, 0)] ?? Number.NaN;
}

export function median(samples: ArrayLike<number>): number {
  return percentile(samples, 0.5);
}
