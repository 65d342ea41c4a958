/** The signature chains of all replicas of a rig, for tests. */
import { derivePublicKey } from '../../src/wire/ed25519.js';
import { SignedChains } from '../../src/wire/signed-chain.js';
import { fakeDigest, seededEntropy } from './make-rig.js';

/** One `SignedChains` per replica, by index. */
export function makeSignedReplicas(
  n: number,
  rigId = 'rig',
  configDigest = fakeDigest('config'),
): SignedChains[] {
  const entropy = seededEntropy('signers');
  const seeds = Array.from({ length: n }, () => entropy.bytes(32));
  const publicKeys = seeds.map((seed) => derivePublicKey(seed));
  return seeds.map(
    (privateKey, self) =>
      new SignedChains({ rigId, configDigest, keyEpoch: 1, self, privateKey, publicKeys }),
  );
}
