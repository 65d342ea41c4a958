/** Where two texts differ, for people: the lines around it, old ones with −, new ones with +. */

const CONTEXT = 3;
const SHOWN = 25;

/** Null for equal texts. What is equal before the first and after the last difference is left out. */
export function describeDifference(expected: string, actual: string): string | null {
  if (expected === actual) return null;
  const old = expected.split('\n');
  const now = actual.split('\n');
  let first = 0;
  while (first < old.length && old[first] === now[first]) first += 1;
  let tail = 0;
  while (tail < Math.min(old.length, now.length) - first && old.at(-1 - tail) === now.at(-1 - tail))
    tail += 1;
  return [
    `first difference in line ${first + 1}`,
    ...old.slice(Math.max(0, first - CONTEXT), first).map((line) => `    ${line}`),
    ...shorten(old.slice(first, old.length - tail)).map((line) => `  − ${line}`),
    ...shorten(now.slice(first, now.length - tail)).map((line) => `  + ${line}`),
    ...old.slice(old.length - tail, old.length - tail + CONTEXT).map((line) => `    ${line}`),
  ].join('\n');
}

function shorten(lines: readonly string[]): readonly string[] {
  return lines.length <= SHOWN ? lines : [...lines.slice(0, SHOWN), `… ${lines.length - SHOWN} more lines`];
}
