/**
 * A rig gets another release of the software while it flies: its replicas are restarted one after another, two releases
 * fly together meanwhile, and one that speaks another protocol is refused by name (protocol.md §6, §8).
 */
import { afterEach, expect, test } from 'vitest';
import { PROTOCOL_VERSION } from '../../../src/wire/derive-keys.js';
import { expectUndisturbed, FLIGHT } from '../../support/expect-flight.js';
import { runToEnd } from '../../support/hand-process.js';
import { copyPackage, type PackageCopy } from '../../support/package-copy.js';
import { ENTRY, RigRunner } from '../../support/rig-runner.js';

const NEXT_RELEASE = '99.0.0';

const cleanUps: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function prepare(): Promise<RigRunner> {
  const rig = await RigRunner.prepare();
  cleanUps.push(() => rig.close());
  return rig;
}

async function copyRelease(protocolVersion?: number): Promise<PackageCopy> {
  const copy = copyPackage(NEXT_RELEASE, protocolVersion);
  cleanUps.push(() => copy.remove());
  const told = await Promise.all([copy.entry, ENTRY].map((entry) => runToEnd([entry, '--version'])));
  expect(told.map(({ stdout }) => stdout.trim() === NEXT_RELEASE)).toEqual([true, false]);
  return copy;
}

test(
  'all replicas are restarted one after another, on to another release, and no tick goes uncovered',
  FLIGHT,
  async () => {
    const copy = await copyRelease();
    const rig = await prepare();
    await rig.start();
    await rig.fly(10);
    for (const { id } of rig.rig.replicas) {
      await rig.stop(id);
      await rig.fly(3);
      rig.giveEntry(id, copy.entry);
      await rig.start(id);
      await rig.untilCommanding(id);
    }
    await Promise.all(rig.rig.replicas.map(({ id }) => rig.untilCommanding(id)));
    expect(rig.events.filter(({ text }) => text.includes('mismatch'))).toEqual([]);
    expectUndisturbed(rig, await rig.land(), 50);
    expect(rig.deaths).toEqual([]);
  },
);

test(
  'a release with another protocol version is refused by name, and the others fly on',
  FLIGHT,
  async () => {
    const theirs = PROTOCOL_VERSION + 1;
    const copy = await copyRelease(theirs);
    const rig = await prepare();
    await rig.start();
    await rig.fly(10);
    await rig.stop('c');
    const before = rig.ticksOf('c').length;
    rig.giveEntry('c', copy.entry);
    await rig.start('c');
    const untilRefused = (by: string, peer: string, ofPeer: number, ofOwn: number): Promise<void> => {
      const start = `version-mismatch: ${peer} speaks protocol version ${ofPeer} and ${by} version ${ofOwn}; `;
      return rig.until(`${by} to refuse ${peer}`, () =>
        rig.events.some(
          ({ id, level, text }) =>
            id === by &&
            level === 'error' &&
            text.startsWith(start) &&
            text.includes(
              'install the same release of voteplane on both; a rig whose protocol version is to',
            ),
        ),
      );
    };
    for (const by of ['a', 'b', 'd', 'elevator']) {
      await untilRefused(by, 'c', theirs, PROTOCOL_VERSION);
      await untilRefused('c', by, PROTOCOL_VERSION, theirs);
    }
    await rig.fly(10);
    const alone = rig.ticksOf('c').slice(before);
    expect(alone.every((record) => record.vector === null && !record.commanded)).toBe(true);

    // With the release of the others it is taken back.
    await rig.stop('c');
    rig.giveEntry('c', null);
    await rig.start('c');
    await rig.untilCommanding('c');
    expectUndisturbed(rig, await rig.land(), 25);
    expect(rig.deaths).toEqual([]);
  },
);
