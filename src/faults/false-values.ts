/**
 * Telling lies about readings and commands: pure functions from an honest value to a false one. Values stay
 * well-formed where they can be, so that nothing but agreement and voting stands between them and the actuator.
 */
import type { ActuatorCommand, Entry, MaybeValue, Reading, RoundMessage, Value } from '../core/types.js';
import { sameBytes } from '../core/bytes.js';
import type { ActuatorPart, SensorPart } from '../rig/rig.js';
import type { FalseValue } from './parameters.js';

/** How a lie is made from the truth. A `share` is of the sensor's range or the actuator's envelope. */
export type Lie =
  | { readonly kind: 'value'; readonly value: FalseValue }
  | { readonly kind: 'offset'; readonly by: number }
  | { readonly kind: 'offset-share'; readonly share: number }
  /** The same at everybody who tells it: a fixed point of the range. */
  | { readonly kind: 'range-share'; readonly share: number };

/** The largest finite number. */
const OVERFLOW = Number.MAX_VALUE;
const MAX_COUNT = 2 ** 31 - 1;
const MIN_COUNT = -(2 ** 31);

/** True where the lie is no number, which no reading can hold: only a value altered by `spoilEntry` tells it. */
export function isNotANumber(lie: Lie): boolean {
  return lie.kind === 'value' && lie.value === 'nan';
}

/** A false reading; the same as the honest one only by chance. Never NaN. */
export function falsifyReading(reading: Reading, sensor: SensorPart, lie: Lie): Reading {
  if (sensor.type === 'boolean') {
    if (lie.kind === 'range-share') return lie.share >= 0.5;
    if (lie.kind !== 'value') return typeof reading === 'boolean' ? !reading : true;
    return typeof lie.value === 'number' ? lie.value !== 0 : lie.value !== false;
  }
  const { min, max } = sensor;
  // A channel without a reading can still be lied about.
  const honest = typeof reading === 'number' ? reading : (min + max) / 2;
  switch (lie.kind) {
    case 'value':
      return readNumber(lie.value);
    case 'offset':
      return honest + lie.by;
    case 'offset-share':
      return honest + lie.share * (max - min);
    case 'range-share':
      return min + lie.share * (max - min);
  }
}

/** A false command for the same tick; what is not a number becomes the lowest count, as a conversion to int32 has it. */
export function falsifyCommand(command: ActuatorCommand, actuator: ActuatorPart, lie: Lie): ActuatorCommand {
  const { order } = command;
  const { minCount, maxCount, resolution } = actuator;
  if (order.kind === 'none') return command;
  const honest = order.kind === 'output' ? order.count : actuator.failSafeCount;
  let count: number;
  switch (lie.kind) {
    case 'value':
      count = lie.value === 'nan' ? MIN_COUNT : readNumber(lie.value) / resolution;
      break;
    case 'offset':
      count = honest + lie.by / resolution;
      break;
    case 'offset-share':
      count = honest + lie.share * (maxCount - minCount);
      break;
    case 'range-share':
      count = minCount + lie.share * (maxCount - minCount);
      break;
  }
  const whole = Math.round(Math.max(MIN_COUNT, Math.min(MAX_COUNT, count))) + 0;
  if (order.kind === 'output' && whole === order.count) return command;
  return { ...command, order: { kind: 'output', count: whole } };
}

function readNumber(value: FalseValue): number {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return typeof value === 'number' ? value : OVERFLOW;
}

export interface EntryCodec {
  readonly encodeEntry: (entry: Entry) => Uint8Array;
  readonly decodeEntry: (value: Uint8Array) => Entry | null;
}

/** An entry's bytes with other readings; the same object where nothing changes or where it is no entry. */
export function alterEntry(
  codec: EntryCodec,
  value: Value,
  alter: (reading: Reading, sensor: number) => Reading,
): Value {
  const entry = codec.decodeEntry(value);
  if (entry === null) return value;
  const altered = codec.encodeEntry({ ...entry, readings: entry.readings.map(alter) });
  return sameBytes(altered, value) ? value : altered;
}

/** No short float can hold it, so that it stands in an encoded entry with all its eight bytes. */
const MARK = 1.2345678901234567e-300;
const NOT_A_NUMBER = [0x7f, 0xf8, 0, 0, 0, 0, 0, 0];

/** An entry's bytes with NaN in place of the readings of `sensors`; bytes that are no entry where the codec cannot hold one. */
export function spoilEntry(codec: EntryCodec, value: Value, sensors: readonly number[]): Value {
  const marked = alterEntry(codec, value, (reading, sensor) => (sensors.includes(sensor) ? MARK : reading));
  if (marked === value) return value;
  const spoiled = marked.slice();
  const mark = new Uint8Array(8);
  new DataView(mark.buffer).setFloat64(0, MARK);
  let found = false;
  for (let at = 0; at + 8 <= spoiled.length; at += 1) {
    if (!mark.every((byte, step) => spoiled[at + step] === byte)) continue;
    spoiled.set(NOT_A_NUMBER, at);
    found = true;
  }
  return found ? spoiled : new Uint8Array([0xf9, 0x7e, 0x00]);
}

/** A copy of the message with altered values; the same object where none changed. */
export function alterValues(
  message: RoundMessage,
  alter: (value: MaybeValue, path: readonly number[]) => MaybeValue,
): RoundMessage {
  let changed = false;
  const items = message.items.map((item) => {
    const value = alter(item.value, item.path);
    if (value === item.value) return item;
    changed = true;
    return { ...item, value };
  });
  return changed ? { ...message, items } : message;
}
