/**
 * What replicas say to each other, as payloads.
 * round: `[tick, round, run, [item …]]`, item `[path, value | null]`, in signed mode `[path, value, chain]`; a path is
 * a byte string with one replica index per byte. Round 1 goes on `…, lag, [held | null …]`: its sender's clock. state:
 * `[0, digest, offset]` asks, `[1, digest, length, offset, piece]` answers, `[2, tick, ready, lag, [held | null …]]` joins,
 * `[3, echo]` is ready to begin, `[4, digest]` asks for a request of an operator, `[5, content]` gives it.
 * Positional arrays and strict schemas; signature chains are verified here, before the core sees a value.
 * Decoding never throws. One item that a correct sender could not have written costs the whole message, which
 * bounds what a liar can make us compute.
 */
import type { PeerMessage, RelayItem, ReplicaIndex, RoundMessage, Stamp } from '../core/types.js';
import { CborCursor, CborWriter, checkCbor, decodeCbor, type CborValue } from './cbor.js';
import { CONTENT_DIGEST_BYTES, REQUEST_CONTENT_MAX_BYTES, type WireLimits } from './limits.js';
import { DIGEST_BYTES } from './replicated-state-codec.js';
import { isBytes, isCount, isList } from './schema.js';
import type { SignedChains } from './signed-chain.js';

/** Length of a run's identity, bytes. */
export const RUN_BYTES = 16;

const STATE_REQUEST = 0;
const STATE_REPLY = 1;
const JOIN = 2;
const START = 3;
const CONTENT_REQUEST = 4;
const CONTENT_REPLY = 5;

/** A message that took longer than this says nothing of a clock, µs. */
const MAX_STAMP_US = 2 ** 32;

export type PeerPurpose = 'round' | 'state';

export type DecodedPeerMessage =
  | { readonly ok: true; readonly message: PeerMessage }
  | { readonly ok: false; readonly cause: 'malformed-payload' | 'bad-signature' };

const MALFORMED: DecodedPeerMessage = { ok: false, cause: 'malformed-payload' };

/** The purpose under which a message travels. */
export function purposeOf(message: PeerMessage): PeerPurpose {
  return message.kind === 'round' ? 'round' : 'state';
}

/** Encodes and decodes the messages of one replica. `chains` is given exactly in signed mode. */
export class PeerCodec {
  readonly #limits: WireLimits;
  readonly #chains: SignedChains | null;
  readonly #writer = new CborWriter(512);
  /** The run that was read last: mostly it is that of the next message too. */
  #newestRun: Uint8Array = new Uint8Array(RUN_BYTES);
  /** The value that was read last of each commander: what is relayed of it is mostly the same, and is the same array. */
  readonly #newestValues: Uint8Array[] = [];

  constructor(limits: WireLimits, chains: SignedChains | null) {
    if (limits.isSigned !== (chains !== null))
      throw new Error('signature chains go with signed messages, and only with them');
    this.#limits = limits;
    this.#chains = chains;
  }

  /** Payload of a message; in signed mode with this replica's signature on every value. Absent is never signed and so left out there. */
  encode(message: PeerMessage): Uint8Array {
    const writer = this.#writer;
    writer.reset();
    switch (message.kind) {
      case 'round':
        this.#writeRound(message);
        break;
      case 'state-request':
        writer.writeArrayHead(3);
        writer.writeNumber(STATE_REQUEST);
        writer.writeBytes(message.digest);
        writer.writeNumber(message.offset);
        break;
      case 'state-reply':
        writer.writeArrayHead(5);
        writer.writeNumber(STATE_REPLY);
        writer.writeBytes(message.digest);
        writer.writeNumber(message.length);
        writer.writeNumber(message.offset);
        writer.writeBytes(message.piece);
        break;
      case 'join':
        writer.writeArrayHead(5);
        writer.writeNumber(JOIN);
        writer.writeNumber(message.tick);
        writer.writeBoolean(message.ready);
        this.#writeStamp(message.stamp);
        break;
      case 'content-request':
        writer.writeArrayHead(2);
        writer.writeNumber(CONTENT_REQUEST);
        writer.writeBytes(message.digest);
        break;
      case 'content-reply':
        writer.writeArrayHead(2);
        writer.writeNumber(CONTENT_REPLY);
        writer.writeBytes(message.content);
        break;
      case 'start':
        writer.writeArrayHead(2);
        writer.writeNumber(START);
        writer.writeBoolean(message.step === 'echo');
        break;
    }
    return writer.take();
  }

  #writeStamp(stamp: Stamp): void {
    const writer = this.#writer;
    writer.writeNumber(stamp.lagUs);
    writer.writeArrayHead(stamp.heldUs.length);
    for (const heldUs of stamp.heldUs) {
      if (heldUs === null) writer.writeNull();
      else writer.writeNumber(heldUs);
    }
  }

  #writeRound(message: RoundMessage): void {
    const writer = this.#writer;
    const chains = this.#chains;
    const items = chains === null ? message.items : message.items.filter(({ value }) => value !== null);
    const stamp = message.round === 1 ? message.stamp : undefined;
    writer.writeArrayHead(stamp === undefined ? 4 : 6);
    writer.writeNumber(message.tick);
    writer.writeNumber(message.round);
    writer.writeBytes(message.run);
    writer.writeArrayHead(items.length);
    for (const item of items) {
      const { path, value } = item;
      writer.writeArrayHead(chains === null ? 2 : 3);
      writer.writeByteList(path);
      if (value === null) writer.writeNull();
      else writer.writeBytes(value);
      if (chains !== null && value !== null) writer.writeBytes(chains.extend(message, { ...item, value }));
    }
    if (stamp !== undefined) this.#writeStamp(stamp);
  }

  /** Reads what an authenticated replica sent. Paths have the length that the round prescribes; whom they name is the core's to judge. */
  decode(from: ReplicaIndex, purpose: PeerPurpose, payload: Uint8Array): DecodedPeerMessage {
    const maxBytes = this.#limits.payloadBytes[purpose];
    if (purpose === 'round')
      return checkCbor(payload, maxBytes) === null
        ? this.#readRound(from, new CborCursor(payload))
        : MALFORMED;
    const decoded = decodeCbor(payload, maxBytes);
    return decoded.ok ? this.#readState(decoded.value) : MALFORMED;
  }

  #readRound(from: ReplicaIndex, cursor: CborCursor): DecodedPeerMessage {
    const { rounds, itemsByRound, replicas } = this.#limits;
    const fields = cursor.readArrayHead();
    const tick = cursor.readCount();
    const round = cursor.readCount();
    if (tick < 0 || round < 1 || round > rounds || fields !== (round === 1 ? 6 : 4)) return MALFORMED;
    const run = cursor.readBytesLike(this.#newestRun);
    if (run === null || run.length !== RUN_BYTES) return MALFORMED;
    this.#newestRun = run;
    const count = cursor.readArrayHead();
    if (count < 0 || count > (itemsByRound[round] as number)) return MALFORMED;
    const items: RelayItem[] = [];
    for (let at = 0; at < count; at += 1) {
      const item = this.#readItem(cursor, from, round);
      if (item === null) return MALFORMED;
      items.push(item);
    }
    const stamp = round === 1 ? readStampHere(cursor, replicas) : null;
    if (round === 1 && stamp === null) return MALFORMED;
    if (this.#chains !== null) {
      for (const item of items) {
        if (!this.#chains.verify({ tick, round, run }, from, item))
          return { ok: false, cause: 'bad-signature' };
      }
    }
    return {
      ok: true,
      message:
        stamp === null
          ? { kind: 'round', tick, round, run, items }
          : { kind: 'round', tick, round, run, items, stamp },
    };
  }

  #readItem(cursor: CborCursor, from: ReplicaIndex, round: number): RelayItem | null {
    const isSigned = this.#chains !== null;
    if (cursor.readArrayHead() !== (isSigned ? 3 : 2)) return null;
    const path = cursor.readByteList(round - 1);
    if (path === null) return null;
    for (const id of path) if (id >= this.#limits.replicas) return null;
    if (!isSigned && cursor.skipNull()) return { path, value: null };
    const value = this.#readValue(cursor, path[0] ?? from);
    if (value === null) return null;
    if (!isSigned) return { path, value };
    const proof = cursor.readBytes();
    return proof === null ? null : { path, value, proof };
  }

  #readValue(cursor: CborCursor, commander: ReplicaIndex): Uint8Array | null {
    const newest = this.#newestValues[commander];
    const value = newest === undefined ? cursor.readBytes() : cursor.readBytesLike(newest);
    if (value !== null) this.#newestValues[commander] = value;
    return value;
  }

  #readState(value: CborValue): DecodedPeerMessage {
    if (!Array.isArray(value)) return MALFORMED;
    const [kind, first, second, third, fourth] = value as readonly CborValue[];
    const { length } = value as readonly CborValue[];
    if (kind === STATE_REQUEST && length === 3 && isBytes(first, DIGEST_BYTES) && isCount(second))
      return { ok: true, message: { kind: 'state-request', digest: first, offset: second } };
    if (kind === STATE_REPLY && length === 5) {
      if (!isBytes(first, DIGEST_BYTES) || !isCount(second) || !isCount(third)) return MALFORMED;
      if (!(fourth instanceof Uint8Array)) return MALFORMED;
      return {
        ok: true,
        message: { kind: 'state-reply', digest: first, length: second, offset: third, piece: fourth },
      };
    }
    if (kind === JOIN && length === 5 && isCount(first) && typeof second === 'boolean') {
      const stamp = readStamp(third, fourth, this.#limits.replicas);
      return stamp === null
        ? MALFORMED
        : { ok: true, message: { kind: 'join', tick: first, ready: second, stamp } };
    }
    if (kind === START && length === 2 && typeof first === 'boolean')
      return { ok: true, message: { kind: 'start', step: first ? 'echo' : 'init' } };
    if (length !== 2 || this.#limits.requests === null) return MALFORMED;
    if (kind === CONTENT_REQUEST && isBytes(first, CONTENT_DIGEST_BYTES))
      return { ok: true, message: { kind: 'content-request', digest: first } };
    if (kind === CONTENT_REPLY && first instanceof Uint8Array && first.length <= REQUEST_CONTENT_MAX_BYTES)
      return { ok: true, message: { kind: 'content-reply', content: first } };
    return MALFORMED;
  }
}

function readStampHere(cursor: CborCursor, replicas: number): Stamp | null {
  const lagUs = cursor.readCount();
  if (lagUs < 0 || lagUs > MAX_STAMP_US || cursor.readArrayHead() !== replicas) return null;
  const heldUs: (number | null)[] = [];
  for (let at = 0; at < replicas; at += 1) {
    const one = cursor.skipNull() ? null : cursor.readCount();
    if (one !== null && (one < 0 || one > MAX_STAMP_US)) return null;
    heldUs.push(one);
  }
  return { lagUs, heldUs };
}

function readStamp(lag: CborValue | undefined, held: CborValue | undefined, replicas: number): Stamp | null {
  if (!isCount(lag) || lag > MAX_STAMP_US || !isList(held, replicas)) return null;
  for (const heldUs of held) if (heldUs !== null && !(isCount(heldUs) && heldUs <= MAX_STAMP_US)) return null;
  return { lagUs: lag, heldUs: held as readonly (number | null)[] };
}
