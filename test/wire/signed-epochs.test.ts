import { describe, expect, test } from 'vitest';
import type { RelayItem } from '../../src/core/types.js';
import { replaceKeys, retireKeys, revokeKeys, rotateKeys } from '../../src/wire/change-keys.js';
import { generateKeys, type PrincipalKeys } from '../../src/wire/keys.js';
import {
  createSignedChains,
  listSigningEpochs,
  type ChainScope,
  type SignedChains,
} from '../../src/wire/signed-chain.js';
import { DIGESTS } from './link-net.js';
import { makeRig, seededEntropy } from './make-rig.js';

const rig = makeRig({ replicas: 4, hypothesis: { kind: 'byzantine', f: 1, authenticators: 'signature' } });
const entropy = seededEntropy('signed rotation');
const VALUE = Uint8Array.from([1, 2, 3]);
const RUN = new Uint8Array(16).fill(1);
const at = (round: number, tick = 5): ChainScope => ({ tick, round, run: RUN });

/** Replicas a to d by index, with their files. */
class Signers {
  files: readonly PrincipalKeys[] = generateKeys(rig, seededEntropy('keys'));
  readonly chains = rig.replicas.map(
    ({ id }) => createSignedChains(rig, this.fileOf(id), DIGESTS) as SignedChains,
  );

  fileOf(id: string): PrincipalKeys {
    return this.files.find(({ principal }) => principal === id) as PrincipalKeys;
  }

  carry(...ids: string[]): void {
    for (const id of ids) {
      const index = rig.replicas.findIndex((one) => one.id === id);
      this.of(index).renew(listSigningEpochs(rig, this.fileOf(id)));
    }
  }

  of(index: number): SignedChains {
    return this.chains[index] as SignedChains;
  }

  /** Which of the others take a value that went along this path. */
  takenBy(path: readonly number[], tick = 5): number[] {
    let item: RelayItem & { value: Uint8Array } = { path: [], value: VALUE };
    for (const [hop, signer] of path.entries()) {
      const before = path.slice(0, hop);
      if (hop > 0 && !this.of(signer).verify(at(hop, tick), path[hop - 1] as number, item)) return [];
      item = {
        path: before,
        value: VALUE,
        proof: this.of(signer).extend(at(hop + 1, tick), { ...item, path: before }),
      };
    }
    const sender = path.at(-1) as number;
    return [0, 1, 2, 3].filter(
      (receiver) => !path.includes(receiver) && this.of(receiver).verify(at(path.length, tick), sender, item),
    );
  }
}

describe('signatures in two epochs', () => {
  test('whoever has its new file signs under the old epoch until told that all have shown the new one', () => {
    const signers = new Signers();
    signers.files = rotateKeys(rig, signers.files, entropy);
    for (const [carried, id] of ['a', 'b', 'c', 'd'].entries()) {
      signers.carry(id);
      for (const commander of [0, 1, 2, 3])
        expect(signers.takenBy([commander], carried + 1)).toEqual(
          [0, 1, 2, 3].filter((other) => other !== commander),
        );
      expect(signers.takenBy([0, 1], 10 + carried)).toEqual([2, 3]);
      expect(signers.takenBy([3, 0], 20 + carried)).toEqual([1, 2]);
    }
    // Not all in the same tick: each switches when it knows.
    for (const [switched, chains] of signers.chains.entries()) {
      chains.signUnder(2);
      expect(signers.takenBy([switched], 30 + switched)).toHaveLength(3);
      expect(signers.takenBy([0, 1], 40 + switched)).toEqual([2, 3]);
      expect(signers.takenBy([2, 3], 50 + switched)).toEqual([0, 1]);
      expect(signers.takenBy([3, 0], 60 + switched)).toEqual([1, 2]);
    }
    signers.files = retireKeys(signers.files);
    signers.carry('a', 'b', 'c', 'd');
    for (const chains of signers.chains) expect(chains.listEpochs()).toEqual([2]);
    expect(signers.takenBy([1, 2], 70)).toEqual([0, 3]);
  });

  test('under a newer epoch it holds for those who have it, and for nobody else', () => {
    const signers = new Signers();
    signers.files = rotateKeys(rig, signers.files, entropy);
    signers.carry('a', 'b');
    signers.of(0).signUnder(2);
    expect(signers.takenBy([0])).toEqual([1]);
  });

  test('an epoch that has ended counts for those who may not have heard, until they speak under a newer one', () => {
    const signers = new Signers();
    signers.files = rotateKeys(rig, signers.files, entropy);
    signers.carry('a', 'b', 'c', 'd');
    // d, say, was away: nobody saw it under epoch 2, so all still sign under epoch 1 when b has its next file.
    signers.files = rotateKeys(rig, signers.files, entropy);
    signers.carry('b');
    expect(signers.of(1).listEpochs()).toEqual([3, 2]);
    expect(signers.takenBy([0])).toEqual([1, 2, 3]);
    expect(signers.takenBy([1], 6)).toEqual([0, 2, 3]);
    signers.of(1).noteMovedOn(0);
    expect(signers.takenBy([0], 7)).toEqual([2, 3]);
    expect(signers.takenBy([2], 8)).toEqual([0, 1, 3]);
  });

  test('what a revoked replica signed counts for all alike until its epoch ends, and then for nobody', () => {
    const signers = new Signers();
    const everybody = signers.files;
    signers.files = revokeKeys(rig, everybody, 'c', entropy);
    signers.carry('a', 'b');
    // d has not heard of it and relays it: all must judge that alike.
    expect(signers.takenBy([2, 3])).toEqual([0, 1]);
    signers.carry('d');
    for (const index of [0, 1, 3]) signers.of(index).signUnder(2);
    expect(signers.takenBy([0, 1], 6)).toEqual([3]);
    signers.files = retireKeys(signers.files);
    signers.carry('a', 'b', 'd');
    for (const index of [0, 1, 3]) signers.of(index).noteMovedOn(2);
    expect(signers.takenBy([2], 7)).toEqual([]);
  });

  test('a replaced replica follows what others sign under the epoch before, and signs under the new one alone', () => {
    const signers = new Signers();
    signers.files = replaceKeys(rig, signers.files, 'c', entropy);
    expect(signers.fileOf('c').previous?.signing?.privateKey).toBeNull();
    expect(signers.fileOf('c').previous?.rows.size).toBe(0);
    signers.carry('a', 'b', 'd', 'c');
    expect(signers.takenBy([0, 1])).toEqual([2, 3]);
    expect(signers.takenBy([2, 0], 6)).toEqual([1, 3]);
  });
});
