/** Distributions of a figure over the runs of each kind of fault: one small histogram a kind, all on one scale. */
import type { RunFigures } from '../job.js';
import type { Row } from '../result.js';
import { html, NOTHING, type Markup } from './markup.js';

/** What is drawn, and in which words. */
export interface Quantity {
  readonly of: (figures: RunFigures) => number | null;
  readonly unit: string;
  readonly write: (value: number) => string;
}

const BINS = 40;

/** One histogram for each kind; nothing where no run has the figure. */
export function drawDistributions(rows: readonly Row[], quantity: Quantity): Markup {
  const byKind = new Map<string, number[]>();
  for (const { job, result } of rows) {
    const value = result.figures === null ? null : quantity.of(result.figures);
    if (value === null) continue;
    const values = byKind.get(job.kind);
    if (values === undefined) byKind.set(job.kind, [value]);
    else values.push(value);
  }
  if (byKind.size === 0) return NOTHING;
  const scale = chooseScale([...byKind.values()].flat());
  const axis = html`<span class="soft">fault</span
    ><span class="axis"
      ><span>${quantity.write(scale.low)}</span
      ><span>${quantity.write(Math.sqrt(scale.low * scale.high))}</span
      ><span>${quantity.write(scale.high)} ${quantity.unit}</span></span
    ><span class="figures">median / max</span> `;
  const strips = [...byKind].map(([kind, values]) => drawStrip(kind, values, scale, quantity));
  return html`<div class="strip">${axis}${strips}</div>`;
}

function drawStrip(kind: string, values: readonly number[], scale: Scale, quantity: Quantity): Markup {
  const sorted = [...values].sort((a, b) => a - b);
  const counts = new Array<number>(BINS).fill(0);
  for (const value of sorted) {
    const place = Math.log(Math.max(value, scale.low) / scale.low) / Math.log(scale.high / scale.low);
    const bin = Math.min(BINS - 1, Math.floor(place * BINS));
    counts[bin] = (counts[bin] as number) + 1;
  }
  const most = Math.max(...counts);
  const bars = counts.flatMap((count, at): Markup[] => {
    if (count === 0) return [];
    // One run among thousands is still seen.
    const height = Math.max(2, (count / most) * 20);
    return [
      html`<rect
        class="bar"
        x="${at * 10 + 1}"
        y="${(20 - height).toFixed(1)}"
        width="8"
        height="${height.toFixed(1)}"
      />`,
    ];
  });
  const median = sorted[Math.floor((sorted.length - 1) / 2)] as number;
  const largest = sorted[sorted.length - 1] as number;
  const told = `${kind}: ${values.length} runs, median ${quantity.write(median)}, largest ${quantity.write(largest)} ${quantity.unit}`;
  return html`<span class="name">${kind}</span
    ><svg viewBox="0 0 ${BINS * 10} 20" preserveAspectRatio="none" role="img" aria-label="${told}">
      ${bars}</svg
    ><span class="figures">${quantity.write(median)} / ${quantity.write(largest)}</span> `;
}

/** Ends of a logarithmic scale. */
interface Scale {
  readonly low: number;
  readonly high: number;
}

/** Round ends that hold all values; what is zero stands at the lower one. */
function chooseScale(values: readonly number[]): Scale {
  let [least, most] = [Infinity, 0];
  for (const value of values) {
    if (value > 0) least = Math.min(least, value);
    most = Math.max(most, value);
  }
  if (most === 0) return { low: 0.1, high: 1 };
  const low = roundToStep(least, -1);
  const high = roundToStep(most, 1);
  return { low, high: high > low ? high : low * 10 };
}

/** The nearest of 1, 2 and 5 times a power of ten that is not above (−1) or not below (1) the value. */
function roundToStep(value: number, way: 1 | -1): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const steps = [1, 2, 5, 10].map((step) => step * power);
  const found =
    way === 1
      ? steps.find((step) => step >= value * (1 - 1e-9))
      : steps.reverse().find((step) => step <= value * (1 + 1e-9));
  return Number((found ?? value).toPrecision(6));
}
