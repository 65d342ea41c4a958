/** Replicas that do not run the same thing refuse each other by name, and the others fly on (protocol.md §4, §6). */
import { afterEach, expect, test } from 'vitest';
import { expectUndisturbed, FLIGHT } from '../../support/expect-flight.js';
import { copyRig, removeRig } from '../../support/rig-copy.js';
import { RigRunner } from '../../support/rig-runner.js';

const cleanUps: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

test('another control law or rig file is a config-mismatch; mended, the replica joins', FLIGHT, async () => {
  const otherLaw = copyRig('pitch', { 'law.ts': (text) => text.replace('-4.784887', '-4.784886') });
  const otherRig = copyRig('pitch', { 'rig.yaml': (text) => text.replace('round: 20 ms', 'round: 19 ms') });
  const rig = await RigRunner.prepare();
  cleanUps.push(
    () => removeRig(otherLaw),
    () => removeRig(otherRig),
    () => rig.close(),
  );
  const untilRefused = (by: string, pattern: RegExp, after: number): Promise<void> =>
    rig.until(`${by} to refuse by ${pattern}`, () =>
      rig.events
        .slice(after)
        .some(({ id, level, text }) => id === by && level === 'error' && pattern.test(text)),
    );

  rig.giveRig('c', otherLaw);
  await rig.start();
  await rig.fly(10);
  await untilRefused('a', /^config-mismatch: .*\bc\b.*control law/, 0);
  await untilRefused('c', /^config-mismatch: .*\ba\b.*control law/, 0);
  // A voter runs no law, and so takes this replica's commands: it sends none, as it has no vector.
  expect(rig.ticksOf('c').every((record) => record.vector === null && !record.commanded)).toBe(true);
  await rig.stop('c');

  rig.giveRig('c', otherRig);
  const after = rig.events.length;
  await rig.start('c');
  for (const by of ['a', 'elevator']) await untilRefused(by, /^config-mismatch: .*\bc\b.*rig file/, after);
  await untilRefused('c', /^config-mismatch: .*\ba\b.*rig file/, after);
  await rig.fly(10);
  await rig.stop('c');

  rig.giveRig('c', null);
  await rig.start('c');
  await rig.untilCommanding('c');
  const figures = await rig.land();
  expectUndisturbed(rig, figures, 25);
  expect(figures.rejected['config-mismatch']).toBeGreaterThan(0);
});
