/**
 * Keys that change while a rig flies, by the command that users run and the files that it writes (protocol.md §8): an
 * overlap without a gap, then refusal by name; a replica revoked, and taken back with new keys.
 */
import { copyFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { expectUndisturbed, FLIGHT } from '../../support/expect-flight.js';
import { runToEnd } from '../../support/hand-process.js';
import { ENTRY, RigRunner, ROOT } from '../../support/rig-runner.js';

const cleanUps: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function prepare(rigName: string): Promise<KeyedRig> {
  const rigPath = path.join(ROOT, 'hardware', 'rigs', rigName);
  const rig = await RigRunner.prepare({ rigPath });
  cleanUps.push(() => rig.close());
  return new KeyedRig(rig, rigPath);
}

/** A rig and the command that changes its keys. */
class KeyedRig {
  constructor(
    readonly rig: RigRunner,
    private readonly rigPath: string,
  ) {}

  get parts(): readonly string[] {
    return [...this.rig.rig.replicas, ...this.rig.rig.actuators].map(({ id }) => id);
  }

  async change(...command: string[]): Promise<void> {
    const exit = await runToEnd([
      ENTRY,
      'keys',
      command[0] as string,
      this.rigPath,
      '--keys',
      this.rig.folder.path,
      ...command.slice(1),
    ]);
    expect(exit.code, exit.stderr).toBe(0);
  }

  /** Waits until these tell it, in an event from this number on. */
  async untilTold(ids: readonly string[], pattern: RegExp, after = 0): Promise<void> {
    for (const by of ids) {
      await this.rig.until(`${by} to tell ${pattern}`, () =>
        this.rig.events.slice(after).some(({ id, text }) => id === by && pattern.test(text)),
      );
    }
  }
}

test('a signed rig rotates twice while it flies, and no tick goes without output', FLIGHT, async () => {
  const keyed = await prepare('signed-three');
  const { rig } = keyed;
  await rig.start();
  await rig.fly(30);
  await keyed.change('rotate');
  await keyed.untilTold(keyed.parts, /holds key epochs 2 and 1$/);
  await rig.fly(20);
  await keyed.change('rotate');
  await keyed.untilTold(keyed.parts, /holds key epochs 3 and 2$/);
  await rig.fly(20);
  await keyed.change('retire');
  await keyed.untilTold(keyed.parts, /holds key epoch 3$/);
  await rig.fly(20);
  const figures = await rig.land();
  expectUndisturbed(rig, figures, 90);
  expect(figures.rejected['expired-epoch'] ?? 0, rig.trace()).toBe(0);
  expect(figures.rejected['bad-signature'] ?? 0, rig.trace()).toBe(0);
});

test(
  'whoever was left two epochs behind is refused by name, and is back with the newest file',
  FLIGHT,
  async () => {
    const keyed = await prepare('pitch');
    const { rig } = keyed;
    const { folder } = rig;
    const own = path.join(folder.path, 'carried-to-d.json');
    await copyFile(folder.keyFileOf('d'), own);
    rig.giveKeys('d', own);
    const others = keyed.parts.filter((id) => id !== 'd');
    await rig.start();
    await rig.fly(20);
    await keyed.change('rotate');
    await keyed.untilTold(others, /holds key epochs 2 and 1$/);
    // The overlap is what it talks in.
    await rig.untilCommanding('d');
    await keyed.change('rotate');
    // The voter hears of it only what it still commands.
    await keyed.untilTold(
      others.filter((id) => id !== 'elevator'),
      /^expired-epoch: d speaks under key epoch 1, and \w+ holds 3 and 2; carry the newest key file to d$/,
    );
    const out = rig.ticksOf('d').length;
    await rig.until('d to notice', () =>
      rig
        .ticksOf('d')
        .slice(out)
        .some((record) => !record.commanded),
    );
    await rig.fly(20);
    // Restarted, it is not even let in, and says so itself.
    await rig.kill('d');
    await rig.start('d');
    await rig.until('refusals of its password', () => (rig.rejectedBy('a')['inbox-expired'] ?? 0) > 0);
    await rig.freshStats('d');
    await copyFile(folder.keyFileOf('d'), `${own}.new`);
    await rename(`${own}.new`, own);
    await keyed.untilTold(['d'], /holds key epochs 3 and 2$/);
    await rig.untilCommanding('d');
    const figures = await rig.land();
    expectUndisturbed(rig, figures, 40);
  },
);

test('a revoked replica is refused by name at once; replaced, it is back', FLIGHT, async () => {
  const keyed = await prepare('pitch');
  const { rig } = keyed;
  const others = keyed.parts.filter((id) => id !== 'c');
  await rig.start();
  await rig.fly(20);
  await keyed.change('revoke', '--principal', 'c');
  await keyed.untilTold(others, /holds key epochs 2 and 1; revoked: c$/);
  await rig.until('c to fall silent', () => rig.ticksOf('c').at(-1)?.commanded === false);
  await rig.fly(20);
  await keyed.change('replace', '--principal', 'c');
  await keyed.untilTold(keyed.parts, /holds key epochs? 3/);
  await rig.untilCommanding('c');
  const figures = await rig.land();
  expectUndisturbed(rig, figures, 40);
  expect(figures.rejected['inbox-revoked'], rig.trace()).toBeGreaterThan(0);
});
