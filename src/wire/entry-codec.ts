/**
 * What a replica brings into a tick, as the value that replicas agree on:
 * `[standing, [reading …], [status | null …], missed, joins]`, standing `[0, nonce, waited ticks]` or
 * `[1, state tick, state digest]`, status `[boot nonce, is armed, trips, last tick]`; missed and joins have a bit for each
 * replica. Where the vector orders commands it goes on `[[client, sequence, digest] …]`, where a log does, the prefix of
 * the log. Two correct replicas read the same bytes alike, so a lie can at worst be absent for all. Decoding never throws;
 * anything but this form is null.
 */
import type { ActuatorStatus, Entry, Reading, RequestName, Standing } from '../core/types.js';
import { ordersByLog } from '../rig/derive.js';
import type { Rig } from '../rig/rig.js';
import { CborWriter, decodeCbor, type CborValue } from './cbor.js';
import { DIGEST_BYTES } from './replicated-state-codec.js';
import { isBytes, isCount, isList } from './schema.js';
import { CONTENT_DIGEST_BYTES, countRequests, REPLICAS_MAX } from './limits.js';

/** Length of a voter's boot nonce, bytes. */
export const BOOT_NONCE_BYTES = 8;

/** Length of a replica's nonce at cold start, bytes. */
export const START_NONCE_BYTES = 16;

const STANDING_WAITING = 0;
const STANDING_RUNNING = 1;

/** How many readings and statuses an entry of this rig holds, and of what type. */
export interface EntryShape {
  readonly sensorTypes: readonly ('number' | 'boolean')[];
  readonly actuators: number;
  /** How many requests it may name; null where the vector orders no commands: such entries do not even have the list. */
  readonly requests: number | null;
  /** Whether it says how far its sender knows the command log. */
  readonly prefix?: boolean;
}

/** The shape of a rig's entries. */
export function shapeEntries(rig: Rig): EntryShape {
  return {
    sensorTypes: rig.sensors.map(({ type }) => type),
    actuators: rig.actuators.length,
    requests: ordersByLog(rig) ? null : countRequests(rig),
    prefix: ordersByLog(rig),
  };
}

const writer = new CborWriter(256);

/** Canonical bytes of an entry. A reading that is not finite is no reading and becomes absent. */
export function encodeEntry(entry: Entry): Uint8Array {
  writer.reset();
  const { requests, prefix } = entry;
  writer.writeArrayHead(requests === undefined && prefix === undefined ? 5 : 6);
  const { standing } = entry;
  writer.writeArrayHead(3);
  if (standing.kind === 'waiting') {
    writer.writeNumber(STANDING_WAITING);
    writer.writeBytes(standing.nonce);
    writer.writeNumber(standing.waitedTicks);
  } else {
    writer.writeNumber(STANDING_RUNNING);
    writer.writeNumber(standing.stateTick);
    writer.writeBytes(standing.stateDigest);
  }
  writer.writeArrayHead(entry.readings.length);
  for (const reading of entry.readings) {
    if (typeof reading === 'boolean') writer.writeBoolean(reading);
    else if (reading === null || !Number.isFinite(reading)) writer.writeNull();
    else writer.writeNumber(reading);
  }
  writer.writeArrayHead(entry.actuators.length);
  for (const status of entry.actuators) {
    if (status === null) writer.writeNull();
    else {
      writer.writeArrayHead(4);
      writer.writeBytes(status.bootNonce);
      writer.writeBoolean(status.phase === 'armed');
      writer.writeNumber(status.trips);
      writer.writeNumber(status.lastTick);
    }
  }
  writer.writeNumber(entry.missed);
  writer.writeNumber(entry.joins);
  if (requests !== undefined) {
    writer.writeArrayHead(requests.length);
    for (const { client, sequence, digest } of requests) {
      writer.writeArrayHead(3);
      writer.writeNumber(client);
      writer.writeNumber(sequence);
      writer.writeBytes(digest);
    }
  } else if (prefix !== undefined) writer.writeNumber(prefix);
  return writer.take();
}

/** The entry, or null for anything that `encodeEntry` does not make for this shape. */
export function decodeEntry(value: Uint8Array, shape: EntryShape): Entry | null {
  const decoded = decodeCbor(value);
  if (!decoded.ok || !isList(decoded.value, countFields(shape))) return null;
  const [standingItem, readingItems, statusItems, missed, joins, commandItem] = decoded.value;
  if (!isReplicaSet(missed) || !isReplicaSet(joins)) return null;
  const standing = readStanding(standingItem);
  if (standing === null) return null;
  if (!isList(readingItems, shape.sensorTypes.length) || !isList(statusItems, shape.actuators)) return null;
  const readings: Reading[] = [];
  for (const [sensor, reading] of readingItems.entries()) {
    if (reading !== null) {
      if (typeof reading !== shape.sensorTypes[sensor]) return null;
      if (typeof reading === 'number' && !Number.isFinite(reading)) return null;
    }
    readings.push(reading as Reading);
  }
  const actuators: (ActuatorStatus | null)[] = [];
  for (const item of statusItems) {
    if (item === null) {
      actuators.push(null);
      continue;
    }
    const status = readStatus(item);
    if (status === null) return null;
    actuators.push(status);
  }
  if (shape.prefix === true)
    return isCount(commandItem)
      ? { standing, readings, actuators, missed, joins, prefix: commandItem }
      : null;
  if (shape.requests === null) return { standing, readings, actuators, missed, joins };
  const requests = readRequests(commandItem, shape.requests);
  return requests === null ? null : { standing, readings, actuators, missed, joins, requests };
}

function countFields({ requests, prefix }: EntryShape): number {
  return requests === null && prefix !== true ? 5 : 6;
}

function readRequests(items: CborValue | undefined, max: number): readonly RequestName[] | null {
  if (!Array.isArray(items) || items.length > max) return null;
  if (items.length === 0) return NO_REQUESTS;
  const requests: RequestName[] = [];
  for (const item of items as readonly CborValue[]) {
    if (!isList(item, 3)) return null;
    const [client, sequence, digest] = item;
    if (!isCount(client) || !isCount(sequence) || !isBytes(digest, CONTENT_DIGEST_BYTES)) return null;
    requests.push({ client, sequence, digest });
  }
  return requests;
}

const NO_REQUESTS: readonly RequestName[] = [];

function readStanding(item: CborValue | undefined): Standing | null {
  if (!isList(item, 3)) return null;
  const [kind, first, second] = item;
  if (kind === STANDING_WAITING) {
    if (!isBytes(first, START_NONCE_BYTES) || !isCount(second)) return null;
    return { kind: 'waiting', nonce: first, waitedTicks: second };
  }
  if (kind !== STANDING_RUNNING || !isCount(first) || !isBytes(second, DIGEST_BYTES)) return null;
  return { kind: 'running', stateTick: first, stateDigest: second };
}

/** A bit for each replica. Whether it exists is the core's to judge. */
function isReplicaSet(item: CborValue | undefined): item is number {
  return isCount(item) && item < 1 << REPLICAS_MAX;
}

function readStatus(item: CborValue): ActuatorStatus | null {
  if (!isList(item, 4)) return null;
  const [bootNonce, armed, trips, lastTick] = item;
  if (!isBytes(bootNonce, BOOT_NONCE_BYTES) || typeof armed !== 'boolean' || !isCount(trips)) return null;
  if (lastTick !== -1 && !isCount(lastTick)) return null;
  return { bootNonce, phase: armed ? 'armed' : 'fail-safe', trips, lastTick };
}
