/**
 * `voteplane simulate RIG`: flies a rig in virtual time, the live rig's own code in a world that one seed decides, and
 * says whether the promises were kept. Same seed and version, same trace. Exit codes as for `demo`.
 */
import { createWriteStream, type WriteStream } from 'node:fs';
import { once } from 'node:events';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { formatVerdict, readVersions } from '../demo/report.js';
import { countFlightTicks, planFaults, type PlannedFault } from '../demo/tour.js';
import type { ExitCode, Verdict } from '../demo/verdict.js';
import { describeHypothesis } from '../demo/view.js';
import { resolveFaultTargets } from '../faults/plan-fault.js';
import { collectAlone } from '../process/v8-flags.js';
import { loadRig, type LoadedRig } from '../rig/load-rig.js';
import { judgeScenario, type ScenarioVerdict } from '../scenario/judge-scenario.js';
import { loadScenario } from '../scenario/load-scenario.js';
import type { Scenario } from '../scenario/scenario.js';
import { QUIET_LINK } from '../simulation/network.js';
import { drawCommands } from '../simulation/draw-commands.js';
import { simulate, type SimulationOutcome } from '../simulation/simulate.js';
import { drawWeather } from '../simulation/weather.js';
import { openReport, parseSeed, parseTicks, readVersion } from './flight-options.js';
import { EXIT_USAGE, UsageError } from './usage-error.js';

interface SimulateOptions {
  readonly scenario?: string;
  readonly ticks?: number;
  readonly seed?: number;
  readonly wire: 'full' | 'none';
  readonly fault: readonly string[];
  readonly faults: boolean;
  readonly commands?: number;
  readonly delay?: number;
  readonly jitter?: number;
  readonly loss?: number;
  readonly json?: string;
  readonly trace?: string;
  readonly verbose?: boolean;
}

/** Length of a simulated flight that nothing else decides. */
const DEFAULT_TICKS = 10_000;

/** A flight, before it is simulated. */
interface PlannedSimulation {
  readonly loaded: LoadedRig;
  readonly rigPath: string;
  readonly ticks: number;
  readonly seed: number;
  readonly faults: readonly PlannedFault[];
  readonly scenario: Scenario | null;
}

/** What nothing else decides is drawn from this. */
const DEFAULT_SEED = 1;

/** Adds the command. */
export function registerSimulateCommand(program: Command): void {
  program
    .command('simulate')
    .description('fly a rig in virtual time, every message, clock and fault decided by one seed')
    .argument('[rig]', 'rig folder, or its rig.yaml')
    .option(
      '--scenario <file>',
      'a scenario file in place of a rig; exit 0 when all it expects is met, else 1',
    )
    .option('--ticks <number>', 'length of the flight', parseTicks)
    .option('--seed <number>', "what everything is drawn from; without it the scenario's, or 1", parseSeed)
    .addOption(
      new Option('--wire <how>', 'none: pass messages unencoded, several times as fast')
        .choices(['full', 'none'])
        .default('full'),
    )
    .option(
      '--fault <fault>',
      "a fault in place of those that the seed draws, such as 'equivocate on c at 100 for 60'; repeatable",
      (fault: string, faults: readonly string[]) => [...faults, fault],
      [],
    )
    .option('--no-faults', 'draw no faults')
    .option(
      '--commands <number>',
      'how many commands operators give, drawn by the seed over the length of the flight',
      parseCount,
    )
    .option('--delay <ms>', 'least delay of a frame, milliseconds', parseMilliseconds)
    .option('--jitter <ms>', 'mean of what comes on top by chance, milliseconds', parseMilliseconds)
    .option('--loss <p>', 'share of frames that the network loses', parseShare)
    .option('--json <file>', 'write all figures there, whatever the exit')
    .option('--trace <file>', 'write every frame, account and output there, a line of JSON each')
    .option('--verbose', 'tell what happens')
    .action(runSimulate);
}

async function runSimulate(rigPath: string | undefined, options: SimulateOptions): Promise<void> {
  collectAlone();
  const planned = await planSimulation(rigPath, options);
  const { loaded, ticks, seed, faults, scenario } = planned;
  const report = options.json === undefined ? null : await openReport(options.json);
  const trace = options.trace === undefined ? null : await openTrace(options.trace);
  const print = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  if (scenario !== null) print(`${scenario.title}\n${scenario.why}`);
  print(
    `simulating ${loaded.rig.id} (${describeHypothesis(loaded.rig)}): ${ticks} ticks, ${faults.length} faults, seed ${seed}`,
  );
  const submissions = scenario?.submissions ?? drawCommands(loaded.rig, ticks, options.commands ?? 0, seed);
  const outcome = simulate({
    loaded,
    ticks,
    seed,
    wire: options.wire,
    faults,
    submissions,
    network: {
      default: {
        ...QUIET_LINK,
        ...(options.delay === undefined ? {} : { delayUs: options.delay * 1_000 }),
        ...(options.jitter === undefined ? {} : { jitterUs: options.jitter * 1_000 }),
        ...(options.loss === undefined ? {} : { loss: options.loss }),
      },
    },
    ...(options.verbose === true ? { onLine: print } : {}),
    ...(trace === null ? {} : { onTrace: (line) => trace.write(`${JSON.stringify(line)}\n`) }),
  });
  const judged =
    scenario === null ? null : judgeScenario(scenario, outcome.figures, outcome.failure === null);
  const exitCode = chooseExit(outcome, judged ?? outcome.verdict);
  for (const line of describeOutcome(planned, outcome, judged)) print(line);
  if (trace !== null) {
    trace.end();
    await once(trace, 'close');
  }
  await report?.write(formatOutcome(planned, options.wire, outcome, judged, exitCode));
  process.exitCode = exitCode;
}

/** A broken promise of the protocol is never excused by what a verdict makes of the figures. */
function chooseExit(outcome: SimulationOutcome, verdict: Verdict): ExitCode {
  if (outcome.failure !== null) return EXIT_USAGE;
  return outcome.violationCount > 0 ? 1 : verdict.exitCode;
}

/** What is to be simulated, all of it checked. Throws UsageError, RigError, ScenarioError. */
async function planSimulation(
  rigPath: string | undefined,
  options: SimulateOptions,
): Promise<PlannedSimulation> {
  const { scenario: file, seed } = options;
  if (file === undefined) {
    if (rigPath === undefined)
      throw new UsageError('give a rig folder, such as hardware/rigs/pitch, or --scenario FILE');
    const loaded = await loadRig(rigPath);
    const faults = planFaultsOf(loaded, rigPath, options);
    const isAsked = options.fault.length > 0;
    const ticks = options.ticks ?? (isAsked ? countFlightTicks(loaded.rig, faults) : DEFAULT_TICKS);
    return { loaded, rigPath, ticks, seed: seed ?? DEFAULT_SEED, faults, scenario: null };
  }
  const excluded = [
    rigPath === undefined ? null : `a rig (${rigPath})`,
    options.fault.length > 0 ? '--fault' : null,
    options.ticks === undefined ? null : '--ticks',
    options.faults ? null : '--no-faults',
    options.commands === undefined ? null : '--commands',
  ].find((one) => one !== null);
  if (excluded !== undefined)
    throw new UsageError(
      `--scenario and ${excluded} exclude each other: the file says it all; give one of them`,
    );
  const { scenario, loaded } = await loadScenario(file);
  const { ticks, faults } = scenario;
  return { loaded, rigPath: scenario.rigPath, ticks, seed: seed ?? scenario.seed, faults, scenario };
}

function planFaultsOf(loaded: LoadedRig, rigPath: string, options: SimulateOptions): readonly PlannedFault[] {
  const { rig } = loaded;
  if (options.fault.length === 0) {
    const ticks = options.ticks ?? DEFAULT_TICKS;
    return options.faults ? drawWeather(rig, ticks, options.seed ?? DEFAULT_SEED, options.wire) : [];
  }
  const plan = planFaults(options.fault.map((fault) => ({ fault, say: '' })));
  if (!plan.ok)
    throw new UsageError(
      plan.mistakes.map(({ text, what, cure }) => `fault "${text}": ${what}; ${cure}`).join('\n'),
    );
  for (const { spec, text } of plan.faults) {
    const targets = resolveFaultTargets(spec, rig, 'simulator');
    if (!targets.ok) throw new UsageError(`${rigPath}: fault "${text}": ${targets.what}; ${targets.cure}`);
  }
  return plan.faults;
}

function describeOutcome(
  { loaded, rigPath }: PlannedSimulation,
  outcome: SimulationOutcome,
  judged: ScenarioVerdict | null,
): readonly string[] {
  const { rig } = loaded;
  const { figures, failure, traceDigest, violationCount, violations, checked } = outcome;
  if (failure !== null) return [`${rig.id} could not be flown: ${failure}`];
  const result = { figures, flown: true, failure: null, badExits: [] };
  const flight = { rig, rigPath, result, verdict: judged ?? outcome.verdict, scenario: judged };
  return [
    ...formatVerdict(flight),
    ...violations.map(
      ({ tick, checker, rule, who, what }) =>
        `  violation in tick ${tick}, ${who} (${checker}, protocol ${rule}): ${what}`,
    ),
    ...(checked.commandTicks === 0
      ? []
      : [
          `  Commands ${figures.commands.done} done, ${figures.commands.refused} refused, ${figures.commands.lapsed} lapsed, in ${checked.commandTicks} ticks inside the hypothesis.`,
        ]),
    `  Violations ${violationCount}. Trace ${traceDigest.slice(0, 16)}.`,
  ];
}

function formatOutcome(
  { loaded, rigPath, seed, ticks, faults, scenario }: PlannedSimulation,
  wire: 'full' | 'none',
  outcome: SimulationOutcome,
  judged: ScenarioVerdict | null,
  exitCode: ExitCode,
): string {
  const { figures, failure, traceDigest, violations, violationCount, checked, replicaTicks } = outcome;
  const verdict = judged ?? outcome.verdict;
  const whole = {
    rig: loaded.rig.id,
    rigPath,
    hypothesis: loaded.rig.hypothesis,
    exitCode,
    verdict: verdict.headline,
    findings: verdict.findings,
    error: failure,
    seed,
    wire,
    askedTicks: ticks,
    plannedFaults: faults.map(({ text }) => text),
    ...(scenario === null || scenario.submissions.length === 0
      ? {}
      : { plannedCommands: scenario.submissions.map(({ text }) => text) }),
    violations: violationCount,
    violationList: violations,
    checked,
    traceDigest,
    replicaTicks,
    ...(judged === null ? {} : { scenario: { expectations: judged.expectations } }),
    ...figures,
    versions: readVersions(readVersion()),
  };
  return `${JSON.stringify(whole, null, 2)}\n`;
}

async function openTrace(file: string): Promise<WriteStream> {
  const stream = createWriteStream(file);
  try {
    await once(stream, 'open');
  } catch (error) {
    throw new UsageError(`--trace ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return stream;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d{1,7}$/.test(text)) throw new InvalidArgumentError('Give a whole number up to 9999999.');
  return count;
}

function parseMilliseconds(text: string): number {
  const ms = Number(text);
  if (!(ms >= 0 && ms <= 10_000)) throw new InvalidArgumentError('Give milliseconds from 0 to 10000.');
  return ms;
}

function parseShare(text: string): number {
  const share = Number(text);
  if (!(share >= 0 && share <= 1)) throw new InvalidArgumentError('Give a share from 0 to 1.');
  return share;
}
