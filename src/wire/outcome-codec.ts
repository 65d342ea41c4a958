/** What a request of an operator came to, as one CBOR item: true (done), null (lapsed) or why it was refused. */
import type { RequestOutcome } from '../core/types.js';
import type { CborValue } from './cbor.js';
import { REASON_MAX_BYTES } from './limits.js';

/** The item of an outcome. */
export function encodeOutcome(outcome: RequestOutcome): CborValue {
  return outcome.kind === 'done' ? true : outcome.kind === 'lapsed' ? null : outcome.reason;
}

/** The outcome; null for any other item. */
export function readOutcome(item: CborValue | undefined): RequestOutcome | null {
  if (item === true) return { kind: 'done' };
  if (item === null) return { kind: 'lapsed' };
  return typeof item === 'string' && Buffer.byteLength(item) <= REASON_MAX_BYTES
    ? { kind: 'refused', reason: item }
    : null;
}
