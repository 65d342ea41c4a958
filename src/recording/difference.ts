/** Where a replayed process did something else than the recorded one, in words. */

export interface Difference {
  /** Number of the call in the log, from 1. */
  readonly call: number;
  /** The last tick whose record was compared, counted from the start of the run; null before the first. */
  readonly afterTick: number | null;
  /** What the log has next. */
  readonly expected: string;
  /** What the replayed process did. */
  readonly got: string;
}

/** Carries a difference out of the process that is being replayed. */
export class DifferenceError extends Error {
  override readonly name = 'DifferenceError';

  constructor(readonly difference: Difference) {
    super(`expected ${difference.expected}, got ${difference.got}`);
  }
}

/** What two accounts (JSON objects) say differently: the names and values of the fields, at most a few of them. */
export function compareAccounts(
  expected: string,
  got: string,
): { readonly expected: string; readonly got: string } {
  const left = JSON.parse(expected) as Record<string, unknown>;
  const right = JSON.parse(got) as Record<string, unknown>;
  const names = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  const differing = names.filter((name) => JSON.stringify(left[name]) !== JSON.stringify(right[name]));
  const tick = typeof left['tick'] === 'number' ? `tick ${left['tick']}: ` : '';
  const show = (account: Record<string, unknown>): string =>
    tick +
    differing
      .slice(0, SHOWN_FIELDS)
      .map((name) => `${name} ${JSON.stringify(account[name]) ?? 'missing'}`)
      .join(', ') +
    (differing.length > SHOWN_FIELDS ? `, and ${differing.length - SHOWN_FIELDS} more fields` : '');
  return { expected: show(left), got: show(right) };
}

const SHOWN_FIELDS = 3;
