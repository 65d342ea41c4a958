/**
 * What operators ask of replicas, and the answers. The content of a request is what its digest is of:
 * `[client, sequence, command, [argument …], rig digest]`. Purpose request: `[0, content]` asks for it to be done,
 * `[1, sequence]` for what has been. Purpose reply: `[0, sequence, digest, verdict]` and
 * `[1, sequence, [[client, sequence, digest, tick, outcome, content | null] …]]`; verdict `[0, code, text]` (refused),
 * `[1, tick, outcome]` (took effect), `[2, slot, leader]` (chosen) or `[3, text]` (waits). Where a log orders requests, items
 * and what took effect end with the slot. Strict in both directions; decoding never throws.
 */
import type { Slot } from '../core/paxos/types.js';
import type { ReplicaIndex, RequestOutcome } from '../core/types.js';
import type { ArgumentValue } from '../rig/command-arguments.js';
import { MAX_ARGUMENTS, MAX_CLIENTS } from '../rig/schema.js';
import { decodeCbor, encodeCbor, type CborValue } from './cbor.js';
import { encodeOutcome, readOutcome } from './outcome-codec.js';
import {
  ANSWER_TEXT_MAX_BYTES,
  CONTENT_DIGEST_BYTES,
  LOG_ITEMS_MAX,
  REPLICAS_MAX,
  REQUEST_CONTENT_MAX_BYTES,
} from './limits.js';
import { isBytes, isCount, isList } from './schema.js';
import { sha256 } from './sha256.js';

const RIG_DIGEST_BYTES = 32;
/** Longest id of an operator or a command, and longest choice. */
const ID_MAX = 16;

/** What an operator asks for. */
export interface RequestContent {
  /** Id of the operator. */
  readonly client: string;
  readonly sequence: number;
  /** Id of the command. */
  readonly command: string;
  /** In the rig's order. */
  readonly values: readonly ArgumentValue[];
  /** Of the rig file that the operator has read. */
  readonly rigDigest: Uint8Array;
}

/** A message under the purpose `request`. */
export type OperatorRequest =
  | { readonly kind: 'submit'; readonly content: Uint8Array }
  /** `sequence` is repeated by the answer; it numbers nothing. */
  | { readonly kind: 'log'; readonly sequence: number };

/** Why a request was not taken on. `busy`: it may be otherwise in a moment. */
export type RefusalCode =
  'unauthorised' | 'malformed' | 'unknown' | 'range' | 'rig' | 'used' | 'old' | 'busy';

/** Codes in the order of their numbers on the wire. */
export const REFUSAL_CODES: readonly RefusalCode[] = [
  'unauthorised',
  'malformed',
  'unknown',
  'range',
  'rig',
  'used',
  'old',
  'busy',
];

export type RequestVerdict =
  /** `text`: what is wrong and its cure; the same words from every replica. */
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly text: string }
  /** `tick` counts from the start of the run; `slot` is null where no log orders requests. */
  | {
      readonly kind: 'applied';
      readonly tick: number;
      readonly outcome: RequestOutcome;
      readonly slot: Slot | null;
    }
  /**
   * It has its place in the log, for good, and takes effect as soon as the rig gets there. `leader`: whom to ask first for
   * what comes next, as far as the replica knows.
   */
  | { readonly kind: 'chosen'; readonly slot: Slot; readonly leader: ReplicaIndex | null }
  /** Taken on, and nothing can be chosen just now; `text` says who must come back. */
  | { readonly kind: 'waits'; readonly text: string };

/** One request in a replica's account of what has taken effect, or has its place in the log. */
export interface LogItem {
  readonly client: number;
  readonly sequence: number;
  readonly digest: Uint8Array;
  /** Null where it is chosen and not in force yet. */
  readonly effect: LogEffect | null;
  /** Null where no log orders requests. */
  readonly slot: Slot | null;
  /** Null where the replica has it no more. */
  readonly content: Uint8Array | null;
}

/** When a request took effect, from the start of the run, and what it came to. */
export interface LogEffect {
  readonly tick: number;
  readonly outcome: RequestOutcome;
}

/** A message under the purpose `reply`. */
export type OperatorReply =
  | {
      readonly kind: 'verdict';
      readonly sequence: number;
      /** Of the content that it is about. */
      readonly digest: Uint8Array;
      readonly verdict: RequestVerdict;
    }
  | { readonly kind: 'log'; readonly sequence: number; readonly items: readonly LogItem[] };

/** SHA-256 of a request's content. */
export function digestContent(content: Uint8Array): Uint8Array {
  return sha256(content);
}

/** Canonical bytes of a content. */
export function encodeContent({ client, sequence, command, values, rigDigest }: RequestContent): Uint8Array {
  return encodeCbor([client, sequence, command, values, rigDigest]);
}

/** The content, or null for anything that `encodeContent` does not make. Whether it can be done is not asked here. */
export function decodeContent(bytes: Uint8Array): RequestContent | null {
  const decoded = decodeCbor(bytes, REQUEST_CONTENT_MAX_BYTES);
  if (!decoded.ok || !isList(decoded.value, 5)) return null;
  const [client, sequence, command, values, rigDigest] = decoded.value;
  if (!isId(client) || !isCount(sequence) || !isId(command) || !isBytes(rigDigest, RIG_DIGEST_BYTES))
    return null;
  if (!Array.isArray(values) || values.length > MAX_ARGUMENTS || !values.every(isArgument)) return null;
  return { client, sequence, command, values, rigDigest };
}

export function encodeRequest(request: OperatorRequest): Uint8Array {
  return encodeCbor(request.kind === 'submit' ? [0, request.content] : [1, request.sequence]);
}

/** The request, or null for anything else. Its content has not been looked at. */
export function decodeRequest(bytes: Uint8Array): OperatorRequest | null {
  const decoded = decodeCbor(bytes);
  if (!decoded.ok || !isList(decoded.value, 2)) return null;
  const [kind, second] = decoded.value;
  if (kind === 0 && second instanceof Uint8Array && second.length <= REQUEST_CONTENT_MAX_BYTES)
    return { kind: 'submit', content: second };
  return kind === 1 && isCount(second) ? { kind: 'log', sequence: second } : null;
}

export function encodeReply(reply: OperatorReply): Uint8Array {
  if (reply.kind === 'verdict')
    return encodeCbor([0, reply.sequence, reply.digest, encodeVerdict(reply.verdict)]);
  return encodeCbor([1, reply.sequence, reply.items.slice(-LOG_ITEMS_MAX).map(encodeLogItem)]);
}

/** The reply, or null for anything else. */
export function decodeReply(bytes: Uint8Array): OperatorReply | null {
  const decoded = decodeCbor(bytes);
  if (!decoded.ok || !Array.isArray(decoded.value)) return null;
  const [kind, sequence, third, fourth] = decoded.value as readonly CborValue[];
  if (!isCount(sequence)) return null;
  if (kind === 0 && decoded.value.length === 4 && isBytes(third, CONTENT_DIGEST_BYTES)) {
    const verdict = readVerdict(fourth);
    return verdict === null ? null : { kind: 'verdict', sequence, digest: third, verdict };
  }
  if (kind !== 1 || decoded.value.length !== 3 || !Array.isArray(third) || third.length > LOG_ITEMS_MAX)
    return null;
  const items: LogItem[] = [];
  for (const item of third as readonly CborValue[]) {
    const read = readLogItem(item);
    if (read === null) return null;
    items.push(read);
  }
  return { kind: 'log', sequence, items };
}

function encodeVerdict(verdict: RequestVerdict): CborValue {
  switch (verdict.kind) {
    case 'refused':
      return [0, REFUSAL_CODES.indexOf(verdict.code), verdict.text];
    case 'applied': {
      const { tick, outcome, slot } = verdict;
      return [1, tick, encodeOutcome(outcome), ...(slot === null ? [] : [slot])];
    }
    case 'chosen':
      return [2, verdict.slot, verdict.leader];
    case 'waits':
      return [3, verdict.text];
  }
}

function readVerdict(item: CborValue | undefined): RequestVerdict | null {
  if (!Array.isArray(item)) return null;
  const [kind, second, third, fourth] = item as readonly CborValue[];
  if (isList(item, 2)) return kind === 3 && isAnswerText(second) ? { kind: 'waits', text: second } : null;
  if (!isCount(second)) return null;
  if (kind === 2 && isList(item, 3)) {
    const isLeader = third === null || (isCount(third) && third < REPLICAS_MAX);
    return isSlot(second) && isLeader ? { kind: 'chosen', slot: second, leader: third } : null;
  }
  if (kind === 0 && isList(item, 3)) {
    const code = REFUSAL_CODES[second];
    return code !== undefined && isAnswerText(third) ? { kind: 'refused', code, text: third } : null;
  }
  const outcome = readOutcome(third);
  if (kind !== 1 || outcome === null) return null;
  if (isList(item, 3)) return { kind: 'applied', tick: second, outcome, slot: null };
  return isList(item, 4) && isSlot(fourth) ? { kind: 'applied', tick: second, outcome, slot: fourth } : null;
}

function encodeLogItem({ client, sequence, digest, effect, slot, content }: LogItem): CborValue {
  const [tick, outcome] = effect === null ? [null, null] : [effect.tick, encodeOutcome(effect.outcome)];
  return [client, sequence, digest, tick, outcome, content, ...(slot === null ? [] : [slot])];
}

function readLogItem(item: CborValue): LogItem | null {
  const hasSlot = isList(item, 7);
  if (!hasSlot && !isList(item, 6)) return null;
  const [client, sequence, digest, tick, outcome, content, last] = item as readonly CborValue[];
  if (!isCount(client) || client >= MAX_CLIENTS || !isCount(sequence)) return null;
  if (!isBytes(digest, CONTENT_DIGEST_BYTES)) return null;
  if (content !== null && !(content instanceof Uint8Array)) return null;
  const effect = readEffect(tick, outcome);
  if (!hasSlot) return effect === null ? null : { client, sequence, digest, effect, slot: null, content };
  if (!isSlot(last) || (effect === null && !(tick === null && outcome === null))) return null;
  return { client, sequence, digest, effect, slot: last, content };
}

function readEffect(tick: CborValue | undefined, item: CborValue | undefined): LogEffect | null {
  const outcome = readOutcome(item);
  return isCount(tick) && outcome !== null ? { tick, outcome } : null;
}

/** Slots begin with 1. */
function isSlot(value: CborValue | undefined): value is Slot {
  return isCount(value) && value > 0;
}

function isAnswerText(value: CborValue | undefined): value is string {
  return typeof value === 'string' && Buffer.byteLength(value) <= ANSWER_TEXT_MAX_BYTES;
}

function isId(value: CborValue | undefined): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= ID_MAX;
}

function isArgument(value: CborValue): value is ArgumentValue {
  if (typeof value === 'string') return value.length <= ID_MAX;
  return typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));
}
