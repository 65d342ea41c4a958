/**
 * The terminal view of a flight, as a pure function from what is known to lines of toned text: what each replica read,
 * what they agreed on, who voted for what, whom they suspect, the plant, the fault under way. Painting it is
 * painter.ts's business.
 */
import type { TickRecord } from '../process/telemetry.js';
import { countNeededCommands } from '../rig/derive.js';
import type { Rig } from '../rig/rig.js';
import type { FlightView } from './flight.js';
import type { WitnessAccount } from './witness-watch.js';
import type { Percentiles } from './histogram.js';
import { cut, cutLine, formatReading, LABEL, pad, padLeft, span, wrapText } from './lines.js';
import type { Line, Span, Tone } from './lines.js';
import { renderPlant, type ChartPoint } from './plant-view.js';

export interface ViewSize {
  readonly columns: number;
  readonly rows: number;
}

/** Lines for a terminal of that size: never more than its rows, never wider than its columns. */
export function renderView(view: FlightView, chart: readonly ChartPoint[], size: ViewSize): readonly Line[] {
  const columns = Math.max(20, size.columns);
  const sections: { readonly lines: readonly Line[]; readonly rank: number }[] = [
    { lines: [renderTitle(view), [span('─'.repeat(columns), 'dim')]], rank: 0 },
    { lines: renderReplicas(view), rank: 1 },
    { lines: renderActuators(view), rank: 2 },
    { lines: view.figures.plant === null ? [] : renderPlant(view.figures.plant, chart, columns), rank: 6 },
    { lines: [[], ...renderFault(view, columns)], rank: 3 },
    { lines: [[], renderPromises(view), renderLatency(view)], rank: 4 },
    { lines: renderNews(view), rank: 7 },
  ];
  const kept = fit(sections, size.rows);
  return kept.map((line) => cutLine(line, columns));
}

/** Drops what matters least until the rest fits. */
function fit(
  sections: readonly { readonly lines: readonly Line[]; readonly rank: number }[],
  rows: number,
): readonly Line[] {
  let kept = [...sections];
  const count = (): number => kept.reduce((sum, section) => sum + section.lines.length, 0);
  while (kept.length > 1 && count() > rows) {
    const last = Math.max(...kept.map(({ rank }) => rank));
    kept = kept.filter(({ rank }) => rank !== last);
  }
  return kept.flatMap(({ lines }) => lines).slice(0, Math.max(1, rows));
}

function renderTitle(view: FlightView): Line {
  const { rig, flownTicks, ticks } = view;
  const at =
    flownTicks === null
      ? 'waiting for the replicas to find one another'
      : `tick ${Math.min(flownTicks, ticks)} of ${ticks}`;
  return [
    span(` voteplane  `, 'strong'),
    span(`${rig.id}: ${describeHypothesis(rig)}, ${formatRate(rig)}`),
    span(`   ${at}`, 'dim'),
  ];
}

/** The rig's promise in a few words. */
export function describeHypothesis(rig: Rig): string {
  const n = rig.replicas.length;
  switch (rig.hypothesis.kind) {
    case 'byzantine':
      return `${n} replicas, ${rig.hypothesis.f} may lie, ${rig.hypothesis.authenticators === 'mac' ? 'MACs' : 'signatures'}`;
    case 'crash':
      return `${n} replicas${rig.witness === null ? '' : ' and a witness'}, ${rig.hypothesis.f} may crash`;
    case 'none':
      return `${n} replicas, no agreement`;
  }
}

function formatRate(rig: Rig): string {
  return `${Number((1e6 / rig.periodUs).toFixed(1))} Hz`;
}

function renderReplicas(view: FlightView): readonly Line[] {
  const { rig, latest } = view;
  const sensors = rig.sensors.slice(0, 3);
  const head: Line = [
    span(
      ` ${pad('replica', LABEL)}${pad('', 10)}` +
        sensors.map((sensor) => padLeft(`${sensor.id} ${sensor.unit}`, 13)).join('') +
        `   ${pad('vector', 7)}${pad('orders', 10)}suspects`,
      'dim',
    ),
  ];
  const most = findMost(latest.accounts.map((account) => account?.vector ?? null));
  const rows = [
    ...rig.replicas.map((_, at): Line => renderReplica(view, at, most)),
    ...renderWitness(latest.witness),
  ];
  const best = latest.accounts.find(
    (account) => account !== null && account.readings !== null && account.vector === most,
  );
  const agreed: Line = [
    span(` ${pad('agreed', LABEL)}${pad('', 10)}`, 'strong'),
    ...sensors.map((_, at) => {
      const reading = best?.readings?.[at];
      const tone: Tone =
        reading?.quality === 'lost' ? 'bad' : reading?.quality === 'degraded' ? 'warn' : 'strong';
      return span(padLeft(formatReading(reading?.value ?? null), 13), tone);
    }),
    span('   '),
    ...sensors.flatMap((sensor, at) => {
      const quality = best?.readings?.[at]?.quality;
      return quality === undefined || quality === 'good' ? [] : [span(`${sensor.id} ${quality}  `, 'warn')];
    }),
  ];
  return [head, ...rows, agreed];
}

function renderReplica(view: FlightView, at: number, mostVector: string | null): Line {
  const { rig, latest } = view;
  const account = latest.accounts[at] ?? null;
  const id = rig.replicas[at]?.id ?? '';
  const state = describeReplica(view, at);
  const own = account?.entries?.[at] ?? null;
  const sensors = rig.sensors.slice(0, 3);
  const vector = account?.vector ?? null;
  const orders = (account?.commands ?? [])
    .slice(0, 2)
    .map((order, actuator) => formatOrder(rig, actuator, order))
    .join(' ');
  const suspects = (account?.suspects ?? []).map((one) => rig.replicas[one]?.id ?? '?').join(' ');
  return [
    span(` ${pad(id, LABEL)}`, 'strong'),
    span(pad(state.text, 10), state.tone),
    ...sensors.map((_, sensor) => span(padLeft(formatReading(own?.[sensor] ?? null), 13), state.tone)),
    span('   '),
    span(pad(vector?.slice(0, 5) ?? '–', 7), vector === null || vector === mostVector ? 'dim' : 'bad'),
    span(pad(orders === '' ? '–' : orders, 10)),
    span(suspects, 'warn'),
  ];
}

function renderWitness(witness: WitnessAccount | null): readonly Line[] {
  if (witness === null) return [];
  const { id, down, quorum } = witness;
  return [
    [
      span(` ${pad(id, LABEL)}`, 'strong'),
      span(pad(down ? 'dead' : 'witness', 10), down ? 'bad' : 'good'),
      span(
        quorum === null
          ? ''
          : `operational quorum: ${quorum.join(' and ')}${quorum.length === 1 ? ' alone' : ''}`,
      ),
    ],
  ];
}

function describeReplica(view: FlightView, at: number): Span {
  const { latest, rig } = view;
  const id = rig.replicas[at]?.id ?? '';
  const account = latest.accounts[at] ?? null;
  if (view.fault?.active === true && strikes(view.fault.spec, id))
    return span(cut(view.fault.spec.name, 9), 'bad');
  if (account === null) return span(latest.down[at] === true ? 'dead' : 'silent', 'bad');
  if (account.mode !== 'running') return span(account.mode, 'warn');
  if (account.overrun !== null) return span('late', 'warn');
  if (account.notStepped !== null) return span(cut(account.notStepped, 9), 'warn');
  return span('running', 'good');
}

type Struck = NonNullable<FlightView['fault']>['spec'];

/** Whether a fault is on this replica, as far as its target and parameters say. */
function strikes(spec: Struck, id: string): boolean {
  const { target } = spec;
  switch (target.kind) {
    case 'part':
      return target.id === id;
    case 'channel':
      return target.replica === id;
    case 'link':
      return target.from === id;
    case 'broker':
      return target.owner === id;
    case 'world':
      return spec.parameters.some(({ key, value }) => key === 'replicas' && value.split(',').includes(id));
  }
}

function renderActuators(view: FlightView): readonly Line[] {
  const { rig, latest } = view;
  const majority = countNeededCommands(rig);
  return latest.voters.map((voter, at): Line => {
    const actuator = rig.actuators[at];
    const name = span(` ${pad(voter.id, LABEL)}`, 'strong');
    const phase =
      voter.failSafe !== null
        ? span(pad(voter.failSafe.cause === 'died' ? 'dead' : 'FAIL-SAFE', 10), 'bad')
        : span(pad('armed', 10), 'good');
    if (voter.output === null || actuator === undefined) return [name, phase];
    const votes = rig.replicas.filter((_, replica) => ((voter.output?.votes ?? 0) & (1 << replica)) !== 0);
    return [
      name,
      phase,
      span(padLeft(formatCount(rig, at, voter.output.count), 13), 'strong'),
      span(`   on the votes of ${votes.map(({ id }) => id).join(' ')}`),
      span(` (${majority} needed)`, 'dim'),
      ...(voter.trips > 0 ? [span(`   ${voter.trips} trips`, 'bad')] : []),
    ];
  });
}

function renderFault(view: FlightView, columns: number): readonly Line[] {
  const { fault, nextFault } = view;
  if (
    fault === null ||
    (!fault.active && nextFault !== null && nextFault.inTicks * view.rig.periodUs < 700_000)
  ) {
    const text = nextFault === null ? 'no fault is planned' : `next: ${nextFault.text}`;
    return [[span(` ${pad('fault', LABEL)}`, 'strong'), span(text, 'dim')]];
  }
  const head: Line = [
    span(` ${pad('fault', LABEL)}`, 'strong'),
    span(fault.text, fault.active ? 'bad' : 'dim'),
    span(fault.active ? '' : '   over; the rig recovers', 'dim'),
  ];
  const told = wrapText(fault.say, columns - LABEL - 2).slice(0, 3);
  return [head, ...told.map((text): Line => [span(`${' '.repeat(LABEL + 1)}${text}`)])];
}

function renderPromises(view: FlightView): Line {
  const { figures } = view;
  const must = (name: string, value: number): Span[] => [
    span(`${name} `),
    span(`${value}   `, value === 0 ? 'good' : 'bad'),
  ];
  return [
    span(` ${pad('promises', LABEL)}`, 'strong'),
    ...must('disagreements', figures.disagreements),
    ...must('unsafe outputs', figures.unsafeOutputs),
    ...must('uncovered ticks', figures.uncoveredTicks),
    span(`outside ${figures.ticksOutsideHypothesis}`, figures.ticksOutsideHypothesis === 0 ? 'dim' : 'warn'),
  ];
}

function renderLatency(view: FlightView): Line {
  const { figures } = view;
  const missed = Object.values(figures.missedTicks).reduce((sum, ticks) => sum + ticks, 0);
  return [
    span(` ${pad('latency', LABEL)}`, 'strong'),
    span(`sample to output ${formatPercentiles(figures.latencyUs)}`),
    span(`   agreement ${formatPercentiles(figures.agreementUs)}`, 'dim'),
    span(missed === 0 ? '' : `   missed ${missed}`, 'warn'),
  ];
}

function renderNews(view: FlightView): readonly Line[] {
  const lines = view.lines.flatMap((line) => line.split('\n').slice(0, 1)).slice(-2);
  return lines.map((line): Line => [span(` ${line}`, 'dim')]);
}

/** `3.1 / 8.0 ms`: median and 99th percentile. */
export function formatPercentiles({ p50, p99 }: Percentiles): string {
  return p50 === null || p99 === null ? '–' : `${(p50 / 1000).toFixed(1)} / ${(p99 / 1000).toFixed(1)} ms`;
}

function formatOrder(rig: Rig, actuator: number, order: number | 'trip' | null): string {
  if (order === null) return '–';
  return order === 'trip' ? 'trip' : (order * (rig.actuators[actuator]?.resolution ?? 1)).toFixed(2);
}

function formatCount(rig: Rig, actuator: number, count: number): string {
  const part = rig.actuators[actuator];
  return `${(count * (part?.resolution ?? 1)).toFixed(2)} ${part?.unit ?? ''}`;
}

function findMost(vectors: readonly TickRecord['vector'][]): string | null {
  let best: string | null = null;
  let most = 0;
  for (const vector of vectors) {
    const count = vector === null ? 0 : vectors.filter((other) => other === vector).length;
    if (count > most) [best, most] = [vector, count];
  }
  return best;
}
