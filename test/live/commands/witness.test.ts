/**
 * Two replicas, a witness and a tank: either replica is killed and the other goes on alone, with the witness's vote and within
 * `hold`; commands are answered meanwhile. At last the wait of Fig. 13: the one that was left out returns first.
 */
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FLIGHT } from '../../support/expect-flight.js';
import { runToEnd, type HandExit } from '../../support/hand-process.js';
import { ENTRY, RigRunner, ROOT } from '../../support/rig-runner.js';

const VALVE_WITNESS = path.join(ROOT, 'hardware', 'rigs', 'valve-witness');
/** What a witness may take of a small board's memory. */
const MAX_RSS_MIB = 75;
/** Opens the message of a failure that no machine, however slow, can have brought about. */
const NEVER = 'never, on any machine:';

let rig: RigRunner;
beforeEach(async () => {
  rig = await RigRunner.prepare({ rigPath: VALVE_WITNESS });
  await rig.start();
});
afterEach(async () => {
  await rig.close();
});

function setTarget(level: string): Promise<HandExit> {
  const { folder } = rig;
  const keyed = ['--id', 'keeper', '--keys', folder.keyFileOf('keeper'), '--addresses', folder.addressesFile];
  return runToEnd([
    ENTRY,
    'submit',
    VALVE_WITNESS,
    'set-target',
    '--level',
    level,
    ...keyed,
    '--timeout',
    '10s',
  ]);
}

const quorum = (): readonly string[] => rig.quorums.at(-1)?.quorum ?? ['a', 'b'];

/** Waits until both are the operational quorum, and command. */
async function untilBoth(): Promise<void> {
  await rig.until('both as the quorum', () => quorum().length === 2);
  await Promise.all(['a', 'b'].map((id) => rig.untilCommanding(id)));
}

/** Kills one and waits until the other is the operational quorum alone and commands. */
async function killOne(gone: string, left: string): Promise<void> {
  await rig.kill(gone);
  await rig.until(`${left} alone as the quorum`, () => quorum().join() === left);
  await rig.untilCommanding(left);
}

/** The longest time between two outputs of the valve so far, µs. */
function longestGapUs(): number {
  const times = rig.voterOf('valve').flatMap((one) => (one.kind === 'output' ? [one.atUs] : []));
  return Math.max(...times.slice(1).map((atUs, at) => atUs - (times[at] ?? atUs)));
}

function expectSafe(): void {
  const { unsafeOutputs, disagreements } = rig.observer.figures();
  expect({ unsafeOutputs, disagreements }, `${NEVER}\n${rig.trace()}`).toEqual({
    unsafeOutputs: 0,
    disagreements: 0,
  });
}

describe('two replicas and a witness', () => {
  test(
    'either is killed: the other goes on alone within hold, answers a command, and takes it back',
    FLIGHT,
    async () => {
      await untilBoth();
      for (const [gone, left, level] of [
        ['a', 'b', '1.1m'],
        ['b', 'a', '0.9m'],
      ] as const) {
        await killOne(gone, left);
        const { code, stdout, stderr } = await setTarget(level);
        expect({ code, stderr }, rig.trace()).toEqual({ code: 0, stderr: '' });
        expect(stdout).toMatch(
          /^set-target level=[.\d]+ m: in force from tick \d+ on \(slot \d+, request \d+\)\n$/,
        );
        await rig.start(gone);
        await untilBoth();
      }
      expectSafe();
      expect(Math.max(...rig.statsOf('w').map(({ rssMiB }) => rssMiB))).toBeLessThanOrEqual(MAX_RSS_MIB);
      const { uncoveredTicks, failSafeTrips, plant } = rig.observer.figures();
      expect({ uncoveredTicks, failSafeTrips }, rig.trace()).toEqual({ uncoveredTicks: 0, failSafeTrips: 0 });
      expect(longestGapUs()).toBeLessThan(rig.rig.actuators[0]?.holdUs ?? 0);
      expect(plant?.survived).toBe(true);
      // The target moves by 0.2 m at most, and the level follows it.
      expect(plant?.maxAbsError?.value).toBeLessThan(0.4);
    },
  );

  test('the one that was left out returns first: it waits, and says for whom (Fig. 13)', FLIGHT, async () => {
    await untilBoth();
    await killOne('b', 'a');
    await rig.kill('a');
    const before = rig.events.length;
    await rig.start('b');
    await rig.until('b to wait for a', () =>
      rig.events.slice(before).some(({ id, text }) => id === 'b' && /until it hears a;/.test(text)),
    );
    const commanded = rig.ticksOf('b').filter((record) => record.commanded).length;
    expect(quorum(), NEVER).toEqual(['a']);
    await rig.start('a');
    await untilBoth();
    expect(rig.ticksOf('b').filter((record) => record.commanded).length).toBeGreaterThan(commanded);
    expectSafe();
  });
});
