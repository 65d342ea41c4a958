import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  findCommonEpoch,
  listRevoked,
  replaceKeys,
  retireKeys,
  revokeKeys,
  rotateKeys,
} from '../../src/wire/change-keys.js';
import { generateKeys, listEpochs, type PrincipalKeys } from '../../src/wire/keys.js';
import { makeRig, seededEntropy } from './make-rig.js';

const rig = makeRig();
const generate = (): readonly PrincipalKeys[] => generateKeys(rig, seededEntropy('keys'));
const of = (held: readonly PrincipalKeys[], id: string): PrincipalKeys =>
  held.find(({ principal }) => principal === id) as PrincipalKeys;

/** Both ends of every pair have the same secret in every epoch that both have it in; no secret serves twice. */
function expectConsistent(held: readonly PrincipalKeys[]): void {
  const uses = new Map<string, string>();
  for (const keys of held) {
    for (const { keyEpoch, rows } of listEpochs(keys)) {
      for (const [peer, secret] of rows) {
        const theirs = held
          .filter(({ principal }) => principal === peer)
          .flatMap((other) => listEpochs(other))
          .find((epoch) => epoch.keyEpoch === keyEpoch);
        if (theirs !== undefined) expect(theirs.rows.get(keys.principal)).toEqual(secret);
        const pair = `${[keys.principal, peer].sort().join(' ')} ${keyEpoch}`;
        const hex = Buffer.from(secret).toString('hex');
        expect(uses.get(hex) ?? pair).toBe(pair);
        uses.set(hex, pair);
      }
    }
  }
}

describe('changing the keys of a rig', () => {
  test('a rotation adds an epoch beside the newest and drops what is older', () => {
    const once = rotateKeys(rig, generate(), seededEntropy('one'));
    const twice = rotateKeys(rig, once, seededEntropy('two'));
    for (const keys of once) expect(listEpochs(keys).map(({ keyEpoch }) => keyEpoch)).toEqual([2, 1]);
    for (const keys of twice) {
      expect(listEpochs(keys).map(({ keyEpoch }) => keyEpoch)).toEqual([3, 2]);
      expect(keys.previous?.rows).toEqual(of(once, keys.principal).rows);
    }
    expectConsistent(twice);
  });

  test('interrupted anywhere, all still have an epoch in common, and the same again does the rest', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 7 }), { minLength: 1, maxLength: 6 }), (interruptions) => {
        let files = rotateKeys(rig, generate(), seededEntropy('first'));
        for (const [at, written] of interruptions.entries()) {
          const next = rotateKeys(rig, files, seededEntropy(`change ${at}`));
          // What was common before is held by those written and by those not.
          const common = findCommonEpoch(files);
          files = files.map((keys, index) => (index < written ? (next[index] as PrincipalKeys) : keys));
          expect(findCommonEpoch(files)).not.toBeNull();
          if (written < files.length) expect(findCommonEpoch(files)).toBe(common);
        }
        const whole = rotateKeys(rig, files, seededEntropy('last'));
        expect(new Set(whole.map(({ keyEpoch }) => keyEpoch)).size).toBe(1);
        expect(findCommonEpoch(whole)).toBe(whole[0]?.keyEpoch);
        expectConsistent(whole);
      }),
    );
  });

  test('a revocation leaves no row of it with anybody, in either epoch, and lasts through rotations', () => {
    const revoked = revokeKeys(rig, generate(), 'c', seededEntropy('one'));
    const rotated = rotateKeys(rig, revoked, seededEntropy('two'));
    for (const held of [revoked, rotated]) {
      expect(held.map(({ principal }) => principal)).not.toContain('c');
      expect([...listRevoked(held)]).toEqual(['c']);
      for (const keys of held) {
        expect(keys.revoked.has('c')).toBe(true);
        for (const { rows } of listEpochs(keys)) expect(rows.has('c')).toBe(false);
      }
      expectConsistent(held);
    }
  });

  test('who is replaced has new secrets, and nothing of the epoch before', () => {
    const before = generate();
    const replaced = replaceKeys(
      rig,
      revokeKeys(rig, before, 'c', seededEntropy('one')),
      'c',
      seededEntropy('two'),
    );
    const keys = of(replaced, 'c');
    expect(keys.previous).toBeNull();
    expect([...keys.rows.keys()].sort()).toEqual([...of(before, 'c').rows.keys()].sort());
    for (const other of replaced) {
      expect(other.revoked.size).toBe(0);
      expect(other.previous?.rows.has('c') ?? false).toBe(false);
    }
    expectConsistent(replaced);
  });

  test('retiring leaves the newest that all have', () => {
    const rotated = rotateKeys(rig, generate(), seededEntropy('one'));
    expect(retireKeys(rotated).map((keys) => [keys.keyEpoch, keys.previous])).toEqual(
      rotated.map(() => [2, null]),
    );
  });

  test('keys that are not of one set are not mixed', () => {
    const [mine, ...theirs] = generate() as [PrincipalKeys, ...PrincipalKeys[]];
    expect(() => rotateKeys(rig, [{ ...mine, keyEpoch: 9 }, ...theirs], seededEntropy('one'))).toThrow(
      /no epoch in common/,
    );
  });
});
