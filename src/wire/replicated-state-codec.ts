/**
 * The replicated state as canonical bytes: what digests compare and what a replica that fell behind fetches.
 * `[tick, run, startTick, law, [[held, lostSince] per sensor], [[is active, since, missed, penalty] per replica]]`,
 * and in rigs with commands the bytes of a `command-book-codec.ts` book; see
 * WIRE.md.
 */
import type { Member } from '../core/membership/active-set.js';
import type { ReplicatedState, SensorMemory } from '../core/replicated-state.js';
import { MAX_STATE_BYTES } from '../rig/schema.js';
import { decodeCbor, encodeCbor, type CborValue } from './cbor.js';
import { decodeBook, encodeBook, type BookShape } from './command-book-codec.js';
import { isList } from './schema.js';
import { sha256 } from './sha256.js';

/** Longest state that is read, bytes: that of a law at its longest, and more than all that is kept beside it. */
const MAX_BYTES = 2 * MAX_STATE_BYTES;

/** Length of a run's identity and of a state digest, bytes. */
export const DIGEST_BYTES = 16;

/** SHA-256, its first 16 bytes: compares states and names runs. */
export function digestBytes(bytes: Uint8Array): Uint8Array {
  return sha256(bytes).slice(0, DIGEST_BYTES);
}

/** Canonical bytes of a replicated state. */
export function encodeReplicatedState(state: ReplicatedState): Uint8Array {
  const items: CborValue[] = [
    state.tick,
    state.run,
    state.startTick,
    state.law,
    state.sensors.map(({ held, lostSince }) => [held, lostSince]),
    state.members.map(({ status, sinceTick, missedTicks, penaltyTicks }) => [
      status === 'active',
      sinceTick,
      missedTicks,
      penaltyTicks,
    ]),
  ];
  if (state.book !== undefined) items.push(encodeBook(state.book));
  return encodeCbor(items);
}

/** The state, or null for anything that `encodeReplicatedState` does not make for a rig with so many sensors and replicas. */
export function decodeReplicatedState(
  bytes: Uint8Array,
  sensors: number,
  replicas: number,
  /** Null in rigs without commands. */
  commands: BookShape | null = null,
): ReplicatedState | null {
  const decoded = decodeCbor(bytes, MAX_BYTES);
  if (!decoded.ok || !isList(decoded.value, commands === null ? 6 : 7)) return null;
  const [tick, run, startTick, law, memories, places, bookItem] = decoded.value;
  if (!isTick(tick) || !isTick(startTick) || startTick > tick + 1) return null;
  if (!(run instanceof Uint8Array) || run.length !== DIGEST_BYTES || !(law instanceof Uint8Array))
    return null;
  if (!Array.isArray(memories) || memories.length !== sensors) return null;
  const read: SensorMemory[] = [];
  for (const memory of memories as readonly CborValue[]) {
    if (!Array.isArray(memory) || memory.length !== 2) return null;
    const [held, lostSince] = memory as readonly CborValue[];
    if (held !== null && typeof held !== 'number' && typeof held !== 'boolean') return null;
    if (lostSince !== null && !isTick(lostSince)) return null;
    read.push({ held: held as SensorMemory['held'], lostSince: lostSince as SensorMemory['lostSince'] });
  }
  const members = readMembers(places, replicas);
  if (members === null) return null;
  if (commands === null) return { tick, run, startTick, law, sensors: read, members };
  const book = bookItem instanceof Uint8Array ? decodeBook(bookItem, commands) : null;
  return book === null ? null : { tick, run, startTick, law, sensors: read, members, book };
}

function readMembers(places: CborValue | undefined, replicas: number): readonly Member[] | null {
  if (!Array.isArray(places) || places.length !== replicas) return null;
  const members: Member[] = [];
  for (const place of places as readonly CborValue[]) {
    if (!Array.isArray(place) || place.length !== 4) return null;
    const [active, sinceTick, missedTicks, penaltyTicks] = place as readonly CborValue[];
    if (typeof active !== 'boolean' || !isTick(sinceTick)) return null;
    if (!isTick(missedTicks) || !isTick(penaltyTicks)) return null;
    members.push({ status: active ? 'active' : 'excluded', sinceTick, missedTicks, penaltyTicks });
  }
  return members;
}

function isTick(value: CborValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
