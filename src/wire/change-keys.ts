/**
 * What becomes of the keys of a whole rig when they are rotated, retired, revoked or replaced. Whoever keeps the key
 * files runs it over all of them; the parts of the rig see nothing but their own new file.
 *
 * A new epoch always overlaps with one that every file holds, so that files may be carried to their boards one by one
 * and in any order. That holds after an interrupted change too, when some files are one epoch ahead of the others.
 * Nothing here touches a disk.
 */
import type { Entropy, Principal } from '../ports.js';
import type { Rig } from '../rig/rig.js';
import { generateEpoch, listEpochs, type EpochKeys, type PrincipalKeys } from './keys.js';

/** The newest epoch that all of them hold; null where there is none, and so they are not of one set. */
export function findCommonEpoch(held: readonly PrincipalKeys[]): number | null {
  const [first, ...others] = held.map((keys) => listEpochs(keys).map(({ keyEpoch }) => keyEpoch));
  return first?.find((epoch) => others.every((epochs) => epochs.includes(epoch))) ?? null;
}

/** Everybody whom any of them takes for revoked. */
export function listRevoked(held: readonly PrincipalKeys[]): ReadonlySet<Principal> {
  return new Set(held.flatMap(({ revoked }) => [...revoked]));
}

/**
 * A fresh epoch for everybody beside the newest that all hold; what is older ends. `held`: the keys of everybody who is not
 * revoked. Throws `RangeError` where they have no epoch in common.
 */
export function rotateKeys(
  rig: Rig,
  held: readonly PrincipalKeys[],
  entropy: Entropy,
): readonly PrincipalKeys[] {
  return addEpoch(rig, held, listRevoked(held), new Set(), entropy);
}

/** The newest epoch that all hold alone; the overlap is over. Throws `RangeError` where they have none in common. */
export function retireKeys(held: readonly PrincipalKeys[]): readonly PrincipalKeys[] {
  const common = requireCommonEpoch(held);
  const revoked = listRevoked(held);
  return held.map((keys) => ({ ...keys, ...requireEpoch(keys, common), previous: null, revoked }));
}

/**
 * A fresh epoch without `principal`, and the one before without its row: it shares a secret with nobody any more. Its
 * public key of the epoch before stays until that ends: as long as some replica has not heard of it, all must judge
 * what that one relays alike. Answers with the keys of everybody else.
 */
export function revokeKeys(
  rig: Rig,
  held: readonly PrincipalKeys[],
  principal: Principal,
  entropy: Entropy,
): readonly PrincipalKeys[] {
  const others = held.filter((keys) => keys.principal !== principal);
  return addEpoch(rig, others, new Set([...listRevoked(held), principal]), new Set([principal]), entropy);
}

/**
 * A fresh epoch in which `principal`, revoked or not, has new keys; with its old row nobody can speak any more. Of the
 * epoch before it has nothing but the public keys, with which it can follow what others still sign.
 */
export function replaceKeys(
  rig: Rig,
  held: readonly PrincipalKeys[],
  principal: Principal,
  entropy: Entropy,
): readonly PrincipalKeys[] {
  const others = held.filter((keys) => keys.principal !== principal);
  const revoked = new Set(listRevoked(held));
  revoked.delete(principal);
  return addEpoch(rig, others, revoked, new Set([principal]), entropy);
}

/**
 * The new epoch is everybody's but that of the revoked; the one before is kept without the rows of `forgotten`, who have
 * no part in it themselves.
 */
function addEpoch(
  rig: Rig,
  held: readonly PrincipalKeys[],
  revoked: ReadonlySet<Principal>,
  forgotten: ReadonlySet<Principal>,
  entropy: Entropy,
): readonly PrincipalKeys[] {
  const common = requireCommonEpoch(held);
  const keyEpoch = Math.max(...held.map((keys) => keys.keyEpoch)) + 1;
  const kept = new Map(held.map((keys) => [keys.principal, requireEpoch(keys, common)]));
  const [anyone] = kept.values();
  const fresh = generateEpoch(rig, keyEpoch, revoked, entropy);
  return [...fresh].map(([principal, epoch]) => {
    const before = kept.get(principal);
    return {
      ...epoch,
      rigId: rig.id,
      principal,
      previous: before === undefined ? followOnly(anyone) : withoutRows(before, forgotten),
      revoked,
    };
  });
}

function withoutRows(epoch: EpochKeys, forgotten: ReadonlySet<Principal>): EpochKeys {
  return { ...epoch, rows: new Map([...epoch.rows].filter(([peer]) => !forgotten.has(peer))) };
}

/** The public part of an epoch, where it has one. */
function followOnly(epoch: EpochKeys | undefined): EpochKeys | null {
  const signing = epoch?.signing ?? null;
  if (epoch === undefined || signing === null) return null;
  const { keyEpoch } = epoch;
  return { keyEpoch, rows: new Map(), signing: { privateKey: null, publicKeys: signing.publicKeys } };
}

function requireCommonEpoch(held: readonly PrincipalKeys[]): number {
  const common = findCommonEpoch(held);
  if (common === null) throw new RangeError('these keys have no epoch in common: they are not of one set');
  return common;
}

function requireEpoch(keys: PrincipalKeys, keyEpoch: number): EpochKeys {
  const found = listEpochs(keys).find((epoch) => epoch.keyEpoch === keyEpoch);
  if (found === undefined) throw new RangeError(`${keys.principal} does not hold key epoch ${keyEpoch}`);
  const { rows, signing } = found;
  return { keyEpoch, rows, signing };
}
