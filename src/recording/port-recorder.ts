/**
 * Stands between a process and its ports and writes down every call in both directions, in order. It must never change
 * what passes, nor keep a reference to it, nor throw into the process.
 */
import { crc32 } from 'node:zlib';
import type {
  Clock,
  Entropy,
  FrameHandler,
  LogStore,
  OpenByteStream,
  Principal,
  Purpose,
  RecordChange,
  StoreRefusal,
  Transport,
} from '../ports.js';
import type { CallSink } from './call-log.js';
import { digestChanges } from './digest-changes.js';
import type { PortCall, PortEvent } from './port-call.js';
import type { ProcessPorts } from './process-ports.js';

/** An event as its port tells it. */
type Happening = PortEvent extends infer Event
  ? Event extends PortEvent
    ? Omit<Event, 'nested'>
    : never
  : never;

/** The recorder of one life of one process. */
export class PortRecorder {
  private timers = 0;
  private lines = 0;
  private writes = 0;
  private isInside = false;
  private isOver = false;

  constructor(private readonly log: CallSink) {}

  /** The same ports, recorded. */
  wrap(ports: ProcessPorts): ProcessPorts {
    const { sendFrameAs, channel } = ports;
    return {
      clock: this.wrapClock(ports.clock),
      entropy: this.wrapEntropy(ports.entropy),
      transport: this.wrapTransport(ports.transport),
      sendFrameAs: (claimed, to, purpose, frame) => {
        this.noteSent(claimed, to, purpose, frame);
        sendFrameAs(claimed, to, purpose, frame);
      },
      openLine: this.wrapLines(ports.openLine),
      store: ports.store === null ? null : this.wrapStore(ports.store),
      channel: {
        send: (message) => {
          this.note('told', message);
          channel.send(message);
        },
        sendTick: (record) => {
          this.note('tick', record);
          channel.sendTick(record);
        },
        sendVoter: (record) => {
          this.note('voter', record);
          channel.sendVoter(record);
        },
      },
    };
  }

  /** Whoever started the process tells it `message` (JSON), which `obey` hands to it. */
  noteOrder(message: unknown, obey: () => void): void {
    this.happen({ kind: 'order', text: JSON.stringify(message) }, obey);
  }

  /** The process is asked to stop now. */
  noteStop(): void {
    this.write({ kind: 'stop', nested: false });
  }

  /** It has stopped; what its ports still do is nobody's business. */
  noteStopped(): void {
    this.write({ kind: 'stopped', nested: false });
    this.isOver = true;
  }

  /** The process dies now. */
  noteKilled(): void {
    this.write({ kind: 'killed' });
    this.isOver = true;
  }

  private wrapClock(clock: Clock): Clock {
    return {
      nowUs: () => {
        const us = clock.nowUs();
        this.write({ kind: 'now', us });
        return us;
      },
      schedule: (atUs, callback, slackUs, atOnce) => {
        const id = this.timers;
        this.timers += 1;
        return clock.schedule(
          atUs,
          () => this.happen({ kind: 'timer', id, atUs }, callback),
          slackUs,
          atOnce,
        );
      },
    };
  }

  private wrapEntropy(entropy: Entropy): Entropy {
    return {
      bytes: (length) => {
        const bytes = entropy.bytes(length);
        this.write({ kind: 'entropy', bytes });
        return bytes;
      },
    };
  }

  private wrapTransport(transport: Transport): Transport {
    return {
      send: (to, purpose, frame) => {
        this.noteSent(null, to, purpose, frame);
        transport.send(to, purpose, frame);
      },
      onFrame: (handler: FrameHandler) => {
        transport.onFrame((from, purpose, frame, arrivedUs) =>
          this.happen({ kind: 'frame', from, purpose, frame, arrivedUs }, () =>
            handler(from, purpose, frame, arrivedUs),
          ),
        );
      },
      onLink: (handler) => {
        transport.onLink((to, up) => this.happen({ kind: 'link', to, up }, () => handler(to, up)));
      },
      close: () => transport.close(),
    };
  }

  private wrapLines(openLine: OpenByteStream): OpenByteStream {
    return (events) => {
      const line = this.lines;
      this.lines += 1;
      this.write({ kind: 'dial', line });
      const stream = openLine({
        onOpen: () => this.happen({ kind: 'line-open', line }, () => events.onOpen()),
        onBytes: (bytes) => this.happen({ kind: 'line-bytes', line, bytes }, () => events.onBytes(bytes)),
        onClose: (reason) => this.happen({ kind: 'line-close', line, reason }, () => events.onClose(reason)),
      });
      return {
        write: (bytes) => {
          this.write({ kind: 'written', line, length: bytes.length, crc: crc32(bytes) });
          const taken = stream.write(bytes);
          this.write({ kind: 'taken', taken });
          return taken;
        },
        close: () => {
          this.write({ kind: 'hang-up', line });
          stream.close();
        },
      };
    };
  }

  /** Call before anything else of the process happens: what it remembers comes first in the log. */
  private wrapStore(store: LogStore): LogStore {
    const { place, loaded } = store;
    this.write({ kind: 'loaded', place, records: loaded === null ? null : [...loaded] });
    type OnDurable = (refusal: StoreRefusal | null) => void;
    const note = (changes: readonly RecordChange[], made: boolean, onDurable: OnDurable): OnDurable => {
      const write = this.writes;
      this.writes += 1;
      this.write({ kind: 'stored', write, made, changes: changes.length, crc: digestChanges(changes) });
      return (refusal) => this.happen({ kind: 'durable', write, refusal }, () => onDurable(refusal));
    };
    return {
      place,
      loaded,
      write: (changes, onDurable) => store.write(changes, note(changes, false, onDurable)),
      provision: (records, onDurable) => store.provision(records, note(records, true, onDurable)),
      figures: () => store.figures(),
      close: () => store.close(),
    };
  }

  /** The world calls: writes it down, then lets the process have it. */
  private happen(event: Happening, callback: () => void): void {
    const nested = this.isInside;
    this.write({ ...event, nested });
    this.isInside = true;
    try {
      callback();
    } finally {
      this.isInside = nested;
    }
  }

  private noteSent(claimed: Principal | null, to: Principal, purpose: Purpose, frame: Uint8Array): void {
    this.write({ kind: 'sent', claimed, to, purpose, length: frame.length, crc: crc32(frame) });
  }

  private note(kind: 'tick' | 'voter' | 'told', account: object): void {
    this.write({ kind, text: JSON.stringify(account) });
  }

  private write(call: PortCall): void {
    if (!this.isOver) this.log.write(call);
  }
}
