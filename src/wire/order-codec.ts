/**
 * Messages of Simplified Paxos as payloads of the purpose `order`: `[number, at, pieces, piece]`. What is longer than a
 * frame may be (a snapshot, a promise with many votes) goes in pieces, in order; where one is lost all are, and whoever
 * needs the message asks again. It must never keep more of a peer than its longest message.
 */
import type { PaxosMessage } from '../core/paxos/types.js';
import { PIECE_BYTES } from '../core/state-fetch.js';
import { decodeCbor, encodeCbor, type CborValue } from './cbor.js';
import type { WireLimits } from './limits.js';
import { decodePaxosMessage, encodePaxosMessage, maxPaxosBytes, type PaxosLimits } from './paxos-codec.js';
import { isCount, isList } from './schema.js';

/** What a payload comes to: a message, one that goes on in the next payload, or nothing that a device writes. */
export type DecodedOrder =
  { readonly ok: true; readonly message: PaxosMessage | null } | { readonly ok: false };

interface Gathered {
  readonly number: number;
  readonly pieces: readonly Uint8Array[];
}

const NUMBERS = 2 ** 32;
const MALFORMED: DecodedOrder = { ok: false };

/** The codec of one process; `Peer` names senders. */
export class OrderCodec<Peer> {
  private number = 0;
  private readonly gathered = new Map<Peer, Gathered>();
  private readonly maxPieces: number;

  constructor(
    private readonly limits: PaxosLimits,
    private readonly maxPayloadBytes: WireLimits['payloadBytes']['order'],
  ) {
    this.maxPieces = Math.ceil(maxPaxosBytes(limits) / PIECE_BYTES);
  }

  /** The payloads of a message, to be sent in this order. */
  encode(message: PaxosMessage): readonly Uint8Array[] {
    const bytes = encodePaxosMessage(message);
    const count = Math.max(1, Math.ceil(bytes.length / PIECE_BYTES));
    this.number = (this.number + 1) % NUMBERS;
    return Array.from({ length: count }, (_, at) =>
      encodeCbor([this.number, at, count, bytes.subarray(at * PIECE_BYTES, (at + 1) * PIECE_BYTES)]),
    );
  }

  /** Reads the next payload of an authenticated peer. Never throws. */
  decode(from: Peer, payload: Uint8Array): DecodedOrder {
    const decoded = decodeCbor(payload, this.maxPayloadBytes);
    if (!decoded.ok || !isList(decoded.value, 4)) return MALFORMED;
    const [number, at, count, piece] = decoded.value as readonly CborValue[];
    if (!isCount(number) || !isCount(at) || !isCount(count) || !(piece instanceof Uint8Array))
      return MALFORMED;
    if (count < 1 || count > this.maxPieces || at >= count) return MALFORMED;
    if (count === 1) return this.read(piece);
    const before = this.gathered.get(from);
    this.gathered.delete(from);
    const pieces = at === 0 ? [] : before?.number === number ? before.pieces : null;
    // One that was lost on the way: the rest is of no use.
    if (pieces?.length !== at) return { ok: true, message: null };
    const all = [...pieces, piece];
    if (all.length === count) return this.read(joinBytes(all));
    this.gathered.set(from, { number, pieces: all });
    return { ok: true, message: null };
  }

  private read(bytes: Uint8Array): DecodedOrder {
    const message = decodePaxosMessage(this.limits, bytes);
    return message === null ? MALFORMED : { ok: true, message };
  }
}

function joinBytes(pieces: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}
