/** Arithmetic of the benches: quantiles, medians, and a table for the terminal. */

/** { p50, p99, max } of numbers; null where there are none. */
export function quantiles(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? null;
  return { p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? null };
}

/** The median; the mean of the middle two of an even number. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return null;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export const round = (value, digits = 1) => (value === null ? null : Number(value.toFixed(digits)));

/** Microseconds as text, in ms. */
export const showMs = (us) => (us === null ? '–' : `${(us / 1000).toFixed(2)} ms`);

/**
 * One row of the report. `limit` and `stretch` are upper bounds on `value` unless `least`; without a limit the row
 * states a fact.
 */
export function makeRow({
  bench,
  what,
  value,
  shown,
  limit = null,
  stretch = null,
  unit = '',
  least = false,
}) {
  const keeps = (bound) => (least ? value >= bound : value <= bound);
  const sign = least ? '≥' : '≤';
  const mark =
    limit === null || value === null
      ? ''
      : !keeps(limit)
        ? 'over'
        : stretch !== null && keeps(stretch)
          ? 'PASS, stretch too'
          : 'PASS';
  const bounds = [limit, stretch].filter((bound) => bound !== null).map((bound) => `${sign} ${bound}${unit}`);
  return { bench, what, value, shown, limit: bounds.join(', stretch '), mark };
}

/** Rows as aligned lines. */
export function formatTable(rows) {
  const cells = rows.map(({ bench, what, shown, limit, mark }) => [bench, what, shown, limit, mark]);
  const table = [['bench', 'what', 'measured', 'limit', ''], ...cells];
  const widths = table[0].map((_, column) => Math.max(...table.map((line) => line[column].length)));
  return table
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
