/**
 * A small deterministic world for tests of the core: n replicas and their voters over one virtual clock, with links
 * that a test may delay, cut and tamper with. The same options give the same run, on any machine.
 * It must never read a clock or a source of chance of the machine, and it knows nothing of frames and keys: what
 * arrives here is what the wire would have let through.
 */
import { sameBytes, toHex } from '../../src/core/bytes.js';
import type { CommandRules } from '../../src/core/commands/command-rules.js';
import {
  createReplica,
  nextWakeUs,
  step,
  type ActuatorRule,
  type Effect,
  type Foresight,
  type Input,
  type LawOutcome,
  type ReplicaConfig,
  type ReplicaState,
  type Report,
  type RequestAnswer,
  type SensorRule,
} from '../../src/core/replica.js';
import type {
  ActuatorCommand,
  ActuatorStatus,
  Hypothesis,
  PeerMessage,
  Reading,
  ReplicaIndex,
  RequestName,
  RoundMessage,
  Tick,
} from '../../src/core/types.js';
import {
  createVoter,
  nextVoterDeadlineUs,
  startVoter,
  stepVoter,
  type VoterConfig,
  type VoterEffect,
  type VoterInput,
  type VoterState,
} from '../../src/core/voting/actuator-voter.js';
import { majorityOf } from '../../src/core/voting/majority.js';
import { SignatureRegister } from './toy-signatures.js';
import { decodeEntry, decodeState, digest, encodeEntry, encodeState, toBytes, toText } from './toy-codec.js';

/** A directed link at the moment something is put on it. */
export interface Link {
  readonly from: ReplicaIndex;
  readonly to: ReplicaIndex;
  readonly nowUs: number;
}

export interface LockstepOptions {
  readonly n: number;
  readonly hypothesis: Hypothesis;
  readonly periodUs?: number;
  readonly roundUs?: number;
  readonly graceUs?: number;
  readonly patienceTicks?: number;
  readonly excludeAfterTicks?: number;
  /** How long before its start a tick begins. 0 unless given. */
  readonly leadUs?: number;
  /** Without it commands wait for the last round. */
  /** For all, or replica by replica; undefined: that one foresees nothing. */
  readonly foresight?: Foresight | ((replica: ReplicaIndex) => Foresight | undefined);
  /**
   * How each replica's machine goes: what it shows at first, and how fast. Without them all share one clock and know its
   * ticks from birth; with them they have to find common ones.
   */
  readonly clocks?: readonly { readonly offsetUs: number; readonly driftPpm: number }[];
  readonly sensors?: readonly SensorRule[];
  readonly actuators?: readonly ActuatorRule[];
  readonly law?: ReplicaConfig['law'];
  /** Without them there are no operators. */
  readonly commands?: CommandRules;
  /** Readings of a replica at a tick; the same of everybody unless given. */
  readonly sample?: (replica: ReplicaIndex, tick: Tick) => readonly Reading[];
  /** Time under way, or null for lost. 500 µs unless given. */
  readonly delayUs?: (link: Link, message: PeerMessage) => number | null;
  /**
   * What really goes out in the place of `message`: nothing, it, something else, or several. A replica whose messages
   * are altered here has to stand in `liars`, or its signatures will not fit.
   */
  readonly interpose?: (message: PeerMessage, link: Link) => readonly PeerMessage[];
  /** Replicas whose wire signs whatever is interposed. */
  readonly liars?: readonly ReplicaIndex[];
  /** The same for commands on their way to a voter. */
  readonly interposeCommand?: (
    command: ActuatorCommand,
    from: ReplicaIndex,
    actuator: number,
  ) => readonly ActuatorCommand[];
  /** How late a timer is noticed. 0 unless given. */
  readonly timerLatenessUs?: (replica: ReplicaIndex, dueUs: number) => number;
  /** What a voter is beyond the usual. */
  readonly voter?: Partial<VoterConfig>;
  /** Sees everything that goes into and comes out of replicas, links and voters, in order. */
  readonly watch?: (seen: Seen) => void;
}

/** What happens at the edges of a world, for a test that writes it down. */
export type Seen =
  | {
      readonly kind: 'replica';
      readonly replica: ReplicaIndex;
      readonly atUs: number;
      readonly input: Input;
      readonly effects: readonly Effect[];
    }
  /** What really went out; `delayUs` is null where the link lost it. */
  | {
      readonly kind: 'sent';
      readonly link: Link;
      readonly message: PeerMessage;
      readonly delayUs: number | null;
    }
  | {
      readonly kind: 'voter';
      readonly actuator: number;
      readonly atUs: number;
      readonly input: VoterInput;
      readonly effects: readonly VoterEffect[];
      /** The voter's own, as the input left it. */
      readonly state: VoterState;
    };

/** A replica's report, and when it made it. */
export interface Reported {
  readonly replica: ReplicaIndex;
  readonly atUs: number;
  readonly report: Report;
}

/** A voter's effect, and when. */
export interface VoterEvent {
  readonly actuator: number;
  readonly atUs: number;
  readonly effect: VoterEffect;
}

interface Seat {
  config: ReplicaConfig;
  state: ReplicaState;
  wake: number;
}

interface VoterSeat {
  config: VoterConfig;
  state: VoterState;
  wake: number;
}

interface Pending {
  readonly atUs: number;
  /** At one instant arrivals come before timers. */
  readonly rank: number;
  readonly order: number;
  readonly run: () => void;
}

const ARRIVAL = 0;
const TIMER = 1;
const DELAY_US = 500;
const SAMPLE_US = 100;
/** More wakes than this without time moving on is a core that spins. */
const MAX_WAKES_AT_ONCE = 1_000;

/** One number within ±1000 that n−f replicas agree on within 10. */
export const PLAIN_SENSOR: SensorRule = {
  type: 'number',
  min: -1_000,
  max: 1_000,
  spread: 10,
  method: 'mid-value',
  required: true,
  holdUs: 200_000,
};

export class Lockstep {
  nowUs = 0;
  readonly reports: Reported[] = [];
  readonly voterEvents: VoterEvent[] = [];
  /** Commands that replicas gave, as they gave them. */
  /** With the run that they belong to, hexadecimal. */
  readonly commands: {
    readonly replica: ReplicaIndex;
    readonly run: string;
    readonly command: ActuatorCommand;
  }[] = [];
  /** What operators were told, and by whom. */
  readonly replies: {
    readonly replica: ReplicaIndex;
    readonly name: RequestName;
    readonly answer: RequestAnswer;
  }[] = [];
  /** Packets that left honestly, with the number of items in each. */
  readonly packets: {
    readonly from: ReplicaIndex;
    readonly tick: Tick;
    readonly round: number;
    readonly items: number;
  }[] = [];
  readonly signatures = new SignatureRegister();
  readonly timing: { readonly periodUs: number; readonly roundUs: number; readonly graceUs: number };
  private readonly seats: (Seat | null)[];
  private readonly pausedUntilUs: number[];
  private readonly voters: (VoterSeat | null)[];
  private readonly queue: Pending[] = [];
  private order = 0;
  private births = 0;
  private wakesAtOnce = 0;

  constructor(readonly options: LockstepOptions) {
    this.timing = {
      periodUs: options.periodUs ?? 50_000,
      roundUs: options.roundUs ?? 15_000,
      graceUs: options.graceUs ?? 2_000,
    };
    this.seats = new Array<Seat | null>(options.n).fill(null);
    this.pausedUntilUs = new Array<number>(options.n).fill(0);
    this.voters = (options.actuators ?? [{ rearm: 'auto' }]).map(() => null);
  }

  /** Starts every replica and every voter now. */
  startAll(): this {
    for (let id = 0; id < this.options.n; id += 1) this.start(id);
    this.voters.forEach((_, at) => this.startVoter(at));
    return this;
  }

  /** Starts a replica that knows nothing of an earlier life. */
  start(replica: ReplicaIndex, linked = true): void {
    const { options } = this;
    this.births += 1;
    const foresight =
      typeof options.foresight === 'function' ? options.foresight(replica) : options.foresight;
    const config: ReplicaConfig = {
      ...this.timing,
      epochUs: 0,
      n: options.n,
      self: replica,
      hypothesis: options.hypothesis,
      sensors: options.sensors ?? [PLAIN_SENSOR],
      actuators: options.actuators ?? [{ rearm: 'auto' }],
      patienceTicks: options.patienceTicks ?? 10,
      excludeAfterTicks: options.excludeAfterTicks ?? 5,
      maxSlewPpm: 1_000,
      nonce: digest(toBytes(`nonce ${this.births}`)),
      initialLawState: toBytes('{"steps":0,"sum":0}'),
      encodeEntry,
      decodeEntry,
      encodeState,
      decodeState,
      digest,
      digestVector: (vector) =>
        digest(toBytes(vector.map((one) => (one === null ? '-' : toHex(one))).join())),
      law: options.law ?? sumUp,
      ...(options.commands === undefined ? {} : { commands: options.commands }),
      ...(options.leadUs === undefined ? {} : { leadUs: options.leadUs }),
      ...(foresight === undefined ? {} : { foresight }),
    };
    const state = createReplica(config);
    if (options.clocks === undefined) {
      state.aligned = true;
      state.modeSince = this.tick;
    }
    this.seats[replica] = { config, state, wake: 0 };
    this.pausedUntilUs[replica] = 0;
    for (let peer = 0; linked && peer < options.n; peer += 1) {
      if (peer === replica || (this.seats[peer] ?? null) === null) continue;
      this.feed(replica, { kind: 'linked', peer });
      this.feed(peer, { kind: 'linked', peer: replica });
    }
    this.feed(replica, { kind: 'time', nowUs: this.localUs(replica, this.nowUs) });
  }

  /** What the clock of a replica's machine shows at a time of the world, and the other way round. */
  localUs(replica: ReplicaIndex, atUs: number): number {
    const clock = this.options.clocks?.[replica];
    return clock === undefined ? atUs : Math.floor(clock.offsetUs + atUs * (1 + clock.driftPpm / 1e6));
  }

  private worldUs(replica: ReplicaIndex, localUs: number): number {
    const clock = this.options.clocks?.[replica];
    if (clock === undefined) return localUs;
    return Math.ceil((localUs - clock.offsetUs) / (1 + clock.driftPpm / 1e6));
  }

  /** Ends a replica; what it had sent is still under way. */
  kill(replica: ReplicaIndex): void {
    this.seats[replica] = null;
  }

  /** A replica does nothing until then; what arrives meanwhile is read when it wakes up. */
  pause(replica: ReplicaIndex, forUs: number): void {
    this.pausedUntilUs[replica] = this.nowUs + forUs;
  }

  startVoter(actuator: number): void {
    this.births += 1;
    const { n } = this.options;
    const config: VoterConfig = {
      n,
      majority: majorityOf(n),
      vote: { kind: 'exact' },
      periodUs: this.timing.periodUs,
      holdUs: 4 * this.timing.periodUs,
      minCount: -100_000,
      maxCount: 100_000,
      failSafeCount: 0,
      bootNonce: digest(toBytes(`boot ${this.births}`)).subarray(0, 8),
      ...this.options.voter,
    };
    this.voters[actuator] = { config, state: createVoter(config), wake: 0 };
    for (const effect of startVoter(config)) this.voterEvents.push({ actuator, atUs: this.nowUs, effect });
  }

  killVoter(actuator: number): void {
    this.voters[actuator] = null;
  }

  /** Runs until just before tick `tick` begins. */
  runTo(tick: Tick): this {
    return this.runUntilUs(tick * this.timing.periodUs - 1);
  }

  /** Runs for a number of ticks. */
  runTicks(ticks: number): this {
    return this.runUntilUs(this.nowUs + ticks * this.timing.periodUs);
  }

  runUntilUs(untilUs: number): this {
    for (;;) {
      const next = this.queue[0];
      if (next === undefined || next.atUs > untilUs) break;
      this.queue.shift();
      if (next.atUs > this.nowUs) this.wakesAtOnce = 0;
      this.nowUs = next.atUs;
      next.run();
    }
    this.nowUs = untilUs;
    return this;
  }

  /** Does something at a time of the virtual clock. */
  at(atUs: number, action: () => void): void {
    this.push(atUs, TIMER, action);
  }

  /** The tick under way by the clock. */
  get tick(): Tick {
    return Math.floor(this.nowUs / this.timing.periodUs);
  }

  /** The state behind a running replica, for assertions. */
  stateOf(replica: ReplicaIndex): ReplicaState {
    const seat = this.seats[replica];
    if (seat === null || seat === undefined) throw new Error(`replica ${replica} does not run`);
    return seat.state;
  }

  configOf(replica: ReplicaIndex): ReplicaConfig {
    const seat = this.seats[replica];
    if (seat === null || seat === undefined) throw new Error(`replica ${replica} does not run`);
    return seat.config;
  }

  voterState(actuator = 0): VoterState {
    const seat = this.voters[actuator];
    if (seat === null || seat === undefined) throw new Error(`voter ${actuator} does not run`);
    return seat.state;
  }

  /** Reports of one kind, in the order in which they were made. */
  reported<K extends Report['kind']>(
    kind: K,
    replica?: ReplicaIndex,
  ): { replica: ReplicaIndex; atUs: number; report: Extract<Report, { kind: K }> }[] {
    return this.reports.filter(
      (one) => one.report.kind === kind && (replica === undefined || one.replica === replica),
    ) as { replica: ReplicaIndex; atUs: number; report: Extract<Report, { kind: K }> }[];
  }

  /** Effects of voters of one kind. */
  voted<K extends VoterEffect['kind']>(kind: K): Extract<VoterEffect, { kind: K }>[] {
    return this.voterEvents.flatMap(({ effect }) =>
      effect.kind === kind ? [effect as Extract<VoterEffect, { kind: K }>] : [],
    );
  }

  /** Ticks that a replica stepped, in order. */
  steppedTicks(replica: ReplicaIndex): Tick[] {
    return this.reported('stepped', replica).map(({ report }) => report.tick);
  }

  /** Puts a message on a link as if `from` had said it, past every interposer. */
  inject(from: ReplicaIndex, to: ReplicaIndex, message: PeerMessage): void {
    this.feed(to, { kind: 'received', from, message, arrivedUs: this.localUs(to, this.nowUs) });
  }

  /** Feeds a replica, and carries out what it answers. */
  feed(replica: ReplicaIndex, input: Input): void {
    const seat = this.seats[replica];
    if (seat === null || seat === undefined) return;
    const { effects } = step(seat.config, seat.state, input);
    this.options.watch?.({ kind: 'replica', replica, atUs: this.nowUs, input, effects });
    for (const effect of effects) this.carryOut(replica, seat, effect);
    if (this.seats[replica] === seat) this.armWake(replica, seat);
  }

  private carryOut(replica: ReplicaIndex, seat: Seat, effect: Effect): void {
    switch (effect.kind) {
      case 'sample': {
        const { tick } = effect;
        this.push(this.nowUs + SAMPLE_US, ARRIVAL, () => {
          this.whenAwake(replica, () => {
            if (this.seats[replica] !== seat) return;
            const readings =
              this.options.sample?.(replica, tick) ?? seat.config.sensors.map(() => tick % 100);
            this.feed(replica, {
              kind: 'sampled',
              tick,
              nowUs: this.localUs(replica, this.nowUs),
              readings,
              actuators: this.voters.map((voter) => statusOf(voter)),
            });
          });
        });
        break;
      }
      case 'send':
        this.send({ from: replica, to: effect.to, nowUs: this.nowUs }, effect.message);
        break;
      case 'command':
        effect.commands.forEach((command, actuator) => {
          if (command === null) return;
          this.commands.push({ replica, run: toHex(this.stateOf(replica).run), command });
          const outgoing = this.options.interposeCommand?.(command, replica, actuator) ?? [command];
          for (const one of outgoing) {
            this.push(this.nowUs + DELAY_US, ARRIVAL, () =>
              this.feedVoter(actuator, { kind: 'command', from: replica, command: one, atUs: this.nowUs }),
            );
          }
        });
        break;
      case 'reply':
        this.replies.push({ replica, name: effect.name, answer: effect.answer });
        break;
      case 'report':
        this.reports.push({ replica, atUs: this.nowUs, report: effect.report });
        break;
    }
  }

  private send(link: Link, message: PeerMessage): void {
    const { options } = this;
    const signed =
      options.hypothesis.kind === 'byzantine' && options.hypothesis.authenticators === 'signature';
    if (message.kind === 'round') {
      const { tick, round, items } = message;
      this.packets.push({ from: link.from, tick, round, items: items.length });
      if (signed) this.signatures.sign(link.from, message);
    }
    const outgoing = options.interpose?.(message, link) ?? [message];
    for (const one of outgoing) {
      if (signed && one.kind === 'round' && options.liars?.includes(link.from) === true) {
        this.signatures.sign(link.from, one);
      }
      const delayUs = options.delayUs === undefined ? DELAY_US : options.delayUs(link, one);
      options.watch?.({ kind: 'sent', link, message: one, delayUs });
      if (delayUs === null) continue;
      this.push(this.nowUs + delayUs, ARRIVAL, () =>
        this.whenAwake(link.to, () => {
          const verified: PeerMessage =
            signed && one.kind === 'round' ? this.signatures.verify(link.from, one) : one;
          this.inject(link.from, link.to, verified);
        }),
      );
    }
  }

  /** Runs it now, or when the replica's pause is over. */
  private whenAwake(replica: ReplicaIndex, action: () => void): void {
    const untilUs = this.pausedUntilUs[replica] as number;
    if (untilUs > this.nowUs) this.push(untilUs, ARRIVAL, () => this.whenAwake(replica, action));
    else action();
  }

  private armWake(replica: ReplicaIndex, seat: Seat): void {
    seat.wake += 1;
    const { wake } = seat;
    const dueUs = Math.max(this.worldUs(replica, nextWakeUs(seat.config, seat.state)), this.nowUs);
    const lateUs = this.options.timerLatenessUs?.(replica, dueUs) ?? 0;
    const fire = (): void => {
      if (this.seats[replica] !== seat || seat.wake !== wake) return;
      const untilUs = this.pausedUntilUs[replica] as number;
      if (untilUs > this.nowUs) {
        this.push(untilUs, TIMER, fire);
        return;
      }
      this.wakesAtOnce += 1;
      if (this.wakesAtOnce > MAX_WAKES_AT_ONCE) throw new Error(`replica ${replica} wakes without end`);
      this.feed(replica, { kind: 'time', nowUs: this.localUs(replica, this.nowUs) });
    };
    this.push(dueUs + lateUs, TIMER, fire);
  }

  private feedVoter(actuator: number, input: VoterInput): void {
    const seat = this.voters[actuator];
    if (seat === null || seat === undefined) return;
    const effects = stepVoter(seat.config, seat.state, input);
    for (const effect of effects) this.voterEvents.push({ actuator, atUs: this.nowUs, effect });
    this.options.watch?.({ kind: 'voter', actuator, atUs: this.nowUs, input, effects, state: seat.state });
    seat.wake += 1;
    const { wake } = seat;
    const dueUs = nextVoterDeadlineUs(seat.config, seat.state);
    if (dueUs === null) return;
    this.push(Math.max(dueUs, this.nowUs), TIMER, () => {
      if (this.voters[actuator] === seat && seat.wake === wake)
        this.feedVoter(actuator, { kind: 'time', nowUs: this.nowUs });
    });
  }

  private push(atUs: number, rank: number, run: () => void): void {
    const event: Pending = { atUs, rank, order: this.order, run };
    this.order += 1;
    let low = 0;
    let high = this.queue.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBefore(event, this.queue[middle] as Pending)) high = middle;
      else low = middle + 1;
    }
    this.queue.splice(low, 0, event);
  }
}

function isBefore(a: Pending, b: Pending): boolean {
  return a.atUs !== b.atUs ? a.atUs < b.atUs : a.rank !== b.rank ? a.rank < b.rank : a.order < b.order;
}

function statusOf(voter: VoterSeat | null): ActuatorStatus | null {
  if (voter === null) return null;
  const { phase, trips, lastTick } = voter.state;
  return { bootNonce: voter.config.bootNonce, phase, trips, lastTick };
}

/** A control law that shows every difference of state, reading and tick in what it orders. */
function sumUp(state: Uint8Array, readings: Parameters<ReplicaConfig['law']>[1], tick: Tick): LawOutcome {
  const before = JSON.parse(toText(state)) as { steps: number; sum: number };
  let sum = before.sum;
  for (const { value } of readings)
    sum += typeof value === 'number' ? Math.round(value) : value === true ? 1 : 0;
  sum %= 10_000;
  const next = { steps: before.steps + 1, sum };
  return { ok: true, state: toBytes(JSON.stringify(next)), counts: [sum + (tick % 7)] };
}

/** One round message changed in its items, the rest as it was. */
export function withItems(message: RoundMessage, items: RoundMessage['items']): RoundMessage {
  return { ...message, items };
}

/**
 * What must never happen among correct replicas (protocol.md §11): different vectors, states or commands for a tick.
 * Returns one line for each that did; empty is well.
 */
export function findDisagreements(world: Lockstep, correct: readonly ReplicaIndex[]): string[] {
  const found: string[] = [];
  const said = new Map<string, { readonly replica: ReplicaIndex; readonly text: string }>();
  for (const { replica, report } of world.reports) {
    if (!correct.includes(replica)) continue;
    if (report.kind === 'agreed') {
      const text = report.vector.map((value) => (value === null ? 'absent' : toHex(value))).join(' ');
      compare(`vector of tick ${report.tick}`, replica, text);
    } else if (report.kind === 'stepped') {
      const commands = report.commands.map((command) => JSON.stringify(command));
      compare(`state of tick ${report.tick}`, replica, toHex(report.readStateDigest()));
      compare(`commands of tick ${report.tick}`, replica, commands.join(' '));
    }
  }
  return found;

  function compare(what: string, replica: ReplicaIndex, text: string): void {
    const first = said.get(what);
    if (first === undefined) said.set(what, { replica, text });
    else if (first.text !== text)
      found.push(`${what}: ${first.replica} has ${first.text}, ${replica} has ${text}`);
  }
}

/**
 * Every output is one that some correct replica worked out on the agreed vector, and their ticks only grow (protocol.md §5,
 * unsafe output). Returns one line for each that is not.
 */
export function findUnsafeOutputs(world: Lockstep, correct: readonly ReplicaIndex[]): string[] {
  let last = -1;
  const stepped = world.reports.flatMap(({ replica, report }) =>
    report.kind === 'stepped' && correct.includes(replica) ? report.commands : [],
  );
  return world.voted('output').flatMap(({ tick, count }) => {
    const grows = tick > last;
    last = Math.max(last, tick);
    const ordered = stepped.some(
      (command) => command?.tick === tick && command.order.kind === 'output' && command.order.count === count,
    );
    return grows && ordered ? [] : [`tick ${tick}: ${count}`];
  });
}

/** True when all given replicas hold the same state right now. */
export function holdEqualStates(world: Lockstep, replicas: readonly ReplicaIndex[]): boolean {
  const digests = replicas.map((replica) => world.stateOf(replica).snapshot?.digest ?? null);
  const first = digests[0] ?? null;
  return first !== null && digests.every((one) => one !== null && sameBytes(one, first));
}
