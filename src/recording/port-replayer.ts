/**
 * Ports that answer from a log, for one life of one process: the very code that was recorded runs again, is told what it
 * was told, and everything that it asks and gives is held against the log. No clock, socket, device or chance of this
 * machine takes part. It must never let a process go on after it has done something else than the log says.
 */
import { crc32 } from 'node:zlib';
import type {
  ByteStream,
  ByteStreamEvents,
  Cancel,
  Clock,
  Entropy,
  FrameHandler,
  LogStore,
  Principal,
  Purpose,
  RecordChange,
  StoreRefusal,
  Transport,
} from '../ports.js';
import type { TickRecord, VoterRecord } from '../process/telemetry.js';
import type { CallSource } from './call-log.js';
import { digestChanges } from './digest-changes.js';
import { compareAccounts, DifferenceError, type Difference } from './difference.js';
import { describeCall, isPortEvent, type PortCall, type PortEvent, type PortOutput } from './port-call.js';
import type { ProcessPorts } from './process-ports.js';
import { RecordingError } from './recording-error.js';

/** A process over the replayer's ports. Made and started anew for every replay. */
export interface ReplayedProcess {
  start(): void;
  stop(): Promise<void> | void;
  /** Hears whoever started it; absent where it listens to nobody. */
  obey?(message: unknown): void;
}

/** What crossed the ports, for whoever holds several processes against one another. */
export interface FrameWatch {
  /** `sender`: under whose name. */
  readonly onSent: (sender: Principal, to: Principal, purpose: Purpose, frame: Uint8Array) => void;
  readonly onReceived: (from: Principal, purpose: Purpose, frame: Uint8Array, arrivedUs: number) => void;
}

/** How a recorded life ended: as asked, by a fault, by an error of its own, or just so (a kill from outside). */
export type LifeEnd = 'stopped' | 'killed' | 'threw' | 'cut';

export interface ReplayOutcome {
  readonly end: LifeEnd;
  /** What it threw, where that is how the life ended. */
  readonly thrown: string | null;
  /** Calls across the ports that were the same in log and replay. */
  readonly calls: number;
  /** Time of the last call that was compared, µs of the rig's clock. */
  readonly lastUs: number;
  /** Compared and found the same. */
  readonly compared: {
    readonly ticks: number;
    /** Ticks with a vector. */
    readonly vectors: number;
    /** Ticks with commands. */
    readonly commands: number;
    /** Outputs that a voter let through. */
    readonly outputs: number;
    readonly voterRecords: number;
    readonly framesSent: number;
  };
  readonly framesReceived: number;
  readonly difference: Difference | null;
}

/** The log is over in the middle of a piece of work: the process died there. */
class EndOfLife extends Error {
  override readonly name = 'EndOfLife';

  constructor(readonly end: LifeEnd) {
    super(end);
  }
}

interface Timer {
  readonly atUs: number;
  readonly callback: () => void;
}

/** Outputs that are numbers and names; accounts are compared as text. */
type ComparedOutput = Extract<
  PortOutput,
  { readonly kind: 'sent' | 'dial' | 'written' | 'hang-up' | 'stored' }
>;

type Handler<Args extends readonly unknown[]> = (...args: Args) => void;

/** The replayer of one life of one process; for one `run`. */
export class PortReplayer {
  readonly ports: ProcessPorts;
  private readonly timers = new Map<number, Timer>();
  private timersSet = 0;
  private onFrame: FrameHandler | null = null;
  private onLink: Handler<[to: Principal, up: boolean]> | null = null;
  private readonly lines: ByteStreamEvents[] = [];
  /** By their number, until they are durable or refused. */
  private readonly writes = new Map<number, (refusal: StoreRefusal | null) => void>();
  private writesMade = 0;
  /** Once raised, raised again at every further call: whatever catches it cannot go on. */
  private ended: DifferenceError | EndOfLife | null = null;
  private calls = 0;
  private lastUs = 0;
  private afterTick: number | null = null;
  private framesReceived = 0;
  private readonly compared = {
    ticks: 0,
    vectors: 0,
    commands: 0,
    outputs: 0,
    voterRecords: 0,
    framesSent: 0,
  };

  /** `self`: whose log it is. */
  constructor(
    private readonly log: CallSource,
    private readonly self: Principal,
    private readonly watch: FrameWatch,
  ) {
    this.ports = {
      clock: this.makeClock(),
      entropy: this.makeEntropy(),
      transport: this.makeTransport(),
      sendFrameAs: (claimed, to, purpose, frame) => this.compareSent(claimed, to, purpose, frame),
      openLine: (events) => this.dial(events),
      store: this.makeStore(),
      channel: {
        send: (message) => this.compareAccount('told', message),
        sendTick: (record) => this.compareTick(record),
        sendVoter: (record) => this.compareVoter(record),
      },
    };
  }

  /** What a fault does that ends the process. Never returns. */
  endByKill(): never {
    this.take('killed', 'death by a fault');
    throw this.end(new EndOfLife('killed'));
  }

  /** Builds the process over these ports and lets it live the recorded life. Rejects with RecordingError only. */
  async run(build: () => ReplayedProcess): Promise<ReplayOutcome> {
    let end: LifeEnd = 'cut';
    let thrown: string | null = null;
    let difference: Difference | null = null;
    try {
      end = await this.live(build);
    } catch (error) {
      const reason = this.ended ?? error;
      if (reason instanceof EndOfLife) end = reason.end;
      else if (reason instanceof DifferenceError) difference = reason.difference;
      else if (reason instanceof RecordingError) throw reason;
      else {
        thrown = reason instanceof Error ? reason.message : String(reason);
        end = 'threw';
        // A process that threw when it was recorded wrote nothing after that.
        const next = this.log.peek();
        if (next !== null) difference = this.differ(describeCall(next), `an error: ${thrown}`).difference;
      }
    }
    const { calls, lastUs, compared, framesReceived } = this;
    return { end, thrown, calls, lastUs, compared, framesReceived, difference };
  }

  private async live(build: () => ReplayedProcess): Promise<LifeEnd> {
    const process = build();
    process.start();
    let stopping: StopWatch | null = null;
    for (;;) {
      this.raiseEnded();
      const event = this.log.peek();
      if (event === null) return 'cut';
      if (!isPortEvent(event)) {
        // Only what goes on by itself once the process is stopping may still come.
        if (stopping === null || !(await this.goOn(event)))
          throw this.differ(describeCall(event), 'nothing more in this piece of work');
      } else if (event.kind === 'stop') {
        this.step();
        stopping = watchStop(process);
      } else if (event.kind === 'stopped') {
        await this.goOn(event);
        if (stopping?.isOver !== true) throw this.differ(describeCall(event), 'no end of the work under way');
        if (stopping.error !== null) throw stopping.error;
        this.step();
        return 'stopped';
      } else if (event.kind === 'order') {
        this.step();
        process.obey?.(JSON.parse(event.text));
      } else {
        this.fire(event);
      }
    }
  }

  /** Lets promises of the process go on; answers whether the log has gone on past `call` by that. */
  private async goOn(call: PortCall): Promise<boolean> {
    await new Promise((resolve) => setImmediate(resolve));
    this.raiseEnded();
    return this.log.peek() !== call;
  }

  /** Lets the process have an event of the log. */
  private fire(event: PortEvent): void {
    this.step();
    switch (event.kind) {
      case 'timer': {
        const timer = this.timers.get(event.id);
        if (timer === undefined) throw this.differ(describeCall(event), 'no such timer');
        if (timer.atUs !== event.atUs)
          throw this.differ(describeCall(event), `timer ${event.id}, set for ${timer.atUs} µs`);
        this.timers.delete(event.id);
        timer.callback();
        break;
      }
      case 'frame':
        this.framesReceived += 1;
        this.lastUs = Math.max(this.lastUs, event.arrivedUs);
        this.watch.onReceived(event.from, event.purpose, event.frame, event.arrivedUs);
        this.onFrame?.(event.from, event.purpose, event.frame, event.arrivedUs);
        break;
      case 'link':
        this.onLink?.(event.to, event.up);
        break;
      case 'line-open':
        this.lineOf(event).onOpen();
        break;
      case 'line-bytes':
        this.lineOf(event).onBytes(event.bytes);
        break;
      case 'line-close':
        this.lineOf(event).onClose(event.reason);
        break;
      case 'durable': {
        const onDurable = this.writes.get(event.write);
        if (onDurable === undefined) throw this.differ(describeCall(event), 'no such write');
        this.writes.delete(event.write);
        onDurable(event.refusal);
        break;
      }
      case 'order':
      case 'stop':
      case 'stopped':
        throw this.differ(describeCall(event), 'a piece of work under way');
    }
  }

  private makeClock(): Clock {
    return {
      nowUs: () => {
        const { us } = this.take('now', 'a look at the clock');
        this.lastUs = us;
        return us;
      },
      schedule: (atUs, callback): Cancel => {
        this.raiseEnded();
        const id = this.timersSet;
        this.timersSet += 1;
        this.timers.set(id, { atUs, callback });
        return () => void this.timers.delete(id);
      },
    };
  }

  private makeEntropy(): Entropy {
    return {
      bytes: (length) => {
        const asked = `a draw of ${length} unpredictable bytes`;
        const call = this.take('entropy', asked);
        if (call.bytes.length !== length) throw this.differ(describeCall(call), asked);
        return call.bytes;
      },
    };
  }

  private makeTransport(): Transport {
    return {
      send: (to, purpose, frame) => this.compareSent(null, to, purpose, frame),
      onFrame: (handler) => {
        this.onFrame = handler;
      },
      onLink: (handler) => {
        this.onLink = handler;
      },
      close: () => Promise.resolve(),
    };
  }

  /** Null where the process had none: what a store remembers comes first in the log. */
  private makeStore(): LogStore | null {
    const first = this.log.peek();
    if (first?.kind !== 'loaded') return null;
    this.step();
    const { place, records } = first;
    const note = (
      changes: readonly RecordChange[],
      made: boolean,
      onDurable: (refusal: StoreRefusal | null) => void,
    ): void => {
      const write = this.writesMade;
      this.writesMade += 1;
      this.writes.set(write, onDurable);
      this.compare({ kind: 'stored', write, made, changes: changes.length, crc: digestChanges(changes) });
      this.fireNested();
    };
    return {
      place,
      loaded: records === null ? null : new Map(records),
      write: (changes, onDurable) => note(changes, false, onDurable),
      provision: (changes, onDurable) => note(changes, true, onDurable),
      figures: () => null,
      close: () => Promise.resolve(),
    };
  }

  private dial(events: ByteStreamEvents): ByteStream {
    const line = this.lines.length;
    this.lines.push(events);
    this.compare({ kind: 'dial', line });
    this.fireNested();
    return {
      write: (bytes) => {
        this.compare({ kind: 'written', line, length: bytes.length, crc: crc32(bytes) });
        this.fireNested();
        return this.take('taken', 'a question whether the line takes it').taken;
      },
      close: () => {
        this.compare({ kind: 'hang-up', line });
        this.fireNested();
      },
    };
  }

  private lineOf(event: Extract<PortEvent, { readonly line: number }>): ByteStreamEvents {
    const events = this.lines[event.line];
    if (events === undefined) throw this.differ(describeCall(event), 'no such line');
    return events;
  }

  private compareSent(claimed: Principal | null, to: Principal, purpose: Purpose, frame: Uint8Array): void {
    this.compare({ kind: 'sent', claimed, to, purpose, length: frame.length, crc: crc32(frame) });
    this.compared.framesSent += 1;
    this.watch.onSent(claimed ?? this.self, to, purpose, frame);
    this.fireNested();
  }

  private compareTick(record: TickRecord): void {
    this.compareAccount('tick', record);
    this.compared.ticks += 1;
    if (record.vector !== null) this.compared.vectors += 1;
    if (record.commands !== null) this.compared.commands += 1;
    if (record.startTick !== null) this.afterTick = record.tick - record.startTick;
  }

  private compareVoter(record: VoterRecord): void {
    this.compareAccount('voter', record);
    this.compared.voterRecords += 1;
    if (record.kind === 'output') this.compared.outputs += 1;
  }

  private compareAccount(kind: 'tick' | 'voter' | 'told', account: object): void {
    const got = JSON.stringify(account);
    const expected = this.peekFor(got);
    if (expected.kind !== kind) throw this.differ(describeCall(expected), got);
    if (expected.text !== got) {
      const shown = compareAccounts(expected.text, got);
      throw this.differ(shown.expected, shown.got);
    }
    this.step();
  }

  /** An output against the one that the log has next. */
  private compare(got: ComparedOutput): void {
    const expected = this.peekFor(got);
    if (!isSameOutput(expected, got)) throw this.differ(describeCall(expected), describeCall(got));
    this.step();
  }

  /** The log's next call, which must be of this kind. */
  private take<Kind extends PortCall['kind']>(
    kind: Kind,
    got: string,
  ): Extract<PortCall, { readonly kind: Kind }> {
    const call = this.peekFor(got);
    if (call.kind !== kind) throw this.differ(describeCall(call), got);
    this.step();
    return call as Extract<PortCall, { readonly kind: Kind }>;
  }

  private peekFor(got: string | PortCall): PortCall {
    this.raiseEnded();
    const call = this.log.peek();
    if (call === null) throw this.end(new EndOfLife('cut'));
    if (isPortEvent(call)) {
      const described = typeof got === 'string' ? got : describeCall(got);
      throw this.differ(`${describeCall(call)}, and nothing before`, described);
    }
    return call;
  }

  /** Events that came while the process was giving something away. */
  private fireNested(): void {
    for (;;) {
      const call = this.log.peek();
      if (call === null || !isPortEvent(call) || !call.nested) return;
      this.fire(call);
    }
  }

  private step(): void {
    this.log.next();
    this.calls += 1;
  }

  private differ(expected: string, got: string): DifferenceError {
    const difference = { call: this.calls + 1, afterTick: this.afterTick, expected, got };
    return this.end(new DifferenceError(difference));
  }

  private end<Reason extends DifferenceError | EndOfLife>(reason: Reason): Reason {
    this.ended ??= reason;
    return reason;
  }

  private raiseEnded(): void {
    if (this.ended !== null) throw this.ended;
  }
}

/** A process on its way to a stop. */
interface StopWatch {
  isOver: boolean;
  error: Error | null;
}

function watchStop(process: ReplayedProcess): StopWatch {
  const watch: StopWatch = { isOver: false, error: null };
  Promise.resolve(process.stop()).then(
    () => {
      watch.isOver = true;
    },
    (error: unknown) => {
      watch.isOver = true;
      watch.error = error instanceof Error ? error : new Error(String(error));
    },
  );
  return watch;
}

function isSameOutput(a: PortCall, b: ComparedOutput): boolean {
  switch (b.kind) {
    case 'sent':
      return (
        a.kind === 'sent' &&
        a.crc === b.crc &&
        a.length === b.length &&
        a.to === b.to &&
        a.purpose === b.purpose &&
        a.claimed === b.claimed
      );
    case 'written':
      return a.kind === 'written' && a.line === b.line && a.length === b.length && a.crc === b.crc;
    case 'stored':
      return (
        a.kind === 'stored' &&
        a.write === b.write &&
        a.made === b.made &&
        a.changes === b.changes &&
        a.crc === b.crc
      );
    case 'dial':
    case 'hang-up':
      return a.kind === b.kind && a.line === b.line;
  }
}
