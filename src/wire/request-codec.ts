/**
 * What operators ask of replicas, and the answers. The content of a request is what its digest is of:
 * `[client, sequence, command, [argument …], rig digest]`. Purpose request: `[0, content]` asks for it to be done,
 * `[1, sequence]` for what has been. Purpose reply: `[0, sequence, digest, verdict]` and
 * `[1, sequence, [[client, sequence, digest, tick, outcome, content | null] …]]`; verdict `[0, code, text]` (refused) or
 * `[1, tick, outcome]` (took effect). Strict in both directions; decoding never throws.
 */
import { hash } from 'node:crypto';
import type { RequestOutcome } from '../core/types.js';
import type { ArgumentValue } from '../rig/command-arguments.js';
import { MAX_ARGUMENTS, MAX_CLIENTS } from '../rig/schema.js';
import { decodeCbor, encodeCbor, type CborValue } from './cbor.js';
import { encodeOutcome, readOutcome } from './outcome-codec.js';
import {
  ANSWER_TEXT_MAX_BYTES,
  CONTENT_DIGEST_BYTES,
  LOG_ITEMS_MAX,
  REQUEST_CONTENT_MAX_BYTES,
} from './limits.js';
import { isBytes, isCount, isList } from './schema.js';

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
  /** `tick` counts from the start of the run. */
  | { readonly kind: 'applied'; readonly tick: number; readonly outcome: RequestOutcome };

/** One request in a replica's account of what has taken effect. */
export interface LogItem {
  readonly client: number;
  readonly sequence: number;
  readonly digest: Uint8Array;
  /** From the start of the run. */
  readonly tick: number;
  readonly outcome: RequestOutcome;
  /** Null where the replica has it no more. */
  readonly content: Uint8Array | null;
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
  return new Uint8Array(hash('sha256', content, 'buffer'));
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
  return encodeCbor([
    1,
    reply.sequence,
    reply.items
      .slice(-LOG_ITEMS_MAX)
      .map(({ client, sequence, digest, tick, outcome, content }) => [
        client,
        sequence,
        digest,
        tick,
        encodeOutcome(outcome),
        content,
      ]),
  ]);
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
  return verdict.kind === 'refused'
    ? [0, REFUSAL_CODES.indexOf(verdict.code), verdict.text]
    : [1, verdict.tick, encodeOutcome(verdict.outcome)];
}

function readVerdict(item: CborValue | undefined): RequestVerdict | null {
  if (!isList(item, 3)) return null;
  const [kind, second, third] = item;
  if (!isCount(second)) return null;
  if (kind === 0) {
    const code = REFUSAL_CODES[second];
    if (code === undefined || typeof third !== 'string' || Buffer.byteLength(third) > ANSWER_TEXT_MAX_BYTES)
      return null;
    return { kind: 'refused', code, text: third };
  }
  const outcome = readOutcome(third);
  return kind === 1 && outcome !== null ? { kind: 'applied', tick: second, outcome } : null;
}

function readLogItem(item: CborValue): LogItem | null {
  if (!isList(item, 6)) return null;
  const [client, sequence, digest, tick, outcomeItem, content] = item;
  const outcome = readOutcome(outcomeItem);
  if (!isCount(client) || client >= MAX_CLIENTS || !isCount(sequence) || !isCount(tick) || outcome === null)
    return null;
  if (!isBytes(digest, CONTENT_DIGEST_BYTES)) return null;
  if (content !== null && !(content instanceof Uint8Array)) return null;
  return { client, sequence, digest, tick, outcome, content };
}

function isId(value: CborValue | undefined): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= ID_MAX;
}

function isArgument(value: CborValue): value is ArgumentValue {
  if (typeof value === 'string') return value.length <= ID_MAX;
  return typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));
}
