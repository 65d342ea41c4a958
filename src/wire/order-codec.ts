/**
 * Messages of Simplified Paxos as payloads of the purpose `order`: `[number, at, pieces, piece]`, where the pieces together
 * are a list of messages that leave at once. What is longer than a frame may be (a snapshot, a promise with many votes)
 * goes by itself and in pieces, in order; where one is lost all are, and whoever needs the message asks again. It must never
 * keep more of a peer than its longest message.
 */
import type { PaxosMessage } from '../core/paxos/types.js';
import { PIECE_BYTES } from '../core/state-fetch.js';
import { decodeCbor, encodeCbor, type CborValue } from './cbor.js';
import { decodePaxosMessage, encodePaxosMessage, maxPaxosBytes, type PaxosLimits } from './paxos-codec.js';
import { isCount, isList } from './schema.js';

/** What a payload comes to: messages, the first part of one (null), or nothing that a device writes. */
export type DecodedOrder =
  { readonly ok: true; readonly messages: readonly PaxosMessage[] | null } | { readonly ok: false };

interface Gathered {
  readonly number: number;
  readonly pieces: readonly Uint8Array[];
}

/** Messages in one list at most. */
export const ORDER_MESSAGES_MAX = 64;

const NUMBERS = 2 ** 32;
/** Of a list, and of each message in it. */
const LIST_HEAD_BYTES = 3;
const MESSAGE_HEAD_BYTES = 5;
const MALFORMED: DecodedOrder = { ok: false };
const UNFINISHED: DecodedOrder = { ok: true, messages: null };

/** The codec of one process; `Peer` names senders. */
export class OrderCodec<Peer> {
  private number = 0;
  private readonly gathered = new Map<Peer, Gathered>();
  private readonly maxListBytes: number;
  private readonly maxPieces: number;
  /** A message that goes to several peers is encoded once. */
  private readonly encoded = new WeakMap<PaxosMessage, Uint8Array>();

  /** `maxPayloadBytes`: of a payload that is taken in. */
  constructor(
    private readonly limits: PaxosLimits,
    private readonly maxPayloadBytes: number,
  ) {
    this.maxListBytes = Math.max(PIECE_BYTES, LIST_HEAD_BYTES + MESSAGE_HEAD_BYTES + maxPaxosBytes(limits));
    this.maxPieces = Math.ceil(this.maxListBytes / PIECE_BYTES);
  }

  /** The payloads of messages to one peer, to be sent in this order. */
  encode(messages: readonly PaxosMessage[]): readonly Uint8Array[] {
    const payloads: Uint8Array[] = [];
    let list: Uint8Array[] = [];
    let length = LIST_HEAD_BYTES;
    const close = (): void => {
      if (list.length > 0) payloads.push(...this.cut(encodeCbor(list)));
      list = [];
      length = LIST_HEAD_BYTES;
    };
    for (const message of messages) {
      const bytes = this.encodeOne(message);
      const more = MESSAGE_HEAD_BYTES + bytes.length;
      if (length + more > PIECE_BYTES || list.length === ORDER_MESSAGES_MAX) close();
      list.push(bytes);
      length += more;
    }
    close();
    return payloads;
  }

  /** Reads the next payload of an authenticated peer. Never throws. */
  decode(from: Peer, payload: Uint8Array): DecodedOrder {
    const decoded = decodeCbor(payload, this.maxPayloadBytes);
    if (!decoded.ok || !isList(decoded.value, 4)) return MALFORMED;
    const [number, at, count, piece] = decoded.value as readonly CborValue[];
    if (!isCount(number) || !isCount(at) || !isCount(count) || !(piece instanceof Uint8Array))
      return MALFORMED;
    if (count < 1 || count > this.maxPieces || at >= count || piece.length > PIECE_BYTES) return MALFORMED;
    if (count === 1) return this.read(piece);
    const before = this.gathered.get(from);
    this.gathered.delete(from);
    const pieces = at === 0 ? [] : before?.number === number ? before.pieces : null;
    // One was lost on the way: the rest is of no use.
    if (pieces?.length !== at) return UNFINISHED;
    const all = [...pieces, piece];
    if (all.length === count) return this.read(joinBytes(all));
    this.gathered.set(from, { number, pieces: all });
    return UNFINISHED;
  }

  private encodeOne(message: PaxosMessage): Uint8Array {
    const known = this.encoded.get(message);
    if (known !== undefined) return known;
    const bytes = encodePaxosMessage(message);
    this.encoded.set(message, bytes);
    return bytes;
  }

  private cut(bytes: Uint8Array): readonly Uint8Array[] {
    const count = Math.ceil(bytes.length / PIECE_BYTES);
    this.number = (this.number + 1) % NUMBERS;
    return Array.from({ length: count }, (_, at) =>
      encodeCbor([this.number, at, count, bytes.subarray(at * PIECE_BYTES, (at + 1) * PIECE_BYTES)]),
    );
  }

  private read(bytes: Uint8Array): DecodedOrder {
    const decoded = decodeCbor(bytes, this.maxListBytes);
    if (!decoded.ok || !Array.isArray(decoded.value)) return MALFORMED;
    const list = decoded.value as readonly CborValue[];
    if (list.length === 0 || list.length > ORDER_MESSAGES_MAX) return MALFORMED;
    const messages: PaxosMessage[] = [];
    for (const item of list) {
      const message = item instanceof Uint8Array ? decodePaxosMessage(this.limits, item) : null;
      if (message === null) return MALFORMED;
      messages.push(message);
    }
    return { ok: true, messages };
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
