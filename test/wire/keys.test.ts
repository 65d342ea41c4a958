import { describe, expect, test } from 'vitest';
import {
  generateKeys,
  listPeers,
  listPrincipals,
  readBrokerPassword,
  type PrincipalKeys,
} from '../../src/wire/keys.js';
import { derivePublicKey } from '../../src/wire/ed25519.js';
import { listPurposes } from '../../src/wire/purposes.js';
import { makeRig, seededEntropy } from './make-rig.js';

const rig = makeRig();
const all = generateKeys(rig, seededEntropy('keys'));
const of = (id: string): PrincipalKeys => all.find(({ principal }) => principal === id) as PrincipalKeys;

describe('generated keys', () => {
  test('one set for everybody, each with its own row only, both ends of a pair alike', () => {
    expect(all.map(({ principal }) => principal)).toEqual([
      'a',
      'b',
      'c',
      'd',
      'elevator',
      'operator',
      'watch',
    ]);
    for (const keys of all) {
      expect([...keys.rows.keys()]).toEqual(listPeers(rig, keys.principal).map(({ id }) => id));
      for (const [peer, secret] of keys.rows) {
        expect(secret).toHaveLength(32);
        expect(of(peer).rows.get(keys.principal)).toEqual(secret);
      }
    }
    expect([...of('watch').rows.keys()]).not.toContain('operator');
  });

  test('a witness shares secrets with the replicas, and with those who may listen; never with an actuator', () => {
    const witnessed = makeRig({ replicas: 2, witness: 'w' });
    expect(listPrincipals(witnessed).map(({ id }) => id)).toEqual([
      'a',
      'b',
      'w',
      'elevator',
      'operator',
      'watch',
    ]);
    expect(listPeers(witnessed, 'w').map(({ id }) => id)).toEqual(['a', 'b', 'operator', 'watch']);
    expect(listPurposes('witness', 'replica')).toEqual(['order']);
    expect(listPurposes('replica', 'witness')).toEqual(['order']);
  });

  test('no two pairs share a secret', () => {
    const secrets = new Set(
      all.flatMap(({ rows }) => [...rows.values()].map((secret) => Buffer.from(secret).toString('hex'))),
    );
    const rows = all.reduce((sum, keys) => sum + keys.rows.size, 0);
    expect(secrets.size).toBe(rows / 2);
  });

  test('signature keys exist exactly where the rig signs, and public keys are everybody’s', () => {
    expect(all.every(({ signing }) => signing === null)).toBe(true);
    const signedRig = makeRig({
      replicas: 3,
      hypothesis: { kind: 'byzantine', f: 1, authenticators: 'signature' },
    });
    const signed = generateKeys(signedRig, seededEntropy('keys'));
    for (const keys of signed) {
      expect(keys.signing?.publicKeys.size).toBe(3);
      const isReplica = signedRig.replicas.some(({ id }) => id === keys.principal);
      expect(keys.signing?.privateKey === null).toBe(!isReplica);
      const seed = keys.signing?.privateKey ?? null;
      if (seed !== null) expect(keys.signing?.publicKeys.get(keys.principal)).toEqual(derivePublicKey(seed));
    }
  });

  test('an unknown principal is named together with those that there are', () => {
    expect(() => listPeers(rig, 'e')).toThrow(
      /no principal "e"; it has a, b, c, d, elevator, operator, watch/,
    );
    expect(listPrincipals(rig)).toHaveLength(7);
  });
});

describe('broker passwords', () => {
  test('both ends compute the same; no two inboxes, publishers or directions share one', () => {
    const passwords = new Set<string>();
    let count = 0;
    for (const keys of all) {
      for (const peer of keys.rows.keys()) {
        const password = readBrokerPassword(keys, keys.principal, peer);
        expect(password).toBe(readBrokerPassword(of(peer), keys.principal, peer));
        expect(password).toMatch(/^[A-Za-z0-9_-]{43}$/);
        passwords.add(password);
        count += 1;
      }
    }
    expect(passwords.size).toBe(count);
  });

  test('an owner has one of its own, which nobody else can compute', () => {
    const own = readBrokerPassword(of('a'), 'a', 'a');
    expect(own).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(own).toBe(
      readBrokerPassword({ ...of('a'), rows: new Map([...of('a').rows].reverse()) }, 'a', 'a'),
    );
    expect(own).not.toBe(readBrokerPassword(of('b'), 'b', 'b'));
    expect(() => readBrokerPassword(of('b'), 'a', 'a')).toThrow(/only a itself/);
  });

  test('without a row there is none', () => {
    expect(() => readBrokerPassword(of('watch'), 'watch', 'operator')).toThrow(/no row for operator/);
  });
});
