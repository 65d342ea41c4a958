/**
 * The order to go on with other keys, as a plain value: a process that is recorded obeys it through its recording, so that a
 * replay is given the same keys at the same moment. It holds every secret in the open and never leaves the process but for
 * a recording, which holds the keys of its flight anyway.
 */
import { fromKeyRecord, toKeyRecord } from '../store/key-file.js';
import type { PrincipalKeys } from '../wire/keys.js';

export interface KeysOrder {
  readonly kind: 'keys';
  /** As `toKeyRecord` makes it. */
  readonly keys: object;
}

/** The order to go on with these keys. */
export function makeKeysOrder(keys: PrincipalKeys): KeysOrder {
  return { kind: 'keys', keys: toKeyRecord(keys) };
}

/** The keys of such an order; null for any other message. */
export function readKeysOrder(message: unknown): PrincipalKeys | null {
  if (typeof message !== 'object' || message === null || !('kind' in message) || !('keys' in message))
    return null;
  return message.kind === 'keys' ? fromKeyRecord(message.keys) : null;
}
