/**
 * What an inbox is to the rest, whether its broker is inside the owner's process or elsewhere; faults wrap this.
 */
import type { FrameHandler, Principal, Purpose } from '../ports.js';
import type { BucketRates } from './token-bucket.js';

/** Why something was refused, dropped or cut. A closed list, so that counting it takes bounded memory. */
export const refusalCauses = [
  /** Not MQTT 3.1.1 as this inbox speaks it. */
  'malformed',
  /** Longer than the packet cap; cut before it is buffered. */
  'oversize',
  /** Unknown principal, wrong password, or a client id that is not the principal. */
  'credentials',
  /** The password of a key epoch that has ended. */
  'expired',
  /** A principal whose keys are worth nothing any more. */
  'revoked',
  /** A client id that is connected already. */
  'takeover',
  /** A will, a kept session, another protocol level or too long a keepalive. */
  'session',
  /** A packet before CONNECT, or too many before the answer to it. */
  'order',
  /** QoS 1 or 2, or a retained or duplicate message. */
  'quality',
  /** A topic that is not the sender's to publish to. */
  'topic',
  'subscription',
  /** More packets or bytes than the sender's rate allows. */
  'rate',
  /** More from an external broker than all senders together may say; its connection is cut for the penalty. */
  'flood',
  /** Came back before the penalty for an excess was over. */
  'penalty',
  /** Too many connections, or too many new ones. */
  'connections',
  'connect-timeout',
  /** Longer silent than its keepalive allows. */
  'silent',
  /** A reader that took nothing for too long. */
  'frozen',
  /** Frames not forwarded to a reader that lags. */
  'lagging-reader',
] as const;

export type RefusalCause = (typeof refusalCauses)[number];

export interface InboxCounters {
  /** Frames handed to the owner. */
  readonly delivered: number;
  readonly deliveredBytes: number;
  /** Copies handed to readers. */
  readonly forwarded: number;
  readonly refused: Readonly<Record<RefusalCause, number>>;
}

/** An inbox that cannot be opened; the message names the address and the cure. */
export class InboxError extends Error {
  override readonly name = 'InboxError';
}

/** Called for every refusal, with the principal where it has proved itself. */
export type RefusalHandler = (cause: RefusalCause, principal: Principal | null) => void;

/** Called when it is certain that a second process runs under an id that is taken, with words for people and the cure. */
export type TwinHandler = (text: string) => void;

export interface Inbox {
  /** Opens it; the promise is kept when peers can connect. Throws a clear error where the address cannot be had. */
  open(): Promise<void>;
  /** Cuts everybody. It can be opened again, at the same address. */
  close(): Promise<void>;
  /** Publishes in this inbox to a reader (operator or observer); costs nothing when nobody reads. */
  publish(to: Principal, purpose: Purpose, frame: Uint8Array): void;
  onFrame(handler: FrameHandler): void;
  counters(): InboxCounters;
}

/** Bounds on what others can cost. Every one has a default in `defaultMqttLimits`. */
export interface MqttLimits extends BucketRates {
  /** Longest frame, bytes. */
  readonly maxFrameBytes: number;
  /** How long a sender that exceeded its rate stays cut. */
  readonly penaltyMs: number;
  /** From accepting a connection to its CONNECT. */
  readonly connectTimeoutMs: number;
  readonly maxConnections: number;
  /** Connections that have not proved who they are; the oldest gives way to a new one. */
  readonly maxUnproved: number;
  /** New connections from one address a second, on average; four times as many at once. */
  readonly connectsPerSecond: number;
  /** Longest keepalive of a sender; a half-open connection is noticed after one and a half. */
  readonly senderKeepaliveMaxS: number;
  readonly readerKeepaliveMaxS: number;
  /** How long a reader may take nothing before it is cut. */
  readonly drainTimeoutMs: number;
  /** Bytes that may wait for a reader. */
  readonly readerBacklogBytes: number;
  /** Bytes that may wait in this process for a receiver that does not read; frames beyond are dropped. */
  readonly sendBacklogBytes: number;
}

/** For a rig at 50 Hz with frames well under a kilobyte: about five times what a correct sender needs. */
export const defaultMqttLimits: MqttLimits = {
  maxFrameBytes: 4096,
  packetsPerSecond: 1000,
  packetBurst: 200,
  bytesPerSecond: 512 * 1024,
  byteBurst: 128 * 1024,
  penaltyMs: 500,
  connectTimeoutMs: 2000,
  maxConnections: 64,
  maxUnproved: 16,
  connectsPerSecond: 50,
  senderKeepaliveMaxS: 5,
  readerKeepaliveMaxS: 60,
  drainTimeoutMs: 500,
  readerBacklogBytes: 256 * 1024,
  sendBacklogBytes: 64 * 1024,
};

/** A zero for each cause. */
export function makeRefusalCounts(): Record<RefusalCause, number> {
  return Object.fromEntries(refusalCauses.map((cause) => [cause, 0])) as Record<RefusalCause, number>;
}
