/**
 * Flies a rig for tests: its processes as users start them, one at a time and in any order, each with keys, state and
 * ports of its own, and everything that they tell. The demo's observer judges the flight. Waits are for telemetry,
 * never for a time. Whatever a test does, `close` leaves no process and no file behind.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepareFlightFolder, type FlightFolder } from '../../src/demo/flight-folder.js';
import type { FlightFigures } from '../../src/demo/figures.js';
import { Observer } from '../../src/demo/observer.js';
import { describeExit, Supervisor, type ProcessExit } from '../../src/demo/supervisor.js';
import { readMonotonicUs } from '../../src/process/system-clock.js';
import type { Telemetry, TickRecord, VoterRecord } from '../../src/process/telemetry.js';
import { SMALL_BOARD_V8_FLAGS } from '../../src/process/v8-flags.js';
import { loadRig } from '../../src/rig/load-rig.js';
import type { Rig } from '../../src/rig/rig.js';

/** The checkout. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The command as it is built. */
export const ENTRY = path.join(ROOT, 'bin', 'voteplane.js');

/** Id of the process that emulates the plant. */
export const PLANT = 'plant';

type Stats = Extract<Telemetry, { kind: 'stats' }>;
type PlantAccount = Extract<Telemetry, { kind: 'plant' }>;
type Event = Extract<Telemetry, { kind: 'event' }>;
type QuorumAccount = Extract<Telemetry, { kind: 'quorum' }>;

export interface RigRunnerOptions {
  /** Rig folder or file; the pitch rig unless said otherwise. */
  readonly rigPath?: string;
  /** The command; the checkout's unless said otherwise. */
  readonly entry?: string;
  /** Where and how each process runs; all on this host unless said otherwise. Asked at every start. */
  readonly placementOf?: (id: string) => Placement;
  /** How many ticks of each replica, and as many records of each voter, are kept for tests; all unless said otherwise. */
  readonly keptTicks?: number;
}

/** What of a process's start depends on the host that it runs on. */
export interface Placement {
  /** As in `ProcessPlan`. */
  readonly launcher?: readonly string[];
  /** As in `ProcessPlan`. */
  readonly environment?: Readonly<Record<string, string>>;
  /** In place of everybody's: where this process finds the others. */
  readonly addressesFile?: string;
}

interface Wait {
  readonly holds: () => boolean;
  readonly resolve: () => void;
}

const WAIT_LIMIT_MS = 60_000;
const SHOWN_EVENTS = 15;

/** The processes of one rig and what they told. */
export class RigRunner {
  readonly observer: Observer;
  /** Whatever a person should read, in order. */
  readonly events: Event[] = [];
  /** Who the operational quorum was, told once each, in order. */
  readonly quorums: QuorumAccount[] = [];
  /** How processes ended that were not asked to. */
  readonly deaths: ProcessExit[] = [];
  readonly #options: RigRunnerOptions;
  readonly #rigPath: string;
  readonly #supervisors = new Map<string, Supervisor>();
  readonly #ticks = new Map<string, TickRecord[]>();
  readonly #voters = new Map<string, VoterRecord[]>();
  readonly #stats = new Map<string, Stats[]>();
  readonly #waits = new Set<Wait>();
  readonly #otherRigs = new Map<string, string>();
  readonly #otherKeys = new Map<string, string>();
  readonly #otherEntries = new Map<string, string>();
  #plant: PlantAccount | null = null;
  #startTick: number | null = null;

  private constructor(
    options: RigRunnerOptions,
    rigPath: string,
    readonly rig: Rig,
    readonly folder: FlightFolder,
  ) {
    this.#options = options;
    this.#rigPath = rigPath;
    this.observer = new Observer(rig, null);
  }

  /** Makes keys, folders and addresses; starts nothing. */
  static async prepare(options: RigRunnerOptions = {}): Promise<RigRunner> {
    const rigPath = options.rigPath ?? path.join(ROOT, 'hardware', 'rigs', 'pitch');
    const { rig } = await loadRig(rigPath);
    return new RigRunner(options, rigPath, rig, await prepareFlightFolder(rig));
  }

  /** Everybody's id: the plant, then actuators, then replicas, then the witness. */
  get ids(): readonly string[] {
    const { actuators, replicas, witness } = this.rig;
    const parts = [...actuators, ...replicas, ...(witness === null ? [] : [witness])];
    return [PLANT, ...parts.map(({ id }) => id)];
  }

  /** The command line of a process of this rig, without the command itself. */
  argsOf(id: string): readonly string[] {
    const { folder, rig } = this;
    const rigPath = this.#otherRigs.get(id) ?? this.#rigPath;
    const { addressesFile = folder.addressesFile } = this.#placementOf(id);
    const common = ['--addresses', addressesFile, '--log-level', 'warn'];
    if (id === PLANT) return ['plant', rigPath, ...common];
    const keyed = ['--id', id, '--keys', this.#otherKeys.get(id) ?? folder.keyFileOf(id), ...common];
    if (rig.actuators.some((actuator) => actuator.id === id)) return ['actuator', rigPath, ...keyed];
    const kind = id === rig.witness?.id ? 'witness' : 'replica';
    return [kind, rigPath, ...keyed, '--state', folder.stateFolderOf(id)];
  }

  /** From its next start on a process is given this rig folder in place of everybody's; null: everybody's again. */
  giveRig(id: string, rigPath: string | null): void {
    if (rigPath === null) this.#otherRigs.delete(id);
    else this.#otherRigs.set(id, rigPath);
  }

  /** From its next start on a process is given this key file in place of the one among everybody's. */
  giveKeys(id: string, file: string): void {
    this.#otherKeys.set(id, file);
  }

  /** From its next start on a process runs this command in place of everybody's; null: everybody's again. */
  giveEntry(id: string, entry: string | null): void {
    if (entry === null) this.#otherEntries.delete(id);
    else this.#otherEntries.set(id, entry);
  }

  /** Starts these at once, or everybody who does not run; resolves when each is ready. */
  async start(...ids: string[]): Promise<void> {
    const chosen = ids.length > 0 ? ids : this.ids.filter((id) => !this.isAlive(id));
    await Promise.all(
      chosen.map((id) => {
        const { launcher = [], environment = {} } = this.#placementOf(id);
        const nodeFlags = id === PLANT ? [] : SMALL_BOARD_V8_FLAGS;
        const supervisor = new Supervisor({
          plans: [{ id, nodeFlags, args: this.argsOf(id), launcher, environment }],
          entry: this.#otherEntries.get(id) ?? this.#options.entry ?? ENTRY,
          onTelemetry: (message) => this.#note(message),
          onDeath: (exit) => {
            this.deaths.push(exit);
            this.observer.noteDeath(id, readMonotonicUs());
            this.#look();
          },
        });
        this.#supervisors.set(id, supervisor);
        this.observer.noteStart(id);
        return supervisor.start();
      }),
    );
  }

  isAlive(id: string): boolean {
    return this.#supervisors.get(id)?.isAlive(id) ?? false;
  }

  /** Process id; throws where it does not run. */
  pidOf(id: string): number {
    const pid = this.#supervisors.get(id)?.pidOf(id) ?? null;
    if (pid === null) throw new Error(`${id} does not run`);
    return pid;
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(id: string): Promise<void> {
    const before = this.deaths.length;
    process.kill(this.pidOf(id), 'SIGKILL');
    await this.until(`the death of ${id}`, () => this.deaths.slice(before).some((exit) => exit.id === id));
  }

  /** SIGTERM; throws unless the process ends by itself with exit code 0. */
  async stop(...ids: string[]): Promise<void> {
    const chosen = ids.length > 0 ? ids : this.ids.filter((id) => this.isAlive(id));
    const exits = await Promise.all(chosen.map((id) => this.#supervisors.get(id)?.stop() ?? []));
    for (const id of chosen) this.observer.noteDeath(id, readMonotonicUs());
    const bad = exits.flat();
    if (bad.length > 0)
      throw new Error(bad.map((exit) => `${exit.id} did not end well: ${describeExit(exit)}`).join('\n'));
  }

  /** Ends the flight and its processes and gives what it came to; throws unless all end with exit code 0. */
  async land(): Promise<FlightFigures> {
    this.observer.end();
    await this.stop();
    this.observer.finish();
    return this.observer.figures();
  }

  /** Kills what lives and removes every file. */
  async close(): Promise<void> {
    for (const supervisor of this.#supervisors.values()) supervisor.killAll();
    await Promise.all([...this.#supervisors.values()].map((supervisor) => supervisor.stop()));
    await this.folder.remove();
  }

  /** Resolves as soon as `holds` does, looked at with everything that processes tell; throws after a minute. */
  async until(what: string, holds: () => boolean, limitMs: number = WAIT_LIMIT_MS): Promise<void> {
    if (holds()) return;
    await new Promise<void>((resolve, reject) => {
      const wait: Wait = {
        holds,
        resolve: () => {
          clearTimeout(limit);
          this.#waits.delete(wait);
          resolve();
        },
      };
      const limit = setTimeout(() => {
        this.#waits.delete(wait);
        reject(new Error(`waited ${limitMs / 1000} s in vain for ${what}\n${this.#describe()}`));
      }, limitMs);
      this.#waits.add(wait);
    });
  }

  /** Waits until every actuator is armed and `ticks` more have been flown. */
  async fly(ticks: number): Promise<void> {
    await this.until('arming', () => this.observer.flownTicks !== null);
    const goal = (this.observer.flownTicks ?? 0) + ticks;
    await this.until(`${ticks} ticks`, () => (this.observer.flownTicks ?? 0) >= goal);
  }

  /** Waits until a replica takes part again: it steps and commands in `ticks` ticks after the newest of now. */
  async untilCommanding(id: string, ticks = 3): Promise<void> {
    const after = this.newestTick;
    await this.until(
      `${id} to command`,
      () => this.ticksOf(id).filter((record) => record.tick > after && record.commanded).length >= ticks,
    );
  }

  /** The newest tick that any replica told of; −1 before the first. */
  get newestTick(): number {
    return Math.max(-1, ...[...this.#ticks.values()].map((records) => records.at(-1)?.tick ?? -1));
  }

  ticksOf(id: string): readonly TickRecord[] {
    return this.#ticks.get(id) ?? [];
  }

  voterOf(id: string): readonly VoterRecord[] {
    return this.#voters.get(id) ?? [];
  }

  /** Every stats message of a process, over all its lives. */
  statsOf(id: string): readonly Stats[] {
    return this.#stats.get(id) ?? [];
  }

  /** What a process refused so far, by cause; empty before its first stats. */
  rejectedBy(id: string): Readonly<Record<string, number>> {
    return this.statsOf(id).at(-1)?.rejected ?? {};
  }

  /** Waits for stats that a process takes from now on; two, as the first may be under way. */
  async freshStats(id: string): Promise<Stats> {
    const before = this.statsOf(id).length;
    await this.until(`stats of ${id}`, () => this.statsOf(id).length >= before + 2);
    return this.statsOf(id).at(-1) as Stats;
  }

  /** What was out of the ordinary, tick by tick and in order, for the message of a test that fails. */
  trace(): string {
    const lines = this.rig.replicas.map(({ id }) => {
      const odd = this.ticksOf(id).filter((record) => record.overrun !== null || !record.commanded);
      const shown = odd.map(
        (record) =>
          `${record.tick} ${record.mode} ${record.overrun ?? record.notStepped ?? 'silent'} +${Math.round(record.startLatenessUs / 1000)} ms`,
      );
      return `${id}: ${shown.join(', ')}`;
    });
    const voters = this.rig.actuators.map(({ id }) => {
      const odd = this.voterOf(id).filter((record) => record.kind !== 'output' && record.kind !== 'dissent');
      return `${id}: ${JSON.stringify(odd)}`;
    });
    return [...lines, ...voters, ...this.events.map(({ id, text }) => `${id}: ${text}`)].join('\n');
  }

  get plant(): PlantAccount | null {
    return this.#plant;
  }

  #placementOf(id: string): Placement {
    return this.#options.placementOf?.(id) ?? {};
  }

  #note(message: Telemetry): void {
    const { keptTicks = Infinity } = this.#options;
    this.observer.note(message, readMonotonicUs());
    switch (message.kind) {
      case 'ticks':
        append(this.#ticks, message.id, message.records, keptTicks);
        this.#tellRunStart(message.records);
        break;
      case 'voter':
        append(this.#voters, message.id, message.records, keptTicks);
        break;
      case 'stats':
        append(this.#stats, message.id, [message]);
        break;
      case 'event':
        this.events.push(message);
        break;
      case 'quorum':
        if (message.fromSlot > (this.quorums.at(-1)?.fromSlot ?? 0)) this.quorums.push(message);
        break;
      case 'plant':
        this.#plant = message;
        break;
      case 'ready':
      case 'fault':
        break;
    }
    this.#look();
  }

  /** The reference profile of the plant and the faults of actuators count from the run's first tick. */
  #tellRunStart(records: readonly TickRecord[]): void {
    const startTick = records.at(-1)?.startTick ?? null;
    if (startTick === null || startTick === this.#startTick) return;
    this.#startTick = startTick;
    for (const id of [PLANT, ...this.rig.actuators.map((actuator) => actuator.id)])
      this.#supervisors.get(id)?.tell(id, { kind: 'run-start', startTick });
  }

  #look(): void {
    for (const wait of [...this.#waits]) if (wait.holds()) wait.resolve();
  }

  #describe(): string {
    const alive = this.ids.filter((id) => this.isAlive(id)).join(', ');
    return [
      `alive: ${alive || 'nobody'}; newest tick ${this.newestTick}`,
      ...this.deaths.map((exit) => `${exit.id}: ${describeExit(exit)}`),
      ...this.events.slice(-SHOWN_EVENTS).map((event) => `${event.id} ${event.level}: ${event.text}`),
      ...this.quorums.map(({ id, text }) => `${id}: ${text}`),
    ].join('\n');
  }
}

/** Adds items to a list and lets go of the oldest beyond `kept`. */
function append<T>(lists: Map<string, T[]>, id: string, items: readonly T[], kept = Infinity): void {
  const list = lists.get(id) ?? [];
  lists.set(id, list);
  list.push(...items);
  if (list.length > kept) list.splice(0, list.length - kept);
}
