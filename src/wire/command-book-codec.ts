/**
 * What operators have asked for, as it stands in the replicated state of a rig with commands:
 * `[[floor, [[sequence, digest, tick, outcome] …]] per client, [[client, sequence, digest, agreed tick] …],
 * [[disarmed, arm until] per actuator]]`, outcome true (done), null (lapsed) or a text (refused). Decoding never throws.
 */
import {
  KEPT_ANSWERS,
  OPEN_REQUESTS,
  type ClientRecord,
  type CommandBook,
  type PendingRequest,
  type Posture,
} from '../core/commands/command-book.js';
import type { AppliedRequest } from '../core/types.js';
import { decodeCbor, encodeCbor, type CborValue } from './cbor.js';
import { CONTENT_DIGEST_BYTES } from './limits.js';
import { encodeOutcome, readOutcome } from './outcome-codec.js';
import { isBytes, isCount, isList } from './schema.js';

/** A book mostly stays as it is from tick to tick. */
const encodedBooks = new WeakMap<CommandBook, Uint8Array>();

/** Canonical bytes of a book. */
export function encodeBook(book: CommandBook): Uint8Array {
  const known = encodedBooks.get(book);
  if (known !== undefined) return known;
  const encoded = encodeCbor([
    book.clients.map(({ floor, applied }) => [
      floor,
      applied.map(({ sequence, digest, tick, outcome }) => [sequence, digest, tick, encodeOutcome(outcome)]),
    ]),
    book.pending.map(({ client, sequence, digest, agreedTick }) => [client, sequence, digest, agreedTick]),
    book.postures.map(({ disarmed, armUntil }) => [disarmed, armUntil]),
  ]);
  encodedBooks.set(book, encoded);
  return encoded;
}

/** The book, or null for anything that `encodeBook` does not make for a rig with so many operators and actuators. */
export function decodeBook(bytes: Uint8Array, clients: number, actuators: number): CommandBook | null {
  const decoded = decodeCbor(bytes);
  if (!decoded.ok || !isList(decoded.value, 3)) return null;
  const [recordItems, pendingItems, postureItems] = decoded.value;
  if (!isList(recordItems, clients) || !isList(postureItems, actuators) || !Array.isArray(pendingItems))
    return null;
  const records: ClientRecord[] = [];
  for (const [client, item] of recordItems.entries()) {
    const record = readRecord(client, item);
    if (record === null) return null;
    records.push(record);
  }
  if (pendingItems.length > clients * OPEN_REQUESTS) return null;
  const pending: PendingRequest[] = [];
  for (const item of pendingItems as readonly CborValue[]) {
    if (!isList(item, 4)) return null;
    const [client, sequence, digest, agreedTick] = item;
    if (!isCount(client) || client >= clients || !isCount(sequence) || !isCount(agreedTick)) return null;
    if (!isBytes(digest, CONTENT_DIGEST_BYTES)) return null;
    pending.push({ client, sequence, digest, agreedTick });
  }
  const postures: Posture[] = [];
  for (const item of postureItems) {
    if (!isList(item, 2)) return null;
    const [disarmed, armUntil] = item;
    if (typeof disarmed !== 'boolean' || (armUntil !== -1 && !isCount(armUntil))) return null;
    postures.push({ disarmed, armUntil });
  }
  return { clients: records, pending, postures };
}

function readRecord(client: number, item: CborValue): ClientRecord | null {
  if (!isList(item, 2)) return null;
  const [floor, appliedItems] = item;
  if ((floor !== -1 && !isCount(floor)) || !Array.isArray(appliedItems)) return null;
  if (appliedItems.length > KEPT_ANSWERS) return null;
  const applied: AppliedRequest[] = [];
  for (const one of appliedItems as readonly CborValue[]) {
    if (!isList(one, 4)) return null;
    const [sequence, digest, tick, outcomeItem] = one;
    const outcome = readOutcome(outcomeItem);
    if (!isCount(sequence) || !isBytes(digest, CONTENT_DIGEST_BYTES) || !isCount(tick) || outcome === null)
      return null;
    applied.push({ client, sequence, digest, tick, outcome });
  }
  return { floor, applied };
}
