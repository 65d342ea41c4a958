/**
 * What operators have asked for, as it stands in the replicated state of a rig with commands:
 * `[[floor, [[sequence, digest, tick, outcome] …]] per client, [[client, sequence, digest, agreed tick] …],
 * [[disarmed, arm until] per actuator]]`, outcome true (done), null (lapsed) or a text (refused). Where a log orders
 * commands, answers go on with their slot and the book with its prefix, and in rigs with a witness with the replicas that are
 * wanted in the operational quorum. Decoding never throws.
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
import { ordersByLog } from '../rig/derive.js';
import type { Rig } from '../rig/rig.js';
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
  const items: CborValue[] = [
    book.clients.map(({ floor, applied }) => [floor, applied.map(listAnswer)]),
    book.pending.map(({ client, sequence, digest, agreedTick }) => [client, sequence, digest, agreedTick]),
    book.postures.map(({ disarmed, armUntil }) => [disarmed, armUntil]),
  ];
  if (book.prefix !== undefined) items.push(book.prefix);
  if (book.wanted !== undefined) items.push(book.wanted);
  const encoded = encodeCbor(items);
  encodedBooks.set(book, encoded);
  return encoded;
}

function listAnswer({ sequence, digest, tick, outcome, slot }: AppliedRequest): CborValue {
  const items: CborValue[] = [sequence, digest, tick, encodeOutcome(outcome)];
  if (slot !== undefined) items.push(slot);
  return items;
}

/** What a rig's books are of. */
export interface BookShape {
  readonly clients: number;
  readonly actuators: number;
  readonly order: 'vector' | 'log';
  /** How many replicas there are to want, at a log with a witness; null in other rigs. */
  readonly wantable: number | null;
}

/** The shape of a rig's books; null where it has no commands. */
export function shapeBook(rig: Rig): BookShape | null {
  if (rig.commands.length === 0) return null;
  const order = ordersByLog(rig) ? 'log' : 'vector';
  return {
    clients: rig.operators.length,
    actuators: rig.actuators.length,
    order,
    wantable: rig.witness === null ? null : rig.replicas.length,
  };
}

/** The book, or null for anything that `encodeBook` does not make for a rig of this shape. */
export function decodeBook(bytes: Uint8Array, shape: BookShape): CommandBook | null {
  const { clients, actuators, order, wantable } = shape;
  const decoded = decodeCbor(bytes);
  if (!decoded.ok || !isList(decoded.value, order === 'vector' ? 3 : wantable === null ? 4 : 5)) return null;
  const [recordItems, pendingItems, postureItems, prefix, wanted] = decoded.value;
  if (!isList(recordItems, clients) || !isList(postureItems, actuators) || !Array.isArray(pendingItems))
    return null;
  const records: ClientRecord[] = [];
  for (const [client, item] of recordItems.entries()) {
    const record = readRecord(client, item, order);
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
  if (order === 'vector') return { clients: records, pending, postures };
  if (!isCount(prefix) || pending.length > 0) return null;
  const book = { clients: records, pending, postures, prefix };
  if (wantable === null) return book;
  return isCount(wanted) && wanted > 0 && wanted < 1 << wantable ? { ...book, wanted } : null;
}

function readRecord(client: number, item: CborValue, order: BookShape['order']): ClientRecord | null {
  if (!isList(item, 2)) return null;
  const [floor, appliedItems] = item;
  if ((floor !== -1 && !isCount(floor)) || !Array.isArray(appliedItems)) return null;
  if (appliedItems.length > KEPT_ANSWERS) return null;
  const applied: AppliedRequest[] = [];
  for (const one of appliedItems as readonly CborValue[]) {
    if (!isList(one, order === 'log' ? 5 : 4)) return null;
    const [sequence, digest, tick, outcomeItem, slot] = one;
    const outcome = readOutcome(outcomeItem);
    if (!isCount(sequence) || !isBytes(digest, CONTENT_DIGEST_BYTES) || !isCount(tick) || outcome === null)
      return null;
    if (order === 'vector') applied.push({ client, sequence, digest, tick, outcome });
    else if (isCount(slot)) applied.push({ client, sequence, digest, tick, outcome, slot });
    else return null;
  }
  return { floor, applied };
}
