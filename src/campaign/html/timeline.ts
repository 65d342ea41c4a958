/** One run over its ticks: when faults were at work, what went wrong, and how far the plant was off. */
import type { PlantSample, TimelineEvent } from '../job.js';
import type { Row } from '../result.js';
import { html, NOTHING, type Markup } from './markup.js';

const KINDS = ['fault', 'violation', 'disagreement', 'trip'] as const;
const LABELS = { violation: 'violations', disagreement: 'disagreements', trip: 'fail-safe' } as const;
const MAX_NOTES = 12;

/** The timeline of a run, with the plant's error where it is known. */
export function drawTimeline({ job, result }: Row): Markup {
  const { events, plant } = result;
  const last = Math.max(
    1,
    job.ticks,
    ...events.map(({ tick, until }) => until ?? tick),
    ...plant.map(({ tick }) => tick),
  );
  const lanes = KINDS.flatMap((kind): Markup[] => {
    const own = events.filter((event) => event.kind === kind);
    // Each fault has a lane of its own, with its text; marks of one kind share one.
    if (kind === 'fault') return own.map((event) => drawLane(event.text, [event], last));
    return own.length === 0 ? [] : [drawLane(`${LABELS[kind]}: ${own.length}`, own, last)];
  });
  const notes = events
    .filter(({ kind }) => kind !== 'fault')
    .sort((a, b) => a.tick - b.tick)
    .slice(0, MAX_NOTES);
  const told = notes.map(({ tick, text }) => html`<li>tick ${tick}: ${text}</li>`);
  return html`<div class="lanes">
      ${lanes}${drawError(plant, last)}
      <div class="ticks"><span>tick 0</span><span>${Math.round(last / 2)}</span><span>${last}</span></div>
    </div>
    ${
      told.length === 0
        ? NOTHING
        : html`<ul class="soft">
            ${told}
          </ul>`
    }`;
}

function drawLane(label: string, events: readonly TimelineEvent[], last: number): Markup {
  const spans = events.map(({ kind, tick, until }) => {
    const left = (tick / last) * 100;
    const width = (((until ?? tick + 1) - tick) / last) * 100;
    return html`<span
      class="span ${kind}"
      style="left:${left.toFixed(2)}%;width:${width.toFixed(2)}%"
    ></span>`;
  });
  return html`<div class="lane">
    <span class="label">${label}</span>
    <div class="track">${spans}</div>
  </div>`;
}

function drawError(plant: readonly PlantSample[], last: number): Markup {
  if (plant.length < 2) return NOTHING;
  const top = Math.max(...plant.map(({ error }) => Math.abs(error)), 1e-9);
  const points = plant.map(
    ({ tick, error }) => `${((tick / last) * 1000).toFixed(1)} ${(50 - (error / top) * 48).toFixed(2)}`,
  );
  return html`<div class="chart">
    <svg
      viewBox="0 0 1000 100"
      preserveAspectRatio="none"
      role="img"
      aria-label="error of the plant over the run"
    >
      <path d="M${points.join('L')}" />
    </svg>
    <span class="top">plant error +${top.toPrecision(2)}</span
    ><span class="bottom">−${top.toPrecision(2)}</span>
  </div>`;
}
