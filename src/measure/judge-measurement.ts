/**
 * What measured links allow (protocol.md §6: R ≥ delay + skew + processing), and what the configured round and period
 * make of it. Pure arithmetic.
 *
 * A message of a round leaves as late as its sender notices the round's begin, is under way for its delay, and is held
 * against a deadline by a clock that may be off by the skew: a round needs the sum, on the worst link. A period needs
 * f+1 rounds and what the last of them leaves to do. Needed is what 99 of 100 take, each part for itself; advised is
 * `SAFETY_FACTOR` times that, for what a measurement of seconds has not seen.
 */
import { countRounds } from '../rig/derive.js';
import { formatDuration } from '../rig/quantity.js';
import type { Rig } from '../rig/rig.js';
import type { LinkMeasurement, Measurement, ReplicaMeasurement } from './take-measurement.js';

/** What is configured should be at least so many times what is needed. */
export const SAFETY_FACTOR = 1.5;
/** A larger share of messages that are lost or late, or of ticks that a replica misses, is warned of. */
const LOSS_SHARE = 0.001;
/** Fewer ticks say little of the hundredth. */
const FEW_TICKS = 50;

/** One configured time against what is needed, µs. */
export interface Margin {
  readonly configuredUs: number;
  readonly neededUs: number;
  readonly advisedUs: number;
  /** How much more than needed is configured, in percent of what is needed, rounded down; negative: it is too short. */
  readonly percent: number;
}

/** Why a round needs what it needs: the parts on the worst link, µs. */
export interface WorstLink {
  readonly from: string;
  readonly to: string;
  readonly delayUs: number;
  readonly skewUs: number;
  /** How late its sender begins. */
  readonly startUs: number;
}

export interface Finding {
  /** An error: the rig does not work, or will not for long. */
  readonly level: 'error' | 'warning';
  /** What is the matter, a sentence without its full stop. */
  readonly what: string;
  /** What to do about it, in the imperative. */
  readonly cure: string;
}

/** What follows from a measurement. Null where nothing was measured that it could follow from. */
export interface Judgement {
  readonly ok: boolean;
  readonly worst: WorstLink | null;
  readonly round: Margin | null;
  readonly period: Margin | null;
  /** What the period leaves after its rounds, against what deciding, law and sending take. */
  readonly processing: Margin | null;
  readonly findings: readonly Finding[];
}

type Timing = Pick<Rig, 'hypothesis' | 'periodUs' | 'roundUs'>;

/** Judges the configured times of a rig by a measurement of it. */
export function judgeMeasurement(rig: Timing, measurement: Measurement): Judgement {
  const rounds = countRounds(rig.hypothesis);
  const worst = findWorstLink(measurement);
  const processingUs = findProcessingUs(measurement);
  const round = worst === null ? null : weigh(rig.roundUs, worst.delayUs + worst.skewUs + worst.startUs);
  const processing = processingUs === null ? null : weigh(rig.periodUs - rounds * rig.roundUs, processingUs);
  const period =
    round === null || processing === null
      ? null
      : {
          ...weigh(rig.periodUs, rounds * round.neededUs + processing.neededUs),
          advisedUs: rounds * round.advisedUs + processing.advisedUs,
        };
  const findings = [
    ...judgeReplicas(measurement),
    ...judgeTimes({ round, period, processing, worst }, rounds),
    ...judgeLinks(measurement),
  ];
  return {
    ok: findings.every(({ level }) => level !== 'error'),
    worst,
    round,
    period,
    processing,
    findings: [
      ...findings.filter(({ level }) => level === 'error'),
      ...findings.filter(({ level }) => level === 'warning'),
    ],
  };
}

/** Writes the share of what is configured beyond what is needed: `+270 %`. */
export function formatPercent(percent: number): string {
  return `${percent < 0 ? '−' : '+'}${Math.abs(percent)} %`;
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

function findWorstLink(measurement: Measurement): WorstLink | null {
  let worst: WorstLink | null = null;
  let worstUs = -1;
  for (const link of measurement.links) {
    const delayUs = link.delay.p99Us;
    if (delayUs === null) continue;
    const skewUs = findSkewUs(measurement, link.to);
    const startUs = measurement.replicas.find(({ id }) => id === link.from)?.start.p99Us ?? 0;
    if (delayUs + skewUs + startUs <= worstUs) continue;
    worstUs = delayUs + skewUs + startUs;
    worst = { from: link.from, to: link.to, delayUs, skewUs, startUs };
  }
  return worst;
}

/**
 * How far the round clock of `id` may be off. Where the replica itself does not know, by Cristian's rule: no message
 * travels back in time, so the shortest delays that two clocks show bound what these are apart.
 */
function findSkewUs({ replicas, links }: Measurement, id: string): number {
  const own = replicas.find((replica) => replica.id === id)?.skew.p99Us ?? null;
  if (own !== null) return own;
  const shortest = (from: string, to: string): number =>
    links.find((link) => link.from === from && link.to === to)?.delay.minUs ?? 0;
  return Math.max(
    0,
    ...links
      .filter(({ to }) => to === id)
      .map(({ from }) => Math.max(shortest(from, id), shortest(id, from))),
  );
}

/** What a replica needs after its last round, which it may notice late; of the slowest. */
function findProcessingUs({ replicas }: Measurement): number | null {
  const needs = replicas.flatMap(({ processing, start }) =>
    processing.p99Us === null ? [] : processing.p99Us + (start.p99Us ?? 0),
  );
  return needs.length === 0 ? null : Math.max(...needs);
}

function judgeReplicas({ replicas, unanswered, forUs }: Measurement): Finding[] {
  const findings: Finding[] = unanswered.map(({ id, why }) => ({
    level: 'error',
    what: `replica ${id} could not be measured`,
    cure: why,
  }));
  for (const { id, mode } of replicas) {
    if (mode === 'running') continue;
    findings.push({
      level: 'error',
      what: `replica ${id} is ${mode} and takes no part in the run`,
      cure: 'read what it prints, and measure when all run',
    });
  }
  const ticks = Math.max(0, ...replicas.map((replica) => replica.ticks));
  if (ticks < FEW_TICKS) {
    findings.push({
      level: 'warning',
      what: `only ${ticks} ticks were measured`,
      cure: `measure longer: --for ${formatDuration(Math.ceil((forUs * FEW_TICKS) / Math.max(1, ticks) / 1e6) * 1e6).replace(' ', '')}`,
    });
  }
  findings.push(...replicas.flatMap(judgeTicks));
  return findings;
}

function judgeTicks({ id, ticks, unspoken, overruns }: ReplicaMeasurement): Finding[] {
  const missed = Math.max(unspoken, overruns);
  if (missed <= LOSS_SHARE * ticks) return [];
  return [
    {
      level: 'warning',
      what: `replica ${id} was itself too late in ${missed} of ${ticks} ticks`,
      cure: 'look at the load of its machine, or lengthen the round',
    },
  ];
}

function judgeTimes(
  { round, period, processing, worst }: Pick<Judgement, 'round' | 'period' | 'processing' | 'worst'>,
  rounds: number,
): Finding[] {
  const findings: Finding[] = [];
  const shortOf = (name: string, margin: Margin, cure: string): void => {
    if (margin.configuredUs >= SAFETY_FACTOR * margin.neededUs) return;
    const has = `${name} of ${formatDuration(margin.configuredUs)}`;
    const needs = `${formatDuration(margin.neededUs)} needed`;
    findings.push(
      margin.configuredUs < margin.neededUs
        ? { level: 'error', what: `${has} is too short: ${needs}`, cure }
        : { level: 'warning', what: `${has} is short: ${needs}, ${formatPercent(margin.percent)}`, cure },
    );
  };
  if (worst !== null && round !== null) {
    shortOf(
      'the round',
      round,
      `mend ${worst.from} > ${worst.to}, the slowest link, or write 'round: ${formatDuration(round.advisedUs)}'` +
        (period === null ? '' : ` and a period of ${formatDuration(period.advisedUs)} or more`) +
        ' in rig.yaml',
    );
  }
  if (period !== null) {
    shortOf('the period', period, `write 'period: ${formatDuration(period.advisedUs)}' or more in rig.yaml`);
  }
  if (processing !== null) {
    shortOf(
      `what the period leaves after ${rounds === 1 ? 'its round' : `${rounds} rounds`}, a time`,
      processing,
      'lengthen the period or shorten the round, give the replicas a quieter machine, or make the law lighter',
    );
  }
  return findings;
}

function judgeLinks({ links, replicas }: Measurement): Finding[] {
  const answered = (id: string): boolean => replicas.some((replica) => replica.id === id);
  return links.flatMap((link): Finding[] => {
    const name = `${link.from} > ${link.to}`;
    if (link.delay.count === 0) {
      if (!answered(link.from)) return [];
      return [
        {
          level: 'error',
          what: `nothing came over ${name}`,
          cure: 'see that both run and that the network lets them through',
        },
      ];
    }
    return judgeFlow(name, link);
  });
}

function judgeFlow(name: string, { expected, lost, late }: LinkMeasurement): Finding[] {
  const findings: Finding[] = [];
  if (lost > LOSS_SHARE * expected) {
    findings.push({
      level: 'warning',
      what: `${name} lost ${lost} of ${expected} messages`,
      cure: 'look at its cable, switch and Wi-Fi; a rig with lossless links has its whole f for other faults',
    });
  }
  if (late > LOSS_SHARE * expected) {
    findings.push({
      level: 'warning',
      what: `${name} was late in ${late} of ${expected} ticks`,
      cure: 'late is absent: lengthen the round, or find what delays it',
    });
  }
  return findings;
}
