import { describe, expect, test } from 'vitest';
import { replaceKeys, retireKeys, revokeKeys, rotateKeys } from '../../src/wire/change-keys.js';
import type { PrincipalKeys } from '../../src/wire/keys.js';
import { listLinkPeers, UPGRADE_GREETING_US } from '../../src/wire/secure-links.js';
import { LinkNet } from './link-net.js';
import { makeRig, seededEntropy } from './make-rig.js';

const PAYLOAD = Uint8Array.from([1, 2, 3]);
const rig = makeRig();
const entropy = seededEntropy('rotation');
const IDS = ['a', 'b', 'c', 'd'];

/** A rig that talks, and key files for its parts. */
class Rotation {
  readonly net = new LinkNet(rig);
  files: readonly PrincipalKeys[] = [...this.net.keys.values()];

  constructor() {
    for (const id of [...IDS, 'elevator']) this.net.start(id);
    this.net.run(3);
    this.expectTalk();
  }

  change(make: (held: readonly PrincipalKeys[]) => readonly PrincipalKeys[]): void {
    this.files = make(this.files);
  }

  /** A file reaches its part. */
  carry(...ids: string[]): void {
    for (const id of ids) {
      const keys = this.files.find(({ principal }) => principal === id) as PrincipalKeys;
      this.net.take(id, this.net.end(id).renew(listLinkPeers(rig, keys), this.net.nowUs));
    }
  }

  epochs(from: string, to: string): readonly (number | null)[] {
    return [this.net.end(from).findEpoch(to), this.net.end(to).findEpoch(from)];
  }

  /** Everybody of these hears everybody, now. */
  expectTalk(ids: readonly string[] = IDS): void {
    for (const from of ids)
      for (const to of ids)
        if (from !== to)
          expect(this.net.pass(from, to, 'round', PAYLOAD), `${from} to ${to}`).toEqual(PAYLOAD);
  }

  told(at: string): string[] {
    return this.net.events.flatMap(({ at: where, event }) =>
      where === at && event.kind === 'refused' ? [`${event.cause}: ${event.detail}`] : [],
    );
  }
}

describe('a new key epoch', () => {
  test('is taken up one by one, in any order, and after every single hello everybody hears everybody', () => {
    const rotation = new Rotation();
    const { net } = rotation;
    for (const order of [
      ['c', 'a', 'elevator', 'd', 'b'],
      ['d', 'b', 'a', 'c', 'elevator'],
    ]) {
      rotation.change((held) => rotateKeys(rig, held, entropy));
      for (const id of order) {
        rotation.carry(id);
        for (let tick = 0; tick < 12; tick += 1) {
          net.tick();
          while (net.queue.length > 0) {
            net.deliver(net.queue.shift() as (typeof net.queue)[number]);
            rotation.expectTalk();
          }
        }
      }
      const [newest] = rotation.files;
      expect(rotation.epochs('a', 'b')).toEqual([newest?.keyEpoch, newest?.keyEpoch]);
      expect(rotation.epochs('c', 'elevator')).toEqual([newest?.keyEpoch, newest?.keyEpoch]);
    }
    expect(net.end('a').refusals.sum()['expired-epoch']).toBeUndefined();
  });

  test('two ends speak under the newest that both hold', () => {
    const rotation = new Rotation();
    rotation.change((held) => rotateKeys(rig, held, entropy));
    rotation.carry('a', 'b');
    rotation.net.run(10);
    expect(rotation.epochs('a', 'b')).toEqual([2, 2]);
    expect(rotation.epochs('a', 'c')).toEqual([1, 1]);
    rotation.expectTalk();
  });

  test('a lost hello costs time, not the session', () => {
    const rotation = new Rotation();
    const { net } = rotation;
    rotation.change((held) => rotateKeys(rig, held, entropy));
    rotation.carry('a', 'b');
    for (let lost = 0; lost < 6; lost += 1) {
      net.tick();
      net.queue.shift();
      net.settle();
      rotation.expectTalk();
    }
    for (let us = 0; us <= UPGRADE_GREETING_US; us += 100_000) {
      net.tick();
      net.settle();
    }
    expect(rotation.epochs('a', 'b')).toEqual([2, 2]);
  });

  test('a part that restarts with its old file talks under the epoch before, until that has ended', () => {
    const rotation = new Rotation();
    const { net } = rotation;
    rotation.change((held) => rotateKeys(rig, held, entropy));
    rotation.carry(...IDS);
    net.run(20);
    expect(rotation.epochs('a', 'b')).toEqual([2, 2]);
    net.start('b');
    net.run(10);
    expect(rotation.epochs('b', 'a')).toEqual([1, 1]);
    rotation.expectTalk();
    net.run(20);
    rotation.expectTalk();
  });
});

describe('an epoch that has ended', () => {
  test('is refused by name, told once with the cure, and over when the newest file is there', () => {
    const rotation = new Rotation();
    const { net } = rotation;
    for (let times = 0; times < 2; times += 1) {
      rotation.change((held) => rotateKeys(rig, held, entropy));
      rotation.carry('a', 'b', 'c');
      net.run(15);
    }
    rotation.expectTalk(['a', 'b', 'c']);
    for (let times = 0; times < 5; times += 1)
      expect(net.pass('d', 'a', 'round', PAYLOAD)).toBe('expired-epoch');
    // It cannot be talked to, and is not: nothing is sealed that it could not open.
    expect(net.pass('a', 'd', 'round', PAYLOAD)).toBe('no frame');
    net.run(3);
    expect(rotation.told('a')).toEqual([
      'expired-epoch: d speaks under key epoch 1, and a holds 3 and 2; carry the newest key file to d',
    ]);
    expect(net.end('a').refusals.read('d', 'expired-epoch')).toBe(5);
    rotation.carry('d');
    net.run(10);
    rotation.expectTalk();
    expect(rotation.epochs('a', 'd')).toEqual([3, 3]);
  });

  test('a hello of it says the same', () => {
    const rotation = new Rotation();
    const { net } = rotation;
    rotation.change((held) => rotateKeys(rig, held, entropy));
    rotation.change((held) => retireKeys(held));
    rotation.carry('a', 'b', 'c');
    net.start('d');
    net.run(3);
    expect(rotation.told('a')).toEqual([
      'expired-epoch: d speaks under key epoch 1, and a holds 2; carry the newest key file to d',
    ]);
  });

  test('who holds it alone is told that others may have newer keys', () => {
    const rotation = new Rotation();
    const { net } = rotation;
    rotation.change((held) => rotateKeys(rig, held, entropy));
    rotation.carry('a', 'b', 'c');
    net.run(15);
    // a has forgotten the epoch before for good, and comes to d with what d does not hold.
    rotation.change((held) => retireKeys(held));
    rotation.carry('a', 'b', 'c');
    (net.keys as Map<string, PrincipalKeys>).set('a', rotation.files[0] as PrincipalKeys);
    net.start('a');
    net.run(15);
    for (let us = 0; us < 3_000_000; us += 100_000) {
      net.end('d').open('a', 'round', net.end('a').seal('b', 'round', PAYLOAD) as Uint8Array);
      net.run(1);
    }
    expect(rotation.told('d')).toEqual([
      expect.stringMatching(
        /^unknown-epoch: nothing that comes under the name of a fits key epoch 1, .*to d$/,
      ),
    ]);
  });
});

describe('a principal that is revoked', () => {
  test('is refused by name as soon as a peer has its file, sessions included; replaced, it is back with new keys only', () => {
    const rotation = new Rotation();
    const { net } = rotation;
    rotation.change((held) => revokeKeys(rig, held, 'c', entropy));
    rotation.carry('a');
    expect(net.pass('c', 'a', 'round', PAYLOAD)).toBe('revoked');
    expect(net.pass('a', 'c', 'round', PAYLOAD)).toBe('no frame');
    expect(net.end('a').isEstablished('c')).toBe(false);
    net.run(3);
    expect(rotation.told('a')).toEqual([
      expect.stringMatching(/^revoked: the keys of c are revoked; .*voteplane keys replace --principal c/),
    ]);
    // The others have not heard of it yet, and go on with everybody.
    rotation.expectTalk(['b', 'c', 'd']);
    rotation.carry('b', 'd', 'elevator');
    net.run(15);
    rotation.expectTalk(['a', 'b', 'd']);
    net.start('c');
    net.run(15);
    for (const id of ['a', 'b', 'd', 'elevator']) expect(net.end(id).isEstablished('c'), id).toBe(false);

    rotation.change((held) => replaceKeys(rig, held, 'c', entropy));
    rotation.carry('a', 'b', 'd', 'elevator');
    net.run(15);
    // With the old keys it is a stranger now.
    expect(net.end('a').isEstablished('c')).toBe(false);
    rotation.carry('c');
    net.run(15);
    rotation.expectTalk();
    expect(rotation.epochs('a', 'c')).toEqual([3, 3]);
  });
});
