/** What the evidence supports, and how likely the hypothesis itself breaks. Says no more than both can carry. */
import { deriveQuorums, refuseHypothesis } from '../../core/agreement/hypothesis.js';
import type { Hypothesis } from '../../core/types.js';
import { FLIGHT_RATE_PER_HOUR, weighEvidence, type Evidence } from '../evidence.js';
import { isFailure } from '../job.js';
import { NO_FAULT } from '../plan-campaign.js';
import { computeBreakChance, type BreakChance } from '../reliability.js';
import type { CampaignResult, Row } from '../result.js';
import { html, NOTHING, writeHours, writeNumber, type Markup } from './markup.js';

/** Numbers of replicas that the reliability model is computed for. */
const MODELLED = [3, 4, 7] as const;

/** The evidence of a set of runs: each run that stands against the software counts as one failure. */
export function weighRows(rows: readonly Row[], periodUs: number): Evidence {
  const ticks = rows.reduce((sum, { result }) => sum + (result.figures?.ticks ?? 0), 0);
  const failures = rows.filter(({ result }) => isFailure(result.outcome)).length;
  return weighEvidence(failures, (ticks * periodUs) / 3.6e9);
}

/** The section on evidence. */
export function drawEvidence(result: CampaignResult): Markup {
  const { rows, assumptions } = result;
  const quiet = rows.filter(({ job }) => job.kind === NO_FAULT);
  const inside = rows.filter(({ job }) => job.expectation === 'masked');
  const lines = [
    { name: 'without a fault', evidence: weighRows(quiet, assumptions.periodUs) },
    { name: 'all inside the hypothesis', evidence: weighRows(inside, assumptions.periodUs) },
  ].filter(({ evidence }) => evidence.hours > 0 || evidence.failures > 0);
  const all = lines[lines.length - 1]?.evidence;
  const table = lines.map(
    ({ name, evidence: { failures, hours, boundPerHour } }) =>
      html`<tr>
        <td>${name}</td>
        <td class="number">${writeHours(hours)}</td>
        <td class="number">${failures}</td>
        <td class="number">${boundPerHour === null ? '–' : html`&lt; ${writeNumber(boundPerHour)}`}</td>
      </tr> `,
  );
  const bound = all?.boundPerHour ?? null;
  const { hoursForFlight } = weighEvidence(0, 0);
  return html`<section id="evidence">
    <h2>What the evidence supports</h2>
    <p>
      Exact one-sided 95&nbsp;% upper bounds on the failure rate (Poisson). They speak of the software in this
      simulated world, and of nothing that the world leaves out: hardware, sensors that are all wrong alike, a
      wrong control law.
    </p>
    ${
      lines.length === 0
        ? html`<p>Every run lies outside the hypothesis, so none of them speaks for a failure rate.</p>`
        : drawBounds(table)
    }
    ${bound === null ? NOTHING : drawScale(bound)}
    <p>
      Flight asks for ${writeNumber(FLIGHT_RATE_PER_HOUR)} per hour. To support that by counting alone would
      take ${writeNumber(hoursForFlight)} hours without a failure, ${writeHours(hoursForFlight)}: no test
      shows it, this one
      included${bound === null ? NOTHING : html`, which falls short by a factor of ${writeNumber(bound / FLIGHT_RATE_PER_HOUR)}`}.
    </p>
  </section>`;
}

function drawBounds(rows: readonly Markup[]): Markup {
  return html`<div class="scroll">
    <table class="plain">
      <thead>
        <tr>
          <th>simulated time</th>
          <th class="number">length</th>
          <th class="number">failed runs</th>
          <th class="number">failures an hour</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

const SCALE_TOP = 4;
const SCALE_BOTTOM = -11;

function drawScale(bound: number): Markup {
  const at = (rate: number): number =>
    Math.min(100, Math.max(0, ((SCALE_TOP - Math.log10(rate)) / (SCALE_TOP - SCALE_BOTTOM)) * 100));
  const place = at(bound);
  const anchor = place > 50 ? 'right' : 'left';
  const offset = place > 50 ? 100 - place : place;
  return html`<div class="scale" role="img" aria-label="failure rates an hour on a logarithmic scale">
    <div class="line"></div>
    <span class="mark" style="left:${place.toFixed(1)}%"></span
    ><span class="note up" style="${anchor}:${offset.toFixed(1)}%"
      >supported: ${writeNumber(bound)} per hour</span
    >
    <span class="mark flight" style="left:${at(FLIGHT_RATE_PER_HOUR).toFixed(1)}%"></span
    ><span class="note down" style="right:${(100 - at(FLIGHT_RATE_PER_HOUR)).toFixed(1)}%"
      >flight: ${writeNumber(FLIGHT_RATE_PER_HOUR)} per hour</span
    >
  </div>`;
}

/** The section on the hypothesis itself. */
export function drawReliability(result: CampaignResult): Markup {
  const { reliability, hypothesis, replicas } = result.assumptions;
  const rates = {
    failurePerHour: 1 / reliability.replicaMtbfHours,
    repairPerHour: 1 / reliability.repairHours,
  };
  const own = deriveQuorums(hypothesis, replicas.length).maxFaulty;
  const lines = listModels(hypothesis, replicas.length, own).map(({ n, f, how }) => {
    const chance = computeBreakChance(n, f, rates, reliability.missionHours);
    const isOwn = n === replicas.length && f === own && how === describeKind(hypothesis);
    return drawChance(chance, how, isOwn);
  });
  const assumed =
    reliability.assumed.length === 0
      ? 'as the rig file says'
      : reliability.assumed.length === 3
        ? 'assumed, for the rig file does not say'
        : `of which the rig file leaves out ${reliability.assumed.join(' and ')}, assumed here`;
  return html`<section id="reliability">
    <h2>How likely the hypothesis itself breaks</h2>
    <p>
      Everything above holds while no more than <i>f</i> replicas are faulty. A Markov chain gives the
      probability that more are, at once: each replica fails once in
      ${writeNumber(reliability.replicaMtbfHours)} h and is back after ${writeNumber(reliability.repairHours)}
      h on average; a mission lasts ${writeNumber(reliability.missionHours)} h (${assumed}). Failures are
      taken as independent: a common cause is not in it.
    </p>
    <div class="scroll">
      <table class="plain">
        <thead>
          <tr>
            <th>replicas</th>
            <th>hypothesis</th>
            <th class="number">f</th>
            <th class="number">within an hour</th>
            <th class="number">within a mission</th>
            <th class="number">mean time until</th>
            <th class="number">share of time</th>
          </tr>
        </thead>
        <tbody>
          ${lines}
        </tbody>
      </table>
    </div>
  </section>`;
}

function drawChance(chance: BreakChance, how: string, isOwn: boolean): Markup {
  return html`<tr${isOwn ? html` class="own"` : NOTHING}><td>${chance.replicas}${isOwn ? ' (this rig)' : ''}</td><td>${how}</td><td class="number">${chance.maxFaulty}</td><td class="number">${writeNumber(chance.perHour)}</td><td class="number">${writeNumber(chance.perMission)}</td><td class="number">${writeHours(chance.meanHours)}</td><td class="number">${writeNumber(chance.longRunShare)}</td></tr>\n`;
}

interface Model {
  readonly n: number;
  readonly f: number;
  readonly how: string;
}

/** n = 3, 4, 7 with the most faulty ones that each kind of hypothesis permits, and the rig itself. */
function listModels(own: Hypothesis, ownReplicas: number, ownFaulty: number): readonly Model[] {
  const models: Model[] = [];
  for (const make of [
    (f: number): Hypothesis => ({ kind: 'byzantine', f, authenticators: 'mac' }),
    (f: number): Hypothesis => ({ kind: 'byzantine', f, authenticators: 'signature' }),
    (f: number): Hypothesis => ({ kind: 'crash', f }),
  ]) {
    for (const n of MODELLED) {
      const f = [3, 2, 1].find((faulty) => refuseHypothesis(make(faulty), n) === null) ?? 0;
      models.push({ n, f, how: describeKind(make(f)) });
    }
  }
  const mine = { n: ownReplicas, f: ownFaulty, how: describeKind(own) };
  const isThere = models.some(({ n, f, how }) => n === mine.n && f === mine.f && how === mine.how);
  return isThere ? models : [...models, mine];
}

function describeKind(hypothesis: Hypothesis): string {
  switch (hypothesis.kind) {
    case 'byzantine':
      return hypothesis.authenticators === 'mac' ? 'Byzantine, MACs' : 'Byzantine, signatures';
    case 'crash':
      return 'crash';
    case 'none':
      return 'none (study)';
  }
}
