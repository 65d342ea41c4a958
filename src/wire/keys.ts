/**
 * Who holds which secrets. Every pair that has something to say to each other shares one secret of 32 bytes, and
 * every principal holds its own row only: with a rig-wide key any replica could forge any other. In signed mode
 * each replica has an Ed25519 seed too, and everybody knows the public keys.
 * Nothing here touches a disk; `store/key-file.ts` does.
 */
import type { Entropy, Principal } from '../ports.js';
import type { Rig } from '../rig/rig.js';
import { deriveBrokerPassword, PAIR_SECRET_BYTES } from './derive-keys.js';
import { derivePublicKey, ED25519_KEY_BYTES } from './ed25519.js';
import { sharesSecret, type PrincipalKind } from './purposes.js';

/** What one principal holds of one key epoch. Epochs are numbered upwards; no clock says when one begins or ends. */
export interface EpochKeys {
  readonly keyEpoch: number;
  /** Pair secret by peer, 32 bytes each; none for peers that this epoch leaves out. */
  readonly rows: ReadonlyMap<Principal, Uint8Array>;
  /** Present exactly where the rig's hypothesis has signatures. */
  readonly signing: SigningKeys | null;
}

/** What one principal holds: its newest key epoch, and while two overlap the one before. */
export interface PrincipalKeys extends EpochKeys {
  readonly rigId: string;
  readonly principal: Principal;
  readonly previous: EpochKeys | null;
  /** Those whose keys are worth nothing any more; this one shares no secret with them, in either epoch. */
  readonly revoked: ReadonlySet<Principal>;
}

export interface SigningKeys {
  /** Ed25519 seed, 32 bytes; null for principals that sign nothing in this epoch. */
  readonly privateKey: Uint8Array | null;
  /** Ed25519 public key of every replica of this epoch by id, 32 bytes each. */
  readonly publicKeys: ReadonlyMap<Principal, Uint8Array>;
}

/** Key epoch of freshly generated keys. */
export const FIRST_KEY_EPOCH = 1;

export interface PrincipalPart {
  readonly id: Principal;
  readonly kind: PrincipalKind;
}

/** Everybody who has keys in this rig: replicas, the witness, actuators, operators, observers, each in the rig's order. */
export function listPrincipals(rig: Rig): readonly PrincipalPart[] {
  const name = (kind: PrincipalKind, ids: readonly string[]): PrincipalPart[] =>
    ids.map((id) => ({ id, kind }));
  return [
    ...name(
      'replica',
      rig.replicas.map(({ id }) => id),
    ),
    ...name('witness', rig.witness === null ? [] : [rig.witness.id]),
    ...name(
      'actuator',
      rig.actuators.map(({ id }) => id),
    ),
    ...name('operator', rig.operators),
    ...name('observer', rig.observers),
  ];
}

/** Those that `self` shares a secret with. Throws `RangeError` when the rig knows no such principal. */
export function listPeers(rig: Rig, self: Principal): readonly PrincipalPart[] {
  const all = listPrincipals(rig);
  const own = all.find(({ id }) => id === self);
  if (own === undefined) {
    throw new RangeError(
      `rig ${rig.id} has no principal "${self}"; it has ${all.map(({ id }) => id).join(', ')}`,
    );
  }
  return all.filter(({ id, kind }) => id !== self && sharesSecret(own.kind, kind));
}

/** Fresh keys for everybody, in the order of `listPrincipals`. */
export function generateKeys(rig: Rig, entropy: Entropy): readonly PrincipalKeys[] {
  const epoch = generateEpoch(rig, FIRST_KEY_EPOCH, new Set(), entropy);
  return [...epoch].map(([principal, keys]) => ({
    ...keys,
    rigId: rig.id,
    principal,
    previous: null,
    revoked: new Set(),
  }));
}

/** Fresh keys of one epoch for everybody but those left out, in the order of `listPrincipals`. */
export function generateEpoch(
  rig: Rig,
  keyEpoch: number,
  leftOut: ReadonlySet<Principal>,
  entropy: Entropy,
): ReadonlyMap<Principal, EpochKeys> {
  const principals = listPrincipals(rig).filter(({ id }) => !leftOut.has(id));
  const rows = new Map<Principal, Map<Principal, Uint8Array>>(principals.map(({ id }) => [id, new Map()]));
  for (const [at, a] of principals.entries()) {
    for (const b of principals.slice(at + 1)) {
      if (!sharesSecret(a.kind, b.kind)) continue;
      const secret = entropy.bytes(PAIR_SECRET_BYTES);
      rows.get(a.id)?.set(b.id, secret);
      rows.get(b.id)?.set(a.id, secret);
    }
  }
  const seeds = new Map<Principal, Uint8Array>();
  if (isSignedRig(rig)) {
    for (const { id, kind } of principals)
      if (kind === 'replica') seeds.set(id, entropy.bytes(ED25519_KEY_BYTES));
  }
  const publicKeys = new Map([...seeds].map(([id, seed]) => [id, derivePublicKey(seed)]));
  return new Map(
    [...rows].map(([id, row]) => [
      id,
      {
        keyEpoch,
        rows: row,
        signing: isSignedRig(rig) ? { privateKey: seeds.get(id) ?? null, publicKeys } : null,
      },
    ]),
  );
}

/** Whether the rig's hypothesis has signatures. */
export function isSignedRig(rig: Rig): boolean {
  return rig.hypothesis.kind === 'byzantine' && rig.hypothesis.authenticators === 'signature';
}

/** The epochs that a principal holds, newest first. */
export function listEpochs(keys: PrincipalKeys): readonly EpochKeys[] {
  return keys.previous === null ? [keys] : [keys, keys.previous];
}

/** The same in words: `key epoch 2`, or `key epochs 3 and 2` while two overlap. */
export function nameEpochs(keys: PrincipalKeys): string {
  const { keyEpoch, previous } = keys;
  return previous === null ? `key epoch ${keyEpoch}` : `key epochs ${keyEpoch} and ${previous.keyEpoch}`;
}

/** What a principal holds, in a phrase without secrets: its epochs, and who is revoked. */
export function describeKeys(keys: PrincipalKeys): string {
  const revoked = [...keys.revoked].sort().join(', ');
  return revoked === '' ? nameEpochs(keys) : `${nameEpochs(keys)}; revoked: ${revoked}`;
}

/**
 * The password with which `publisher` enters the inbox of `owner` in this principal's newest key epoch; both can compute it.
 * An owner's own, for an inbox at an external broker, is of all its rows: it alone can compute that one. Throws
 * `RangeError` when these keys have no row for the other of the two.
 */
export function readBrokerPassword(keys: PrincipalKeys, publisher: Principal, owner: Principal): string {
  const [password] = listBrokerPasswords(keys, publisher, owner);
  if (password !== undefined) return password;
  const peer = keys.principal === publisher ? owner : publisher;
  throw new RangeError(`the keys of ${keys.principal} have no row for ${peer}`);
}

/** The same of every epoch that has it, newest first. Throws `RangeError` for another owner's own. */
export function listBrokerPasswords(
  keys: PrincipalKeys,
  publisher: Principal,
  owner: Principal,
): readonly string[] {
  const { rigId, principal } = keys;
  if (publisher === owner && principal !== owner)
    throw new RangeError(`only ${owner} itself can compute its own password, not ${principal}`);
  const peer = principal === publisher ? owner : publisher;
  return listEpochs(keys).flatMap(({ keyEpoch, rows }) => {
    const secret = publisher === owner ? joinRows(rows) : rows.get(peer);
    return secret === undefined ? [] : [deriveBrokerPassword(secret, rigId, keyEpoch, publisher, owner)];
  });
}

/** All secrets of a principal, in the order of its peers' names. */
function joinRows(rows: EpochKeys['rows']): Uint8Array {
  const peers = [...rows.keys()].sort();
  const joined = new Uint8Array(peers.length * PAIR_SECRET_BYTES);
  peers.forEach((peer, at) => joined.set(rows.get(peer) as Uint8Array, at * PAIR_SECRET_BYTES));
  return joined;
}
