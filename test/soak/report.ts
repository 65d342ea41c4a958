/** The soak's result as a table for people, and whether it kept what is promised. */
import { median, STRIKES, type SoakResult } from './soak.js';

/** Asserted on live processes of a busy machine; what it usually is stands in the table. */
const MOST_SKEW_US = 5_000;
/** What a process needs at the end, over what it needed while it was young. */
const MOST_GROWTH = 1.2;
/** Garbage comes and goes: growth below this says nothing, MiB. */
const NOISE_MIB = 8;

export interface SoakVerdict {
  readonly lines: readonly string[];
  /** What was not kept; empty where all was. */
  readonly broken: readonly string[];
}

/** The table of one soak. */
export function reportSoak(result: SoakResult): SoakVerdict {
  const { figures, skewsUs, memory, unexpectedDeaths } = result;
  const quantile = (q: number): number =>
    skewsUs[Math.min(skewsUs.length - 1, Math.floor(q * skewsUs.length))] ?? NaN;
  const skew = { p50: quantile(0.5), p99: quantile(0.99) };
  const broken: string[] = [];
  const hold = (kept: boolean, what: string): void => {
    if (!kept) broken.push(what);
  };
  hold(figures.disagreements === 0, `${figures.disagreements} disagreements`);
  hold(figures.unsafeOutputs === 0, `${figures.unsafeOutputs} unsafe outputs`);
  hold(figures.uncoveredTicks === 0, `${figures.uncoveredTicks} uncovered ticks`);
  const alone = result.outcomes.reduce((sum, { aloneTicks }) => sum + aloneTicks, 0);
  hold(alone === 0, `${alone} ticks agreed on or commanded by a replica without its cable`);
  hold(unexpectedDeaths.length === 0, `died by themselves: ${unexpectedDeaths.join(', ')}`);
  hold(
    skew.p50 <= MOST_SKEW_US,
    `ticks begin ${showMs(skew.p50)} apart, median; at most ${showMs(MOST_SKEW_US)}`,
  );
  for (const { id, first, last } of memory)
    hold(last <= first * MOST_GROWTH || last - first <= NOISE_MIB, `${id} grew from ${first} to ${last} MiB`);
  const rows = STRIKES.flatMap((strike) => {
    const mine = result.outcomes.filter((outcome) => outcome.strike === strike);
    if (mine.length === 0) return [];
    const back = mine.map(({ backMs }) => backMs);
    const away = mine.map(({ awayTicks }) => awayTicks);
    return [
      [
        strike,
        String(mine.length),
        `${showS(median(back))} / ${showS(Math.max(...back))}`,
        `${median(away)} / ${Math.max(...away)}`,
      ],
    ];
  });
  return {
    lines: [
      `inboxes ${result.inboxes}`,
      ...formatColumns([
        ['strike', 'times', 'back after, median / longest', 'ticks away, median / most'],
        ...rows,
      ]),
      `  ${figures.ticks} ticks, ${figures.completedTicks} with an output at every actuator; ${figures.ticksOutsideHypothesis} outside the hypothesis by the machine's own delays, ${figures.failSafeTrips} trips`,
      `  disagreements ${figures.disagreements}, unsafe outputs ${figures.unsafeOutputs}, uncovered ticks ${figures.uncoveredTicks}`,
      `  ticks of correct replicas begin ${showMs(skew.p50)} / ${showMs(skew.p99)} apart (median / 99 %)`,
      `  memory ${memory.map(({ id, first, last }) => `${id} ${first.toFixed(0)} → ${last.toFixed(0)}`).join(', ')} MiB`,
      ...broken.map((what) => `  NOT KEPT: ${what}`),
    ],
    broken,
  };
}

function formatColumns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) => `  ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')}`.trimEnd());
}

function showMs(us: number): string {
  return `${(us / 1_000).toFixed(2)} ms`;
}

function showS(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
