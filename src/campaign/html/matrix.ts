/** The matrix of a campaign: a row for each kind of fault, a column for each place, coloured by the worst outcome. */
import { OUTCOMES, type Outcome } from '../job.js';
import { RIG_PLACE } from '../plan-campaign.js';
import type { Row } from '../result.js';
import { html, NOTHING, writeShort, type Markup } from './markup.js';

const MEANINGS: Readonly<Record<Outcome, string>> = {
  held: 'every promise kept',
  'fail-safe': 'outside the hypothesis: fail-safe, as promised',
  idle: 'kept, and the fault altered nothing',
  failed: 'a promise broken',
  broken: 'no result: the run threw, hung or died',
};

/** The matrix with its legend. */
export function drawMatrix(rows: readonly Row[]): Markup {
  const kinds = [...new Set(rows.map(({ job }) => job.kind))];
  const places = sortPlaces([...new Set(rows.map(({ job }) => job.place))]);
  const cells = new Map<string, Row[]>();
  for (const row of rows) {
    const key = `${row.job.kind}@${row.job.place}`;
    const cell = cells.get(key);
    if (cell === undefined) cells.set(key, [row]);
    else cell.push(row);
  }
  const head = places.map((place) => html`<th scope="col"><span>${place}</span></th>`);
  const body = kinds.map((kind) => {
    const whole = places.flatMap((place) => cells.get(`${kind}@${place}`) ?? []);
    const ticks = whole.reduce((sum, { result }) => sum + (result.figures?.ticks ?? 0), 0);
    const drawn = places.map((place) => drawCell(cells.get(`${kind}@${place}`)));
    return html`<tr>
      <th scope="row">${kind}</th>
      ${drawn}
      <td class="total">${writeShort(ticks)}</td>
    </tr> `;
  });
  const used = OUTCOMES.filter((outcome) => rows.some(({ result }) => result.outcome === outcome));
  const legend = used.map((outcome) => html`<li><i class="${outcome}"></i>${MEANINGS[outcome]}</li>`);
  return html`<div class="scroll">
      <table class="matrix">
        <thead>
          <tr>
            <th scope="col">fault</th>
            ${head}
            <th scope="col" class="total"><span>ticks</span></th>
          </tr>
        </thead>
        <tbody>
          ${body}
        </tbody>
      </table>
    </div>
    <ul class="legend">
      ${legend}
    </ul>`;
}

function drawCell(rows: readonly Row[] | undefined): Markup {
  if (rows === undefined) return html`<td></td>`;
  const count = (outcome: Outcome): number => rows.filter(({ result }) => result.outcome === outcome).length;
  const told = OUTCOMES.filter((outcome) => count(outcome) > 0)
    .map((outcome) => `${count(outcome)} ${outcome}`)
    .join(', ');
  // A run in which a fault altered nothing takes nothing from those in which it did.
  const order = ['broken', 'failed', 'fail-safe', 'held', 'idle'] as const;
  const worst = order.find((outcome) => count(outcome) > 0) ?? 'idle';
  const part = count(worst) < rows.length && worst !== 'held' ? html`${count(worst)}/` : NOTHING;
  return html`<td class="${worst}" title="${told}">${part}${rows.length}</td>`;
}

/** Whole rig and world first, then replicas, brokers, links, channels; each in its own order. */
function sortPlaces(places: readonly string[]): readonly string[] {
  const rank = (place: string): number => {
    if (place === RIG_PLACE) return 0;
    if (place.startsWith('world')) return 1;
    if (place.includes('.')) return 5;
    if (place.startsWith('broker:')) return 3;
    return place === 'links' ? 4 : 2;
  };
  return places
    .map((place, at) => ({ place, at }))
    .sort((a, b) => rank(a.place) - rank(b.place) || a.at - b.at)
    .map(({ place }) => place);
}
