/**
 * One simulated flight of a rig: the live rig's own code in a world that one seed decides, watched by the same observer
 * as a live flight, and by checkers that know which replicas are faulty. No timer, socket or file of the machine takes
 * part, and none of the machine's time or chance.
 */
import type { CheckersSummary } from '../checkers/create-checkers.js';
import type { Violation } from '../checkers/observations.js';
import type { FlightFigures } from '../demo/figures.js';
import { Observer } from '../demo/observer.js';
import type { PlannedFault } from '../demo/tour.js';
import { judgeFlight, type Verdict } from '../demo/verdict.js';
import type { Principal } from '../ports.js';
import type { Telemetry } from '../process/telemetry.js';
import type { LoadedRig } from '../rig/load-rig.js';
import type { Submission } from '../rig/submission.js';
import { nodeMacEngine, type MacEngine } from '../wire/mac-engine.js';
import { CheckerFeed } from './checker-feed.js';
import type { ClockModel } from './host.js';
import { QUIET_NETWORK, type NetworkModel } from './network.js';
import { RigWorld, type RigWatch } from './rig-world.js';
import { Trace, type TraceLine } from './trace.js';

export interface SimulationOptions {
  readonly loaded: LoadedRig;
  /** Length, counted from the first arming of every actuator. */
  readonly ticks: number;
  readonly seed: number;
  /** none: messages are passed without having been encoded. */
  readonly wire: 'full' | 'none';
  readonly faults: readonly PlannedFault[];
  /** Commands that operators give; none unless given. */
  readonly submissions?: readonly Submission[];
  readonly network?: NetworkModel;
  readonly clocks?: Readonly<Record<Principal, ClockModel>>;
  /** What computes the authenticators of the full wire; Node's unless given. */
  readonly macEngine?: MacEngine;
  /** Lines for people. */
  readonly onLine?: (line: string) => void;
  readonly onTrace?: (line: TraceLine) => void;
  /** What processes and the plant tell of themselves, apart from ticks and voters, which are in the trace. */
  readonly onTelemetry?: (message: Telemetry) => void;
  /** Called about once in a thousand ticks with the ticks flown. */
  readonly onProgress?: (ticks: number) => void;
}

export interface SimulationOutcome {
  readonly figures: FlightFigures;
  readonly verdict: Verdict;
  /** What the checkers found, the first of them; `violationCount` counts all. */
  readonly violations: readonly Violation[];
  readonly violationCount: number;
  readonly checked: CheckersSummary;
  /** SHA-256 over every frame, account and output with its virtual time, hexadecimal. */
  readonly traceDigest: string;
  /** Ticks that replicas have lived through, all together. */
  readonly replicaTicks: number;
  readonly seed: number;
  /** Why nothing was flown; null when it was. */
  readonly failure: string | null;
}

/** Virtual time within which every actuator has to be armed. */
const ARM_LIMIT_US = 30_000_000;
/** Virtual time without news after which the flight is over. */
const SILENCE_LIMIT_US = 10_000_000;
const PROGRESS_TICKS = 1_000;

/** Flies a rig in virtual time. Throws PlantError for a rig without a plant, RangeError for a fault that it cannot suffer. */
export function simulate(options: SimulationOptions): SimulationOutcome {
  return new Simulation(options).run();
}

class Simulation {
  private readonly observer: Observer;
  private readonly trace: Trace;
  private readonly feed: CheckerFeed;
  private readonly rigWorld: RigWorld;
  private replicaTicks = 0;
  private newsUs = 0;
  private hasNews = false;

  constructor(private readonly options: SimulationOptions) {
    const { loaded, ticks, seed, wire, faults, network, clocks, onTrace } = options;
    this.observer = new Observer(loaded.rig, ticks);
    for (const { text } of faults) this.observer.expectFault(text);
    this.trace = new Trace(() => this.rigWorld.world.nowUs, onTrace ?? null);
    this.feed = new CheckerFeed(loaded.rig, () => this.rigWorld.world.nowUs, wire, network ?? QUIET_NETWORK);
    this.rigWorld = new RigWorld(
      {
        loaded,
        seed,
        wire,
        faults,
        submissions: options.submissions ?? [],
        network: network ?? QUIET_NETWORK,
        clocks: clocks ?? {},
        macEngine: options.macEngine ?? nodeMacEngine,
      },
      this.makeWatch(),
    );
  }

  run(): SimulationOutcome {
    const { loaded, seed } = this.options;
    const failure = this.fly();
    this.observer.end();
    this.rigWorld.finish();
    this.observer.finish();
    const figures = this.observer.figures();
    return {
      figures,
      verdict: judgeFlight(loaded.rig.expect, figures, failure === null),
      violations: this.feed.violations,
      violationCount: this.feed.violationCount,
      checked: this.feed.summary(),
      traceDigest: this.trace.digest(),
      replicaTicks: this.replicaTicks,
      seed,
      failure,
    };
  }

  private fly(): string | null {
    const { observer } = this;
    const { world } = this.rigWorld;
    let told = 0;
    for (;;) {
      // Whether it is over is looked at when somebody has told something.
      for (this.hasNews = false; !this.hasNews;) if (!world.advance()) return 'nothing happens any more';
      if (observer.complete) return null;
      const flown = observer.flownTicks;
      if (flown === null) {
        if (world.nowUs > ARM_LIMIT_US) return `no actuator was armed within ${ARM_LIMIT_US / 1e6} s`;
        continue;
      }
      if (world.nowUs - this.newsUs > SILENCE_LIMIT_US) return null;
      if (flown - told < PROGRESS_TICKS) continue;
      told = flown;
      this.options.onProgress?.(flown);
    }
  }

  private makeWatch(): RigWatch {
    const { observer, trace, feed, options } = this;
    const { rig } = options.loaded;
    const nowUs = (): number => this.rigWorld.world.nowUs;
    return {
      onSent: (from, to, purpose, frame) => trace.noteFrame(from, to, purpose, frame),
      onTelemetry: (message) => {
        this.hasNews = true;
        observer.note(message, nowUs());
        if (message.kind === 'fault') feed.noteFault(message.id, message);
        options.onTelemetry?.(message);
      },
      onTick: (replica, record) => {
        this.replicaTicks += 1;
        this.newsUs = nowUs();
        this.hasNews = true;
        const id = rig.replicas[replica]?.id ?? '';
        trace.noteTick(id, record);
        observer.note({ kind: 'ticks', id, records: [record] }, nowUs());
      },
      onVoter: (actuator, record) => {
        const id = rig.actuators[actuator]?.id ?? '';
        trace.noteVoter(id, record);
        feed.noteVoter(actuator, record);
        observer.note({ kind: 'voter', id, records: [record] }, nowUs());
      },
      onTrouble: (from) => feed.noteTrouble(from),
      onReport: (replica, report) => feed.noteReport(replica, report),
      onOrdered: (replica, report) => feed.noteOrdered(replica, report),
      onWitnessStart: (device, nonce) => feed.noteWitnessStart(device, nonce),
      onKept: (device, changes) => feed.noteKept(device, changes),
      onAsked: (operator, sequence) => feed.noteAsked(operator, sequence),
      onVoterStart: (actuator, bootNonce) => feed.noteVoterStart(actuator, bootNonce),
      onVoterStop: (actuator) => feed.noteVoterStop(actuator),
      onPeriod: (measure) => feed.turn(measure),
      onClocks: (shown) => feed.noteClocks(shown),
      onStart: (id) => observer.noteStart(id),
      onDeath: (id) => observer.noteDeath(id, nowUs()),
      wrapPeers: (replica, port) => feed.wrapPeers(replica, port),
      wrapMessenger: (open) => feed.wrapMessenger(open),
      openFaults: (id) => observer.openFaults(id),
      say: (line) => options.onLine?.(line),
    };
  }
}
