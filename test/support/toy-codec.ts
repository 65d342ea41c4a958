/**
 * Entries and states as JSON in bytes, for tests of the core: the core takes values as opaque bytes, so any injective
 * encoding serves. Decoding is strict, as the product's is: a liar may write anything into a value.
 */
import { createHash } from 'node:crypto';
import type { CommandBook } from '../../src/core/commands/command-book.js';
import type { ReplicatedState } from '../../src/core/replicated-state.js';
import type { ActuatorStatus, Entry, Reading, RequestName, Standing } from '../../src/core/types.js';

/** Text as bytes. */
export function toBytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'utf8'));
}

/** Bytes as text. */
export function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}

/** First 16 bytes of SHA-256. */
export function digest(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest().subarray(0, 16));
}

export function encodeEntry(entry: Entry): Uint8Array {
  return toBytes(JSON.stringify(entry, writeBytes));
}

/** The entry, or null for whatever is none. */
export function decodeEntry(value: Uint8Array): Entry | null {
  const raw = parse(value);
  if (!isRecord(raw)) return null;
  const standing = readStanding(raw['standing']);
  const { readings, actuators } = raw;
  if (standing === null || !Array.isArray(readings) || !Array.isArray(actuators)) return null;
  if (!readings.every(isReading)) return null;
  const statuses = actuators.map((one) => (one === null ? null : readStatus(one)));
  if (statuses.some((status) => status === undefined)) return null;
  const { missed, joins } = raw;
  if (!isTick(missed) || !isTick(joins)) return null;
  const entry = { standing, readings, actuators: statuses as (ActuatorStatus | null)[], missed, joins };
  if (raw['prefix'] !== undefined) return isTick(raw['prefix']) ? { ...entry, prefix: raw['prefix'] } : null;
  if (raw['requests'] === undefined) return entry;
  const requests = revive(raw['requests']);
  return Array.isArray(requests) && requests.every(isRequestName) ? { ...entry, requests } : null;
}

export function encodeState(state: ReplicatedState): Uint8Array {
  return toBytes(JSON.stringify(state, writeBytes));
}

/** The state, or null for whatever is none. Only ever given bytes whose digest has been agreed on. */
export function decodeState(bytes: Uint8Array): ReplicatedState | null {
  const raw = parse(bytes);
  if (!isRecord(raw) || !isTick(raw['tick']) || !isTick(raw['startTick'])) return null;
  const run = readBytes(raw['run']);
  const law = readBytes(raw['law']);
  if (run === null || law === null || !Array.isArray(raw['sensors'])) return null;
  if (!Array.isArray(raw['members'])) return null;
  const { tick, startTick, sensors, members } = raw;
  const state = { tick, run, startTick, law, sensors, members } as ReplicatedState;
  return raw['book'] === undefined ? state : { ...state, book: revive(raw['book']) as CommandBook };
}

/** Plain data with bytes where `writeBytes` has put text. */
export function revive(raw: unknown): unknown {
  if (Array.isArray(raw)) return raw.map(revive);
  if (!isRecord(raw)) return raw;
  return (
    readBytes(raw) ?? Object.fromEntries(Object.entries(raw).map(([key, value]) => [key, revive(value)]))
  );
}

function isRequestName(raw: unknown): raw is RequestName {
  return (
    isRecord(raw) && isTick(raw['client']) && isTick(raw['sequence']) && raw['digest'] instanceof Uint8Array
  );
}

export function writeBytes(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? { hex: Buffer.from(value).toString('hex') } : value;
}

function readBytes(raw: unknown): Uint8Array | null {
  return isRecord(raw) && typeof raw['hex'] === 'string'
    ? new Uint8Array(Buffer.from(raw['hex'], 'hex'))
    : null;
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(toText(bytes)) as unknown;
  } catch {
    return null; // what is no JSON is no entry
  }
}

function isRecord(raw: unknown): raw is Record<string, unknown> {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw);
}

function isTick(raw: unknown): raw is number {
  return Number.isSafeInteger(raw);
}

function isReading(raw: unknown): raw is Reading {
  return raw === null || typeof raw === 'number' || typeof raw === 'boolean';
}

function readStanding(raw: unknown): Standing | null {
  if (!isRecord(raw)) return null;
  if (raw['kind'] === 'waiting') {
    const nonce = readBytes(raw['nonce']);
    return nonce !== null && isTick(raw['waitedTicks'])
      ? { kind: 'waiting', nonce, waitedTicks: raw['waitedTicks'] }
      : null;
  }
  const stateDigest = readBytes(raw['stateDigest']);
  return raw['kind'] === 'running' && stateDigest !== null && isTick(raw['stateTick'])
    ? { kind: 'running', stateTick: raw['stateTick'], stateDigest }
    : null;
}

function readStatus(raw: unknown): ActuatorStatus | undefined {
  if (!isRecord(raw) || !isTick(raw['trips'])) return undefined;
  const bootNonce = readBytes(raw['bootNonce']);
  const phase = raw['phase'];
  if (bootNonce === null || (phase !== 'fail-safe' && phase !== 'armed')) return undefined;
  if (!isTick(raw['lastTick'])) return undefined;
  return { bootNonce, phase, trips: raw['trips'], lastTick: raw['lastTick'] };
}
