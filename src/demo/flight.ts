/**
 * One flight of a rig: starts its processes, orders the faults of the plan when their time comes, brings the dead back,
 * and ends all of it in order. What it measures is the observer's business, and what that means the verdict's.
 */
import path from 'node:path';
import { deriveQuorums } from '../core/agreement/hypothesis.js';
import { readMonotonicUs } from '../process/system-clock.js';
import type { RunStartOrder } from '../process/run-start.js';
import type { Telemetry } from '../process/telemetry.js';
import { PORTABLE_V8_FLAGS, SMALL_BOARD_V8_FLAGS } from '../process/v8-flags.js';
import type { Rig } from '../rig/rig.js';
import type { Submission } from '../rig/submission.js';
import { explainDeath } from './fault-ledger.js';
import type { FlightFigures } from './figures.js';
import type { FlightFolder } from './flight-folder.js';
import { Observer, type LatestTick } from './observer.js';
import { describeExit, Supervisor, type ProcessExit, type ProcessPlan } from './supervisor.js';
import type { PlannedFault } from './tour.js';

/** The way for faults to the processes that do them. */
export interface FaultSender {
  /** Orders a fault at one replica or actuator. Never rejects: what goes wrong is in the answer. */
  order(id: string, text: string): Promise<{ readonly ok: boolean; readonly text: string }>;
  close(): Promise<void>;
}

/** The way for commands of operators to the replicas. */
export interface CommandGiver {
  /** Gives a command now, and tells in words what became of it. Never rejects. */
  give(submission: Submission): Promise<string>;
  close(): Promise<void>;
}

export interface FlightParts {
  readonly rig: Rig;
  /** As the processes are told it. */
  readonly rigPath: string;
  readonly folder: FlightFolder;
  /** Module that the processes run: the `voteplane` command. */
  readonly entry: string;
  readonly faults: readonly PlannedFault[];
  /** Replicas and actuators that do a fault. */
  readonly obeying: (fault: PlannedFault) => readonly string[];
  /** Null where the rig lets nobody inject faults; then `faults` is empty. */
  readonly sender: FaultSender | null;
  /** Commands that operators give at their ticks. */
  readonly submissions: readonly Submission[];
  /** Null where there are none. */
  readonly giver: CommandGiver | null;
  readonly ticks: number;
  readonly seed: number;
  readonly respawn: boolean;
  /** Where replicas and voters log what crosses their ports; null: nowhere. */
  readonly recordFolder: string | null;
  /** Something that a person should read. */
  readonly onLine: (line: string) => void;
  /** Called about ten times a second. */
  readonly onView: (view: FlightView) => void;
}

/** What a view shows of a flight under way. */
export interface FlightView {
  readonly rig: Rig;
  readonly latest: LatestTick;
  readonly figures: FlightFigures;
  readonly flownTicks: number | null;
  readonly ticks: number;
  /** The fault under way, or the last one. */
  readonly fault: (PlannedFault & { readonly active: boolean }) | null;
  readonly nextFault: { readonly text: string; readonly inTicks: number } | null;
  readonly lines: readonly string[];
}

export interface FlightResult {
  readonly figures: FlightFigures;
  /** False when it was cut short. */
  readonly flown: boolean;
  /** Why it could not be flown at all; null when it was. */
  readonly failure: string | null;
  /** Processes that did not end as they should. */
  readonly badExits: readonly string[];
}

const PLANT = 'plant';
const PUMP_MS = 50;
const VIEW_MS = 100;
/** Faults are ordered so long before they strike. */
const ORDER_LEAD_US = 1_500_000;
const ORDER_LEAD_TICKS = 5;
/** From the last process ready to the arming of every actuator. */
const ARM_LIMIT_US = 30_000_000;
/** Without news of any tick for so long the flight is over. */
const SILENCE_LIMIT_US = 10_000_000;
/** Rest before a process that died by itself is started again, and how often that is tried. */
const RESPAWN_MS = 300;
const MAX_RESPAWNS = 20;
const KEPT_LINES = 8;

interface Order {
  readonly fault: PlannedFault;
  ordered: boolean;
}

type FlightEnd = Pick<FlightResult, 'flown' | 'failure'>;

/** A dead replica that comes back at a tick of the rig's grid. */
interface Return {
  readonly id: string;
  readonly spec: string;
  readonly atTick: number;
}

/** One flight. */
export class Flight {
  private readonly observer: Observer;
  private readonly supervisor: Supervisor;
  private readonly orders: Order[];
  private returns: Return[] = [];
  private submissions: readonly Submission[];
  private readonly respawns = new Map<string, number>();
  private readonly respawnTimers = new Set<NodeJS.Timeout>();
  private readonly lines: string[] = [];
  private readonly toldFaults = new Set<string>();
  /** Who has told of what all decide, newest last. */
  private readonly decided = new Map<string, Set<string>>();
  private finishFlight: (how: FlightEnd) => void = () => {};
  private readonly finished = new Promise<FlightEnd>((resolve) => {
    this.finishFlight = resolve;
  });
  private toldStart: number | null = null;
  /** From which slot on the operational quorum that was last told of governs. */
  private toldSlot = 0;
  private armLimitUs = Infinity;
  private lastNewsUs = 0;
  private lastFlown = -1;
  private pumpDueUs = 0;
  private viewDueUs = 0;
  private over = false;

  constructor(private readonly parts: FlightParts) {
    this.observer = new Observer(parts.rig, parts.ticks);
    this.orders = parts.faults.map((fault) => ({ fault, ordered: false }));
    this.submissions = parts.submissions;
    for (const { text } of parts.faults) this.observer.expectFault(text);
    this.supervisor = new Supervisor({
      plans: planProcesses(parts),
      entry: parts.entry,
      onTelemetry: (message) => this.onTelemetry(message),
      onDeath: (exit) => this.onDeath(exit),
    });
  }

  /** Flies to the end and ends all processes. Rejects for nothing that a process does. */
  async run(): Promise<FlightResult> {
    const { sender, giver } = this.parts;
    for (const { id } of planProcesses(this.parts)) this.observer.noteStart(id);
    const pump = setInterval(() => this.pump(), PUMP_MS);
    this.supervisor.start().then(
      () => {
        this.armLimitUs = readMonotonicUs() + ARM_LIMIT_US;
        this.lastNewsUs = readMonotonicUs();
      },
      (error: unknown) => {
        this.finishFlight({ flown: false, failure: error instanceof Error ? error.message : String(error) });
      },
    );
    const { flown, failure } = await this.finished;
    this.over = true;
    clearInterval(pump);
    for (const timer of this.respawnTimers) clearTimeout(timer);
    this.observer.end();
    await sender?.close();
    await giver?.close();
    const exits = await this.supervisor.stop();
    this.observer.finish();
    this.parts.onView(this.view());
    return {
      figures: this.observer.figures(),
      flown,
      failure,
      badExits: exits.map((exit) => `${exit.id}: ${describeExit(exit)}`),
    };
  }

  /** Ends the flight now; `run` resolves with what has been flown. */
  interrupt(): void {
    this.finishFlight({ flown: false, failure: null });
  }

  /** Kills all processes at once, for a second request to stop. */
  abandon(): void {
    this.supervisor.killAll();
    this.interrupt();
  }

  private onTelemetry(message: Telemetry): void {
    const nowUs = readMonotonicUs();
    this.observer.note(message, nowUs);
    if (this.over) return;
    if (message.kind === 'event' && message.level !== 'info') this.say(`${message.id}: ${message.text}`);
    if (message.kind === 'event' && message.decided !== undefined)
      this.sayDecided(message.id, message.decided.text, message.decided.fromTick);
    if (message.kind === 'fault') this.sayFault(message);
    if (message.kind === 'quorum' && message.fromSlot > this.toldSlot) {
      this.toldSlot = message.fromSlot;
      this.say(message.text);
    }
    // A plant or voter that starts anew has to hear again when the run began.
    if (message.kind === 'ready' && this.hearsRunStart(message.id)) this.toldStart = null;
    if (message.kind === 'ticks') {
      const start = message.records.find((record) => record.startTick !== null)?.startTick ?? null;
      if (start !== null && start !== this.toldStart) {
        this.toldStart = start;
        const order: RunStartOrder = { kind: 'run-start', startTick: start };
        for (const { id } of this.parts.rig.actuators) this.supervisor.tell(id, order);
        this.supervisor.tell(PLANT, order);
      }
      if (this.observer.complete) this.finishFlight({ flown: true, failure: null });
    }
  }

  /** What all decide is said once, on the word of so many that one of them is correct. */
  private sayDecided(id: string, text: string, fromTick: number): void {
    const key = `${fromTick} ${text}`;
    const by = this.decided.get(key) ?? new Set();
    this.decided.set(key, by);
    if (this.decided.size > KEPT_LINES) this.decided.delete([...this.decided.keys()][0] as string);
    const isNew = !by.has(id);
    by.add(id);
    const { hypothesis, replicas } = this.parts.rig;
    if (isNew && by.size === deriveQuorums(hypothesis, replicas.length).testimony) this.say(text);
  }

  private hearsRunStart(id: string): boolean {
    return id === PLANT || this.parts.rig.actuators.some((actuator) => actuator.id === id);
  }

  private onDeath(exit: ProcessExit): void {
    const { id } = exit;
    this.observer.noteDeath(id, readMonotonicUs());
    if (this.over) return;
    const runTick = this.observer.runTick ?? 0;
    const { killer, ended } = explainDeath(this.observer.openFaults(id), this.parts.rig.periodUs);
    // Whatever else it was doing wrong has ended with it.
    for (const spec of ended) this.endFault(id, spec, runTick);
    if (killer !== null) {
      this.say(`${id} is dead, as the fault has it`);
      if (killer.forTicks === null) return;
      this.returns.push({ id, spec: killer.spec, atTick: this.observer.newestTick + killer.forTicks });
      return;
    }
    this.say(`${id} died by itself: ${describeExit(exit)}`);
    const tries = (this.respawns.get(id) ?? 0) + 1;
    this.respawns.set(id, tries);
    if (!this.parts.respawn || tries > MAX_RESPAWNS) return;
    const timer = setTimeout(() => {
      this.respawnTimers.delete(timer);
      this.respawn(id);
    }, RESPAWN_MS);
    this.respawnTimers.add(timer);
  }

  private endFault(id: string, spec: string, tick: number): void {
    this.observer.noteFault({ kind: 'fault', id, spec, event: 'cleared', tick, affected: 0 });
  }

  private respawn(id: string): void {
    if (this.over) return;
    this.observer.noteStart(id);
    this.supervisor.respawn(id);
    this.say(`${id} is started again`);
  }

  /** What has to happen by time rather than by news. */
  private pump(): void {
    const nowUs = readMonotonicUs();
    if (this.pumpDueUs > 0) this.observer.noteOwnStall(Math.max(0, nowUs - this.pumpDueUs) / 1_000);
    this.pumpDueUs = nowUs + PUMP_MS * 1_000;
    this.bringBack();
    this.orderFaults();
    this.strikeWitness();
    this.giveCommands();
    this.checkNews(nowUs);
    if (nowUs >= this.viewDueUs) {
      this.viewDueUs = nowUs + VIEW_MS * 1_000;
      this.parts.onView(this.view());
    }
  }

  private bringBack(): void {
    const { newestTick } = this.observer;
    const due = this.returns.filter((one) => newestTick >= one.atTick);
    if (due.length === 0) return;
    this.returns = this.returns.filter((one) => newestTick < one.atTick);
    for (const { id, spec } of due) {
      this.endFault(id, spec, this.observer.runTick ?? 0);
      if (this.parts.respawn) this.respawn(id);
    }
  }

  /** Hands commands to the operators who give them in this tick. */
  private giveCommands(): void {
    const { giver } = this.parts;
    const { runTick } = this.observer;
    if (giver === null || runTick === null || this.submissions.length === 0) return;
    const due = this.submissions.filter(({ tick }) => tick <= runTick);
    this.submissions = this.submissions.filter(({ tick }) => tick > runTick);
    for (const submission of due)
      void giver.give(submission).then((text) => {
        if (!this.over) this.say(`${submission.text}: ${text}`);
      });
  }

  private orderFaults(): void {
    const { rig, sender, obeying } = this.parts;
    if (sender === null || this.armLimitUs === Infinity) return;
    const lead = Math.ceil(ORDER_LEAD_US / rig.periodUs) + ORDER_LEAD_TICKS;
    const reach = (this.observer.runTick ?? 0) + lead;
    for (const order of this.orders) {
      const { spec, text } = order.fault;
      if (order.ordered || spec.at.tick > reach) continue;
      const ids = obeying(order.fault);
      // It takes no orders: what it suffers comes from here, at its time.
      if (ids.some((id) => id === rig.witness?.id)) continue;
      // Whoever is still down is told as soon as it is back, and as long as that makes sense.
      const waits = ids.some((id) => !this.supervisor.isAlive(id));
      if (waits && (this.observer.runTick ?? 0) < spec.at.tick) continue;
      order.ordered = true;
      for (const id of ids) {
        void sender.order(id, text).then((answer) => {
          if (answer.ok || this.over) return;
          this.observer.noteFault({
            kind: 'fault',
            id,
            spec: text,
            event: 'failed',
            tick: this.observer.runTick ?? 0,
            affected: 0,
            reason: answer.text,
          });
          this.say(`the fault "${text}" was refused: ${answer.text}`);
        });
      }
    }
  }

  /** A witness has no injector: `crash` and `restart` kill it from outside, and what follows is as for all who die of a fault. */
  private strikeWitness(): void {
    const { witness } = this.parts.rig;
    const { runTick } = this.observer;
    if (witness === null || runTick === null) return;
    for (const order of this.orders) {
      const { spec, text } = order.fault;
      if (order.ordered || spec.at.tick > runTick) continue;
      if (!this.parts.obeying(order.fault).includes(witness.id)) continue;
      order.ordered = true;
      const isAlive = this.supervisor.isAlive(witness.id);
      const fault = {
        kind: 'fault',
        id: witness.id,
        spec: text,
        event: isAlive ? 'applied' : 'failed',
        tick: runTick,
        affected: isAlive ? 1 : 0,
        reason: `${witness.id} is dead already`,
      } as const;
      this.observer.noteFault(fault);
      this.sayFault(fault);
      this.supervisor.kill(witness.id);
    }
  }

  private checkNews(nowUs: number): void {
    const flown = this.observer.flownTicks;
    if (flown === null) {
      if (nowUs > this.armLimitUs)
        this.finishFlight({
          flown: false,
          failure: `no actuator was armed within ${ARM_LIMIT_US / 1e6} s; ${this.explainWaiting()}`,
        });
      return;
    }
    if (flown !== this.lastFlown) {
      this.lastFlown = flown;
      this.lastNewsUs = nowUs;
    } else if (nowUs - this.lastNewsUs > SILENCE_LIMIT_US) {
      this.say('no replica has told of a tick any more: the flight is over');
      this.finishFlight({ flown: true, failure: null });
    }
  }

  private explainWaiting(): string {
    const { accounts } = this.observer.latest();
    const modes = this.parts.rig.replicas.map(({ id }, at) => `${id} ${accounts[at]?.mode ?? 'is silent'}`);
    return `the replicas: ${modes.join(', ')}`;
  }

  private sayFault(fault: Extract<Telemetry, { kind: 'fault' }>): void {
    const planned = this.parts.faults.find((one) => one.text === fault.spec);
    const key = `${fault.id} ${fault.spec}`;
    if (fault.event === 'applied' && !this.toldFaults.has(key)) {
      this.toldFaults.add(key);
      this.say(`tick ${fault.tick}, ${fault.id}: ${fault.spec}${planned?.say ? `\n    ${planned.say}` : ''}`);
    } else if (fault.event === 'failed') {
      this.say(`${fault.id}: ${fault.spec} failed: ${fault.reason ?? 'no reason given'}`);
    }
  }

  private say(line: string): void {
    this.lines.push(line);
    if (this.lines.length > KEPT_LINES) this.lines.shift();
    this.parts.onLine(line);
  }

  private view(): FlightView {
    const { rig, ticks, faults } = this.parts;
    const latest = this.observer.latest();
    const runTick = latest.runTick ?? 0;
    const struck = faults.filter((one) => one.spec.at.tick <= runTick);
    const last = struck[struck.length - 1];
    const next = faults.find((one) => one.spec.at.tick > runTick);
    return {
      rig,
      latest,
      figures: this.observer.figures(),
      flownTicks: this.observer.flownTicks,
      ticks,
      fault: last === undefined ? null : { ...last, active: latest.activeFaults.includes(last.text) },
      nextFault: next === undefined ? null : { text: next.text, inTicks: next.spec.at.tick - runTick },
      lines: this.lines,
    };
  }
}

/** How each process of a flight is started. */
function planProcesses(parts: FlightParts): readonly ProcessPlan[] {
  const { rig, rigPath, folder, seed, recordFolder } = parts;
  const common = ['--addresses', folder.addressesFile, '--log-level', 'warn'];
  const recorded = recordFolder === null ? [] : ['--record', recordFolder];
  return [
    { id: PLANT, nodeFlags: [], args: ['plant', rigPath, ...common, '--seed', String(seed)] },
    ...rig.actuators.map(({ id }) => ({
      id,
      nodeFlags: SMALL_BOARD_V8_FLAGS,
      args: [
        'actuator',
        rigPath,
        '--id',
        id,
        '--keys',
        folder.keyFileOf(id),
        '--seed',
        String(seed),
        ...common,
        ...recorded,
      ],
    })),
    ...(rig.witness === null ? [] : [planWitness(rig.witness.id, rigPath, folder, common)]),
    ...rig.replicas.map(({ id }) => ({
      id,
      nodeFlags: SMALL_BOARD_V8_FLAGS,
      args: [
        'replica',
        rigPath,
        '--id',
        id,
        '--keys',
        folder.keyFileOf(id),
        '--state',
        path.normalize(folder.stateFolderOf(id)),
        '--seed',
        String(seed),
        ...common,
        ...recorded,
      ],
    })),
  ];
}

/** It draws nothing from the seed and is not recorded: nothing of a flight is computed there. */
function planWitness(
  id: string,
  rigPath: string,
  folder: FlightFolder,
  common: readonly string[],
): ProcessPlan {
  return {
    id,
    nodeFlags: PORTABLE_V8_FLAGS,
    args: [
      'witness',
      rigPath,
      '--id',
      id,
      '--keys',
      folder.keyFileOf(id),
      '--state',
      path.normalize(folder.stateFolderOf(id)),
      ...common,
    ],
  };
}
