/**
 * What replicas agree on, for campaigns that leave encoding out. Values still are bytes, since the core compares bytes,
 * but nobody parses them: each carries the object that it was made from, and bytes without one are no value. The digest
 * tells states apart and resists nobody.
 */
import type { ReplicatedState } from '../core/replicated-state.js';
import type { Entry, Reading } from '../core/types.js';
import type { ComposedLaw, LawOutcome } from '../rig/compose-law.js';
import type { ReplicaCodecs } from '../process/replica-config.js';
import type { Rig } from '../rig/rig.js';

const CONTENT = Symbol('content');

interface Carrying extends Uint8Array {
  [CONTENT]?: Entry | ReplicatedState;
}

const NUMBER_BYTES = 9;
const STATUS_BYTES = 25;
const MEMBER_BYTES = 25;
const STANDING_BYTES = 25;
const DIGEST_BYTES = 16;
const MAX_BYTES = 1 << 17;
/** States that can be put together again from pieces. */
const REMEMBERED_STATES = 256;

const scratch = new Uint8Array(MAX_BYTES);
const view = new DataView(scratch.buffer);

/** Codecs for one rig. */
export function plainCodecs(rig: Rig): ReplicaCodecs {
  const types = rig.sensors.map(({ type }) => type);
  const states: Uint8Array[] = [];
  let encoded = 0;
  return {
    encodeEntry: (entry) => {
      const readings = entry.readings.map(dropInfinite);
      const fits =
        readings.length === types.length &&
        readings.every((reading, at) => reading === null || typeof reading === types[at]) &&
        entry.actuators.length === rig.actuators.length;
      return carry(writeEntry(entry, readings), fits ? { ...entry, readings } : null);
    },
    decodeEntry: (value) => {
      const content = (value as Carrying)[CONTENT];
      return content !== undefined && 'standing' in content ? content : null;
    },
    encodeState: (state) => {
      const bytes = carry(writeState(state), state);
      states[encoded % REMEMBERED_STATES] = bytes;
      encoded += 1;
      return bytes;
    },
    decodeState: (bytes) => {
      // One that came in pieces has been put together again, without what it was made from.
      const whole = CONTENT in bytes ? bytes : states.find((one) => isSameBytes(one, bytes));
      const content = (whole as Carrying | undefined)?.[CONTENT];
      return content !== undefined && 'law' in content ? content : null;
    },
    digest: digestPlain,
  };
}

function carry(length: number, content: Entry | ReplicatedState | null): Uint8Array {
  const bytes: Carrying = scratch.slice(0, length);
  if (content !== null) bytes[CONTENT] = content;
  return bytes;
}

function writeEntry(entry: Entry, readings: readonly Reading[]): number {
  const { standing } = entry;
  if (standing.kind === 'waiting') {
    scratch[0] = 0;
    view.setFloat64(1, standing.waitedTicks);
    scratch.set(standing.nonce, 9);
  } else {
    scratch[0] = 1;
    view.setFloat64(1, standing.stateTick);
    scratch.set(standing.stateDigest, 9);
  }
  let at = STANDING_BYTES;
  for (const reading of readings) {
    writeReading(reading, at);
    at += NUMBER_BYTES;
  }
  for (const status of entry.actuators) {
    scratch[at] = status === null ? 0 : status.phase === 'armed' ? 2 : 1;
    view.setFloat64(at + 1, status?.trips ?? 0);
    if (status === null) scratch.fill(0, at + 9, at + 17);
    else scratch.set(status.bootNonce, at + 9);
    view.setFloat64(at + 17, status?.lastTick ?? 0);
    at += STATUS_BYTES;
  }
  scratch[at] = entry.missed;
  scratch[at + 1] = entry.joins;
  return at + 2;
}

function writeState(state: ReplicatedState): number {
  view.setFloat64(0, state.tick);
  view.setFloat64(8, state.startTick);
  scratch.set(state.run, 16);
  let at = 32;
  for (const { held, lostSince } of state.sensors) {
    writeReading(held, at);
    view.setFloat64(at + NUMBER_BYTES, lostSince ?? -1);
    at += NUMBER_BYTES + 8;
  }
  for (const { status, sinceTick, missedTicks, penaltyTicks } of state.members) {
    scratch[at] = status === 'active' ? 1 : 0;
    view.setFloat64(at + 1, sinceTick);
    view.setFloat64(at + 9, missedTicks);
    view.setFloat64(at + 17, penaltyTicks);
    at += MEMBER_BYTES;
  }
  scratch.set(state.law, at);
  return at + state.law.length;
}

function writeReading(reading: Reading, at: number): void {
  scratch[at] = reading === null ? 0 : reading === true ? 1 : reading === false ? 2 : 3;
  // −0 and +0 are one value.
  view.setFloat64(at + 1, typeof reading === 'number' ? reading + 0 : 0);
}

function dropInfinite(reading: Reading): Reading {
  return typeof reading === 'number' && !Number.isFinite(reading) ? null : reading;
}

const digested = new Uint8Array(MAX_BYTES);
const digestedWords = new Int32Array(digested.buffer);

/** Four lanes of 32 bits, four bytes at a time. */
function digestPlain(bytes: Uint8Array): Uint8Array {
  let a = 0x9e3779b9;
  let b = 0x85ebca6b;
  let c = 0xc2b2ae35;
  let d = bytes.length | 0;
  for (let from = 0; from < bytes.length; from += MAX_BYTES) {
    const part = bytes.length <= MAX_BYTES ? bytes : bytes.subarray(from, from + MAX_BYTES);
    const words = (part.length + 3) >> 2;
    digestedWords[words - 1] = 0;
    digested.set(part);
    for (let at = 0; at < words; at += 1) {
      const word = digestedWords[at] as number;
      a = Math.imul(a ^ word, 0x01000193);
      b = Math.imul(b + a, 0x85ebca6b) ^ (b >>> 15);
      c = Math.imul(c ^ b ^ word, 0xc2b2ae35);
      d = (d ^ c) + (a >>> 7);
    }
  }
  const digest = new Uint8Array(DIGEST_BYTES);
  writeLane(digest, 0, mix(a ^ d));
  writeLane(digest, 4, mix(b ^ a));
  writeLane(digest, 8, mix(c ^ b));
  writeLane(digest, 12, mix(d ^ c));
  return digest;
}

/** Byte by byte: a small array whose buffer nobody asks for costs the collector nothing. */
function writeLane(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24;
  bytes[at + 1] = word >>> 16;
  bytes[at + 2] = word >>> 8;
  bytes[at + 3] = word;
}

function mix(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 16), 0x21f0aaad);
  return mixed ^ (mixed >>> 15);
}

interface Remembered {
  readonly tick: number;
  readonly state: Uint8Array;
  readonly readings: Parameters<ComposedLaw['step']>[1];
  readonly outcome: LawOutcome;
}

/** Replicas in step ask the law the same thing within a tick; a replica behind asks what others asked before. */
const REMEMBERED = 4;

/**
 * A control law that is asked once for each different question: it is a pure function, and replicas in step all ask the
 * same. `check` is what proves that it is pure; runs on the full wire ask it every time.
 */
export function askOnce(law: ComposedLaw): ComposedLaw {
  const remembered: Remembered[] = [];
  return {
    initialState: law.initialState,
    step(state, readings, tick) {
      for (const one of remembered) {
        if (one.tick === tick && isSameBytes(one.state, state) && isSameReadings(one.readings, readings))
          return one.outcome;
      }
      const outcome = law.step(state, readings, tick);
      remembered.push({ tick, state, readings, outcome });
      if (remembered.length > REMEMBERED) remembered.shift();
      return outcome;
    },
  };
}

function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at += 1) if (a[at] !== b[at]) return false;
  return true;
}

function isSameReadings(a: Remembered['readings'], b: Remembered['readings']): boolean {
  return a.every(({ value, quality }, at) => {
    const other = b[at];
    return other !== undefined && Object.is(value, other.value) && quality === other.quality;
  });
}
