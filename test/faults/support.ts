/** A rig, a clock and ports for tests of faults; nothing here touches the machine. */
import { FaultInjector, type FaultEvent } from '../../src/faults/injector.js';
import type { SendFrameAs } from '../../src/faults/wrapper.js';
import type { ActuatorCommand, Entry, PeerMessage, Reading, RoundMessage } from '../../src/core/types.js';
import type { Clock, FrameHandler, Purpose, SensorPort, Transport } from '../../src/ports.js';
import type { Rig } from '../../src/rig/rig.js';
import { decodeEntry, encodeEntry } from '../../src/wire/entry-codec.js';

const SENSOR = {
  type: 'number',
  unit: 'deg',
  min: -50,
  max: 50,
  spread: 2,
  required: true,
  fusion: 'mid-value',
  maxAgeUs: 50_000,
  holdUs: 100_000,
} as const;

/** Four replicas, two angles and a switch, one elevator. */
export function makeRig(changes: Partial<Rig> = {}): Rig {
  return {
    id: 'test-rig',
    hypothesis: { kind: 'byzantine', f: 1, authenticators: 'mac' },
    periodUs: 50_000,
    roundUs: 20_000,
    processingUs: 5_000,
    mac: 'hmac-256',
    confidential: false,
    witness: null,
    replicas: ['a', 'b', 'c', 'd'].map((id, at) => ({
      id,
      inbox: { kind: 'embedded', host: '127.0.0.1', port: 18_000 + at },
      bridge: { kind: 'tcp', host: '127.0.0.1', port: 19_000 + at },
    })),
    sensors: [
      { ...SENSOR, id: 'pitch', channel: 0 },
      { ...SENSOR, id: 'rate', channel: 1 },
      {
        ...SENSOR,
        id: 'gear',
        channel: 2,
        type: 'boolean',
        unit: '',
        min: 0,
        max: 1,
        fusion: { atLeast: 2 },
      },
    ],
    actuators: [
      {
        id: 'elevator',
        unit: 'deg',
        resolution: 0.001,
        minCount: -25_000,
        maxCount: 25_000,
        failSafeCount: 0,
        vote: 'exact',
        holdUs: 200_000,
        rearm: 'auto',
        inbox: { kind: 'embedded', host: '127.0.0.1', port: 18_100 },
        bridge: { kind: 'tcp', host: '127.0.0.1', port: 19_100 },
        channel: 0,
      },
    ],
    operators: ['operator'],
    observers: ['watch'],
    commands: [],
    faultInjection: true,
    expect: 'masked',
    law: { path: 'law.ts', stateMaxBytes: 256 },
    plant: null,
    tour: [],
    flights: [],
    reliability: { replicaMtbfHours: 1000, repairHours: 1, missionHours: 1, assumed: [] },
    ...changes,
  };
}

/** Time that moves when told to. */
export class ManualClock implements Clock {
  private now = 1_000_000;
  private timers: { readonly atUs: number; readonly callback: () => void }[] = [];

  nowUs(): number {
    return this.now;
  }

  schedule(atUs: number, callback: () => void): () => void {
    const timer = { atUs, callback };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  get waiting(): number {
    return this.timers.length;
  }

  advance(byUs: number): void {
    const until = this.now + byUs;
    for (;;) {
      const due = this.timers.filter(({ atUs }) => atUs <= until).sort((a, b) => a.atUs - b.atUs)[0];
      if (due === undefined) break;
      this.timers = this.timers.filter((other) => other !== due);
      this.now = Math.max(this.now, due.atUs);
      due.callback();
    }
    this.now = until;
  }
}

/** The injector of replica c, before any port was given to it. */
export function makeBareInjector(rig: Rig = makeRig()): FaultInjector {
  return new FaultInjector({
    rig,
    self: 2,
    seed: 1,
    clock: new ManualClock(),
    host: { kill: () => {}, stall: () => {}, killBroker: () => {} },
    ...CODEC,
    onEvent: () => {},
  });
}

export interface SentFrame {
  readonly to: string;
  readonly purpose: Purpose;
  readonly frame: Uint8Array;
}

export const CODEC = {
  encodeEntry,
  decodeEntry: (value: Uint8Array): Entry | null =>
    decodeEntry(value, { sensorTypes: ['number', 'number', 'boolean'], actuators: 1, requests: null }),
};

/** Replica c (or another) with its injector between a test and mock ports. */
export class Bench {
  readonly clock = new ManualClock();
  readonly events: FaultEvent[] = [];
  readonly hostCalls: string[] = [];
  readonly messages: { readonly to: number; readonly message: PeerMessage }[] = [];
  readonly commands: { readonly actuator: number; readonly command: ActuatorCommand }[] = [];
  readonly frames: SentFrame[] = [];
  readonly delivered: {
    readonly from: string;
    readonly purpose: Purpose;
    readonly frame: Uint8Array;
    readonly arrivedUs: number;
  }[] = [];
  readonly forged: (SentFrame & { readonly claimed: string })[] = [];
  readings: readonly Reading[] = [1, 2, true];
  readonly sealed: { readonly to: string; readonly purpose: Purpose; readonly payload: Uint8Array }[] = [];
  /** Whether there are sessions to seal payloads in. */
  canSeal = true;
  readonly injector: FaultInjector;
  /** The clock by which the replica lives. */
  readonly localClock: Clock;
  readonly peers;
  readonly commandPort;
  readonly sensors: SensorPort;
  readonly transport: Transport;
  private arrive: FrameHandler = () => {};

  constructor(
    readonly rig: Rig = makeRig(),
    self = 2,
    options: { readonly seed?: string; readonly canForge?: boolean; readonly failingHost?: boolean } = {},
  ) {
    const note = (call: string) => (): void => {
      this.hostCalls.push(call);
      if (options.failingHost === true) throw new Error('the host says no');
    };
    const sendFrameAs: SendFrameAs = (claimed, to, purpose, frame) =>
      this.forged.push({ claimed, to, purpose, frame });
    this.injector = new FaultInjector({
      rig,
      self,
      seed: options.seed ?? 'seed',
      clock: this.clock,
      host: {
        kill: note('kill'),
        stall: (ms) => note(`stall ${ms}`)(),
        killBroker: (ms) => note(`killBroker ${ms}`)(),
      },
      ...CODEC,
      ...(options.canForge === true ? { sendFrameAs } : {}),
      onEvent: (event) => this.events.push(event),
    });
    this.localClock = this.injector.wrapClock();
    this.injector.offerSealer((to, purpose, payload) => {
      if (this.canSeal) this.sealed.push({ to, purpose, payload });
      return this.canSeal;
    });
    this.peers = this.injector.wrapPeers({ send: (to, message) => this.messages.push({ to, message }) });
    this.commandPort = this.injector.wrapCommands({
      send: (actuator, command) => this.commands.push({ actuator, command }),
    });
    this.sensors = this.injector.wrapSensors({
      request: () => {},
      read: () => this.readings,
      close: () => Promise.resolve(),
    });
    this.transport = this.injector.wrapTransport({
      send: (to, purpose, frame) => this.frames.push({ to, purpose, frame }),
      onFrame: (handler) => {
        this.arrive = handler;
      },
      onLink: () => {},
      close: () => Promise.resolve(),
    });
    this.transport.onFrame((from, purpose, frame, arrivedUs) =>
      this.delivered.push({ from, purpose, frame, arrivedUs }),
    );
  }

  /** Accepts a fault and begins tick 0, from which it is active. */
  strike(fault: string): void {
    const answer = this.injector.handle(`${fault} at 0`);
    if (!answer.ok) throw new Error(`${answer.what}; ${answer.cure}`);
    this.injector.onTick(0);
  }

  deliver(from: string, purpose: Purpose, frame: Uint8Array): void {
    this.arrive(from, purpose, frame, this.clock.nowUs());
  }

  read(): readonly Reading[] {
    return this.sensors.read(this.clock.nowUs());
  }

  /** Alterations of the only fault. */
  get affected(): number {
    return this.injector.list()[0]?.affected ?? -1;
  }
}

export function makeEntry(readings: readonly Reading[]): Entry {
  return {
    standing: { kind: 'running', stateTick: 7, stateDigest: new Uint8Array(16).fill(3) },
    readings,
    actuators: [{ bootNonce: new Uint8Array(8).fill(1), phase: 'armed', trips: 0, lastTick: 7 }],
    missed: 0,
    joins: 0,
  };
}

export function makeRound1(readings: readonly Reading[] = [1, 2, true]): RoundMessage {
  return {
    kind: 'round',
    tick: 9,
    round: 1,
    run: new Uint8Array(16),
    items: [{ path: [], value: CODEC.encodeEntry(makeEntry(readings)) }],
    stamp: { lagUs: 120, heldUs: [19_000, null, 19_200, 18_900] },
  };
}

/** What `c` relays to `receiver`: the entries of the two others. */
export function makeRound2(receiver: number, self = 2): RoundMessage {
  return {
    kind: 'round',
    tick: 9,
    round: 2,
    run: new Uint8Array(16),
    items: [0, 1, 2, 3]
      .filter((at) => at !== receiver && at !== self)
      .map((at) => ({ path: [at], value: CODEC.encodeEntry(makeEntry([at, at + 10, false])) })),
  };
}

/** Readings in a message's item. */
export function readItem(message: PeerMessage | undefined, item = 0): readonly Reading[] | null {
  if (message?.kind !== 'round') return null;
  const value = message.items[item]?.value;
  return value === null || value === undefined ? null : (CODEC.decodeEntry(value)?.readings ?? null);
}
