/** Counts by cause. */
export type Counts = Readonly<Record<string, number>>;

/** The sum of both, cause by cause. */
export function sumCounts(a: Counts, b: Counts): Record<string, number> {
  const sums = { ...a };
  for (const [cause, count] of Object.entries(b)) sums[cause] = (sums[cause] ?? 0) + count;
  return sums;
}
