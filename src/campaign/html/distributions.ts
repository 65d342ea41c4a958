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
  let top = 0;
  for (const values of byKind.values()) for (const value of values) top = Math.max(top, value);
  const scale = roundUp(top);
  const axis = html`<span class="soft">fault</span
    ><span class="axis"
      ><span>0</span><span>${quantity.write(scale / 2)}</span
      ><span>${quantity.write(scale)} ${quantity.unit}</span></span
    ><span class="figures">median / max</span> `;
  const strips = [...byKind].map(([kind, values]) => drawStrip(kind, values, scale, quantity));
  return html`<div class="strip">${axis}${strips}</div>`;
}

function drawStrip(kind: string, values: readonly number[], scale: number, quantity: Quantity): Markup {
  const sorted = [...values].sort((a, b) => a - b);
  const counts = new Array<number>(BINS).fill(0);
  for (const value of sorted) {
    const bin = Math.min(BINS - 1, Math.floor((value / scale) * BINS));
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

/** The next of 1, 2 and 5 times a power of ten. */
function roundUp(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 1.5, 2, 3, 4, 5, 6, 8].find((step) => step * power >= value * (1 - 1e-9)) ?? 10) * power;
}
