/**
 * What a process needs from the world. The live rig fills these with sockets, timers and devices
 * (src/mqtt, firmware-bridge/host …), the simulator with a seeded world. Every port is driven by callbacks on one
 * thread; none may call back from inside the call that registered the callback.
 */
import type { PaxosMessage } from './core/paxos/types.js';
import type { ActuatorCommand, PeerMessage, Reading, ReplicaIndex } from './core/types.js';

/** Cancels what it was returned for; harmless when that has already happened. */
export type Cancel = () => void;

/** A monotonic clock in whole microseconds. It has no relation to the time of day. */
export interface Clock {
  nowUs(): number;
  /**
   * Calls back once at or after `atUs`, never before this call returns, after pending arrivals have been delivered.
   * `slackUs` (default 0) says how much later would still do: exactness costs the machine work. `atOnce`: arrivals may
   * wait, the callback has nothing to do with them.
   */
  schedule(atUs: number, callback: () => void, slackUs?: number, atOnce?: boolean): Cancel;
}

/** Source of unpredictable bytes for nonces. */
export interface Entropy {
  bytes(length: number): Uint8Array;
}

/**
 * Who can send or own an inbox: a replica, actuator, operator or observer of the rig, by its id in the rig file.
 * Ids are unique over all kinds.
 */
export type Principal = string;

/**
 * What a frame is for; part of its topic and of what its authenticator covers.
 * hello: sets up a session. round, state: between replicas. command: replica to actuator. status: actuator to
 * replica. control, answer: fault injection and measurements. request, reply: commands of operators. report: to observers.
 * order: between replicas, and between them and a witness, where Simplified Paxos orders commands.
 */
export type Purpose =
  | 'hello'
  | 'round'
  | 'state'
  | 'command'
  | 'status'
  | 'control'
  | 'answer'
  | 'request'
  | 'reply'
  | 'report'
  | 'order';

export type FrameHandler = (from: Principal, purpose: Purpose, frame: Uint8Array, arrivedUs: number) => void;

/**
 * Best-effort, at-most-once frames to the inboxes of others. What cannot be sent at once is dropped: old data is
 * worse than none. `from` is what the transport believes; only the frame's authenticator proves it.
 */
export interface Transport {
  send(to: Principal, purpose: Purpose, frame: Uint8Array): void;
  /** Exactly one handler. `arrivedUs` is stamped where the socket is read. The frame is the handler's to keep. */
  onFrame(handler: FrameHandler): void;
  /** Called when the way to a receiver's inbox opens or closes. */
  onLink(handler: (to: Principal, up: boolean) => void): void;
  close(): Promise<void>;
}

/** The way to the other replicas for whole messages, before they are encoded and authenticated. */
export interface PeerPort {
  send(to: ReplicaIndex, message: PeerMessage): void;
  /** This message is about to be sent to all peers: a port that has work with it may do it now. It may never be sent. */
  prepare?(message: PeerMessage): void;
}

/** The way to the other devices of Simplified Paxos for messages that leave together, before they are encoded. */
export interface OrderPort {
  send(to: ReplicaIndex, messages: readonly PaxosMessage[]): void;
}

/** The way to the actuators, by their place in the rig's list, before encoding. */
export interface CommandPort {
  send(actuator: number, command: ActuatorCommand): void;
}

/** The channels of one replica. */
export interface SensorPort {
  /** Asks the device for a fresh sample; the answer shows in a later `read`. */
  request(): void;
  /** The newest reading of every sensor in the rig's order; absent where none is younger than the sensor's limit. Never NaN. */
  read(nowUs: number): readonly Reading[];
  close(): Promise<void>;
}

/** The device behind one actuator voter. */
export interface ActuatorPort {
  /** Hands one output to the device: a signed 32-bit count of the actuator's resolution. */
  output(count: number, tick: number): void;
  /** Read-back: what the device says it does, with the clock time of its arrival. */
  onReadBack(handler: (count: number, atUs: number) => void): void;
  close(): Promise<void>;
}

/** A line to a device: a socket, a serial line. What it does not take at once is lost: old data is worse than none. */
export interface ByteStream {
  /** Sends or drops; false when dropped because the line is not open or does not drain. */
  write(bytes: Uint8Array): boolean;
  /** Closes for good. No callback follows. */
  close(): void;
}

export interface ByteStreamEvents {
  onOpen(): void;
  /** The bytes are valid during the call only. */
  onBytes(bytes: Uint8Array): void;
  /** Exactly once, also where opening fails, unless `close` was called before. */
  onClose(reason: string): void;
}

/** Starts to open a stream; the events come later, never from inside this call. */
export type OpenByteStream = (events: ByteStreamEvents) => ByteStream;

/** One change of a durable record: its new bytes, or null to forget it. */
export interface RecordChange {
  readonly key: string;
  readonly bytes: Uint8Array | null;
}

/**
 * Why a record store takes nothing. full: the change would make it larger than it may be; smaller ones are still taken.
 * After any other it takes nothing any more until it is opened anew: disk-full, io-error and read-only are what the disk
 * answered, closed is one's own doing.
 */
export type StoreRefusalCode = 'full' | 'disk-full' | 'io-error' | 'read-only' | 'closed';

/** A refusal, in words that name the place and the cure. */
export interface StoreRefusal {
  readonly code: StoreRefusalCode;
  readonly message: string;
}

/** What a record store did since it was opened, and how full it is. */
export interface StoreFigures {
  /** Calls of `write` that were made durable. */
  readonly writes: number;
  /** Times the disk was waited for; many writes share one. */
  readonly flushes: number;
  /** Bytes given to the disk. */
  readonly diskBytes: number;
  readonly records: number;
  readonly liveBytes: number;
  readonly maxLiveBytes: number;
}

/**
 * Small records of one replica that outlive its process and its power supply. It knows nothing of what they mean.
 */
export interface RecordStore {
  /** What was durable when the store was opened. */
  readonly loaded: ReadonlyMap<string, Uint8Array>;
  /**
   * Makes all of `changes` durable or, where power fails, none; one write never overtakes another. Calls `onDurable`
   * exactly once, later: with null when no power cut can undo it any more, else with why nobody may rely on it. The bytes
   * must not change any more.
   */
  write(changes: readonly RecordChange[], onDurable: (refusal: StoreRefusal | null) => void): void;
  figures(): StoreFigures;
  /** Finishes what was written, and takes nothing more. */
  close(): Promise<void>;
}

/**
 * The record store of a device as its process finds it: whole, or without a stamp. A store that is made while the process
 * runs is empty until then; whoever made it says what it begins with.
 */
export interface LogStore {
  /** Where it is, for people. */
  readonly place: string;
  /** What was durable when the process started; null: it remembers nothing (amnesia). */
  readonly loaded: ReadonlyMap<string, Uint8Array> | null;
  /** As `RecordStore.write`. Not before `provision` has been called where `loaded` is null. */
  write(changes: readonly RecordChange[], onDurable: (refusal: StoreRefusal | null) => void): void;
  /**
   * Makes the store, once, where `loaded` is null, with these records in it from the beginning. Calls `onDurable` as `write`
   * does; what is written meanwhile becomes durable afterwards.
   */
  provision(records: readonly RecordChange[], onDurable: (refusal: StoreRefusal | null) => void): void;
  /** Null while there is none. */
  figures(): StoreFigures | null;
  /** Finishes what was written, and takes nothing more. */
  close(): Promise<void>;
}

/** Numbers and events worth reading by people; lines say what to do. */
export interface Log {
  debug(text: string, fields?: Record<string, unknown>): void;
  info(text: string, fields?: Record<string, unknown>): void;
  warn(text: string, fields?: Record<string, unknown>): void;
  error(text: string, fields?: Record<string, unknown>): void;
}
