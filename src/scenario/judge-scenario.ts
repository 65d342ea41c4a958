/**
 * Holds the figures of one flight against what its scenario expects. A live flight and a simulated one are judged by
 * this same code. It must never excuse a broken promise: what the machine's own delays may have spoilt is told as
 * such, and still not met; disagreement and unsafe outputs are never put down to them.
 */
import type { FlightFigures } from '../demo/figures.js';
import {
  countTicksByMachine,
  countTolerated,
  findIdleFaults,
  findMachineTrouble,
  type Verdict,
} from '../demo/verdict.js';
import type { Claim, Scenario } from './scenario.js';

/** One expectation, held against a flight. */
export interface JudgedExpectation {
  /** As a person would write it. */
  readonly text: string;
  /** In the scenario file; null for what is always expected. */
  readonly line: number | null;
  readonly met: boolean;
  /** What was measured, a clause. */
  readonly found: string;
}

/** A verdict with exit code 0 when all that was expected is met, else 1. */
export interface ScenarioVerdict extends Verdict {
  readonly exitCode: 0 | 1;
  /** As mistakes call it. */
  readonly file: string;
  readonly title: string;
  /** What is always expected first, then the file's own, in its order. */
  readonly expectations: readonly JudgedExpectation[];
  /** Whether nothing but this machine's own delays can be to blame for what is not met. */
  readonly spoiltByMachine: boolean;
}

/** What an expectation comes to. */
interface Outcome {
  readonly met: boolean;
  readonly found: string;
  /** Whether delays of the machine can bring it about that this is not met. */
  readonly machineCould: boolean;
}

/**
 * Share of a scenario's ticks that a noisy machine may put outside the hypothesis. A scenario is short, so that a
 * single stall is more than a long flight is allowed; what it expects must hold all the same.
 */
const TOLERATED_SHARE = 0.1;

/** Judges one flight of a scenario. `flown` is false when it was cut short: then nothing is proven. */
export function judgeScenario(scenario: Scenario, figures: FlightFigures, flown = true): ScenarioVerdict {
  const implied = [
    { text: 'no unsafe output', line: null, outcome: judgeSafety(figures) },
    ...(scenario.faults.length === 0
      ? []
      : [{ text: 'every fault strikes', line: null, outcome: judgeFaults(figures, flown) }]),
  ];
  const stated = scenario.expectations.map(({ claim, text, line }) => ({
    text,
    line,
    outcome: judgeClaim(claim, scenario, figures),
  }));
  const all = [...implied, ...stated];
  const unmet = all.filter(({ outcome }) => !outcome.met);
  const trouble = figures.ticks === 0 ? [] : findMachineTrouble(figures, TOLERATED_SHARE);
  const isProven = flown && figures.ticks > 0 && trouble.length === 0;
  const spoiltByMachine =
    flown &&
    (trouble.length > 0 || (unmet.length > 0 && isMachineAtWork(scenario, figures))) &&
    unmet.every(({ outcome }) => outcome.machineCould);
  const findings = [
    ...(figures.ticks === 0 ? ['Not one tick was flown: no actuator was ever armed.'] : []),
    ...(flown ? [] : ['The flight was cut short, so it proves nothing.']),
    ...unmet.map(({ text, line, outcome }) => {
      const place = line === null ? 'Always expected' : `${scenario.file}:${line}`;
      return `${place}: expected ${text}; found ${outcome.found}.`;
    }),
    ...trouble,
  ];
  const passed = isProven && unmet.length === 0;
  return {
    exitCode: passed ? 0 : 1,
    headline: passed
      ? 'All that was expected is met.'
      : spoiltByMachine
        ? "This machine's own delays spoilt the flight; it says nothing of the rig. Fly it again."
        : 'Not all that was expected is met.',
    findings,
    file: scenario.file,
    title: scenario.title,
    expectations: all.map(({ text, line, outcome: { met, found } }) => ({ text, line, met, found })),
    spoiltByMachine,
  };
}

/** Whether this machine stood still long enough to make correct replicas late. */
function isMachineAtWork({ rig }: Scenario, figures: FlightFigures): boolean {
  return countTicksByMachine(figures) > 0 || figures.machineStallMs * 1_000 >= rig.roundUs;
}

const NEVER_BY_MACHINE = { machineCould: false };

function judgeSafety(figures: FlightFigures): Outcome {
  const { unsafeOutputs } = figures;
  return { ...NEVER_BY_MACHINE, met: unsafeOutputs === 0, found: countOf(unsafeOutputs, 'unsafe output') };
}

function judgeFaults(figures: FlightFigures, flown: boolean): Outcome {
  const idle = findIdleFaults(figures, flown);
  const found = idle.length === 0 ? 'each altered something' : joinSentences(idle);
  // What a machine does not let run cannot be struck; what is refused has another reason.
  return {
    met: idle.length === 0,
    found,
    machineCould: figures.faults.every(({ failed }) => failed === null),
  };
}

function judgeClaim(claim: Claim, scenario: Scenario, figures: FlightFigures): Outcome {
  switch (claim.kind) {
    case 'agree':
      return judgeAgreement(figures);
    case 'disagree': {
      const { disagreements } = figures;
      const found = `disagreement in ${countOf(disagreements, 'tick')}`;
      return { ...NEVER_BY_MACHINE, met: disagreements > 0, found };
    }
    case 'masked':
      return judgeMasked(figures);
    case 'fail-safe':
      return judgeFailSafe(claim.withinTicks, scenario, figures);
    case 'suspects':
    case 'suspects-include':
      return judgeSuspects(claim, figures);
    case 'plant-error': {
      const error = figures.plant?.maxAbsError ?? null;
      if (error === null) return { ...NEVER_BY_MACHINE, met: false, found: 'no error was measured' };
      const found = `${error.value.toFixed(3)} ${error.unit} at worst`;
      const isComparable = error.unit === claim.unit;
      return { met: isComparable && error.value <= claim.max, found, machineCould: isComparable };
    }
    case 'plant': {
      const { plant } = figures;
      const fate = plant === null ? null : plant.survived ? 'survives' : 'lost';
      const found = fate === null ? 'nothing was heard of the plant' : `the plant ${nameFate(fate)}`;
      return { met: fate === claim.fate, found, machineCould: fate === 'lost' };
    }
    case 'missed-ticks': {
      const worst = Object.entries(figures.missedTicks).sort(([, a], [, b]) => b - a)[0];
      const [actuator, ticks] = worst ?? ['', 0];
      const found = ticks === 0 ? 'none' : `${ticks} at ${actuator}`;
      return { met: ticks <= claim.max, found, machineCould: true };
    }
    case 'rejected': {
      const missing = claim.causes.filter((cause) => (figures.rejected[cause] ?? 0) === 0);
      const seen = Object.entries(figures.rejected)
        .filter(([, frames]) => frames > 0)
        .map(([cause, frames]) => `${cause} ${frames}`);
      const found = seen.length === 0 ? 'nothing was refused' : `refused were ${seen.join(', ')}`;
      return { ...NEVER_BY_MACHINE, met: missing.length === 0, found };
    }
    case 'alarms': {
      const alarmed = Object.entries(figures.actuatorAlarms).filter(([, alarms]) => alarms > 0);
      const isNamed = (id: string): boolean => alarmed.some(([other]) => other === id);
      const hasAll = claim.ids.every(isNamed);
      const found = alarmed.map(([id, alarms]) => `${id} alarmed ${countOf(alarms, 'time')}`).join(', ');
      return {
        met: hasAll && alarmed.every(([id]) => claim.ids.includes(id)),
        found: found === '' ? 'nothing was alarmed' : found,
        // A device that the machine keeps waiting is silent too, and one that is ordered nothing cannot fail to obey.
        machineCould: true,
      };
    }
    case 'commands': {
      const { done, refused, lapsed } = figures.commands;
      const found = `${done} done, ${refused} refused by the law, ${lapsed} lapsed`;
      // What a machine keeps from being ordered in time lapses, or is never heard of; too many it cannot make.
      const machineCould = done <= claim.done && refused <= claim.refused;
      return { met: done === claim.done && refused === claim.refused, found, machineCould };
    }
    case 'outside': {
      const { ticksOutsideByFaults } = figures;
      const found = `${countOf(ticksOutsideByFaults, 'tick')} outside the hypothesis by faults`;
      return { ...NEVER_BY_MACHINE, met: ticksOutsideByFaults > 0 === claim.outside, found };
    }
  }
}

/** What must hold inside the hypothesis whatever else is expected: agreement, and at all times an output. */
function listBroken(figures: FlightFigures): string[] {
  const { disagreements, uncoveredTicks } = figures;
  return [
    ...(disagreements === 0 ? [] : [`disagreement in ${countOf(disagreements, 'tick')}`]),
    ...(uncoveredTicks === 0
      ? []
      : [`${countOf(uncoveredTicks, 'tick')} inside the hypothesis in fail-safe`]),
  ];
}

function judgeAgreement(figures: FlightFigures): Outcome {
  const found = `disagreement in ${countOf(figures.disagreements, 'tick')}`;
  return { ...NEVER_BY_MACHINE, met: figures.disagreements === 0, found };
}

function judgeMasked(figures: FlightFigures): Outcome {
  const broken = listBroken(figures);
  if (figures.failSafeTrips > 0) broken.push(countOf(figures.failSafeTrips, 'trip') + ' to fail-safe');
  if (figures.plant !== null && !figures.plant.survived) broken.push('the plant was lost');
  const found = broken.length === 0 ? 'agreement, and an armed voter in every tick' : broken.join(', ');
  return { met: broken.length === 0, found, machineCould: figures.disagreements === 0 };
}

function judgeFailSafe(withinTicks: number, { rig }: Scenario, figures: FlightFigures): Outcome {
  const broken = listBroken(figures);
  const machineCould = figures.disagreements === 0;
  if (broken.length > 0) return { met: false, found: broken.join(', '), machineCould };
  const from = figures.outsideByFaultsFrom;
  if (from === null)
    return { ...NEVER_BY_MACHINE, met: false, found: 'the faults never left the hypothesis' };
  const delays = rig.actuators.map(({ id }) => {
    const trip = figures.trips.find(({ actuator, tick }) => actuator === id && tick >= from);
    return { id, ticks: trip === undefined ? null : trip.tick - from };
  });
  const found = delays
    .map(({ id, ticks }) => (ticks === null ? `${id} never fell` : `${id} after ${countOf(ticks, 'tick')}`))
    .join(', ');
  const met = delays.every(({ ticks }) => ticks !== null && ticks <= withinTicks);
  return { met, found, machineCould: machineCould && delays.every(({ ticks }) => ticks !== null) };
}

function judgeSuspects(
  claim: Claim & { kind: 'suspects' | 'suspects-include' },
  figures: FlightFigures,
): Outcome {
  const hasAll = claim.ids.every((id) => figures.suspects.some((suspect) => suspect.id === id));
  // A replica that this machine delays is suspected too, and rightly so.
  const others = figures.suspects.filter(({ id, firmTicks }) => firmTicks > 0 && !claim.ids.includes(id));
  const named = figures.suspects.map(({ id, ticks, firmTicks, by }) => {
    const slow = firmTicks === 0 && !claim.ids.includes(id) ? ', for no more than slowness' : '';
    return `${id} for ${countOf(ticks, 'tick')} by ${by.join(', ')}${slow}`;
  });
  return {
    met: hasAll && (claim.kind === 'suspects-include' || others.length === 0),
    found: named.length === 0 ? 'nobody was suspected' : named.join('; '),
    // Nor can it be told who lies while a machine keeps others from saying what they heard.
    machineCould: hasAll || countTicksByMachine(figures) > countTolerated(figures.ticks, TOLERATED_SHARE),
  };
}

function nameFate(fate: 'survives' | 'lost'): string {
  return fate === 'lost' ? 'was lost' : 'survives';
}

/** Sentences as one clause, without the last full stop. */
function joinSentences(sentences: readonly string[]): string {
  return sentences.join(' ').replace(/\.$/, '');
}

function countOf(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
