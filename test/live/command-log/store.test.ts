/** The stores of a rig whose commands a log orders: a rig that is new, a leader that dies, a folder that is emptied. */
import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runToEnd, type HandExit } from '../../support/hand-process.js';
import { ENTRY, RigRunner, ROOT } from '../../support/rig-runner.js';

const VALVE = path.join(ROOT, 'hardware', 'rigs', 'valve');
const STORE_FILES = ['store-journal.0', 'store-journal.1', 'store-stamp.json'];

let rig: RigRunner;
beforeAll(async () => {
  rig = await RigRunner.prepare({ rigPath: VALVE });
  await rig.start();
  await rig.fly(5);
});
afterAll(async () => {
  await rig.close();
});

function setTarget(level: string): Promise<HandExit> {
  const { folder } = rig;
  const keyed = ['--id', 'keeper', '--keys', folder.keyFileOf('keeper'), '--addresses', folder.addressesFile];
  return runToEnd([ENTRY, 'submit', VALVE, 'set-target', '--level', level, ...keyed, '--timeout', '15s']);
}

const storeFilesOf = (id: string): readonly string[] =>
  readdirSync(rig.folder.stateFolderOf(id))
    .filter((name) => name.startsWith('store-'))
    .sort();

/** Resolves when `id` has told something like `text` after the first `after` events of all. */
const told = (id: string, text: RegExp, after = 0): Promise<void> =>
  rig.until(`${id} to say ${String(text)}`, () =>
    rig.events.slice(after).some((event) => event.id === id && text.test(event.text)),
  );

function findLeader(): string {
  const claim = rig.events.findLast(({ text }) => text.includes('leads the order of commands'));
  if (claim === undefined) throw new Error('nobody has led');
  return claim.id;
}

test('a new rig makes its stores by itself, says so, and takes commands', async () => {
  for (const id of ['a', 'b', 'c']) {
    await told(id, /this rig is new/);
    expect(storeFilesOf(id)).toEqual(STORE_FILES);
  }
  const first = await setTarget('1.2m');
  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect(first.stdout).toContain('in force from tick');
});

test('when the leader is killed the others order on, and it comes back with what it promised', async () => {
  const leader = findLeader();
  await rig.kill(leader);
  const second = await setTarget('0.9m');
  expect(second).toMatchObject({ code: 0, stderr: '' });
  const before = rig.events.length;
  await rig.start(leader);
  await rig.untilCommanding(leader);
  const said = rig.events.slice(before).filter(({ id }) => id === leader);
  expect(said.filter(({ text }) => /empty|older than|admitted/.test(text))).toEqual([]);
});

test('a replica whose folder was emptied says so, and has no voice until the others have admitted it', async () => {
  await Promise.all([rig.kill('b'), rig.kill('c')]);
  const folder = rig.folder.stateFolderOf('c');
  for (const name of readdirSync(folder)) rmSync(path.join(folder, name));
  const before = rig.events.length;
  await rig.start('c');
  const empty = `its store in ${folder} is empty\\. It neither promises nor votes until it is admitted by a and b`;
  await told('c', new RegExp(empty), before);
  expect(storeFilesOf('c')).toEqual([]);
  await rig.start('b');
  const admitted = `its store in ${folder} was empty, and the others have admitted it as incarnation 2`;
  await told('c', new RegExp(admitted), before);
  expect(storeFilesOf('c')).toEqual(STORE_FILES);
  await rig.untilCommanding('c');

  // With this one gone, what is chosen rests on its vote.
  await rig.kill('a');
  const third = await setTarget('1.1m');
  expect(third).toMatchObject({ code: 0, stderr: '' });
  await rig.until('all three to be told', () => rig.observer.figures().commands.done === 3);
  const { commands, disagreements, unsafeOutputs } = rig.observer.figures();
  expect({ commands, disagreements, unsafeOutputs }).toEqual({
    commands: { done: 3, refused: 0, lapsed: 0 },
    disagreements: 0,
    unsafeOutputs: 0,
  });
});

test('a store of another replica is refused, with what to do', async () => {
  await rig.stop('b');
  const { folder } = rig;
  const foreign = folder.stateFolderOf('b');
  const args = rig.argsOf('a').map((word) => (word === folder.stateFolderOf('a') ? foreign : word));
  const refused = await runToEnd([ENTRY, ...args]);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('this store is of "b", not of "a"; give every replica its own folder');
});
