/**
 * `voteplane simulate RIG`: flies a rig in virtual time, the live rig's own code in a world that one seed decides, and
 * says whether the promises were kept. Same seed and version, same trace. Exit codes as for `demo`.
 */
import { createWriteStream, type WriteStream } from 'node:fs';
import { once } from 'node:events';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { formatVerdict, readVersions } from '../demo/report.js';
import { countFlightTicks, planFaults, type PlannedFault } from '../demo/tour.js';
import { describeHypothesis } from '../demo/view.js';
import { resolveFaultTargets } from '../faults/plan-fault.js';
import { loadRig, type LoadedRig } from '../rig/load-rig.js';
import { QUIET_LINK } from '../simulation/network.js';
import { simulate, type SimulationOutcome } from '../simulation/simulate.js';
import { drawWeather } from '../simulation/weather.js';
import { openReport, parseSeed, parseTicks, readVersion } from './flight-options.js';
import { EXIT_USAGE, UsageError } from './usage-error.js';

interface SimulateOptions {
  readonly ticks?: number;
  readonly seed: number;
  readonly wire: 'full' | 'none';
  readonly fault: readonly string[];
  readonly faults: boolean;
  readonly delay?: number;
  readonly jitter?: number;
  readonly loss?: number;
  readonly json?: string;
  readonly trace?: string;
  readonly verbose?: boolean;
}

/** Length of a simulated flight that nothing else decides. */
const DEFAULT_TICKS = 10_000;

/** Adds the command. */
export function registerSimulateCommand(program: Command): void {
  program
    .command('simulate')
    .description('fly a rig in virtual time, every message, clock and fault decided by one seed')
    .argument('<rig>', 'rig folder, or its rig.yaml')
    .option('--ticks <number>', 'length of the flight', parseTicks)
    .option('--seed <number>', 'what everything is drawn from', parseSeed, 1)
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
    .option('--delay <ms>', 'least delay of a frame, milliseconds', parseMilliseconds)
    .option('--jitter <ms>', 'mean of what comes on top by chance, milliseconds', parseMilliseconds)
    .option('--loss <p>', 'share of frames that the network loses', parseShare)
    .option('--json <file>', 'write all figures there, whatever the exit')
    .option('--trace <file>', 'write every frame, account and output there, a line of JSON each')
    .option('--verbose', 'tell what happens')
    .action(runSimulate);
}

async function runSimulate(rigPath: string, options: SimulateOptions): Promise<void> {
  const loaded = await loadRig(rigPath);
  const faults = planFlight(loaded, rigPath, options);
  const ticks =
    options.ticks ?? (options.fault.length > 0 ? countFlightTicks(loaded.rig, faults) : DEFAULT_TICKS);
  const report = options.json === undefined ? null : await openReport(options.json);
  const trace = options.trace === undefined ? null : await openTrace(options.trace);
  const print = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  print(
    `simulating ${loaded.rig.id} (${describeHypothesis(loaded.rig)}): ${ticks} ticks, ${faults.length} faults, seed ${options.seed}`,
  );
  const outcome = simulate({
    loaded,
    ticks,
    seed: options.seed,
    wire: options.wire,
    faults,
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
  const exitCode = outcome.failure === null ? outcome.verdict.exitCode : EXIT_USAGE;
  for (const line of describeOutcome(loaded, rigPath, outcome)) print(line);
  if (trace !== null) {
    trace.end();
    await once(trace, 'close');
  }
  await report?.write(formatOutcome(loaded, rigPath, options, ticks, faults, outcome, exitCode));
  process.exitCode = exitCode;
}

function planFlight(loaded: LoadedRig, rigPath: string, options: SimulateOptions): readonly PlannedFault[] {
  const { rig } = loaded;
  if (options.fault.length === 0) {
    return options.faults ? drawWeather(rig, options.ticks ?? DEFAULT_TICKS, options.seed, options.wire) : [];
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

function describeOutcome(loaded: LoadedRig, rigPath: string, outcome: SimulationOutcome): readonly string[] {
  const { rig } = loaded;
  const { figures, verdict, failure, traceDigest, violationCount, violations } = outcome;
  if (failure !== null) return [`${rig.id} could not be flown: ${failure}`];
  const result = { figures, flown: true, failure: null, badExits: [] };
  return [
    ...formatVerdict({ rig, rigPath, result, verdict }),
    ...violations.map(
      ({ tick, checker, rule, what }) =>
        `  violation in tick ${tick} (${checker}, protocol ${rule}): ${what}`,
    ),
    `  Violations ${violationCount}. Trace ${traceDigest.slice(0, 16)}.`,
  ];
}

function formatOutcome(
  loaded: LoadedRig,
  rigPath: string,
  options: SimulateOptions,
  ticks: number,
  faults: readonly PlannedFault[],
  outcome: SimulationOutcome,
  exitCode: number,
): string {
  const { figures, verdict, failure, traceDigest, violations, violationCount, replicaTicks } = outcome;
  const whole = {
    rig: loaded.rig.id,
    rigPath,
    hypothesis: loaded.rig.hypothesis,
    exitCode,
    verdict: verdict.headline,
    findings: verdict.findings,
    error: failure,
    seed: options.seed,
    wire: options.wire,
    askedTicks: ticks,
    plannedFaults: faults.map(({ text }) => text),
    violations: violationCount,
    violationList: violations,
    traceDigest,
    replicaTicks,
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
