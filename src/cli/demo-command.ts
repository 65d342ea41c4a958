/**
 * `voteplane demo [RIG]`: flies a rig on this machine, all of its processes on loopback with fresh keys, while faults
 * strike, and says in the end whether the promises were kept. Exit 0: kept; 1: broken; 2: usage or rig error;
 * 3: fail-safe outside the fault hypothesis, as promised.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { Flight, type CommandGiver, type FaultSender, type FlightResult } from '../demo/flight.js';
import { prepareFlightFolder, type FlightFolder } from '../demo/flight-folder.js';
import { isPaintable, openPainter, openProgress, type Screen } from '../demo/painter.js';
import { formatJson, formatVerdict, readVersions, wrapLines, type FlownFlight } from '../demo/report.js';
import {
  countFlightTicks,
  planFaults,
  planMatrix,
  planStandardTour,
  type PlannedFault,
} from '../demo/tour.js';
import { combineVerdicts, judgeFlight, type ExitCode } from '../demo/verdict.js';
import { describeHypothesis } from '../demo/view.js';
import { resolveFaultTargets } from '../faults/plan-fault.js';
import { readMonotonicUs } from '../process/system-clock.js';
import { addFlight, createRecordingFolder } from '../recording/recording-folder.js';
import { loadRig, type LoadedRig } from '../rig/load-rig.js';
import type { Submission } from '../rig/submission.js';
import type { CommandClient } from '../client/command-client.js';
import type { Rig } from '../rig/rig.js';
import { judgeScenario } from '../scenario/judge-scenario.js';
import { loadScenario } from '../scenario/load-scenario.js';
import type { Scenario } from '../scenario/scenario.js';
import { openReport, parseSeed, parseTicks, readVersion } from './flight-options.js';
import { openCommandClient } from './open-command-client.js';
import { openControl } from './open-control.js';
import { createStderrLog } from './stderr-log.js';
import { EXIT_USAGE, UsageError } from './usage-error.js';

interface DemoOptions {
  readonly rig?: string;
  readonly ticks?: number;
  readonly fault: readonly string[];
  readonly matrix?: boolean;
  readonly each: number;
  readonly quick?: boolean;
  readonly scenario?: string;
  readonly seed?: number;
  readonly headless?: boolean;
  readonly json?: string;
  readonly record?: string;
  readonly respawn: boolean;
}

/** One flight of a demo, before it is flown. */
interface PlannedFlight {
  readonly loaded: LoadedRig;
  readonly rigPath: string;
  readonly faults: readonly PlannedFault[];
  readonly ticks: number;
  /** What the flight is judged by in place of the rig's promises; null where nothing special is expected. */
  readonly scenario: Scenario | null;
}

const PACKAGE = fileURLToPath(new URL('../../../', import.meta.url));
const DEFAULT_RIG = path.join(PACKAGE, 'hardware', 'rigs', 'pitch');
const DEFAULT_SEED = 1;
/** What a stop of the tour needs to recover before the flight ends. */
const RECOVER_US = 1_000_000;

/** Length of a quick flight. */
const QUICK_US = 10_000_000;

/** Adds the command. */
export function registerDemoCommand(program: Command): void {
  program
    .command('demo')
    .description('fly a rig on this machine while faults strike, and judge the flight')
    .argument(
      '[rig]',
      'rig folder, or its rig.yaml; without it the unstable aeroplane of hardware/rigs/pitch',
    )
    .option('--rig <rig>', 'the same')
    .option('--ticks <number>', 'length of the flight; without it as long as the faults take', parseTicks)
    .option(
      '--fault <fault>',
      "a fault in place of the tour, such as 'equivocate on c at 100 for 60'; repeatable",
      (fault: string, faults: readonly string[]) => [...faults, fault],
      [],
    )
    .option('--matrix', 'every fault that the hypothesis covers on every replica in place of the tour')
    .option('--each <ticks>', 'how long each fault of the matrix has', parseTicks, 40)
    .option('--quick', 'ten seconds of the tour, for a first look')
    .option(
      '--scenario <file>',
      'fly a scenario file in place of the tour; exit 0 when all it expects is met, else 1',
    )
    .option(
      '--seed <number>',
      "what turbulence, noise and faults are drawn from; without it the scenario's, or 1",
      parseSeed,
    )
    .option('--headless', 'plain lines in place of the live view')
    .option('--json <file>', 'write all figures there, whatever the exit')
    .option('--record <dir>', 'record what every process saw and did, for "voteplane replay"; a new folder')
    .option('--no-respawn', 'leave a dead process dead')
    .action(runDemo);
}

async function runDemo(rigArgument: string | undefined, options: DemoOptions): Promise<void> {
  const demo = new Demo(options);
  process.exitCode = await demo.run(rigArgument);
}

class Demo {
  private readonly flown: FlownFlight[] = [];
  private readonly versions = readVersions(readVersion());
  private flight: Flight | null = null;
  private interrupted = false;
  private seed: number;

  constructor(private readonly options: DemoOptions) {
    this.seed = options.seed ?? DEFAULT_SEED;
  }

  async run(rigArgument: string | undefined): Promise<ExitCode> {
    const { json } = this.options;
    const file = json === undefined ? null : await openReport(json);
    const stop = (): void => {
      if (this.interrupted) this.flight?.abandon();
      else this.flight?.interrupt();
      this.interrupted = true;
    };
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    for (const signal of signals) process.on(signal, stop);
    let exitCode: ExitCode = EXIT_USAGE;
    let error: string | null = null;
    try {
      const { scenario } = this.options;
      const flights =
        scenario === undefined
          ? await this.plan(rigArgument)
          : [await this.planScenario(scenario, rigArgument)];
      const { record } = this.options;
      if (record !== undefined) createRecordingFolder(record);
      for (const planned of flights) {
        if (this.interrupted) break;
        error = await this.fly(planned);
        if (error !== null) break;
      }
      exitCode = error === null ? combineVerdicts(this.flown.map(({ verdict }) => verdict)) : EXIT_USAGE;
      if (error !== null) process.stderr.write(`${error}\n`);
    } catch (cause) {
      error = cause instanceof Error ? cause.message : String(cause);
      throw cause;
    } finally {
      for (const signal of signals) process.off(signal, stop);
      const { seed } = this;
      await file?.write(formatJson({ exitCode, error, seed, versions: this.versions, flights: this.flown }));
    }
    return exitCode;
  }

  /** The rig's flight and those of its `flights`, all checked before the first begins. Throws UsageError, RigError. */
  private async plan(rigArgument: string | undefined): Promise<readonly PlannedFlight[]> {
    const { rig: rigOption } = this.options;
    if (rigArgument !== undefined && rigOption !== undefined && rigArgument !== rigOption)
      throw new UsageError(`two rigs are given, ${rigArgument} and ${rigOption}; give one`);
    const rigPath = rigArgument ?? rigOption ?? DEFAULT_RIG;
    const first = await loadRig(rigPath);
    const tour = first.rig.tour;
    const flights = [this.planFlight(first, rigPath, tour)];
    for (const other of first.rig.flights) {
      const otherPath = path.join(first.folder, other);
      flights.push(this.planFlight(await loadRig(otherPath), otherPath, tour));
    }
    return flights;
  }

  /** The flight of a scenario file. Throws UsageError, ScenarioError. */
  private async planScenario(file: string, rigArgument: string | undefined): Promise<PlannedFlight> {
    const { fault, matrix, quick, ticks, rig } = this.options;
    const excluded = [
      ['a rig', rigArgument ?? rig],
      ['--fault', fault[0]],
      ['--matrix', matrix],
      ['--quick', quick],
      ['--ticks', ticks],
    ].find(([, given]) => given !== undefined);
    if (excluded !== undefined) {
      throw new UsageError(
        `--scenario and ${String(excluded[0])} exclude each other: the file says it all; give one of them`,
      );
    }
    const { scenario, loaded } = await loadScenario(file);
    this.seed = this.options.seed ?? scenario.seed;
    const { rigPath, faults } = scenario;
    return { loaded, rigPath, faults, ticks: scenario.ticks, scenario };
  }

  private planFlight(loaded: LoadedRig, rigPath: string, tour: Rig['tour']): PlannedFlight {
    const { rig } = loaded;
    const { fault: asked, matrix, each, quick } = this.options;
    const isShort = quick === true && asked.length === 0 && tour.length === 0;
    const askedTicks = this.options.ticks ?? (isShort ? Math.ceil(QUICK_US / rig.periodUs) : undefined);
    if (rig.plant === null) {
      throw new UsageError(
        `${rigPath}: the rig names no plant, so there is nothing to fly; write plant: { model: pitch }`,
      );
    }
    const isAsked = asked.length > 0;
    let faults: readonly PlannedFault[];
    if (isAsked || tour.length > 0) {
      const plan = planFaults(isAsked ? asked.map((fault) => ({ fault, say: '' })) : tour);
      if (!plan.ok) {
        throw new UsageError(
          plan.mistakes.map(({ text, what, cure }) => `fault "${text}": ${what}; ${cure}`).join('\n'),
        );
      }
      faults = plan.faults;
    } else {
      faults = rig.faultInjection ? planStandardTour(rig) : [];
    }
    if (matrix === true) {
      if (isAsked) throw new UsageError('--matrix and --fault exclude each other; give one of them');
      if (!rig.faultInjection)
        throw new UsageError(`${rigPath}: the matrix needs faults; write faults: enabled in rig.yaml`);
      faults = planMatrix(rig, each);
    }
    for (const fault of faults) {
      const targets = resolveFaultTargets(fault.spec, rig);
      if (!targets.ok)
        throw new UsageError(`${rigPath}: fault "${fault.text}": ${targets.what}; ${targets.cure}`);
    }
    if (askedTicks === undefined)
      return { loaded, rigPath, faults, ticks: countFlightTicks(rig, faults), scenario: null };
    const late = faults.find(({ spec }) => spec.at.tick >= askedTicks);
    if (isAsked && late !== undefined) {
      throw new UsageError(
        `fault "${late.text}" begins at tick ${late.spec.at.tick}, and the flight has ${askedTicks}; give more --ticks`,
      );
    }
    // A tour goes as far as the flight does.
    const lastEnd = askedTicks - RECOVER_US / rig.periodUs;
    const fitting = isAsked
      ? faults
      : faults.filter(({ spec }) => spec.at.tick + (spec.forTicks ?? 0) <= lastEnd);
    return { loaded, rigPath, faults: fitting, ticks: askedTicks, scenario: null };
  }

  /** Flies and judges; the answer says why it could not be flown, null when it was. */
  private async fly(planned: PlannedFlight): Promise<string | null> {
    const { loaded, rigPath, faults, ticks, scenario } = planned;
    const { rig } = loaded;
    const { headless, respawn, record } = this.options;
    const { seed } = this;
    const print = (line: string): void => {
      process.stdout.write(`${line}\n`);
    };
    const live = headless !== true && isPaintable(process.stdout, process.env);
    const folder = await prepareFlightFolder(rig);
    let screen: Screen | null = null;
    try {
      if (scenario !== null) print(`${scenario.title}\n${scenario.why}`);
      print(`flying ${rig.id} (${describeHypothesis(rig)}): ${ticks} ticks, ${faults.length} faults`);
      // The first operator orders the faults, and nobody is in touch with a rig twice.
      const second = rig.operators.at(-1);
      if (
        rig.commands.length > 0 &&
        second !== undefined &&
        (faults.length === 0 || rig.operators.length > 1)
      )
        print(
          `give it commands from another terminal: voteplane submit ${rigPath} COMMAND --id ${second} --keys ${folder.keyFileOf(second)} --addresses ${folder.addressesFile}`,
        );
      if (!rig.faultInjection) print('this rig does not enable faults, so none will strike');
      const sender = faults.length > 0 ? await openFaultSender(loaded, folder) : null;
      const submissions = scenario?.submissions ?? [];
      const giver =
        submissions.length > 0 ? await openCommandGiver(loaded, folder, submissions, sender !== null) : null;
      screen = live ? openPainter(process.stdout, process.env) : openProgress(print, readMonotonicUs);
      const shown = screen;
      this.flight = new Flight({
        rig,
        rigPath,
        folder,
        entry: fileURLToPath(new URL('./main.js', import.meta.url)),
        faults,
        obeying: ({ spec }) => {
          const targets = resolveFaultTargets(spec, rig);
          return targets.ok ? targets.obeying : [];
        },
        sender,
        submissions,
        giver,
        ticks,
        seed,
        respawn,
        recordFolder:
          record === undefined
            ? null
            : addFlight(record, {
                loaded,
                seed: String(seed),
                software: this.versions.voteplane,
                keyFileOf: folder.keyFileOf,
              }),
        onLine: (line) => shown.say(line),
        onView: (view) => shown.show(view),
      });
      if (this.interrupted) this.flight.interrupt();
      const result: FlightResult = await this.flight.run();
      screen.close();
      if (result.failure !== null) return `${rig.id} could not be flown: ${result.failure}`;
      const { figures, flown: wasFlown } = result;
      const judged = scenario === null ? null : judgeScenario(scenario, figures, wasFlown);
      const verdict = judged ?? judgeFlight(rig.expect, figures, wasFlown);
      const flown = { rig, rigPath, result, verdict, scenario: judged };
      this.flown.push(flown);
      const { isTTY, columns } = process.stdout;
      for (const line of wrapLines(formatVerdict(flown), isTTY === true ? columns : Infinity)) print(line);
      if (record !== undefined) print(`recorded in ${record}; run it again with: voteplane replay ${record}`);
      return null;
    } finally {
      this.flight = null;
      screen?.close();
      await folder.remove();
    }
  }
}

/** A command of a flight that is not answered for so long is given up. */
const SUBMIT_TIMEOUT_MS = 20_000;

/** The operator's way to replicas and actuators, with the keys of the rig's first operator. */
async function openFaultSender(loaded: LoadedRig, folder: FlightFolder): Promise<FaultSender> {
  const { rig, digests } = loaded;
  const operator = rig.operators[0];
  if (operator === undefined) {
    throw new UsageError(`${loaded.file}: nobody may inject faults; write operators: [operator]`);
  }
  const log = createStderrLog('error');
  const keys = folder.keysOf(operator);
  const { client, close } = await openControl({
    rig,
    keys,
    addresses: folder.addresses,
    log,
    only: [...rig.replicas, ...rig.actuators].map(({ id }) => id),
    rigDigest: digests.rig,
  });
  return {
    order: (id, text) => client.send(id, text),
    close,
  };
}

/** The ways of those operators who give commands in a flight, each with his own keys. */
async function openCommandGiver(
  loaded: LoadedRig,
  folder: FlightFolder,
  submissions: readonly Submission[],
  ordersFaults: boolean,
): Promise<CommandGiver> {
  const { rig, digests } = loaded;
  const clients = new Map<string, { readonly client: CommandClient; readonly close: () => Promise<void> }>();
  for (const operator of new Set(submissions.map((one) => one.operator))) {
    if (ordersFaults && operator === rig.operators[0])
      throw new UsageError(
        `${loaded.file}: ${operator} orders the faults of a flight; let another operator give commands`,
      );
    clients.set(
      operator,
      await openCommandClient({
        rig,
        keys: folder.keysOf(operator),
        addresses: folder.addresses,
        log: createStderrLog('error'),
        rigDigest: digests.rig,
      }),
    );
  }
  let sequence = 0;
  return {
    give: async ({ operator, command, values }) => {
      const opened = clients.get(operator);
      if (opened === undefined) return `${operator} has no way to the rig`;
      sequence += 1;
      const outcome = await opened.client.submit({ sequence, command, values }, SUBMIT_TIMEOUT_MS);
      if (outcome.kind === 'applied') return `${outcome.outcome.kind} at tick ${outcome.tick}`;
      if (outcome.kind === 'chosen') return `chosen at slot ${outcome.slot}, and not in force in time`;
      return outcome.kind === 'refused' ? `refused: ${outcome.text}` : 'not answered in time';
    },
    close: async () => {
      for (const { close } of clients.values()) await close();
    },
  };
}
