/**
 * The faults of one replica, voter or witness at work: which are waiting, which are active, and the ports that pass through them.
 * It belongs to the process, which gives it its ports to wrap and tells it the ticks. Without an active
 * fault a wrapped port costs one call more. It must never touch the code that it strikes.
 */
import { assert } from '../core/assert.js';
import type { Entry, ReplicaIndex } from '../core/types.js';
import type {
  ActuatorPort,
  Cancel,
  Clock,
  CommandPort,
  FrameHandler,
  LogStore,
  OpenByteStream,
  OrderPort,
  PeerPort,
  Principal,
  SensorPort,
  StoreRefusal,
  Transport,
} from '../ports.js';
import type { Rig } from '../rig/rig.js';
import type { FaultRefusal } from './parameters.js';
import { BreakableBridge, type BridgeLine } from './bridge-line.js';
import { FaultyClock } from './faulty-clock.js';
import { planFault, scopeFault, type FaultPlan } from './plan-fault.js';
import { Random } from './random.js';
import type { World } from './row.js';
import {
  formatFault,
  formatTarget,
  parseFault,
  type Clearing,
  type FaultSpec,
  type Injection,
} from './spec.js';
import {
  MAX_TIMERS,
  type Facility,
  type FaultContext,
  type FaultWrapper,
  type HostControls,
  type SealPayload,
  type SendFrame,
  type SendFrameAs,
} from './wrapper.js';

/** In these ticks of a run everybody has heard that it began anew. */
const FIRST_TICKS = 3;

/** What happened to a fault. */
export interface FaultEvent {
  /** As `formatFault` writes it. */
  readonly spec: string;
  /** `applied` comes again with the same tick when the count has grown: a process that dies has no last word. */
  readonly event: 'applied' | 'cleared' | 'failed';
  /** Tick of the run. */
  readonly tick: number;
  /** Messages, samples or outputs altered so far. */
  readonly affected: number;
  readonly reason?: string;
}

export interface InjectorParts {
  readonly rig: Rig;
  /** Place in the rig's list of replicas, or in the one that `of` names; a witness comes after the replicas. */
  readonly self: ReplicaIndex;
  readonly of?: 'replicas' | 'actuators' | 'witness';
  /** Same seed, same faults, same traffic: same alterations. */
  readonly seed: string | number;
  /** Where this is; `live` where it is not said. */
  readonly world?: World;
  /** The host's, which no fault strikes; the process lives by what `wrapClock` makes of it. */
  readonly clock: Clock;
  readonly host: HostControls;
  readonly encodeEntry: (entry: Entry) => Uint8Array;
  readonly decodeEntry: (value: Uint8Array) => Entry | null;
  /** Where the transport can speak under another's name. */
  readonly sendFrameAs?: SendFrameAs;
  /** Called inside `apply`, `clear` and `onTick`; the event of a crash before the process dies. */
  readonly onEvent: (event: FaultEvent) => void;
}

/** A fault has been accepted, or ended. */
export interface FaultAcceptance {
  readonly ok: true;
  readonly text: string;
  /** Tick of the run at which it begins, or at which it was ended. */
  readonly startsAtTick: number;
}

export type FaultAnswer = FaultAcceptance | FaultRefusal;

/** One fault that waits or is active, for people. */
export interface FaultSummary {
  readonly spec: string;
  readonly phase: 'waiting' | 'active';
  readonly startsAtTick: number;
  readonly endsAtTick: number | null;
  readonly affected: number;
}

interface Held {
  readonly spec: Injection;
  readonly text: string;
  readonly plan: FaultPlan;
  readonly startsAt: number;
  /** First tick without it. */
  endsAt: number | null;
  wrapper: FaultWrapper | null;
  /** What it does is over; it waits for the clock that it has struck to be right again. */
  isEnding: boolean;
  activeSince: number;
  affected: number;
  announced: number;
}

/** Faults that one process keeps at a time. */
const MAX_FAULTS = 64;
/** Ticks between accounts of an active fault. */
const ACCOUNT_TICKS = 10;
/** How exact a delay is where nobody says. */
const DEFER_SLACK_US = 1_000;
/** Faults begin and end by ticks, which need no exact time. */
const OWN_TICK_SLACK_US = 1_000;

const FACILITIES: Readonly<Record<Facility, string>> = {
  clock: 'a clock that can be struck',
  bridge: 'the line of a firmware bridge',
  device: 'the device of an actuator',
  sealer: 'a way to seal any payload',
  'restart-as': 'a host that starts it as something else',
  twin: 'a host that starts it a second time',
  keys: 'keys that can be exchanged while it runs',
  store: 'a durable store that can be struck',
  order: 'a command log',
};

const KINDS = { replicas: 'replica', actuators: 'actuator', witness: 'witness' } as const;

export class FaultInjector {
  private readonly selfId: string;
  private faults: Held[] = [];
  private tick = -1;
  /** Where the run's ticks lie on the host's clock: one of them, as the process told it. */
  private anchor: { readonly tick: number; readonly atUs: number } | null = null;
  /** Set while ticks are counted by the host's clock. */
  private cancelOwnTick: Cancel | null = null;
  private readonly timers = new Set<Cancel>();
  private clock: FaultyClock | null = null;
  private peers: Chain<PeerPort> | null = null;
  private commands: Chain<CommandPort> | null = null;
  private sensors: Chain<SensorPort> | null = null;
  private frames: Chain<SendFrame> | null = null;
  private arrivals: Chain<FrameHandler> | null = null;
  private transport: Transport | null = null;
  private onLink: (to: Principal, up: boolean) => void = () => {};
  private sealPayload: SealPayload | null = null;
  private bridge: BreakableBridge | null = null;
  private bridgeLine: Chain<BridgeLine> | null = null;
  private device: Chain<ActuatorPort> | null = null;
  private store: Chain<LogStore> | null = null;
  private order: Chain<OrderPort> | null = null;

  constructor(private readonly parts: InjectorParts) {
    const { rig, of = 'replicas' } = parts;
    const self = of === 'witness' ? rig.witness : rig[of][parts.self];
    assert(self !== undefined && self !== null, 'an injector belongs to a process of the rig');
    this.selfId = self.id;
  }

  /**
   * The host's clock as the process shall see it: for everything that it does by time, its sensors included. Once, and
   * before the other ports.
   */
  wrapClock(): Clock {
    this.clock = new FaultyClock(this.parts.clock);
    return this.clock;
  }

  /**
   * The port, with the active faults around it. A replica that is started again in the same process wraps its ports
   * anew; the last one counts.
   */
  wrapPeers(port: PeerPort): PeerPort {
    const chain = new Chain(port);
    this.peers = chain;
    this.rebuild();
    return {
      send: (to, message) => chain.head.send(to, message),
      prepare: (message) => chain.head.prepare?.(message),
    };
  }

  wrapCommands(port: CommandPort): CommandPort {
    const chain = new Chain(port);
    this.commands = chain;
    this.rebuild();
    return { send: (actuator, command) => chain.head.send(actuator, command) };
  }

  wrapSensors(port: SensorPort): SensorPort {
    const chain = new Chain(port);
    this.sensors = chain;
    this.rebuild();
    return {
      request: () => chain.head.request(),
      read: (nowUs) => chain.head.read(nowUs),
      close: () => port.close(),
    };
  }

  /** Of one process always the same transport: it has one handler, however often the replica is started again. */
  wrapTransport(port: Transport): Transport {
    const frames = new Chain<SendFrame>((to, purpose, frame) => port.send(to, purpose, frame));
    this.frames = frames;
    this.rebuild();
    if (this.transport === null) {
      this.transport = port;
      port.onFrame((from, purpose, frame, arrivedUs) =>
        this.arrivals?.head(from, purpose, frame, this.clock?.localize(arrivedUs) ?? arrivedUs),
      );
      port.onLink((to, up) => this.onLink(to, up));
    }
    return {
      send: (to, purpose, frame) => frames.head(to, purpose, frame),
      onFrame: (handler) => {
        this.arrivals = new Chain(handler);
        this.rebuild();
      },
      onLink: (handler) => {
        this.onLink = handler;
      },
      close: () => port.close(),
    };
  }

  /** Takes the way for payloads that no correct sender makes. */
  offerSealer(seal: SealPayload): void {
    this.sealPayload = seal;
  }

  /** The line to the device behind the firmware bridge. */
  wrapBridge(open: OpenByteStream): OpenByteStream {
    const bridge: BreakableBridge = new BreakableBridge(open, () => line.head);
    const line = new Chain(bridge.base);
    this.bridge = bridge;
    this.bridgeLine = line;
    return bridge.open;
  }

  wrapDevice(port: ActuatorPort): ActuatorPort {
    const chain = new Chain(port);
    this.device = chain;
    return {
      output: (count, tick) => chain.head.output(count, tick),
      onReadBack: (handler) => port.onReadBack(handler),
      close: () => port.close(),
    };
  }

  /** The durable store of a process. As the port demands, one that has refused a write takes none until it is opened anew. */
  wrapStore(port: LogStore): LogStore {
    const chain = new Chain(port);
    this.store = chain;
    this.rebuild();
    let refused: StoreRefusal | null = null;
    const latch = (onDurable: (refusal: StoreRefusal | null) => void) => (refusal: StoreRefusal | null) => {
      if (refusal !== null && refusal.code !== 'full') refused ??= refusal;
      onDurable(refusal);
    };
    const take = (onDurable: (refusal: StoreRefusal | null) => void, write: () => void): void => {
      const { clock } = this.parts;
      if (refused === null) write();
      else clock.schedule(clock.nowUs(), () => onDurable(refused));
    };
    return {
      place: port.place,
      loaded: port.loaded,
      write: (changes, onDurable) => take(onDurable, () => chain.head.write(changes, latch(onDurable))),
      provision: (records, onDurable) =>
        take(onDurable, () => chain.head.provision(records, latch(onDurable))),
      figures: () => port.figures(),
      close: () => port.close(),
    };
  }

  wrapOrder(port: OrderPort): OrderPort {
    const chain = new Chain(port);
    this.order = chain;
    this.rebuild();
    return { send: (to, messages) => chain.head.send(to, messages) };
  }

  /** Reads one fault, or the end of one, in the fault grammar and does it. */
  handle(text: string): FaultAnswer {
    const parsed = parseFault(text);
    if (!parsed.ok) {
      return { ok: false, what: `column ${parsed.column}: ${parsed.what}`, cure: parsed.cure };
    }
    return this.apply(parsed.spec);
  }

  /** The same, as the answer that an operator reads. */
  answer(text: string): { readonly ok: boolean; readonly text: string } {
    const answer = this.handle(text);
    return answer.ok
      ? { ok: true, text: answer.text }
      : { ok: false, text: `${answer.what}; ${answer.cure}` };
  }

  /** Accepts a fault for its tick, or ends one; refused where it cannot be, or is not this process's to do. */
  apply(spec: FaultSpec): FaultAnswer {
    const planned = planFault(spec, this.parts.rig, this.parts.world ?? 'live');
    if (!planned.ok) return planned;
    const { plan } = planned;
    const { needs } = plan.implementation;
    if (needs !== null && !this.offers(needs)) {
      return refuse(
        `'${spec.name}' needs ${FACILITIES[needs]}, which '${this.selfId}' does not offer`,
        'choose another fault',
      );
    }
    if (!plan.obeying.includes(this.selfId)) {
      const kind = KINDS[this.parts.of ?? 'replicas'];
      return refuse(
        `'${spec.name} on ${formatTarget(spec.target)}' is not for ${kind} '${this.selfId}' to do`,
        `send it to ${plan.obeying.join(', ')}`,
      );
    }
    return spec.kind === 'clear' ? this.end(spec) : this.accept(spec, plan);
  }

  /** Ends every fault of that name on that target, waiting or active. */
  clear(spec: Clearing): FaultAnswer {
    return this.apply(spec);
  }

  /**
   * A tick begins, before anything of it is sent. `tick` counts from the start of the run; ticks may be left out.
   * Faults begin and end here. While a fault keeps the process from telling ticks, or from telling the right ones, they
   * are counted by the host's clock, until what the process tells fits again.
   */
  onTick(tick: number): void {
    // A run that began anew counts from 0: what has begun lasts as much longer as it would have.
    if (tick <= FIRST_TICKS && tick < this.tick - 1) {
      for (const held of this.faults)
        if (held.wrapper !== null && held.endsAt !== null) held.endsAt += tick - this.tick;
    }
    if (this.cancelOwnTick !== null) {
      if (this.areTicksStopped() || (Math.abs(tick - this.tick) > 1 && tick > FIRST_TICKS)) return;
      this.cancelOwnTick();
      this.cancelOwnTick = null;
    }
    this.anchor = { tick, atUs: this.parts.clock.nowUs() };
    this.turn(tick);
  }

  /** What waits and what is active. */
  list(): readonly FaultSummary[] {
    return this.faults.map(({ text, wrapper, startsAt, endsAt, affected }) => ({
      spec: text,
      phase: wrapper === null ? 'waiting' : 'active',
      startsAtTick: startsAt,
      endsAtTick: endsAt,
      affected,
    }));
  }

  /** Ends all of them and everything that they delay. */
  close(): void {
    this.cancelOwnTick?.();
    this.cancelOwnTick = null;
    for (const held of [...this.faults]) this.complete(held);
    for (const cancel of this.timers) cancel();
    this.timers.clear();
  }

  private turn(tick: number): void {
    if (tick <= this.tick) return;
    this.tick = tick;
    if (this.faults.length === 0) return;
    for (const held of [...this.faults]) {
      if (held.isEnding || (held.endsAt !== null && tick >= held.endsAt)) this.finish(held);
    }
    for (const held of this.faults) {
      if (held.wrapper === null && tick >= held.startsAt) this.begin(held);
      if (held.wrapper === null) continue;
      if (held.affected !== held.announced && (tick - held.activeSince) % ACCOUNT_TICKS === 0) {
        this.announce(held);
      }
      if (!held.isEnding) held.wrapper.onTick?.(tick);
    }
    if (this.cancelOwnTick === null && this.areTicksStopped()) this.countOwnTick();
  }

  private areTicksStopped(): boolean {
    return this.faults.some(({ wrapper }) => wrapper?.stopsTicks === true);
  }

  private countOwnTick(): void {
    const { anchor, parts } = this;
    assert(anchor !== null, 'a fault is active, so a tick has been told');
    const { clock, rig } = parts;
    this.cancelOwnTick = clock.schedule(
      anchor.atUs + (this.tick + 1 - anchor.tick) * rig.periodUs,
      () => {
        const passed = Math.floor((clock.nowUs() - anchor.atUs) / rig.periodUs);
        this.turn(anchor.tick + passed);
        if (this.cancelOwnTick !== null) this.countOwnTick();
      },
      OWN_TICK_SLACK_US,
    );
  }

  private offers(facility: Facility): boolean {
    switch (facility) {
      case 'clock':
        return this.clock !== null;
      case 'bridge':
        return this.bridge !== null;
      case 'device':
        return this.device !== null;
      case 'sealer':
        return this.sealPayload !== null;
      case 'restart-as':
        return this.parts.host.restartAs !== undefined;
      case 'twin':
        return this.parts.host.launchTwin !== undefined;
      case 'keys':
        return this.parts.host.exchangeKeys !== undefined;
      case 'store':
        return this.store !== null;
      case 'order':
        return this.order !== null;
    }
  }

  private accept(spec: Injection, plan: FaultPlan): FaultAnswer {
    const { at, forTicks } = spec;
    const next = this.tick + 1;
    const startsAt = Math.max(next, at.relative ? Math.max(0, this.tick) + at.tick : at.tick);
    const due = at.relative ? startsAt : at.tick;
    const endsAt = forTicks === null ? null : due + forTicks;
    if (endsAt !== null && endsAt <= next) {
      return refuse(
        `it would have been over at tick ${endsAt}, and tick ${this.tick} is under way`,
        "choose a later tick, or count from now with 'at +TICKS'",
      );
    }
    const text = formatFault(spec);
    // Whoever did not get the answer asks again: the same words are the same fault.
    const same = this.faults.find((other) => other.text === text);
    if (same !== undefined) return this.describe(same, at.relative ? same.startsAt : at.tick);
    const rival = this.faults.find(
      (other) =>
        other.spec.name === spec.name &&
        formatTarget(other.spec.target) === formatTarget(spec.target) &&
        (other.endsAt === null || startsAt < other.endsAt) &&
        (endsAt === null || other.startsAt < endsAt),
    );
    if (rival !== undefined) {
      return refuse(
        `'${rival.text}' is ${rival.wrapper === null ? 'waiting' : 'active'} at that time`,
        `clear it first: clear ${spec.name} on ${formatTarget(spec.target)}`,
      );
    }
    if (this.faults.length >= MAX_FAULTS) {
      return refuse(
        `${MAX_FAULTS} faults are waiting or active on '${this.selfId}'`,
        'clear some, or wait until they are over',
      );
    }
    const held: Held = {
      spec,
      text,
      plan,
      startsAt,
      endsAt,
      wrapper: null,
      isEnding: false,
      activeSince: -1,
      affected: 0,
      announced: 0,
    };
    this.faults.push(held);
    return this.describe(held, due);
  }

  private describe({ spec, startsAt, endsAt }: Held, due: number): FaultAcceptance {
    const until = endsAt === null ? '' : ` until tick ${endsAt}`;
    const late = startsAt > due ? ` (tick ${due} has passed)` : '';
    return {
      ok: true,
      text: `${this.selfId}: ${spec.name} on ${formatTarget(spec.target)} from tick ${startsAt}${late}${until}`,
      startsAtTick: startsAt,
    };
  }

  private end(spec: Clearing): FaultAnswer {
    const target = formatTarget(spec.target);
    const ended = this.faults.filter(
      (held) => held.spec.name === spec.name && formatTarget(held.spec.target) === target,
    );
    if (ended.length === 0) {
      const others = this.faults.map(({ text }) => `'${text}'`).join(', ');
      return refuse(
        `no '${spec.name} on ${target}' is waiting or active on '${this.selfId}'`,
        others === '' ? 'there is nothing to clear' : `there are ${others}`,
      );
    }
    let affected = 0;
    for (const held of ended) {
      affected += held.affected;
      this.finish(held);
    }
    return {
      ok: true,
      text: `${this.selfId}: ${spec.name} on ${target} is cleared; it has altered ${affected}`,
      startsAtTick: Math.max(0, this.tick),
    };
  }

  private begin(held: Held): void {
    held.activeSince = this.tick;
    const wrapper = held.plan.implementation.build(this.makeContext(held), held.plan.targetKind);
    held.wrapper = wrapper;
    if (wrapper.lastsMs !== undefined) {
      const ticks = Math.ceil((wrapper.lastsMs * 1_000) / this.parts.rig.periodUs) + 1;
      held.endsAt = Math.max(held.endsAt ?? 0, this.tick + ticks);
    }
    this.rebuild();
    this.announce(held);
    try {
      wrapper.strike?.();
    } catch (error) {
      this.faults = this.faults.filter((other) => other !== held);
      this.rebuild();
      this.parts.onEvent({
        spec: held.text,
        event: 'failed',
        tick: held.activeSince,
        affected: 0,
        reason: error instanceof Error ? error.message : String(error),
      });
    }
  }

  /** Ends a fault; it stays in the list until the clock that it has struck is right again. */
  private finish(held: Held): void {
    if (!held.isEnding && held.wrapper?.clock !== undefined) {
      held.isEnding = true;
      this.rebuild();
    }
    if (!held.isEnding || this.clock?.standsStill !== true) this.complete(held);
  }

  private complete(held: Held): void {
    held.wrapper?.end?.();
    this.faults = this.faults.filter((other) => other !== held);
    this.rebuild();
    this.parts.onEvent({
      spec: held.text,
      event: 'cleared',
      tick: Math.max(0, this.tick),
      affected: held.affected,
    });
  }

  private announce(held: Held): void {
    held.announced = held.affected;
    this.parts.onEvent({
      spec: held.text,
      event: 'applied',
      tick: held.activeSince,
      affected: held.affected,
    });
  }

  private makeContext(held: Held): FaultContext {
    const { rig, self, seed, clock, host, encodeEntry, decodeEntry, sendFrameAs } = this.parts;
    return {
      rig,
      self,
      id: this.selfId,
      scope: scopeFault(held.spec.target, this.selfId, rig),
      parameters: held.plan.parameters,
      forTicks: held.spec.forTicks,
      clock,
      random: new Random(`${seed}|${held.text}|${this.selfId}`),
      host: { ...host, restart: () => this.restart() },
      encodeEntry,
      decodeEntry,
      sendFrameAs: sendFrameAs ?? null,
      sealPayload: (to, purpose, payload) => this.sealPayload?.(to, purpose, payload) ?? false,
      cutBridge: () => this.bridge?.cut() ?? false,
      count: (altered = 1) => {
        held.affected += altered;
      },
      announce: () => this.announce(held),
      defer: (delayUs, callback, slackUs) => this.defer(delayUs, callback, slackUs),
    };
  }

  /** A process that starts again tells no ticks before it knows a run, and what else is at work on it has to end all the same. */
  private restart(): void {
    this.parts.host.restart?.();
    if (this.cancelOwnTick === null && this.anchor !== null) this.countOwnTick();
  }

  private defer(delayUs: number, callback: () => void, slackUs = DEFER_SLACK_US): boolean {
    if (this.timers.size >= MAX_TIMERS) return false;
    const { clock } = this.parts;
    const cancel = clock.schedule(
      clock.nowUs() + delayUs,
      () => {
        this.timers.delete(cancel);
        callback();
      },
      slackUs,
    );
    this.timers.add(cancel);
    return true;
  }

  /** Puts the active faults around every port anew; the one that has been active longest is asked first. */
  private rebuild(): void {
    const active = this.faults.flatMap(({ wrapper, isEnding }) => (isEnding ? [] : (wrapper ?? [])));
    this.clock?.follow(active.flatMap(({ clock }) => clock ?? []));
    this.peers?.rebuild(active, (wrapper) => wrapper.peers);
    this.commands?.rebuild(active, (wrapper) => wrapper.commands);
    this.sensors?.rebuild(active, (wrapper) => wrapper.sensors);
    this.frames?.rebuild(active, (wrapper) => wrapper.frames);
    this.arrivals?.rebuild(active, (wrapper) => wrapper.arrivals);
    this.bridgeLine?.rebuild(active, (wrapper) => wrapper.bridge);
    this.device?.rebuild(active, (wrapper) => wrapper.device);
    this.store?.rebuild(active, (wrapper) => wrapper.store);
    this.order?.rebuild(active, (wrapper) => wrapper.order);
  }
}

/** A port, and the same port behind the active faults. */
class Chain<Port> {
  head: Port;

  constructor(private readonly base: Port) {
    this.head = base;
  }

  rebuild(
    wrappers: readonly FaultWrapper[],
    pick: (wrapper: FaultWrapper) => ((next: Port) => Port) | undefined,
  ): void {
    this.head = wrappers.reduceRight((next, wrapper) => pick(wrapper)?.(next) ?? next, this.base);
  }
}

function refuse(what: string, cure: string): FaultRefusal {
  return { ok: false, what, cure };
}
