/**
 * What replicas say to each other, as payloads.
 * round: `[tick, round, run, [item …]]`, item `[path, value | null]`, in signed mode `[path, value, chain]`; a path is
 * a byte string with one replica index per byte. state: `[0, digest]` asks, `[1, state]` answers.
 * Positional arrays and strict schemas; signature chains are verified here, before the core sees a value.
 * Decoding never throws. One item that a correct sender could not have written costs the whole message, which
 * bounds what a liar can make us compute.
 */
import type { PeerMessage, RelayItem, ReplicaIndex, RoundMessage } from '../core/types.js';
import { CborWriter, decodeCbor, type CborValue } from './cbor.js';
import type { WireLimits } from './limits.js';
import { DIGEST_BYTES } from './replicated-state-codec.js';
import { isBytes, isCount, isList } from './schema.js';
import type { SignedChains } from './signed-chain.js';

/** Length of a run's identity, bytes. */
export const RUN_BYTES = 16;

const STATE_REQUEST = 0;
const STATE_REPLY = 1;

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
    if (message.kind === 'round') this.#writeRound(message);
    else {
      writer.writeArrayHead(2);
      writer.writeNumber(message.kind === 'state-request' ? STATE_REQUEST : STATE_REPLY);
      writer.writeBytes(message.kind === 'state-request' ? message.digest : message.state);
    }
    return writer.take();
  }

  #writeRound(message: RoundMessage): void {
    const writer = this.#writer;
    const chains = this.#chains;
    const items = chains === null ? message.items : message.items.filter(({ value }) => value !== null);
    writer.writeArrayHead(4);
    writer.writeNumber(message.tick);
    writer.writeNumber(message.round);
    writer.writeBytes(message.run);
    writer.writeArrayHead(items.length);
    for (const item of items) {
      const { path, value } = item;
      writer.writeArrayHead(chains === null ? 2 : 3);
      writer.writeBytes(Uint8Array.from(path));
      if (value === null) writer.writeNull();
      else writer.writeBytes(value);
      if (chains !== null && value !== null) writer.writeBytes(chains.extend(message, { ...item, value }));
    }
  }

  /** Reads what an authenticated replica sent. Paths have the length that the round prescribes; whom they name is the core's to judge. */
  decode(from: ReplicaIndex, purpose: PeerPurpose, payload: Uint8Array): DecodedPeerMessage {
    const decoded = decodeCbor(payload, this.#limits.payloadBytes[purpose]);
    if (!decoded.ok) return MALFORMED;
    return purpose === 'round' ? this.#readRound(from, decoded.value) : readState(decoded.value);
  }

  #readRound(from: ReplicaIndex, value: CborValue): DecodedPeerMessage {
    const { rounds, itemsByRound } = this.#limits;
    if (!isList(value, 4)) return MALFORMED;
    const [tick, round, run, list] = value;
    if (!isCount(tick) || !isCount(round) || round < 1 || round > rounds || !isBytes(run, RUN_BYTES))
      return MALFORMED;
    if (!Array.isArray(list) || list.length > (itemsByRound[round] as number)) return MALFORMED;
    const items: RelayItem[] = [];
    for (const one of list as readonly CborValue[]) {
      const item = this.#readItem(one, round);
      if (item === null) return MALFORMED;
      items.push(item);
    }
    if (this.#chains !== null) {
      for (const item of items) {
        if (!this.#chains.verify({ tick, round, run }, from, item))
          return { ok: false, cause: 'bad-signature' };
      }
    }
    return { ok: true, message: { kind: 'round', tick, round, run, items } };
  }

  #readItem(one: CborValue, round: number): RelayItem | null {
    const isSigned = this.#chains !== null;
    if (!isList(one, isSigned ? 3 : 2)) return null;
    const [pathBytes, value, proof] = one;
    if (!isBytes(pathBytes, round - 1)) return null;
    const path = Array.from(pathBytes);
    if (path.some((id) => id >= this.#limits.replicas)) return null;
    if (!isSigned) {
      if (!(value === null || value instanceof Uint8Array)) return null;
      return { path, value };
    }
    if (!(value instanceof Uint8Array) || !(proof instanceof Uint8Array)) return null;
    return { path, value, proof };
  }
}

function readState(value: CborValue): DecodedPeerMessage {
  if (!isList(value, 2)) return MALFORMED;
  const [kind, bytes] = value;
  if (kind === STATE_REQUEST && isBytes(bytes, DIGEST_BYTES)) {
    return { ok: true, message: { kind: 'state-request', digest: bytes } };
  }
  if (kind === STATE_REPLY && bytes instanceof Uint8Array) {
    return { ok: true, message: { kind: 'state-reply', state: bytes } };
  }
  return MALFORMED;
}
