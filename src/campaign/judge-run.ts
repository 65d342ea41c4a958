/**
 * From what a run showed to its outcome. The checkers know what is inside the hypothesis and are always right; the
 * verdict over the figures is the one of a live flight. It must never excuse an unsafe output, whatever was expected.
 */
import type { FlightFigures } from '../demo/figures.js';
import { judgeFlight } from '../demo/verdict.js';
import type { Expectation, JobResult, Outcome, PlantSample, RunFigures, TimelineEvent } from './job.js';

/** A violation, as the checkers tell it. */
export interface RunViolation {
  readonly checker: string;
  readonly rule: string;
  readonly tick: number;
  readonly who: string;
  readonly what: string;
}

/** What a run showed. */
export interface RunAccount {
  readonly figures: FlightFigures;
  readonly violations: readonly RunViolation[];
  readonly violationCount: number;
  readonly traceDigest: string;
  readonly replicaTicks: number;
  readonly events: readonly TimelineEvent[];
  readonly plant: readonly PlantSample[];
}

const MAX_FINDINGS = 8;

/** The result of a run of which this much was expected. */
export function judgeRun(expectation: Expectation, account: RunAccount): JobResult {
  const { figures, violations, violationCount } = account;
  const reasons = new Set<string>();
  const findings: string[] = [];
  const fail = (reason: string, finding: string | null): void => {
    reasons.add(reason);
    if (finding !== null) findings.push(finding);
  };
  for (const { checker, rule, tick, who, what } of violations)
    fail(`${checker} ${rule}`, `Tick ${tick}, ${who}: ${what} (${checker}, ${rule})`);
  if (violationCount > violations.length && violations.length > 0)
    findings.push(`And ${violationCount - violations.length} more violations.`);
  if (figures.unsafeOutputs > 0)
    fail(
      'unsafe output',
      `${figures.unsafeOutputs} outputs that no correct replica computed reached an actuator.`,
    );
  const mayStand = expectation === 'unmoved';
  for (const fault of mayStand ? [] : figures.faults) {
    if (fault.failed !== null) fail('fault refused', `"${fault.spec}" could not be done: ${fault.failed}.`);
    else if (fault.appliedAt === null) fail('fault never struck', `"${fault.spec}" never struck.`);
  }
  if (figures.ticks === 0 && !mayStand) fail('never armed', 'No actuator was ever armed.');
  const verdict = judgeFlight('masked', discountIdle(figures), true);
  if (expectation !== 'safe' && expectation !== 'unmoved' && reasons.size === 0) {
    if (verdict.exitCode === 1) {
      for (const reason of nameReasons(figures)) fail(reason, null);
      findings.push(...verdict.findings);
    } else if (expectation === 'masked' && (verdict.exitCode === 3 || figures.failSafeTrips > 0)) {
      fail('trip', `${verdict.headline} It was expected to be masked.`);
    }
  }
  const isIdle = figures.faults.some(({ affected }) => affected === 0);
  let outcome: Outcome = 'held';
  if (reasons.size > 0) outcome = 'failed';
  else if (mayStand && figures.ticks === 0) outcome = 'fail-safe';
  else if (isIdle) outcome = 'idle';
  else if (figures.failSafeTrips > 0) outcome = 'fail-safe';
  if (outcome === 'idle') {
    const idle = figures.faults.filter(({ affected }) => affected === 0).map(({ spec }) => `"${spec}"`);
    findings.push(`${idle.join(', ')} altered nothing.`);
  }
  return {
    outcome,
    reasons: [...reasons],
    findings: findings.slice(0, MAX_FINDINGS),
    traceDigest: account.traceDigest,
    figures: summarizeFigures(figures, account.replicaTicks),
    events: account.events,
    plant: account.plant,
  };
}

/** Whether a fault altered anything is judged apart. */
function discountIdle(figures: FlightFigures): FlightFigures {
  const faults = figures.faults.map((fault) => ({ ...fault, affected: Math.max(1, fault.affected) }));
  return { ...figures, faults };
}

/** Names of what the verdict found, the gravest first. */
function nameReasons(figures: FlightFigures): readonly string[] {
  const names: string[] = [];
  if (figures.disagreements > 0) names.push('disagreement');
  if (figures.uncoveredTicks > 0) names.push('uncovered tick');
  if (figures.plant !== null && !figures.plant.survived) names.push('plant lost');
  if (figures.unreported > 0) names.push('no account');
  return names.length > 0 ? names : ['promise broken'];
}

function summarizeFigures(figures: FlightFigures, replicaTicks: number): RunFigures {
  const { plant } = figures;
  return {
    ticks: figures.ticks,
    replicaTicks,
    completedTicks: figures.completedTicks,
    ticksOutside: figures.ticksOutsideHypothesis,
    disagreements: figures.disagreements,
    disagreementsOutside: figures.disagreementsOutside,
    unsafeOutputs: figures.unsafeOutputs,
    uncoveredTicks: figures.uncoveredTicks,
    trips: figures.failSafeTrips,
    missedTicks: Object.values(figures.missedTicks).reduce((sum, ticks) => sum + ticks, 0),
    affected: figures.faults.reduce((sum, { affected }) => sum + affected, 0),
    latencyP50Us: figures.latencyUs.p50,
    latencyP99Us: figures.latencyUs.p99,
    latencyMaxUs: figures.latencyUs.max,
    maxPlantError: plant?.maxAbsError?.value ?? null,
    survived: plant?.survived ?? null,
  };
}
