/** A demo's account of itself: JSON for machines, plain words for people. */
import { release, type as osType, arch, cpus } from 'node:os';
import type { Rig } from '../rig/rig.js';
import type { FaultFigures, FlightFigures, PlantErrorFigures } from './figures.js';
import type { FlightResult } from './flight.js';
import type { ScenarioVerdict } from '../scenario/judge-scenario.js';
import type { ExitCode, Verdict } from './verdict.js';
import { wrapText } from './lines.js';
import { describeHypothesis, formatPercentiles } from './view.js';

/** One flight with its verdict. */
export interface FlownFlight {
  readonly rig: Rig;
  readonly rigPath: string;
  readonly result: FlightResult;
  readonly verdict: Verdict;
  /** The same verdict where a scenario was flown. */
  readonly scenario?: ScenarioVerdict | null;
}

export interface Versions {
  readonly voteplane: string;
  readonly node: string;
  readonly v8: string;
  readonly os: string;
  readonly arch: string;
  readonly cpus: number;
}

/** What a demo leaves in its JSON file. */
export interface DemoReport {
  readonly exitCode: ExitCode;
  /** Why there is nothing to judge, or not all; null otherwise. */
  readonly error: string | null;
  readonly seed: number;
  readonly versions: Versions;
  readonly flights: readonly FlownFlight[];
}

/** Versions of everything that a measurement depends on. */
export function readVersions(voteplane: string): Versions {
  return {
    voteplane,
    node: process.version,
    v8: process.versions.v8,
    os: `${osType()} ${release()}`,
    arch: arch(),
    cpus: cpus().length,
  };
}

/** The JSON text: figures of the first flight at the top, all flights under `flights`. */
export function formatJson(report: DemoReport): string {
  const flights = report.flights.map(describeFlight);
  const { exitCode, error, seed, versions } = report;
  const whole = { ...(flights[0] ?? {}), exitCode, error, seed, versions, flights };
  return `${JSON.stringify(whole, null, 2)}\n`;
}

function describeFlight(flight: FlownFlight): FlightFigures & Readonly<Record<string, unknown>> {
  const { rig, rigPath, result, verdict, scenario = null } = flight;
  return {
    rig: rig.id,
    rigPath,
    hypothesis: rig.hypothesis,
    expect: rig.expect,
    exitCode: verdict.exitCode,
    verdict: verdict.headline,
    findings: verdict.findings,
    ...(scenario === null ? {} : { scenario: describeScenario(scenario) }),
    flown: result.flown,
    badExits: result.badExits,
    ...result.figures,
  };
}

function describeScenario(verdict: ScenarioVerdict): Readonly<Record<string, unknown>> {
  const { file, title, expectations, spoiltByMachine } = verdict;
  return { file, title, expectations, spoiltByMachine };
}

/** The verdict over one flight, in lines for people. */
export function formatVerdict(flight: FlownFlight): readonly string[] {
  const { rig, result, verdict, scenario } = flight;
  const { figures } = result;
  const missed = Object.values(figures.missedTicks).reduce((sum, ticks) => sum + ticks, 0);
  const { plant } = figures;
  const suspects = figures.suspects.map(({ id, ticks }) => `${id} for ${ticks} ticks`).join(', ');
  return [
    `${rig.id} (${describeHypothesis(rig)}): ${verdict.headline}`,
    ...verdict.findings.map((finding) => `  ${finding}`),
    ...(scenario?.expectations.flatMap(({ text, met, found }) =>
      met ? [`  As expected, ${text}: ${found}.`] : [],
    ) ?? []),
    `  ${figures.ticks} ticks flown, ${figures.completedTicks} with an output at every actuator, ${missed} missed.`,
    `  Disagreements ${figures.disagreements}, unsafe outputs ${figures.unsafeOutputs}, uncovered ticks ` +
      `${figures.uncoveredTicks}, trips to fail-safe ${figures.failSafeTrips}, ticks outside the hypothesis ` +
      `${figures.ticksOutsideHypothesis}.`,
    `  Sample to output ${formatPercentiles(figures.latencyUs)} (median / 99 %), agreement ` +
      `${formatPercentiles(figures.agreementUs)}; the machine stood still for up to ${figures.machineStallMs} ms.`,
    ...(plant === null
      ? []
      : [
          `  The ${plant.description.noun} ` +
            (plant.survived
              ? 'survived'
              : `was lost (${String(plant.last['lostWhy'] ?? 'no cause known')})`) +
            `${describeError(plant.maxAbsError)}.`,
        ]),
    ...(suspects === '' ? [] : [`  Suspected: ${suspects}.`]),
    ...figures.faults.map((fault) => `  ${describeFate(fault)}: ${fault.spec}`),
    ...result.badExits.map((text) => `  Ended badly: ${text}`),
  ];
}

function describeError(error: PlantErrorFigures | null): string {
  return error === null ? '' : `; largest ${error.of} error ${error.value.toFixed(2)} ${error.unit}`;
}

function describeFate(fault: FaultFigures): string {
  if (fault.failed !== null) return `failed (${fault.failed})`;
  return fault.appliedAt === null ? 'never struck' : `altered ${fault.affected}`;
}

/** Lines no wider than a terminal: what goes on in the next line stands under its beginning. */
export function wrapLines(lines: readonly string[], columns: number): readonly string[] {
  return lines.flatMap((line) => {
    const indent = /^ */.exec(line)?.[0] ?? '';
    const parts = wrapText(line.trim(), Math.max(20, columns - indent.length - 2));
    return parts.map((part, at) => `${indent}${at === 0 ? '' : '  '}${part}`);
  });
}
