/** A line and a clock under the test's hand: devices without sockets, time without waiting. */
import type { BridgeDevice } from '../../firmware-bridge/host/bridge-device.js';
import { encodeFrame, FrameDecoder } from '../../firmware-bridge/host/frame.js';
import type { BridgeMessage } from '../../firmware-bridge/host/messages.js';
import type { ByteStreamEvents, Clock, Log, OpenByteStream } from '../../src/ports.js';
import type { Rig } from '../../src/rig/rig.js';

/** A clock that moves only when told to. */
export class HandClock implements Clock {
  private atUs = 1_000_000;
  private timers: { readonly atUs: number; readonly callback: () => void }[] = [];

  nowUs(): number {
    return this.atUs;
  }

  schedule(atUs: number, callback: () => void): () => void {
    const timer = { atUs, callback };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((one) => one !== timer);
    };
  }

  /** Lets time pass and runs what falls due, in order. */
  pass(us: number): void {
    const untilUs = this.atUs + us;
    for (;;) {
      const due = this.timers
        .filter((timer) => timer.atUs <= untilUs)
        .sort((a, b) => a.atUs - b.atUs)
        .at(0);
      if (due === undefined) break;
      this.timers = this.timers.filter((one) => one !== due);
      this.atUs = Math.max(this.atUs, due.atUs);
      due.callback();
    }
    this.atUs = untilUs;
  }

  countTimers(): number {
    return this.timers.length;
  }
}

/** A line to a device. Nothing moves until `settle`. */
export class TestLine {
  /** Null: nobody answers at the other end. */
  device: BridgeDevice | null = null;
  /** While true the device's answers wait. */
  hung = false;
  /** While true the line takes nothing from the host. */
  clogged = false;
  opened = 0;
  readonly hostSaid: BridgeMessage[] = [];
  private readonly queue: Uint8Array[] = [];
  private readonly waiting: Uint8Array[] = [];
  private readonly ears = new FrameDecoder();
  private events: ByteStreamEvents | null = null;
  private refuse = false;

  constructor(private readonly clock: Clock) {}

  readonly open: OpenByteStream = (events) => {
    this.opened += 1;
    this.events = events;
    this.queue.length = 0;
    this.opening = true;
    return {
      write: (bytes) => {
        if (this.clogged || this.events !== events) return false;
        this.queue.push(bytes.slice());
        return true;
      },
      close: () => {
        if (this.events === events) this.events = null;
      },
    };
  };
  private opening = false;

  /** The next attempts to open fail. */
  refuseToOpen(refuse: boolean): void {
    this.refuse = refuse;
  }

  /** Carries everything that is under way, both ways, until nothing is. */
  settle(): void {
    if (this.opening) {
      this.opening = false;
      const events = this.events;
      if (this.refuse) {
        this.events = null;
        events?.onClose('connect ECONNREFUSED');
        return;
      }
      events?.onOpen();
    }
    while (this.queue.length > 0) {
      const bytes = this.queue.shift();
      if (bytes === undefined) break;
      this.ears.push(bytes, (message) => {
        this.hostSaid.push(message);
        if (this.device === null) return;
        for (const answer of this.device.receive(message, this.clock.nowUs(), 0)) {
          this.waiting.push(encodeFrame(answer));
        }
      });
      this.deliver();
    }
    this.deliver();
  }

  /** The device says something of its own accord. */
  say(...messages: BridgeMessage[]): void {
    for (const message of messages) this.events?.onBytes(encodeFrame(message));
  }

  /** Bytes out of nowhere. */
  inject(bytes: Uint8Array): void {
    this.events?.onBytes(bytes);
  }

  /** The line breaks. */
  drop(): void {
    const events = this.events;
    this.events = null;
    events?.onClose('closed by the device');
  }

  private deliver(): void {
    while (!this.hung && this.waiting.length > 0) {
      const bytes = this.waiting.shift();
      if (bytes !== undefined) this.events?.onBytes(bytes);
    }
  }
}

/** A log that keeps its lines. */
export class KeptLog implements Log {
  readonly lines: string[] = [];
  debug(text: string): void {
    this.lines.push(`debug ${text}`);
  }
  info(text: string): void {
    this.lines.push(`info ${text}`);
  }
  warn(text: string): void {
    this.lines.push(`warn ${text}`);
  }
  error(text: string): void {
    this.lines.push(`error ${text}`);
  }
}

/** A small rig: replica a with a number and a switch, one actuator. */
export const RIG: Rig = {
  id: 'bench',
  hypothesis: { kind: 'crash', f: 0 },
  periodUs: 50_000,
  roundUs: 20_000,
  processingUs: 5_000,
  mac: 'hmac-256',
  confidential: false,
  witness: null,
  replicas: [
    {
      id: 'a',
      inbox: { kind: 'embedded', host: '127.0.0.1', port: 0 },
      bridge: { kind: 'tcp', host: '127.0.0.1', port: 1 },
    },
  ],
  sensors: [
    {
      id: 'pitch',
      type: 'number',
      unit: 'deg',
      min: -45,
      max: 45,
      spread: 1,
      required: true,
      fusion: 'mid-value',
      maxAgeUs: 60_000,
      holdUs: 100_000,
      channel: 0,
    },
    {
      id: 'gear',
      type: 'boolean',
      unit: '',
      min: 0,
      max: 1,
      spread: 0,
      required: false,
      fusion: { atLeast: 1 },
      maxAgeUs: 60_000,
      holdUs: 100_000,
      channel: 1,
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
      holdUs: 100_000,
      rearm: 'auto',
      inbox: { kind: 'embedded', host: '127.0.0.1', port: 0 },
      bridge: { kind: 'tcp', host: '127.0.0.1', port: 2 },
      channel: 0,
    },
  ],
  operators: [],
  observers: [],
  commands: [],
  faultInjection: false,
  expect: 'masked',
  law: { path: 'law.ts', stateMaxBytes: 256 },
  plant: null,
  tour: [],
  flights: [],
  reliability: { replicaMtbfHours: 1000, repairHours: 1, missionHours: 1, assumed: [] },
};
