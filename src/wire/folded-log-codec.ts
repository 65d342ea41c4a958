/**
 * The folded command log, as snapshots of the log carry it: `[law digest, law, book]`, the book in the bytes of
 * `command-book-codec.ts`. What one control law has made of commands is nothing to another. Decoding never throws.
 */
import { sameBytes } from '../core/bytes.js';
import type { FoldedLog } from '../core/commands/folded-log.js';
import { MAX_STATE_BYTES } from '../rig/schema.js';
import { decodeCbor, encodeCbor } from './cbor.js';
import { decodeBook, encodeBook, type BookShape } from './command-book-codec.js';
import { isList } from './schema.js';

/** A law's state at its longest, and more than all that is kept beside it. */
const MAX_BYTES = 2 * MAX_STATE_BYTES;

/** Canonical bytes of a fold; `lawDigest` is of the control law that made it. */
export function encodeFold({ law, book }: FoldedLog, lawDigest: Uint8Array): Uint8Array {
  return encodeCbor([lawDigest, law, encodeBook(book)]);
}

/** The fold, or null for anything that `encodeFold` does not make for a rig of this shape and this control law. */
export function decodeFold(bytes: Uint8Array, shape: BookShape, lawDigest: Uint8Array): FoldedLog | null {
  const decoded = decodeCbor(bytes, MAX_BYTES);
  if (!decoded.ok || !isList(decoded.value, 3)) return null;
  const [madeBy, law, bookItem] = decoded.value;
  if (!(madeBy instanceof Uint8Array) || !sameBytes(madeBy, lawDigest)) return null;
  if (!(law instanceof Uint8Array) || !(bookItem instanceof Uint8Array)) return null;
  const book = decodeBook(bookItem, shape);
  return book === null ? null : { law, book };
}
