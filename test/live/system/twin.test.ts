/**
 * A second process with the identity and the keys of a replica: whoever comes second is kept out and told so, everybody
 * who meets both says it with the cure, and the rig is not disturbed (protocol.md §7).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { expectUndisturbed, FLIGHT } from '../../support/expect-flight.js';
import { HandProcess, runToEnd } from '../../support/hand-process.js';
import { findMosquitto } from '../../support/mosquitto.js';
import { freePort } from '../../support/mqtt-kit.js';
import { startBrokerFor } from '../../support/rig-brokers.js';
import { copyRig, placeInboxes, removeRig } from '../../support/rig-copy.js';
import { ENTRY, RigRunner } from '../../support/rig-runner.js';

const OTHERS = ['a', 'b', 'd', 'elevator'] as const;

const cleanUps: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** The command line of replica c on a board of its own: with its own state, inbox and (missing) bridge. */
function makeTwin(rig: RigRunner): readonly string[] {
  const { folder } = rig;
  const addresses = JSON.parse(readFileSync(folder.addressesFile, 'utf8')) as Record<string, string>;
  const file = path.join(folder.path, 'addresses-of-twin.json');
  // Another address of this host: the same ports, which nobody holds there.
  const move = (name: string): string => (addresses[name] ?? '').replace('127.0.0.1', '127.0.0.2');
  const own = Object.keys(addresses).filter((name) => name.endsWith(':c'));
  const moved = { ...addresses, ...Object.fromEntries(own.map((name) => [name, move(name)])) };
  writeFileSync(file, JSON.stringify(moved), { mode: 0o600 });
  const swaps = new Map([
    [folder.stateFolderOf('c'), path.join(folder.path, 'state-of-twin')],
    [folder.addressesFile, file],
    ['warn', 'info'],
  ]);
  return rig.argsOf('c').map((arg) => swaps.get(arg) ?? arg);
}

function startTwin(rig: RigRunner): HandProcess {
  const twin = new HandProcess([ENTRY, ...makeTwin(rig)]);
  cleanUps.push(() => {
    twin.kill('SIGKILL');
    return twin.ended;
  });
  return twin;
}

/** Waits until these tell it, as an error, in an event from this number on. */
async function untilTold(rig: RigRunner, ids: readonly string[], text: (by: string) => RegExp, after = 0) {
  for (const by of ids) {
    await rig.until(`${by} to tell ${text(by)}`, () =>
      rig.events
        .slice(after)
        .some((event) => event.id === by && event.level === 'error' && text(by).test(event.text)),
    );
  }
}

const keptOut = (by: string): RegExp =>
  new RegExp(
    `^twin: a second process runs as c: the one at [\\d.:]+ is kept out of the inbox of '${by}' \\(quarantined\\), ` +
      `and the one at [\\d.:]+ goes on; end one of the two, or give one an id and keys of its own$`,
  );

const isKeptOutOf = (owner: string): string =>
  `twin: another process runs as c and is connected to the inbox of '${owner}'; this one is kept out there (quarantined): ` +
  'end one of the two, or give one an id and keys of its own';

test('whoever comes second is kept out and told so, and the first one goes on', FLIGHT, async () => {
  const rig = await RigRunner.prepare();
  cleanUps.push(() => rig.close());
  await rig.start();
  await rig.fly(10);
  const sameFolder = await runToEnd([ENTRY, ...rig.argsOf('c')]);
  expect([sameFolder.code, sameFolder.stderr]).toEqual([
    2,
    expect.stringMatching(
      /state-c: process \d+ already runs as replica c of rig pitch; stop it first, or give/,
    ),
  ]);

  const twin = startTwin(rig);
  await twin.untilPrints(/replica c of rig pitch is up/);
  await untilTold(rig, OTHERS, keptOut);
  for (const owner of OTHERS) await twin.untilPrints(new RegExp(isKeptOutOf(owner).replace(/[()]/g, '\\$&')));
  await rig.untilCommanding('c', 10);
  // It heard nobody, and so has agreed on nothing.
  expect(twin.stderr).not.toMatch(/replica c is (joining|running)/);

  // The place is free for a moment, and then the first one is the second.
  await rig.kill('c');
  await rig.fly(20);
  const after = rig.events.length;
  await rig.start('c');
  await untilTold(rig, OTHERS, keptOut, after);
  await untilTold(rig, ['c'], () => new RegExp(isKeptOutOf('a').replace(/[()]/g, '\\$&')), after);
  twin.kill('SIGTERM');
  expect((await twin.ended).code).toBe(0);
  await rig.untilCommanding('c');
  expectUndisturbed(rig, await rig.land(), 100);
});

test.skipIf(!findMosquitto())(
  'at a broker that lets whoever comes last in, both are heard in turn, and all say so',
  FLIGHT,
  async () => {
    const port = await freePort();
    const rigPath = copyRig('pitch', { 'rig.yaml': placeInboxes(() => `mqtt://127.0.0.1:${String(port)}`) });
    cleanUps.push(() => removeRig(rigPath));
    const rig = await RigRunner.prepare({ rigPath });
    cleanUps.push(() => rig.close());
    const broker = await startBrokerFor(rig, [...OTHERS, 'c'], { port });
    cleanUps.push(() => broker.stop());
    await rig.start();
    await rig.fly(10);
    const twin = startTwin(rig);
    const ends =
      /^twin: the broker mqtt:\S+ ends every connection of c soon after it stands: if another process runs as c, end one/;
    await untilTold(rig, ['c'], () => ends);
    await twin.untilPrints(/twin: the broker mqtt:\S+ ends every connection of c soon after it stands/);
    await untilTold(
      rig,
      ['a', 'b', 'd'],
      (by) => new RegExp(`^twin: two processes speak as c, and ${by} listens to`),
    );
    twin.kill('SIGTERM');
    await twin.ended;
    await rig.untilCommanding('c');
    expectUndisturbed(rig, await rig.land(), 20);
  },
);
