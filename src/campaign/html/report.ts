/** A campaign as one HTML page: no script, no network, nothing but this text. */
import { QUIET_LINK } from '../../simulation/network.js';
import { isFailure, type NetworkConditions } from '../job.js';
import { formatCommand, formatShrunkCommand } from '../reproduce.js';
import { countFailures, type CampaignResult, type Row } from '../result.js';
import { drawEvidence, drawReliability } from './claims.js';
import { drawDistributions } from './distributions.js';
import { html, NOTHING, raw, writeCount, writeHours, type Markup } from './markup.js';
import { drawMatrix } from './matrix.js';
import { STYLE } from './style.js';
import { drawTimeline } from './timeline.js';

/** Failures that are told in full at once, and in all. */
const MAX_SHOWN = 5;
const MAX_TOLD = 50;

/** The page. */
export function formatHtml(result: CampaignResult): string {
  const { identity, rows } = result;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${identity.campaign}: Voteplane campaign</title>
        <style>
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        <main>
          ${drawHead(result)} ${drawFailures(result)}
          <section id="matrix">
            <h2>Faults and places</h2>
            <p class="soft">
              Each cell counts runs; where they differ, a/b says that a of b runs were as coloured.
            </p>
            ${drawMatrix(rows)}
          </section>
          <section id="distributions">
            <h2>Latency and plant error, by fault</h2>
            <p class="soft">
              A bar stands for runs: how long, of simulated time, from the first message of a tick to the
              output (99&nbsp;% of the ticks of a run), and the plant's largest error in a run. Scales are
              logarithmic.
            </p>
            <div class="pair">
              <div>
                <h3>Latency</h3>
                ${drawDistributions(rows, {
                  of: ({ latencyP99Us }) => (latencyP99Us === null ? null : latencyP99Us / 1_000),
                  unit: 'ms',
                  write: (value) => value.toFixed(value < 10 ? 1 : 0),
                })}
              </div>
              <div>
                <h3>Plant error</h3>
                ${drawDistributions(rows, {
                  of: ({ maxPlantError }) => maxPlantError,
                  unit: result.assumptions.plantErrorUnit ?? '',
                  write: (value) => value.toFixed(2),
                })}
              </div>
            </div>
          </section>
          ${drawWorst(result)} ${drawEvidence(result)} ${drawReliability(result)} ${drawAssumptions(result)}
        </main>
      </body>
    </html> `;
  return page.text;
}

function drawHead(result: CampaignResult): Markup {
  const { identity, counts, rows, assumptions, complete } = result;
  const failures = countFailures(result);
  const hours = (result.ticks * assumptions.periodUs) / 3.6e9;
  const tone = failures > 0 ? 'bad' : complete ? 'good' : 'cut';
  const runs = `${writeCount(rows.length)} run${rows.length === 1 ? '' : 's'}`;
  const verdict =
    failures > 0
      ? `${writeCount(failures)} of ${runs} broke a promise.`
      : complete
        ? `No promise was broken in ${runs}.`
        : `Stopped early: no promise was broken in ${runs} of ${writeCount(identity.jobs)}.`;
  const notes = [
    ...(failures > 0 && !complete ? [`It was stopped after ${runs} of ${writeCount(identity.jobs)}.`] : []),
    ...(counts['fail-safe'] > 0
      ? [`${writeCount(counts['fail-safe'])} left the fault hypothesis and went to fail-safe, as promised.`]
      : []),
    ...(counts.idle > 0
      ? [`In ${writeCount(counts.idle)} the fault altered nothing; they prove nothing about it.`]
      : []),
    ...(result.shard === null ? [] : [`This is shard ${result.shard.index} of ${result.shard.count}.`]),
  ];
  const kinds = new Set(rows.map(({ job }) => job.kind)).size;
  const cells = new Set(rows.map(({ job }) => `${job.kind}@${job.place}`)).size;
  const tiles: readonly (readonly [string, string])[] = [
    [writeCount(result.ticks), 'simulated ticks'],
    [writeHours(hours), 'of simulated time'],
    [writeCount(result.replicaTicks), 'replica-ticks'],
    [
      writeCount(cells),
      `${cells === 1 ? 'cell' : 'cells'} of fault × place, ${kinds} ${kinds === 1 ? 'kind' : 'kinds'}`,
    ],
    [
      identity.seeds,
      identity.ticksPerKind === null ? (identity.seeds.includes('..') ? 'seeds' : 'seed') : 'first seed on',
    ],
  ];
  return html`<header>
    <h1>Voteplane campaign ${identity.campaign} on the rig ${identity.rig}</h1>
    <p class="verdict ${tone}">${verdict}</p>
    ${notes.length === 0 ? NOTHING : html`<p>${notes.join(' ')}</p>`}
    <div class="tiles">
      ${tiles.map(([value, name]) => html`<div class="tile"><b>${value}</b><span>${name}</span></div>`)}
    </div>
  </header>`;
}

function drawFailures(result: CampaignResult): Markup {
  const failed = result.rows.filter(({ result: { outcome } }) => isFailure(outcome));
  if (failed.length === 0) return NOTHING;
  const told = failed.slice(0, MAX_TOLD).map((row) => tellFailure(row, result));
  const more = told.slice(MAX_SHOWN);
  const rest = failed.length - told.length;
  return html`<section id="failures">
    <h2>What failed</h2>
    ${told.slice(0, MAX_SHOWN)}
    ${
      more.length === 0
        ? NOTHING
        : html`<details>
            <summary>${more.length} more</summary>
            ${more}
          </details>`
    }
    ${rest > 0 ? html`<p>And ${rest} others; the JSON file has them all.</p>` : NOTHING}
  </section>`;
}

function tellFailure({ job, result: run }: Row, result: CampaignResult): Markup {
  const small = result.shrunk.find(({ id }) => id === job.id);
  const smaller =
    small === undefined
      ? NOTHING
      : html`<p>Made small in ${small.runs} runs${small.minimal ? '' : ', not to the end'}:</p>
          <pre>${formatShrunkCommand(small, result.rigPath)}</pre>`;
  return html`<div class="failure">
    <h3>${job.id}: ${run.outcome}, ${run.reasons.join(', ')}</h3>
    <ul>
      ${run.findings.map((finding) => html`<li>${finding}</li>`)}
    </ul>
    <pre>${formatCommand(job, result.rigPath)}</pre>
    ${smaller}
  </div>`;
}

function drawWorst(result: CampaignResult): Markup {
  const { worst } = result;
  if (worst === null) return NOTHING;
  const { job, result: run } = worst;
  const { figures } = run;
  const told =
    figures === null
      ? ''
      : [
          `${figures.trips} trips to fail-safe`,
          `${figures.disagreements + figures.disagreementsOutside} ticks of disagreement`,
          ...(figures.maxPlantError === null
            ? []
            : [
                `largest plant error ${figures.maxPlantError.toFixed(2)} ${result.assumptions.plantErrorUnit ?? ''}`,
              ]),
          `${figures.missedTicks} ticks without an output`,
        ].join(', ');
  return html`<section id="worst">
    <h2>The run that came closest to harm</h2>
    <p>${job.id} (${run.outcome}): ${told}.</p>
    ${drawTimeline(worst)}
    <pre>${formatCommand(job, result.rigPath)}</pre>
  </section>`;
}

function drawAssumptions(result: CampaignResult): Markup {
  const { identity, assumptions, leftOut, timing } = result;
  const { hypothesis } = assumptions;
  const entries: readonly (readonly [string, string])[] = [
    [
      'hypothesis',
      hypothesis.kind === 'none'
        ? 'none (study only)'
        : `at most ${hypothesis.f} of ${assumptions.replicas.length} replicas ${hypothesis.kind === 'crash' ? 'stop' : 'are faulty in any way'} at a time` +
          (hypothesis.kind === 'byzantine'
            ? `; ${hypothesis.authenticators === 'mac' ? 'MACs' : 'signatures'}, whose keys nobody else has`
            : ''),
    ],
    ['network', describeNetwork(identity.network)],
    [
      'wire',
      identity.wire === 'full'
        ? 'every message encoded and sealed'
        : 'messages passed unencoded: codecs and seals took no part',
    ],
    [
      'time',
      `ticks of ${assumptions.periodUs / 1_000} ms, rounds of ${assumptions.roundUs / 1_000} ms, ${assumptions.processingUs / 1_000} ms for the rest; runs of ${identity.ticks} ticks`,
    ],
    ['plant', assumptions.plant === null ? 'none' : `${assumptions.plant}, emulated`],
    [
      'seeds',
      identity.ticksPerKind === null
        ? identity.seeds
        : `from ${identity.seeds} on, ${writeCount(identity.ticksPerKind)} ticks a kind`,
    ],
    ['faults', `default parameters; begin and length drawn by the seed`],
    ...(leftOut.length === 0 ? [] : ([['not tried', describeLeftOut(leftOut)]] as const)),
    ['version', `voteplane ${identity.version}`],
    ['rig digest', identity.rigDigest],
    ['law digest', identity.lawDigest],
    [
      'ran on',
      `${timing.machines.join('; ')}; ${timing.threads} threads, ${(timing.wallMs / 1_000).toFixed(0)} s from ${timing.startedAt}`,
    ],
  ];
  return html`<section id="assumptions">
    <h2>What was assumed</h2>
    <dl>
      ${entries.map(
        ([name, value]) =>
          html`<dt>${name}</dt>
            <dd>${value}</dd> `,
      )}
    </dl>
  </section>`;
}

function describeNetwork(network: string): string {
  const conditions = JSON.parse(network) as NetworkConditions | null;
  const { delayUs, jitterUs, loss } = conditions ?? QUIET_LINK;
  const lost = loss === 0 ? 'nothing lost' : `${loss * 100} % of frames lost`;
  return `every frame takes ${delayUs / 1_000} ms and ${jitterUs / 1_000} ms more on average; ${lost}, and clocks are perfect`;
}

/** Kinds that share a reason stand together. */
function describeLeftOut(leftOut: CampaignResult['leftOut']): string {
  const byReason = new Map<string, string[]>();
  for (const { kind, why } of leftOut) {
    const kinds = byReason.get(why);
    if (kinds === undefined) byReason.set(why, [kind]);
    else kinds.push(kind);
  }
  return [...byReason].map(([why, kinds]) => `${kinds.join(', ')}: ${why}`).join('. ');
}
