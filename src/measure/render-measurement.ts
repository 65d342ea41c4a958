/** A measurement and what follows from it, as text for people. */
import { formatDuration } from '../rig/quantity.js';
import type { DurationSummary } from '../wire/duration-counts.js';
import { formatMeasured as show, formatPercent } from './format.js';
import { SAFETY_FACTOR, type Judgement, type Margin } from './judge-measurement.js';
import type { Measurement } from './take-measurement.js';

/** The report, without the name of the rig. */
export function renderMeasurement(measurement: Measurement, judgement: Judgement): string {
  const { replicas, links, unanswered, forUs } = measurement;
  const ticks = Math.max(0, ...replicas.map((replica) => replica.ticks));
  const all = replicas.length + unanswered.length;
  const sections = [
    [`Measured for ${formatDuration(forUs)}: ${ticks} ticks, ${replicas.length} of ${all} replicas`],
    table('Links', [
      ['', 'delay p50', 'p99', 'max', 'round trip', 'lost', 'late'],
      ...links.map(({ from, to, delay, tripUs, expected, lost, late }) => [
        `${from} > ${to}`,
        ...spread(delay),
        show(tripUs),
        `${lost} of ${expected}`,
        String(late),
      ]),
    ]),
    table('Replicas', [
      ['', 'skew p99', 'bound', 'start p50', 'p99', 'max', 'processing p50', 'p99', 'max'],
      ...replicas.map(({ id, offset, start, processing }) => [
        id,
        show(offset.p99Us),
        show(judgement.skewBounds.find((bound) => bound.id === id)?.us ?? null),
        ...spread(start),
        ...spread(processing),
      ]),
    ]),
    renderMargins(judgement),
    bullets('Errors', 'error', judgement),
    bullets('Warnings', 'warning', judgement),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function renderMargins({ round, period, processing, worst }: Judgement): string[] {
  const rows: (readonly string[])[] = [['', 'configured', 'needed', 'advised', 'margin']];
  const add = (name: string, margin: Margin | null): void => {
    if (margin === null) return;
    const { configuredUs, neededUs, advisedUs, percent } = margin;
    rows.push([
      name,
      formatDuration(configuredUs),
      show(neededUs),
      formatDuration(advisedUs),
      formatPercent(percent),
    ]);
  };
  add('round', round);
  add('processing', processing);
  add('period', period);
  if (rows.length === 1) return [];
  return [
    ...table('What they allow', rows),
    ...(worst === null
      ? []
      : [
          `  Messages of ${worst.from} have come to ${worst.to} ${show(worst.arrivalUs)} after the start of a tick; the clock of ${worst.to} may be ${show(worst.skewUs)} off.`,
        ]),
    `  Needed is what 99 of 100 take, advised ${SAFETY_FACTOR} times that; processing is what the period leaves after its rounds.`,
  ];
}

function bullets(title: string, level: 'error' | 'warning', { findings }: Judgement): string[] {
  const lines = findings
    .filter((finding) => finding.level === level)
    .map(({ what, cure }) => `  - ${what}; ${cure}`);
  return lines.length === 0 ? [] : [title, ...lines];
}

/** Columns as wide as what stands in them: the first to the left, numbers to the right. */
function table(title: string, rows: readonly (readonly string[])[]): string[] {
  if (rows.length < 2) return [];
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  const lines = rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  );
  return [title, ...lines.map((line) => `  ${line}`)];
}

function spread({ p50Us, p99Us, maxUs }: DurationSummary): string[] {
  return [show(p50Us), show(p99Us), show(maxUs)];
}
