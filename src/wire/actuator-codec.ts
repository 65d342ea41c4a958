/**
 * What goes to and comes from an actuator's voter.
 * Command `[tick, order, arming, ? basis]`: order is a count (output), true (trip) or null (arming only); arming is null or
 * `[boot nonce, trips, first tick]`; basis is the digest of a vector, where replicas command on what they foresee. Status `[boot nonce, is armed, trips, last tick, last count, missed ticks]`.
 * Voters compare commands byte by byte, which the deterministic encoding makes right. Decoding never throws.
 */
import type { ActuatorCommand, ActuatorStatus, Arming } from '../core/types.js';
import { CborWriter, decodeCbor, type CborValue } from './cbor.js';
import { BOOT_NONCE_BYTES } from './entry-codec.js';
import { DIGEST_BYTES } from './replicated-state-codec.js';
import { isBytes, isCount, isInt32, isList } from './schema.js';

/** A voter's account of itself as it travels: what replicas act on, and numbers for people. */
export interface StatusFrame extends ActuatorStatus {
  readonly lastCount: number;
  readonly missedTicks: number;
}

const writer = new CborWriter(64);

/** Canonical bytes of a command. The count is a signed 32-bit integer. */
export function encodeCommand(command: ActuatorCommand): Uint8Array {
  const { tick, order, arm, basis } = command;
  writer.reset();
  writer.writeArrayHead(basis === undefined ? 3 : 4);
  writer.writeNumber(tick);
  if (order.kind === 'output') writer.writeNumber(order.count);
  else if (order.kind === 'trip') writer.writeBoolean(true);
  else writer.writeNull();
  if (arm === null) writer.writeNull();
  else {
    writer.writeArrayHead(3);
    writer.writeBytes(arm.bootNonce);
    writer.writeNumber(arm.trips);
    writer.writeNumber(arm.firstTick);
  }
  if (basis !== undefined) writer.writeBytes(basis);
  return writer.take();
}

/** The command, or null for anything that `encodeCommand` does not make. */
export function decodeCommand(bytes: Uint8Array): ActuatorCommand | null {
  const decoded = decodeCbor(bytes);
  if (!decoded.ok || !(isList(decoded.value, 3) || isList(decoded.value, 4))) return null;
  const [tick, orderItem, armItem, basis] = decoded.value;
  if (!isCount(tick)) return null;
  const order = readOrder(orderItem);
  if (order === null) return null;
  const arm = armItem === null ? null : readArming(armItem);
  if (arm === null && armItem !== null) return null;
  if (basis === undefined) return { tick, order, arm };
  return isBytes(basis, DIGEST_BYTES) ? { tick, order, arm, basis } : null;
}

function readOrder(item: CborValue | undefined): ActuatorCommand['order'] | null {
  if (item === null) return { kind: 'none' };
  if (item === true) return { kind: 'trip' };
  return isInt32(item) ? { kind: 'output', count: item } : null;
}

function readArming(item: CborValue | undefined): Arming | null {
  if (!isList(item, 3)) return null;
  const [bootNonce, trips, firstTick] = item;
  if (!isBytes(bootNonce, BOOT_NONCE_BYTES) || !isCount(trips) || !isCount(firstTick)) return null;
  return { bootNonce, trips, firstTick };
}

/** Canonical bytes of a voter's account. */
export function encodeStatus(status: StatusFrame): Uint8Array {
  writer.reset();
  writer.writeArrayHead(6);
  writer.writeBytes(status.bootNonce);
  writer.writeBoolean(status.phase === 'armed');
  writer.writeNumber(status.trips);
  writer.writeNumber(status.lastTick);
  writer.writeNumber(status.lastCount);
  writer.writeNumber(status.missedTicks);
  return writer.take();
}

/** The account, or null for anything that `encodeStatus` does not make. */
export function decodeStatus(bytes: Uint8Array): StatusFrame | null {
  const decoded = decodeCbor(bytes);
  if (!decoded.ok || !isList(decoded.value, 6)) return null;
  const [bootNonce, armed, trips, lastTick, lastCount, missedTicks] = decoded.value;
  if (!isBytes(bootNonce, BOOT_NONCE_BYTES) || typeof armed !== 'boolean' || !isCount(trips)) return null;
  if (lastTick !== -1 && !isCount(lastTick)) return null;
  if (!isInt32(lastCount) || !isCount(missedTicks)) return null;
  return { bootNonce, phase: armed ? 'armed' : 'fail-safe', trips, lastTick, lastCount, missedTicks };
}
