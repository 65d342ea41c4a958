/**
 * The plant's part of the view: what it tracks and how far that is from its reference, further instruments, and a strip
 * chart of the last moments. All words are the plant's own.
 */
import type { PlantQuantity, TrackedQuantity } from '../rig/plant-description.js';
import type { PlantFigures } from './figures.js';
import { formatReading, LABEL, pad, padLeft, span } from './lines.js';
import type { Line, Span, Tone } from './lines.js';

/** One moment of the plant for the strip chart. */
export interface ChartPoint {
  readonly value: number;
  /** Null where there is nothing to compare with. */
  readonly reference: number | null;
}

const CHART_ROWS = 5;

/** What the chart shows of a moment; null where the plant tracks nothing, or has not told of it. */
export function readChartPoint({ description, last }: PlantFigures): ChartPoint | null {
  const { tracked } = description;
  const value = tracked === null ? null : last[tracked.instrument];
  if (typeof value !== 'number') return null;
  return { value, reference: readNumber(last['reference']) };
}

/** Lines no wider than `columns`, an empty one first. */
export function renderPlant(
  plant: PlantFigures,
  chart: readonly ChartPoint[],
  columns: number,
): readonly Line[] {
  const { description, last, survived } = plant;
  const { noun, tracked, shown } = description;
  const others = shown.map((quantity) => formatQuantity(quantity, last));
  const lost = survived ? [] : [span(`   LOST: ${String(last['lostWhy'] ?? '')}`, 'bad')];
  const name = span(` ${pad(noun, LABEL)}`, 'strong');
  if (tracked === null) return [[], [name, span(others.join('   ')), ...lost]];
  const title = [
    name,
    span(formatQuantity(tracked, last)),
    describeDeviation(plant, tracked, others),
    ...lost,
  ];
  if (chart.length === 0) return [[], title];
  return [[], title, ...drawChart(chart, tracked.chartSpan, columns, survived ? 'good' : 'bad')];
}

function describeDeviation(plant: PlantFigures, tracked: TrackedQuantity, others: readonly string[]): Span {
  const { last, maxAbsError } = plant;
  const words = [
    `${tracked.referenceLabel} ${formatReading(readNumber(last['reference']))}`,
    ...others,
    ...(maxAbsError === null ? [] : [`error ≤ ${maxAbsError.value.toFixed(2)} ${maxAbsError.unit}`]),
  ];
  return span(words.map((word) => `  ${word}`).join(''), 'dim');
}

function drawChart(
  chart: readonly ChartPoint[],
  leastSpan: number,
  columns: number,
  tone: Tone,
): readonly Line[] {
  const points = chart.slice(-Math.max(10, columns - LABEL - 4));
  const all = points.flatMap(({ value, reference }) => (reference === null ? [value] : [value, reference]));
  const middle = (Math.min(...all) + Math.max(...all)) / 2;
  const half = Math.max(leastSpan / 2, (Math.max(...all) - Math.min(...all)) / 2);
  const rowOf = (value: number): number =>
    Math.round(((middle + half - value) / (2 * half)) * (CHART_ROWS - 1));
  const grid = Array.from({ length: CHART_ROWS }, () => new Array<string>(points.length).fill(' '));
  points.forEach(({ value, reference }, x) => {
    if (reference !== null) (grid[rowOf(reference)] as string[])[x] = '·';
    (grid[rowOf(value)] as string[])[x] = x === points.length - 1 ? '>' : '─';
  });
  return grid.map((row, y): Line => {
    const value = middle + half - (2 * half * y) / (CHART_ROWS - 1);
    // A chart of a narrow span has rows that one digit cannot tell apart.
    const label = y % 2 === 0 ? padLeft(value.toFixed(half < 1 ? 2 : 1), LABEL) : padLeft('', LABEL);
    return [span(`${label} │`, 'dim'), span(row.join(''), tone)];
  });
}

function formatQuantity({ instrument, label, unit }: PlantQuantity, last: PlantFigures['last']): string {
  return `${label} ${formatReading(readNumber(last[instrument]))} ${unit}`;
}

function readNumber(value: number | boolean | string | null | undefined): number | null {
  return typeof value === 'number' ? value : null;
}
