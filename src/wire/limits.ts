/**
 * Bounds of everything that travels in a rig: what a correct sender could need at most, and so what a receiver
 * reads at most. Frame caps come from `rig/derive.ts`, where `check` prints them; this file adds the shape.
 */
import { KEPT_ANSWERS, OPEN_REQUESTS } from '../core/commands/command-book.js';
import type { Hypothesis } from '../core/types.js';
import type { Purpose } from '../ports.js';
import { boundFold, countRounds, derivePacketCaps, ordersByLog } from '../rig/derive.js';
import type { Rig } from '../rig/rig.js';
import { ENVELOPE_MAX_BYTES } from './cose.js';
import type { PaxosLimits } from './paxos-codec.js';

/** Longest text of a fault or operator request, UTF-8 bytes. */
export const CONTROL_TEXT_MAX_BYTES = 512;

/** Longest text of an answer, UTF-8 bytes. */
export const ANSWER_TEXT_MAX_BYTES = 1024;

/** Longest content of an operator's request, bytes: eight arguments and all that goes with them. */
export const REQUEST_CONTENT_MAX_BYTES = 256;

/** Length of a content's digest, bytes: whole, since a client could look for two contents that share a shorter one. */
export const CONTENT_DIGEST_BYTES = 32;

/** Longest reason for which a command refuses itself, UTF-8 bytes. */
export const REASON_MAX_BYTES = 160;

/** Requests in one account of what has taken effect: what fits into a frame. */
export const LOG_ITEMS_MAX = 16;

/** Replicas of a rig at most. */
export const REPLICAS_MAX = 7;

export interface WireLimits {
  /** Longest frame by purpose, bytes: what transports and brokers let pass. */
  readonly frameBytes: Readonly<Record<Purpose, number>>;
  /** Longest payload by purpose, bytes. */
  readonly payloadBytes: Readonly<Record<Purpose, number>>;
  readonly replicas: number;
  /** What each sensor's readings are, in the rig's order. */
  readonly sensorTypes: readonly ('number' | 'boolean')[];
  readonly actuators: number;
  /** Requests of operators that an entry may name; null in rigs without commands. */
  readonly requests: number | null;
  /** Messages of Simplified Paxos; null where no log orders commands. */
  readonly order: PaxosLimits | null;
  /** Rounds of a tick: f + 1. */
  readonly rounds: number;
  /** Items that a round message may carry, by round; index 0 is unused. */
  readonly itemsByRound: readonly number[];
  /** Whether relayed values carry signatures. */
  readonly isSigned: boolean;
}

/** Bounds of this rig. */
export function deriveLimits(rig: Rig): WireLimits {
  const { hypothesis } = rig;
  const replicas = rig.replicas.length;
  const rounds = countRounds(hypothesis);
  const isSigned = hypothesis.kind === 'byzantine' && hypothesis.authenticators === 'signature';
  const itemsByRound = [0];
  for (let round = 1; round <= rounds; round += 1) itemsByRound.push(countItems(hypothesis, replicas, round));
  const frameBytes = { ...derivePacketCaps(rig) };
  const payloadBytes = { ...frameBytes };
  for (const purpose of Object.keys(payloadBytes) as Purpose[])
    payloadBytes[purpose] = Math.max(0, payloadBytes[purpose] - ENVELOPE_MAX_BYTES);
  return {
    frameBytes,
    payloadBytes,
    replicas,
    sensorTypes: rig.sensors.map(({ type }) => type),
    actuators: rig.actuators.length,
    requests: countRequests(rig),
    order: deriveOrderLimits(rig),
    rounds,
    itemsByRound,
    isSigned,
  };
}

/** Slots that may be proposed beyond the chosen prefix, and entries in one message at most. */
const ORDER_WINDOW_SLOTS = 64;
const ORDER_BATCH_SLOTS = 32;

/** Bounds of the command log; null where no log orders commands. */
export function deriveOrderLimits(rig: Rig): PaxosLimits | null {
  if (!ordersByLog(rig)) return null;
  return {
    n: rig.replicas.length + (rig.witness === null ? 0 : 1),
    windowSlots: ORDER_WINDOW_SLOTS,
    batchSlots: ORDER_BATCH_SLOTS,
    maxValueBytes: REQUEST_CONTENT_MAX_BYTES,
    maxClients: rig.operators.length,
    answersPerClient: KEPT_ANSWERS,
    maxStateBytes: boundFold(rig),
  };
}

/** How many requests of operators an entry of this rig may name; null where it has no commands. */
export function countRequests(rig: Rig): number | null {
  return rig.commands.length === 0 ? null : rig.operators.length * OPEN_REQUESTS;
}

/**
 * Items of one message when every other replica says as much as it may. Oral messages: every path of length
 * round − 1 that holds neither sender nor receiver. Flooding: one value, signatures: at most two, of each replica
 * other than these.
 */
function countItems(hypothesis: Hypothesis, replicas: number, round: number): number {
  if (round === 1) return 1;
  if (hypothesis.kind === 'crash') return replicas - 2;
  if (hypothesis.kind === 'byzantine' && hypothesis.authenticators === 'signature') return 2 * (replicas - 2);
  let paths = 1;
  for (let i = 0; i < round - 1; i += 1) paths *= Math.max(0, replicas - 2 - i);
  return paths;
}
