/**
 * What measured links allow (protocol.md §6: R ≥ delay + skew + processing), and what the configured round and period
 * make of it. Pure arithmetic.
 *
 * A message of a round leaves as late as its sender notices that the round has begun, is under way for its delay, and is
 * held against a deadline by a clock that may be off by the skew: a round needs the sum, on the worst link. A period
 * needs f+1 rounds, and what is done after the last of them. Needed is what 99 of 100 take; advised is `SAFETY_FACTOR`
 * times that, for what a measurement of seconds has not seen.
 */
import { countRounds } from '../rig/derive.js';
import { formatDuration } from '../rig/quantity.js';
import type { Rig } from '../rig/rig.js';
import { judgeLinks, judgeReplicas, type Finding } from './findings.js';
import { formatMeasured, formatPercent } from './format.js';
import type { Measurement } from './take-measurement.js';

/** What is configured should be at least so many times what is needed. */
export const SAFETY_FACTOR = 1.5;

/** One configured time against what is needed, µs. */
export interface Margin {
  readonly configuredUs: number;
  readonly neededUs: number;
  readonly advisedUs: number;
  /** How much more than needed is configured, in percent of what is needed, rounded down; negative: it is too short. */
  readonly percent: number;
}

/** The link on which a round needs most, and why, µs. */
export interface WorstLink {
  readonly from: string;
  readonly to: string;
  /** By then 99 of 100 messages have come, counted from the start of the tick. */
  readonly arrivalUs: number;
  /** The receiver's clock may be off by so much. */
  readonly skewUs: number;
  /** What the arrival is made of, each for itself: 99 of 100 are under way no longer, 99 of 100 starts no later. */
  readonly delayUs: number;
  readonly startUs: number;
}

/** No correct round clock is further from this replica's, by what it knows or, where it does not, as far as can be seen. */
export interface SkewBound {
  readonly id: string;
  readonly us: number;
  readonly by: 'clock' | 'estimate';
}

/** What follows from a measurement. Null where nothing was measured that it could follow from. */
export interface Judgement {
  /** No finding is an error. */
  readonly ok: boolean;
  readonly round: Margin | null;
  readonly period: Margin | null;
  /** What the period leaves after its rounds, against what deciding, law and sending take. */
  readonly processing: Margin | null;
  readonly worst: WorstLink | null;
  readonly skewBounds: readonly SkewBound[];
  /** Errors first. */
  readonly findings: readonly Finding[];
}

type Timing = Pick<Rig, 'hypothesis' | 'periodUs' | 'roundUs'>;

/** Judges the configured times of a rig by a measurement of it. */
export function judgeMeasurement(rig: Timing, measurement: Measurement): Judgement {
  const rounds = countRounds(rig.hypothesis);
  const skewBounds = measurement.replicas.map(({ id }) => boundSkew(measurement, id));
  const worst = findWorstLink(measurement, skewBounds);
  const processingUs = findProcessingUs(measurement);
  const round = worst === null ? null : weigh(rig.roundUs, worst.arrivalUs + worst.skewUs);
  const processing = processingUs === null ? null : weigh(rig.periodUs - rounds * rig.roundUs, processingUs);
  let period: Margin | null = null;
  if (round !== null && processing !== null) {
    period = {
      ...weigh(rig.periodUs, rounds * round.neededUs + processing.neededUs),
      advisedUs: roundUp(rounds * round.advisedUs + processing.advisedUs),
    };
  }
  const findings = [
    ...judgeReplicas(measurement),
    ...judgeTimes({ round, period, processing, worst }, rounds),
    ...judgeLinks(measurement),
  ];
  const errors = findings.filter(({ level }) => level === 'error');
  return {
    ok: errors.length === 0,
    round,
    period,
    processing,
    worst,
    skewBounds,
    findings: [...errors, ...findings.filter(({ level }) => level === 'warning')],
  };
}

function weigh(configuredUs: number, neededUs: number): Margin {
  return {
    configuredUs,
    neededUs,
    advisedUs: roundUp(SAFETY_FACTOR * neededUs),
    percent: Math.floor((configuredUs / neededUs - 1) * 100),
  };
}

/** To a tenth of a millisecond, from 10 ms on to a whole one: what a person would write. */
function roundUp(us: number): number {
  const stepUs = us < 10_000 ? 100 : 1_000;
  return Math.ceil(us / stepUs) * stepUs;
}

/**
 * Where the replica itself does not know: no message travels back in time, so the usual delays of both ways, as two
 * clocks show them, are as much as these usually are apart (Cristian); and its target lies no further off than it says.
 */
function boundSkew({ replicas, links }: Measurement, id: string): SkewBound {
  const replica = replicas.find((one) => one.id === id);
  const known = replica?.skew.p99Us ?? null;
  // A bound of the few ticks in which it did not speak says nothing of the others.
  if (replica !== undefined && known !== null && 2 * replica.skew.count >= replica.start.count)
    return { id, us: known, by: 'clock' };
  const delays = links
    .filter(({ from, to }) => from === id || to === id)
    .map(({ delay }) => delay.p50Us ?? 0);
  return { id, us: Math.max(replica?.offset.p99Us ?? 0, ...delays), by: 'estimate' };
}

function findWorstLink({ links, replicas }: Measurement, skewBounds: readonly SkewBound[]): WorstLink | null {
  let worst: WorstLink | null = null;
  for (const { from, to, arrival, delay } of links) {
    if (arrival.p99Us === null || delay.p99Us === null) continue;
    const skewUs = skewBounds.find(({ id }) => id === to)?.us ?? 0;
    if (worst !== null && arrival.p99Us + skewUs <= worst.arrivalUs + worst.skewUs) continue;
    const startUs = replicas.find(({ id }) => id === from)?.start.p99Us ?? 0;
    worst = { from, to, arrivalUs: arrival.p99Us, skewUs, delayUs: delay.p99Us, startUs };
  }
  return worst;
}

/**
 * What a replica needs after its last round, of the slowest: it may notice the end late, as late as the start of a tick,
 * and what it does then may take long. Both are rarely slow at once: one as slow as 1 of 100, the other as usual.
 */
function findProcessingUs({ replicas }: Measurement): number | null {
  const needs = replicas.flatMap(({ processing, start }) =>
    processing.p50Us === null || processing.p99Us === null
      ? []
      : Math.max((start.p99Us ?? 0) + processing.p50Us, (start.p50Us ?? 0) + processing.p99Us),
  );
  return needs.length === 0 ? null : Math.max(...needs);
}

/** The period is no finding of its own: it is short where a round or what follows the rounds is. */
function judgeTimes(
  { round, period, processing, worst }: Pick<Judgement, 'round' | 'period' | 'processing' | 'worst'>,
  rounds: number,
): Finding[] {
  const findings: Finding[] = [];
  const judge = (name: string, margin: Margin, cure: string): void => {
    const { configuredUs, neededUs, percent } = margin;
    if (configuredUs >= SAFETY_FACTOR * neededUs) return;
    const level = configuredUs < neededUs ? 'error' : 'warning';
    const how = level === 'error' ? 'too short' : 'short';
    const needs = `needed are ${formatMeasured(neededUs)}, so the margin is ${formatPercent(percent)}`;
    findings.push({ level, what: `${name} of ${formatDuration(configuredUs)} is ${how}: ${needs}`, cure });
  };
  const longer = period === null ? '' : ` and a period of ${formatDuration(period.advisedUs)} or more`;
  if (worst !== null && round !== null) {
    const { from, to, delayUs, startUs } = worst;
    const mend =
      startUs > delayUs
        ? `give ${from} a quieter machine, as it starts late`
        : `mend ${from} > ${to}, the slowest link`;
    judge(
      'the round',
      round,
      `${mend}, or write 'round: ${formatDuration(round.advisedUs)}'${longer} in rig.yaml`,
    );
  }
  if (processing !== null) {
    judge(
      `what the period leaves after ${rounds === 1 ? 'its round' : `its ${rounds} rounds`}, a time`,
      processing,
      `leave ${formatDuration(processing.advisedUs)} by a longer period or a shorter round, or give the replicas quieter machines or a lighter law`,
    );
  }
  return findings;
}
