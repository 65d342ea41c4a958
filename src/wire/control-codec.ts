/**
 * Requests of operators and the answers to them: `[sequence, text]` and `[sequence, ok, text]`. The text of a
 * request is in the fault grammar (`NAME on TARGET … at TICK`); what it means is decided elsewhere.
 * Decoding never throws.
 */
import { decodeCbor, encodeCbor } from './cbor.js';
import { ANSWER_TEXT_MAX_BYTES, CONTROL_TEXT_MAX_BYTES } from './limits.js';
import { isCount, isList } from './schema.js';

export interface ControlRequest {
  /** Chosen by the operator; the answer repeats it. */
  readonly sequence: number;
  /** At most `CONTROL_TEXT_MAX_BYTES` in UTF-8. */
  readonly text: string;
}

export interface ControlAnswer {
  readonly sequence: number;
  readonly ok: boolean;
  /** What was done, or what is wrong and its cure. */
  readonly text: string;
}

/** Bytes of a request. Throws `RangeError` when the text is longer than the wire carries. */
export function encodeControlRequest(request: ControlRequest): Uint8Array {
  const length = Buffer.byteLength(request.text);
  if (length > CONTROL_TEXT_MAX_BYTES) {
    throw new RangeError(
      `the request is ${length} bytes long; at most ${CONTROL_TEXT_MAX_BYTES} can be sent`,
    );
  }
  return encodeCbor([request.sequence, request.text]);
}

/** The request, or null for anything else. */
export function decodeControlRequest(bytes: Uint8Array): ControlRequest | null {
  const decoded = decodeCbor(bytes);
  if (!decoded.ok || !isList(decoded.value, 2)) return null;
  const [sequence, text] = decoded.value;
  if (!isCount(sequence) || typeof text !== 'string' || Buffer.byteLength(text) > CONTROL_TEXT_MAX_BYTES)
    return null;
  return { sequence, text };
}

/** Bytes of an answer; a text that is too long is cut, at a character, and ends in `…`. */
export function encodeControlAnswer(answer: ControlAnswer): Uint8Array {
  return encodeCbor([answer.sequence, answer.ok, cutText(answer.text, ANSWER_TEXT_MAX_BYTES)]);
}

/** The answer, or null for anything else. */
export function decodeControlAnswer(bytes: Uint8Array): ControlAnswer | null {
  const decoded = decodeCbor(bytes);
  if (!decoded.ok || !isList(decoded.value, 3)) return null;
  const [sequence, ok, text] = decoded.value;
  if (!isCount(sequence) || typeof ok !== 'boolean') return null;
  if (typeof text !== 'string' || Buffer.byteLength(text) > ANSWER_TEXT_MAX_BYTES) return null;
  return { sequence, ok, text };
}

function cutText(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  const kept: string[] = [];
  let left = maxBytes - Buffer.byteLength('…');
  for (const character of text) {
    left -= Buffer.byteLength(character);
    if (left < 0) break;
    kept.push(character);
  }
  return `${kept.join('')}…`;
}
