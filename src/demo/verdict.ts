/**
 * Judges a flight by its figures: which promises were made, which were kept, and the exit code that says so. It must
 * never excuse anything inside the fault hypothesis.
 */
import type { Rig } from '../rig/rig.js';
import type { FlightFigures } from './figures.js';

/** 0 promises kept, 1 broken, 2 usage or rig error, 3 fail-safe outside the hypothesis, as promised. */
export type ExitCode = 0 | 1 | 2 | 3;

export interface Verdict {
  readonly exitCode: ExitCode;
  /** One sentence in plain words. */
  readonly headline: string;
  /** What broke or what is worth knowing, one sentence each. */
  readonly findings: readonly string[];
}

/** Share of ticks that a noisy machine may put outside the hypothesis, or that may stay without account. */
export const TOLERATED_SHARE = 0.005;

/** How many of `ticks` a share allows; never less than one, or a short flight could not have any. */
export function countTolerated(ticks: number, share = TOLERATED_SHARE): number {
  return Math.max(1, Math.floor(ticks * share));
}

/** Judges one flight of a rig. `flown` is false when the flight was cut short by the person who watched it. */
export function judgeFlight(expect: Rig['expect'], figures: FlightFigures, flown: boolean): Verdict {
  return expect === 'disagree' ? judgeStudy(figures, flown) : judgeMasked(figures, flown);
}

function judgeStudy(figures: FlightFigures, flown: boolean): Verdict {
  const broken = findIdleFaults(figures, flown);
  if (figures.disagreements === 0)
    broken.push('The correct replicas never disagreed: the lesson was not shown.');
  if (broken.length > 0) return { exitCode: 1, headline: 'The lesson failed.', findings: broken };
  const findings = [
    `In ${count(figures.disagreements + figures.disagreementsOutside, 'tick')} two correct replicas computed from ` +
      'different inputs.',
  ];
  if (figures.plant !== null && !figures.plant.survived)
    findings.push(`The ${figures.plant.description.noun} was lost.`);
  return {
    exitCode: 0,
    headline: 'As this rig is meant to show: without agreement, correct replicas work against one another.',
    findings,
  };
}

function judgeMasked(figures: FlightFigures, flown: boolean): Verdict {
  const { ticks } = figures;
  const broken = findIdleFaults(figures, flown);
  const notes: string[] = [];
  const byMachine = countTicksByMachine(figures);
  const beyond = figures.ticksOutsideByFaults > 0;

  if (ticks === 0) broken.push('Not one tick was flown: no actuator was ever armed.');
  if (figures.unsafeOutputs > 0)
    broken.push(
      `${count(figures.unsafeOutputs, 'output')} that no correct replica computed reached an actuator.`,
    );
  if (figures.disagreements > 0)
    broken.push(`In ${count(figures.disagreements, 'tick')} two correct replicas held different results.`);
  if (figures.uncoveredTicks > 0)
    broken.push(
      `In ${count(figures.uncoveredTicks, 'tick')} inside the hypothesis an actuator stood in fail-safe.`,
    );
  broken.push(...findMachineTrouble(figures));
  const { plant } = figures;
  const lost = plant !== null && !plant.survived;
  const lostSentence = `The ${plant?.description.noun ?? 'plant'} was lost`;
  const struck = listStruckActuators(figures);
  notes.push(...describeReadBack(figures, struck));
  if (lost && struck.length > 0) {
    // The hypothesis speaks of replicas: behind the vote there is one device.
    notes.push(`${lostSentence} after ${struck.join(' and ')} had been struck, which no vote can mend.`);
  } else if (figures.ticksOutsideHypothesis === 0) {
    if (lost) broken.push(`${lostSentence}.`);
  } else if (lost) {
    notes.push(`${lostSentence}.`);
    if (figures.failSafeTrips === 0) broken.push(`${lostSentence} although no actuator fell to fail-safe.`);
  }
  if (figures.ticksOutsideHypothesis === 0 && figures.failSafeTrips > 0 && figures.uncoveredTicks === 0)
    broken.push(`An actuator fell to fail-safe ${count(figures.failSafeTrips, 'time')}.`);
  if (figures.disagreementsOutside > 0)
    notes.push(
      `Outside the hypothesis replicas disagreed in ${count(figures.disagreementsOutside, 'tick')}.`,
    );

  if (broken.length > 0)
    return { exitCode: 1, headline: 'Promises were broken.', findings: [...broken, ...notes] };
  if (figures.failSafeTrips > 0) {
    const why = beyond
      ? 'more replicas were made faulty than it tolerates'
      : 'the machine stood still for too long';
    return {
      exitCode: 3,
      headline: `The rig was taken outside its fault hypothesis (${why}) and went to fail-safe, as promised.`,
      findings: [`${count(figures.failSafeTrips, 'trip')} to fail-safe, and no unsafe output.`, ...notes],
    };
  }
  if (beyond)
    notes.unshift(
      'More replicas were faulty than the rig promises to tolerate, and the correct ones still prevailed.',
    );
  else if (byMachine > 0)
    notes.unshift(
      `${count(byMachine, 'tick')} of ${ticks} lay outside the hypothesis by the machine's own delays.`,
    );
  return { exitCode: 0, headline: 'All promises kept.', findings: notes };
}

/** Actuators whose voter or device an injected fault struck. */
function listStruckActuators(figures: FlightFigures): readonly string[] {
  return Object.keys(figures.missedTicks).filter((id) =>
    figures.faults.some(({ appliedAt, on }) => appliedAt !== null && on.includes(id)),
  );
}

function describeReadBack(figures: FlightFigures, struck: readonly string[]): string[] {
  return Object.entries(figures.actuatorAlarms).flatMap(([id, alarms]) => {
    if (alarms > 0) return [`The read-back of ${id} was alarmed ${count(alarms, 'time')}.`];
    return struck.includes(id) ? [`The read-back of ${id} showed nothing to be alarmed at.`] : [];
  });
}

/** Ticks that no injected fault but the machine's own delays put outside the hypothesis. */
export function countTicksByMachine(figures: FlightFigures): number {
  return figures.ticksOutsideHypothesis - figures.ticksOutsideByFaults;
}

/** Where the machine's own delays go beyond a tolerated share of the ticks, one sentence each. */
export function findMachineTrouble(figures: FlightFigures, share = TOLERATED_SHARE): string[] {
  const { ticks } = figures;
  const byMachine = countTicksByMachine(figures);
  const tolerated = countTolerated(ticks, share);
  const trouble: string[] = [];
  if (byMachine > tolerated)
    trouble.push(
      `${count(byMachine, 'tick')} of ${ticks} lay outside the hypothesis by the machine's own delays, more than ` +
        `${share * 100} % (${formatCauses(figures)}).`,
    );
  if (figures.unreported > tolerated)
    trouble.push(`Of ${count(figures.unreported, 'tick')} of ${ticks} a correct replica gave no account.`);
  if (figures.unverifiedOutputs > tolerated)
    trouble.push(`${count(figures.unverifiedOutputs, 'output')} could not be verified.`);
  return trouble;
}

/** Faults that altered nothing, one sentence each: such a fault proves nothing. */
export function findIdleFaults(figures: FlightFigures, flown: boolean): string[] {
  return figures.faults.flatMap((fault) => {
    if (fault.failed !== null) return [`The fault "${fault.spec}" could not be done: ${fault.failed}.`];
    if (fault.appliedAt === null) return flown ? [`The fault "${fault.spec}" never struck.`] : [];
    if (fault.affected > 0 || (!flown && fault.clearedAt === null)) return [];
    return [`The fault "${fault.spec}" altered nothing.`];
  });
}

function formatCauses(figures: FlightFigures): string {
  return Object.entries(figures.outsideCauses)
    .map(([cause, ticks]) => `${cause}: ${ticks}`)
    .join(', ');
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** The verdict over several flights: the first code that is not 0, else 0. */
export function combineVerdicts(verdicts: readonly Verdict[]): ExitCode {
  return verdicts.find((one) => one.exitCode !== 0)?.exitCode ?? 0;
}
