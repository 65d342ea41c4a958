/**
 * Getting a state by its digest from peers, in pieces, while the rig goes on (protocol.md §4 repair, §6 joining): which
 * pieces are still missing, whom to ask for them, and the vectors agreed on meanwhile, which are replayed on the state
 * once it is whole. A piece is believed when the whole has the digest that the vector named; where it has not, nobody
 * knows who lied, and the next attempt asks one holder alone, each in turn.
 *
 * It holds one state at most, and vectors of so many ticks: beyond that it is of no use any more.
 */
import { sameBytes } from './bytes.js';
import type { Entry, ReplicaIndex, StateReply, Tick, Vector } from './types.js';

/** Bytes of a state in one message at most. */
export const PIECE_BYTES = 8_192;
/** Pieces that one holder is asked for at once, and gives to one peer in a tick. */
export const PIECES_AT_ONCE = 2;
/** States longer than this are nobody's. */
const MAX_STATE_BYTES = 1 << 24;
/** Ticks without a piece after which somebody else is asked. */
const PATIENCE_TICKS = 2;
/** Vectors kept for replay. */
const MAX_VECTORS = 64;

/** An agreed vector, decoded. */
export interface AgreedTick {
  readonly tick: Tick;
  /** Bit i: replica i counted in it, as far as was known. */
  readonly active: number;
  readonly vector: Vector;
  /** Whether it has been told already: whoever knows who counts tells it at once. */
  readonly told: boolean;
  readonly entries: readonly (Entry | null)[];
}

/** A question to put to a peer. */
export interface PieceRequest {
  readonly to: ReplicaIndex;
  readonly offset: number;
}

/** What came of a reply. `wrong`: the whole had another digest, and all of it is forgotten. */
export type FetchOutcome = 'unwanted' | 'more' | 'whole' | 'wrong';

/** Fetches one state. Mutable, owned by one replica state. */
export class StateFetch {
  /** Agreed on since, the first of them the vector that named the state. */
  readonly vectors: AgreedTick[] = [];
  private whole: Uint8Array | null = null;
  private pieces: boolean[] = [];
  private missing = 0;
  /** 0: everybody shares in it; then one holder at a time. */
  private attempt = 0;
  private idleTicks = 0;
  /** Pieces asked for that have not come. */
  private owed = 0;

  constructor(
    readonly tick: Tick,
    readonly digest: Uint8Array,
    /** Who has it, without this replica. */
    private readonly holders: readonly ReplicaIndex[],
    private readonly digestOf: (bytes: Uint8Array) => Uint8Array,
  ) {}

  /** The state, once `take` has said that it is whole. */
  get bytes(): Uint8Array {
    return this.whole ?? new Uint8Array();
  }

  /** Whether a state of several pieces is coming. */
  get isUnderWay(): boolean {
    return this.whole !== null;
  }

  /** Whether all that was asked for at once has come, so that more can be asked for. */
  get isRoundOver(): boolean {
    return this.owed <= 0;
  }

  /** Keeps a vector for replay; false when there are too many by now. */
  addVector(vector: AgreedTick): boolean {
    if (this.vectors.length >= MAX_VECTORS) return false;
    this.vectors.push(vector);
    return true;
  }

  /** What to ask whom now: everybody for the beginning, then each holder for its share. */
  listRequests(): PieceRequest[] {
    const asked = this.listAsked();
    if (asked.length === 0) return [];
    if (this.whole === null) return asked.map((to) => ({ to, offset: 0 }));
    const requests: PieceRequest[] = [];
    for (let at = 0; at < this.pieces.length && requests.length < asked.length * PIECES_AT_ONCE; at += 1) {
      if (this.pieces[at] === true) continue;
      requests.push({ to: asked[requests.length % asked.length] as ReplicaIndex, offset: at * PIECE_BYTES });
    }
    this.owed = requests.length;
    return requests;
  }

  /** A tick has begun: pieces that do not come are asked for elsewhere. */
  beginTick(): void {
    this.idleTicks += 1;
    if (this.idleTicks > PATIENCE_TICKS) this.startOver();
  }

  take(from: ReplicaIndex, reply: StateReply): FetchOutcome {
    const { length, offset, piece } = reply;
    if (!this.listAsked().includes(from)) return 'unwanted';
    if (!sameBytes(reply.digest, this.digest) || length < 1 || length > MAX_STATE_BYTES) return 'unwanted';
    if (piece.length !== Math.min(PIECE_BYTES, length - offset) || offset % PIECE_BYTES !== 0)
      return 'unwanted';
    if (length <= PIECE_BYTES) {
      // A state of one piece is judged by itself, whoever sent it.
      if (!sameBytes(this.digestOf(piece), this.digest)) return 'wrong';
      this.whole = piece;
      return 'whole';
    }
    if (this.whole?.length !== length) {
      if (this.whole !== null) return 'unwanted';
      this.whole = new Uint8Array(length);
      this.pieces = new Array<boolean>(Math.ceil(length / PIECE_BYTES)).fill(false);
      this.missing = this.pieces.length;
    }
    const at = offset / PIECE_BYTES;
    if (this.pieces[at] !== false) return 'unwanted';
    this.whole.set(piece, offset);
    this.pieces[at] = true;
    this.missing -= 1;
    this.owed -= 1;
    this.idleTicks = 0;
    if (this.missing > 0) return 'more';
    if (sameBytes(this.digestOf(this.whole), this.digest)) return 'whole';
    this.startOver();
    return 'wrong';
  }

  private listAsked(): readonly ReplicaIndex[] {
    const { holders, attempt } = this;
    if (attempt === 0 || holders.length === 0) return holders;
    return [holders[(attempt - 1) % holders.length] as ReplicaIndex];
  }

  private startOver(): void {
    this.whole = null;
    this.pieces = [];
    this.idleTicks = 0;
    this.attempt += 1;
  }
}

/** The piece of a state that begins at `offset`; null where none does. */
export function cutPiece(digest: Uint8Array, bytes: Uint8Array, offset: number): StateReply | null {
  if (!Number.isSafeInteger(offset) || offset < 0 || offset >= bytes.length || offset % PIECE_BYTES !== 0)
    return null;
  return {
    kind: 'state-reply',
    digest,
    length: bytes.length,
    offset,
    piece: bytes.length <= PIECE_BYTES ? bytes : bytes.subarray(offset, offset + PIECE_BYTES),
  };
}
