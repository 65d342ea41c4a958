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

/** What one principal holds. */
export interface PrincipalKeys {
  readonly rigId: string;
  readonly principal: Principal;
  readonly keyEpoch: number;
  /** Pair secret by peer, 32 bytes each. */
  readonly rows: ReadonlyMap<Principal, Uint8Array>;
  /** Present exactly where the rig's hypothesis has signatures. */
  readonly signing: SigningKeys | null;
}

export interface SigningKeys {
  /** Ed25519 seed, 32 bytes; null for principals that sign nothing. */
  readonly privateKey: Uint8Array | null;
  /** Ed25519 public key of every replica by id, 32 bytes each. */
  readonly publicKeys: ReadonlyMap<Principal, Uint8Array>;
}

/** Key epoch of freshly generated keys. */
export const FIRST_KEY_EPOCH = 1;

export interface PrincipalPart {
  readonly id: Principal;
  readonly kind: PrincipalKind;
}

/** Everybody who has keys in this rig: replicas, actuators, operators, observers, each in the rig's order. */
export function listPrincipals(rig: Rig): readonly PrincipalPart[] {
  const name = (kind: PrincipalKind, ids: readonly string[]): PrincipalPart[] =>
    ids.map((id) => ({ id, kind }));
  return [
    ...name(
      'replica',
      rig.replicas.map(({ id }) => id),
    ),
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
  const principals = listPrincipals(rig);
  const rows = new Map<Principal, Map<Principal, Uint8Array>>(principals.map(({ id }) => [id, new Map()]));
  for (const [at, a] of principals.entries()) {
    for (const b of principals.slice(at + 1)) {
      if (!sharesSecret(a.kind, b.kind)) continue;
      const secret = entropy.bytes(PAIR_SECRET_BYTES);
      rows.get(a.id)?.set(b.id, secret);
      rows.get(b.id)?.set(a.id, secret);
    }
  }
  const isSigned = rig.hypothesis.kind === 'byzantine' && rig.hypothesis.authenticators === 'signature';
  const seeds = new Map<Principal, Uint8Array>();
  if (isSigned) for (const { id } of rig.replicas) seeds.set(id, entropy.bytes(ED25519_KEY_BYTES));
  const publicKeys = new Map([...seeds].map(([id, seed]) => [id, derivePublicKey(seed)]));
  return principals.map(({ id }) => ({
    rigId: rig.id,
    principal: id,
    keyEpoch: FIRST_KEY_EPOCH,
    rows: rows.get(id) as Map<Principal, Uint8Array>,
    signing: isSigned ? { privateKey: seeds.get(id) ?? null, publicKeys } : null,
  }));
}

/**
 * The password with which `publisher` enters the inbox of `owner`; both can compute it. An owner's own, for an inbox at
 * an external broker, is of all its rows: it alone can compute that one. Throws `RangeError` when these keys have no row
 * for the other of the two.
 */
export function readBrokerPassword(keys: PrincipalKeys, publisher: Principal, owner: Principal): string {
  const { rigId, keyEpoch } = keys;
  if (publisher === owner) {
    if (keys.principal !== owner)
      throw new RangeError(`only ${owner} itself can compute its own password, not ${keys.principal}`);
    return deriveBrokerPassword(joinRows(keys), rigId, keyEpoch, owner, owner);
  }
  const peer = keys.principal === publisher ? owner : publisher;
  const secret = keys.rows.get(peer);
  if (secret === undefined) throw new RangeError(`the keys of ${keys.principal} have no row for ${peer}`);
  return deriveBrokerPassword(secret, rigId, keyEpoch, publisher, owner);
}

/** All secrets of a principal, in the order of its peers' names. */
function joinRows(keys: PrincipalKeys): Uint8Array {
  const peers = [...keys.rows.keys()].sort();
  const joined = new Uint8Array(peers.length * PAIR_SECRET_BYTES);
  peers.forEach((peer, at) => joined.set(keys.rows.get(peer) as Uint8Array, at * PAIR_SECRET_BYTES));
  return joined;
}
