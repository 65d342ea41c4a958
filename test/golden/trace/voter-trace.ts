/** What a voter is given, what it counts and what it does, a row for each. */
import type { ActuatorCommand, Arming, ReplicaIndex, Tick } from '../../../src/core/types.js';
import type {
  Refusal,
  VoterConfig,
  VoterEffect,
  VoterInput,
  VoterState,
} from '../../../src/core/voting/actuator-voter.js';
import type { Order, VoterBench } from '../../support/voter-bench.js';
import { align, lengthOf, type Page } from './page.js';

const HEADER = ['time/ms', 'from', 'tick', 'orders', 'the voter'] as const;
const WIDTHS = [9, 4, 4, 18] as const;

const REFUSALS: Readonly<Record<Refusal, string>> = {
  'not-armed': 'it does not arm this boot',
  'old-tick': 'older than what went out',
  late: 'late by more than a period',
  future: 'early by more than two periods',
  duplicate: 'said already',
  'double-vote': 'a second one, and different',
  'unknown-replica': 'no replica of the rig',
  malformed: 'no whole number in range',
};

const TRIPS = {
  start: 'it starts',
  'hold-expired': 'the hold is over',
  ordered: 'a majority orders it',
} as const;

/** One step: when and what came, and a line for each thing that the voter did. */
export interface VoterRow {
  readonly atUs: number;
  readonly cells: readonly string[];
  readonly did: readonly string[];
}

/** Describes one step of a voter right after it: `state` is read now. */
export function describeVoterStep(
  names: readonly string[],
  majority: number,
  input: VoterInput,
  effects: readonly VoterEffect[],
  state: VoterState,
): VoterRow {
  const atUs = input.kind === 'time' ? input.nowUs : input.atUs;
  const did = effects.map((effect) => writeEffect(names, effect));
  if (input.kind === 'time') return { atUs, cells: ['', '', '(time)'], did };
  const { from, command } = input;
  if (effects.length === 0) did.push(writeCount(majority, from, command, state));
  return { atUs, cells: [names[from] ?? `#${from}`, String(command.tick), writeOrder(command)], did };
}

/** Writes rows under a header. Times count from `zeroUs`. */
export function writeVoterRows(page: Page, rows: readonly VoterRow[], zeroUs: number): void {
  page.line(align(HEADER, WIDTHS));
  for (const { atUs, cells, did } of rows) {
    page.line(alignRight([writeMs(atUs - zeroUs), ...cells, did[0] ?? '']));
    for (const more of did.slice(1)) page.line(align(['', '', '', '', more], WIDTHS));
  }
}

/** Times stand right. */
function alignRight(cells: readonly string[]): string {
  const [time = '', ...rest] = cells;
  return align([' '.repeat(Math.max(0, WIDTHS[0] - 2 - lengthOf(time))) + time, ...rest], WIDTHS);
}

/** With a true minus. */
export function writeNumber(value: number): string {
  return String(value).replace('-', '−');
}

/** Milliseconds with three places: whole microseconds. */
export function writeMs(us: number): string {
  return (us / 1000).toFixed(3);
}

export function writeOrder(command: ActuatorCommand): string {
  const { order, arm } = command;
  const what = order.kind === 'output' ? `output ${writeNumber(order.count)}` : order.kind;
  return arm === null ? what : `${what}, arms`;
}

export function writeEffect(names: readonly string[], effect: VoterEffect): string {
  switch (effect.kind) {
    case 'output':
      return `OUTPUT ${writeNumber(effect.count)} (${listVotes(names, effect.votes)})`;
    case 'fail-safe':
      return `FAIL-SAFE ${writeNumber(effect.count)}: ${TRIPS[effect.cause]}, trip ${effect.trips}`;
    case 'armed':
      return `ARMED from tick ${effect.tick} on`;
    case 'missed':
      return effect.ticks === 1
        ? `misses tick ${effect.firstTick}`
        : `misses ticks ${effect.firstTick} … ${effect.firstTick + effect.ticks - 1}`;
    case 'dissent':
      return `dissent: ${names[effect.from] ?? '?'}`;
    case 'refused':
      return `refused: ${REFUSALS[effect.cause]}`;
    case 'outside-envelope':
      return `outside the envelope: ${writeNumber(effect.count)} does not go out`;
  }
}

function listVotes(names: readonly string[], votes: number): string {
  return names.filter((_, id) => (votes & (1 << id)) !== 0).join(' ');
}

/** How far the tick is, where a step had no effect. */
function writeCount(
  majority: number,
  from: ReplicaIndex,
  command: ActuatorCommand,
  state: VoterState,
): string {
  if (state.phase === 'fail-safe') {
    const arming = state.arming.filter((other) => other?.tick === command.tick).length;
    return `${arming} of ${majority} arm it`;
  }
  const slot = state.slots.find(({ tick }) => tick === command.tick);
  if (slot === undefined || slot.commands[from] === null) return 'nothing';
  if (slot.decided !== null) return 'agrees; the tick is decided';
  const equal = slot.commands.filter(
    (other) => other !== null && writeOrderAlone(other) === writeOrderAlone(command),
  ).length;
  return `${equal} of ${majority} equal`;
}

function writeOrderAlone(command: ActuatorCommand): string {
  return writeOrder({ ...command, arm: null });
}

/** A voter on a bench whose every step becomes a row. Times are those since its start. */
export class VoterScript {
  private rows: VoterRow[] = [];
  private readonly zeroUs: number;

  constructor(
    private readonly page: Page,
    private readonly bench: VoterBench,
    private readonly names: readonly string[],
  ) {
    this.zeroUs = bench.nowUs;
  }

  get config(): VoterConfig {
    return this.bench.config;
  }

  /** Every one of `froms` orders the same. */
  order(froms: readonly ReplicaIndex[], tick: Tick, order: Order): this {
    for (const from of froms) this.keep(from, tick, order, null, this.bench.order(from, tick, order));
    return this;
  }

  /** Every one of `froms` orders the same and arms this boot, as it stands unless told otherwise. */
  arm(froms: readonly ReplicaIndex[], tick: Tick, order: Order, changes: Partial<Arming> = {}): this {
    for (const from of froms) {
      const { trips } = this.bench.state;
      const arming = { bootNonce: this.config.bootNonce, trips, firstTick: tick, ...changes };
      this.keep(from, tick, order, arming, this.bench.arm(from, tick, order, changes));
    }
    return this;
  }

  /** Lets time go on without telling the voter. */
  pass(us: number): this {
    this.bench.pass(us);
    return this;
  }

  /** Lets time go on and tells the voter. */
  wait(us: number): this {
    const effects = this.bench.wait(us);
    this.row({ kind: 'time', nowUs: this.bench.nowUs }, effects);
    return this;
  }

  /** Leaves out the rows so far. */
  forget(): this {
    this.rows = [];
    return this;
  }

  /** Ends the rows so far and says something about them. */
  say(text: string): this {
    if (this.rows.length > 0) writeVoterRows(this.page, this.rows, this.zeroUs);
    this.rows = [];
    this.page.say(text).line();
    return this;
  }

  private keep(
    from: ReplicaIndex,
    tick: Tick,
    order: Order,
    arm: Arming | null,
    effects: readonly VoterEffect[],
  ): void {
    const command: ActuatorCommand = {
      tick,
      order: typeof order === 'number' ? { kind: 'output', count: order } : { kind: order },
      arm,
    };
    this.row({ kind: 'command', from, command, atUs: this.bench.nowUs }, effects);
  }

  private row(input: VoterInput, effects: readonly VoterEffect[]): void {
    const { state, config } = this.bench;
    this.rows.push(describeVoterStep(this.names, config.majority, input, effects, state));
  }
}
