/**
 * What replicas agree on, for campaigns that leave encoding out. Values still are bytes, since the core compares bytes,
 * but nobody parses them: they are 16 bytes of digest, each carries the object that it was made from, and bytes without
 * one are no value. The digest tells values apart and resists nobody.
 */
import type { Member } from '../core/membership/active-set.js';
import type { ReplicatedState } from '../core/replicated-state.js';
import type { Entry, Reading, RequestName } from '../core/types.js';
import type { ComposedLaw, LawOutcome } from '../rig/compose-law.js';
import type { ReplicaCodecs } from '../process/replica-config.js';
import type { Rig } from '../rig/rig.js';
import { MAX_STATE_BYTES } from '../rig/schema.js';
import { encodeBook } from '../wire/command-book-codec.js';
import { createVectorDigest } from '../wire/vector-digest.js';

const CONTENT = Symbol('content');
const DIGEST = Symbol('digest');

interface Carrying extends Uint8Array {
  [CONTENT]?: Entry | ReplicatedState;
  /** Of a state. */
  [DIGEST]?: Uint8Array;
}

const NO_REQUESTS: readonly RequestName[] = [];
const NUMBER_BYTES = 9;
const STATUS_BYTES = 25;
const MEMBER_BYTES = 25;
const STANDING_BYTES = 25;
const DIGEST_BYTES = 16;
/** A law's state at its longest, and more than all that is kept beside it. */
const MAX_BYTES = 2 * MAX_STATE_BYTES;

const scratch = new Uint8Array(MAX_BYTES);
const scratchWords = new Int32Array(scratch.buffer);
const view = new DataView(scratch.buffer);

/** Codecs for one rig. */
export function plainCodecs(rig: Rig): ReplicaCodecs {
  const types = rig.sensors.map(({ type }) => type);
  let newestState: Carrying | null = null;
  return {
    encodeEntry: (entry) => {
      const { standing, actuators, missed, joins, requests, prefix } = entry;
      const readings = new Array<Reading>(entry.readings.length);
      let fits = entry.readings.length === types.length && actuators.length === rig.actuators.length;
      for (let at = 0; at < entry.readings.length; at += 1) {
        const reading = dropInfinite(entry.readings[at] as Reading);
        readings[at] = reading;
        if (reading !== null && typeof reading !== types[at]) fits = false;
      }
      const bytes: Carrying = digestScratch(writeEntry(entry, readings));
      if (fits)
        bytes[CONTENT] =
          requests !== undefined
            ? { standing, readings, actuators, missed, joins, requests }
            : prefix !== undefined
              ? { standing, readings, actuators, missed, joins, prefix }
              : { standing, readings, actuators, missed, joins };
      return bytes;
    },
    decodeEntry: (value) => {
      const content = (value as Carrying)[CONTENT];
      return content !== undefined && 'standing' in content ? content : null;
    },
    encodeState: (state) => {
      const known = newestState?.[CONTENT];
      // Replicas in step all come to the same state.
      if (newestState !== null && known !== undefined && 'law' in known && isSameState(known, state))
        return newestState;
      const bytes: Carrying = digestScratch(writeState(state));
      bytes[CONTENT] = state;
      bytes[DIGEST] = digestPlain(bytes);
      newestState = bytes;
      return bytes;
    },
    decodeState: (bytes) => {
      const content = (bytes as Carrying)[CONTENT];
      return content !== undefined && 'law' in content ? content : null;
    },
    digest: (bytes) => (bytes as Carrying)[DIGEST] ?? digestPlain(bytes),
    digestVector: createVectorDigest(digestPlain),
  };
}

/** Does not compile when states have a field that is neither written nor compared here. */
type WholeState =
  Exclude<
    keyof ReplicatedState,
    'tick' | 'startTick' | 'run' | 'law' | 'sensors' | 'members' | 'book'
  > extends never
    ? ReplicatedState
    : never;

/** Whether both hold the very same law state and equal rest. */
function isSameState(a: WholeState, b: WholeState): boolean {
  if (a.law !== b.law || a.tick !== b.tick || a.startTick !== b.startTick || !isSameBytes(a.run, b.run))
    return false;
  return (
    isSameMembers(a.members, b.members) &&
    isSameBook(a.book, b.book) &&
    a.sensors.every(({ held, lostSince }, at) => {
      const other = b.sensors[at];
      return other !== undefined && held === other.held && lostSince === other.lostSince;
    })
  );
}

function isSameBook(a: WholeState['book'], b: WholeState['book']): boolean {
  return a === b || (a !== undefined && b !== undefined && isSameBytes(encodeBook(a), encodeBook(b)));
}

function isSameMembers(a: readonly Member[], b: readonly Member[]): boolean {
  if (a === b) return true;
  return a.every((one, at) => {
    const other = b[at];
    return (
      other !== undefined &&
      one.status === other.status &&
      one.sinceTick === other.sinceTick &&
      one.missedTicks === other.missedTicks &&
      one.penaltyTicks === other.penaltyTicks
    );
  });
}

function writeEntry(entry: Entry, readings: readonly Reading[]): number {
  const { standing } = entry;
  if (standing.kind === 'waiting') {
    scratch[0] = 0;
    view.setFloat64(1, standing.waitedTicks);
    copyToScratch(standing.nonce, 9);
  } else {
    scratch[0] = 1;
    view.setFloat64(1, standing.stateTick);
    copyToScratch(standing.stateDigest, 9);
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
    else copyToScratch(status.bootNonce, at + 9);
    view.setFloat64(at + 17, status?.lastTick ?? 0);
    at += STATUS_BYTES;
  }
  scratch[at] = entry.missed;
  scratch[at + 1] = entry.joins;
  at += 2;
  const requests = entry.requests ?? NO_REQUESTS;
  for (let nth = 0; nth < requests.length; nth += 1) {
    const { client, sequence, digest } = requests[nth] as RequestName;
    scratch[at] = client;
    view.setFloat64(at + 1, sequence);
    copyToScratch(digest, at + 9);
    at += 9 + digest.length;
  }
  if (entry.prefix !== undefined) {
    view.setFloat64(at, entry.prefix);
    at += 8;
  }
  return at;
}

function writeState(state: WholeState): number {
  view.setFloat64(0, state.tick);
  view.setFloat64(8, state.startTick);
  copyToScratch(state.run, 16);
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
  at += state.law.length;
  if (state.book === undefined) return at;
  const book = encodeBook(state.book);
  scratch.set(book, at);
  return at + book.length;
}

function copyToScratch(bytes: Uint8Array, to: number): void {
  for (let at = 0; at < bytes.length; at += 1) scratch[to + at] = bytes[at] as number;
}

function writeReading(reading: Reading, at: number): void {
  scratch[at] = reading === null ? 0 : reading === true ? 1 : reading === false ? 2 : 3;
  // −0 and +0 are one value.
  view.setFloat64(at + 1, typeof reading === 'number' ? reading + 0 : 0);
}

function dropInfinite(reading: Reading): Reading {
  return typeof reading === 'number' && !Number.isFinite(reading) ? null : reading;
}

function digestPlain(bytes: Uint8Array): Uint8Array {
  if (bytes.length > MAX_BYTES)
    throw new RangeError(`${bytes.length} bytes are more than anything that replicas agree on`);
  scratch.set(bytes);
  return digestScratch(bytes.length);
}

/** Digest of the first bytes of `scratch`: four lanes of 32 bits, four bytes at a time. */
function digestScratch(length: number): Uint8Array {
  let a = 0x9e3779b9;
  let b = 0x85ebca6b;
  let c = 0xc2b2ae35;
  let d = length | 0;
  const words = (length + 3) >> 2;
  for (let at = length; at < words << 2; at += 1) scratch[at] = 0;
  for (let at = 0; at < words; at += 1) {
    const word = scratchWords[at] as number;
    a = Math.imul(a ^ word, 0x01000193);
    b = Math.imul((b + a) | 0, 0x85ebca6b) ^ (b >>> 15);
    c = Math.imul(c ^ b ^ word, 0xc2b2ae35);
    d = ((d ^ c) + (a >>> 7)) | 0;
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
    digest: law.digest,
    initialState: law.initialState,
    // It saves no time where nobody's time passes.
    prepare: () => {},
    // Commands are few.
    command: (state, id, values, tick) => law.command(state, id, values, tick),
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
  for (let at = 0; at < a.length; at += 1) {
    const one = a[at];
    const other = b[at];
    if (!Object.is(one?.value, other?.value) || one?.quality !== other?.quality) return false;
  }
  return true;
}
