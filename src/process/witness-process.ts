/**
 * A running witness (protocol.md §9; simplified [00105]–[00113]): promises and votes for the operational quorum, and nothing
 * else. It has no sensors, no control law and no way to an actuator, and reads no command. What it says of itself is for
 * people: whom it hears, what it voted for, and what keeps it from voting.
 * It must never answer before its one record is durable; `OrderDrive` and its store see to that.
 */
import type { PaxosMessage, PaxosRecord, PaxosStatus } from '../core/paxos/types.js';
import type { Cancel, Clock, Entropy, Log, LogStore, Principal, StoreRefusal, Transport } from '../ports.js';
import type { Rig } from '../rig/rig.js';
import type { ConfigDigests } from '../wire/derive-keys.js';
import { describeKeys, type PrincipalKeys } from '../wire/keys.js';
import {
  openSecureMessenger,
  type Messenger,
  type OpenMessenger,
  type ReceivedMessage,
} from './messenger.js';
import { buildOrderConfig, listDevices, ORDER_NONCE_BYTES } from './order-config.js';
import { OrderDrive } from './order-drive.js';
import type { RecordCodec } from './order-records.js';
import { OrderWords } from './order-words.js';
import type { ParentChannel } from './parent-channel.js';
import { describeQuorum } from './quorum-words.js';

export interface WitnessProcessParts {
  readonly rig: Rig;
  readonly id: Principal;
  readonly keys: PrincipalKeys;
  readonly digests: ConfigDigests;
  readonly transport: Transport;
  readonly store: LogStore;
  /** How its record becomes the bytes of the store. */
  readonly records: RecordCodec;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  readonly channel: Pick<ParentChannel, 'send'>;
  /** How messages become frames; without it as on the wire. */
  readonly openMessenger?: OpenMessenger;
  /** For whoever watches: what it shows of this start of it, where it asks to be let in. */
  readonly onNonce?: (nonce: Uint8Array) => void;
  /** A turn is over: once a period. */
  readonly onTurn?: (doing: string, nowUs: number) => void;
}

/** A replica that was not heard for so long is told to be missing. */
const MISSING_US = 1_000_000;
const TURN_SLACK_US = 2_000;

/** One witness as a process. */
export class WitnessProcess {
  private readonly messenger: Messenger;
  private readonly drive: OrderDrive;
  /** By index of the device: when anything of it came last, and whether it is told to be there. */
  private readonly heardUs: number[];
  private readonly told: boolean[];
  private readonly devices: readonly Principal[];
  private readonly words: OrderWords;
  private doing = 'waits for its replicas';
  /** The slot of the last vote that was told. */
  private toldSlot = 0;
  private cancelTurn: Cancel | null = null;

  /** Throws OrderStoreError where the store cannot be read. */
  constructor(private readonly parts: WitnessProcessParts) {
    const { rig, id, keys, digests, transport, clock, entropy, log, store, records } = parts;
    this.devices = listDevices(rig);
    const self = this.devices.indexOf(id);
    if (rig.witness?.id !== id) throw new RangeError(`rig ${rig.id} has no witness "${id}"`);
    this.heardUs = rig.replicas.map(() => -Infinity);
    this.told = rig.replicas.map(() => false);
    this.words = new OrderWords({
      name: `witness ${id}`,
      devices: this.devices,
      place: store.place,
      isEmpty: store.loaded === null,
      clock,
      tell: (level, text) => this.tell(level, text),
    });
    this.messenger = (parts.openMessenger ?? openSecureMessenger)({
      rig,
      id,
      keys,
      digests,
      transport,
      clock,
      entropy,
      log,
      events: {
        onMessage: (from, message, arrivedUs) => this.receive(from, message, arrivedUs),
        onIncompatible: (_, detail) => this.tell('error', detail),
      },
    });
    const nonce = entropy.bytes(ORDER_NONCE_BYTES);
    parts.onNonce?.(nonce);
    this.drive = new OrderDrive({
      config: buildOrderConfig(rig, self, nonce),
      clock,
      store: watchWrites(store, (bytes) => this.noteDurable(records.decode(bytes))),
      records,
      send: (to, messages) => this.send(to, messages),
      onChosen: () => {},
      onInstall: () => {},
      canRead: () => true,
      takeSnapshot: () => new Uint8Array(0),
      onAnswer: () => {},
      onStatus: (status) => this.noteStatus(status),
      onStoreRefusal: (refusal) => this.noteRefusal(refusal),
    });
  }

  start(): void {
    this.messenger.start();
    this.drive.start();
    this.turn();
  }

  /** Finishes what is being written; nothing leaves afterwards. */
  async stop(): Promise<void> {
    this.cancelTurn?.();
    this.words.stop();
    await this.drive.stop();
    this.words.stop();
    this.messenger.stop();
  }

  /** Ends it as SIGKILL would, inside this process: nothing more leaves or is looked at. */
  halt(): void {
    this.cancelTurn?.();
    this.words.stop();
    this.drive.halt();
    this.messenger.stop();
  }

  /** Other keys take the place of those held, without a restart. */
  renewKeys(keys: PrincipalKeys): void {
    this.messenger.renewKeys(keys);
    this.tell('info', `witness ${this.parts.id} holds ${describeKeys(keys)}`);
  }

  /** What was not accepted so far, by cause. */
  readRejected(): Record<string, number> {
    return this.messenger.readRefused();
  }

  private receive(from: Principal, message: ReceivedMessage, arrivedUs: number): void {
    const replica = this.devices.indexOf(from);
    if (message.kind !== 'order' || replica < 0) {
      this.messenger.countRefused(from, 'wrong-purpose');
      return;
    }
    this.heardUs[replica] = arrivedUs;
    this.drive.receive(replica, message.messages, arrivedUs);
  }

  private send(to: number, messages: readonly PaxosMessage[]): void {
    const device = this.devices[to];
    if (device !== undefined) this.messenger.send(device, { kind: 'order', messages });
  }

  /** Looks at who is there, and says that it is there itself. */
  private turn(): void {
    const { clock, rig, onTurn } = this.parts;
    const nowUs = clock.nowUs();
    rig.replicas.forEach(({ id }, replica) => {
      const isThere = nowUs - (this.heardUs[replica] ?? -Infinity) <= MISSING_US;
      if (isThere === this.told[replica]) return;
      this.told[replica] = isThere;
      if (isThere) this.tell('info', `witness ${this.parts.id} hears ${id}`);
      else this.tell('warn', `witness ${this.parts.id} hears nothing of ${id} any more`);
    });
    onTurn?.(this.doing, nowUs);
    this.cancelTurn = clock.schedule(nowUs + rig.periodUs, () => this.turn(), TURN_SLACK_US);
  }

  private noteStatus(status: PaxosStatus): void {
    this.doing =
      status.role === 'amnesiac'
        ? 'remembers nothing, and waits'
        : `votes, as incarnation ${status.incarnation}`;
    this.words.note(status);
  }

  private noteRefusal(refusal: StoreRefusal): void {
    this.doing = 'votes no more: its store takes nothing';
    this.words.noteRefusal(refusal);
  }

  private noteDurable(record: PaxosRecord | null): void {
    if (record?.kind !== 'witness' || record.change === null) return;
    const { id, rig, channel, clock, log, store } = this.parts;
    const { slot, quorum } = record.change;
    if (slot === this.toldSlot) return;
    this.toldSlot = slot;
    const account = describeQuorum(rig, slot, quorum);
    const { writes, flushes } = store.figures() ?? { writes: 0, flushes: 0 };
    log.info(`witness ${id} has voted: ${account.text}`, { writes, flushes });
    channel.send({ kind: 'quorum', id, ...account, atUs: clock.nowUs() });
  }

  private tell(level: 'info' | 'warn' | 'error', text: string): void {
    const { channel, clock, id, log } = this.parts;
    log[level](text);
    channel.send({ kind: 'event', id, level, text, atUs: clock.nowUs() });
  }
}

/** The same store; what it has made durable is told. Of changes that share a write the last stands for all: they are of one record. */
function watchWrites(store: LogStore, onDurable: (bytes: Uint8Array) => void): LogStore {
  const watch = (
    changes: Parameters<LogStore['write']>[0],
    answer: Parameters<LogStore['write']>[1],
  ): Parameters<LogStore['write']>[1] => {
    const last = changes.at(-1)?.bytes ?? null;
    return (refusal) => {
      if (refusal === null && last !== null) onDurable(last);
      answer(refusal);
    };
  };
  return {
    place: store.place,
    loaded: store.loaded,
    write: (changes, answer) => store.write(changes.slice(-1), watch(changes, answer)),
    provision: (changes, answer) => store.provision(changes.slice(-1), watch(changes, answer)),
    figures: () => store.figures(),
    close: () => store.close(),
  };
}
