/** Two rigs on one host, with the same rig file and keys and ports of their own: neither knows of the other. */
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { expectUndisturbed, FLIGHT } from '../../support/expect-flight.js';
import { runToEnd } from '../../support/hand-process.js';
import { ENTRY, RigRunner, ROOT } from '../../support/rig-runner.js';

const rigs: RigRunner[] = [];
afterEach(async () => {
  await Promise.all(rigs.splice(0).map((rig) => rig.close()));
});

test(
  'two flights at once; the broker of a replica of one is closed for a while, and nobody is disturbed',
  FLIGHT,
  async () => {
    const rigPath = path.join(ROOT, 'hardware', 'rigs', 'pitch');
    const struck = await RigRunner.prepare({ rigPath });
    rigs.push(struck);
    const other = await RigRunner.prepare({ rigPath });
    rigs.push(other);
    await Promise.all(rigs.map((rig) => rig.start()));
    await Promise.all(rigs.map((rig) => rig.fly(20)));

    const { folder } = struck;
    const access = ['--keys', folder.keyFileOf('operator'), '--addresses', folder.addressesFile];
    const ordered = await runToEnd([ENTRY, 'fault', rigPath, 'broker-kill on c at +10 for 20', ...access]);
    expect(ordered.code, `${ordered.stdout}${ordered.stderr}`).toBe(0);
    // Keys of one rig open nothing in the other, although all names are the same.
    const astray = ['--keys', folder.keyFileOf('operator'), '--addresses', other.folder.addressesFile];
    const refused = await runToEnd([
      ...[ENTRY, 'fault', rigPath, 'lie on c at +10 for 20', '--timeout', '1'],
      ...astray,
    ]);
    expect(refused.code).toBe(1);

    const isOver = (): boolean => struck.observer.figures().faults.some((fault) => fault.clearedAt !== null);
    await struck.until('the fault to be over', isOver);
    await struck.untilCommanding('c');
    const figures = await Promise.all(rigs.map((rig) => rig.land()));
    figures.forEach((flown, at) => expectUndisturbed(at === 0 ? struck : other, flown, 40));
    const [ofStruck, ofOther] = figures;
    expect(ofStruck?.faults.map(({ failed, affected }) => [failed, affected > 0])).toEqual([[null, true]]);
    expect(ofOther?.faults).toEqual([]);
    // A stranger's key does not get past the door, and no frame of one rig reached the other.
    expect(ofOther?.rejected['inbox-credentials']).toBeGreaterThan(0);
    expect(ofOther?.rejected['bad-authenticator'] ?? 0).toBe(0);
  },
);
