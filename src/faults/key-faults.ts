/**
 * Faults of keys: a replica whose keys are changed while it runs, as by another key file. Its peers have theirs as before, so
 * what follows is between the two ends of each link. The epoch that a replica rotates to is computed from the one that
 * it holds: replicas struck alike come to the same secrets without a word between them.
 */
import { deriveFaultSecret } from '../wire/derive-keys.js';
import type { EpochKeys, PrincipalKeys } from '../wire/keys.js';
import type { FaultContext, FaultWrapper } from './wrapper.js';

/** What it does is done at once. */
const MOMENT_MS = 1;

/** `key-rotate`: the next key epoch beside the one held; what is older ends. It stays so when the fault is over. */
export function buildKeyRotate({ count, host }: FaultContext): FaultWrapper {
  count();
  return { lastsMs: MOMENT_MS, strike: () => host.exchangeKeys?.(advanceKeys) };
}

/** `key-expire`: the next key epoch alone, before anybody else has it: the epoch that is shared with others has ended. */
export function buildKeyExpire(context: FaultContext): FaultWrapper {
  return exchangeFor(context, (keys) => ({ ...advanceKeys(keys), previous: null }));
}

/** `key-revoke`: secrets that nobody shares any more, under the number of the epoch that others hold. */
export function buildKeyRevoke(context: FaultContext): FaultWrapper {
  return exchangeFor(context, (keys) => ({ ...keys, rows: deriveRows(keys), previous: null }));
}

/** Other keys until it ends; then those before, unless still others have come in between. */
function exchangeFor(
  { count, host }: FaultContext,
  change: (keys: PrincipalKeys) => PrincipalKeys,
): FaultWrapper {
  count();
  let before: PrincipalKeys | null = null;
  let during: PrincipalKeys | null = null;
  return {
    stopsTicks: true,
    strike: () =>
      host.exchangeKeys?.((keys) => {
        before = keys;
        during = change(keys);
        return during;
      }),
    end: () => host.exchangeKeys?.((keys) => (keys === during && before !== null ? before : keys)),
  };
}

/** The epoch after the newest, and the newest beside it. Signature keys stay: their epoch is bound by what they sign. */
function advanceKeys(keys: PrincipalKeys): PrincipalKeys {
  const { keyEpoch, rows, signing } = keys;
  const previous: EpochKeys = { keyEpoch, rows, signing };
  return { ...keys, keyEpoch: keyEpoch + 1, rows: deriveRows(keys), previous };
}

function deriveRows({ rigId, keyEpoch, rows }: PrincipalKeys): EpochKeys['rows'] {
  return new Map([...rows].map(([peer, secret]) => [peer, deriveFaultSecret(secret, rigId, keyEpoch + 1)]));
}
