import { afterEach, describe, expect, test, type TestContext } from 'vitest';
import { DemoRun, isSpoiltByMachine, untilGone, untilUnspoilt } from './demo-run.js';

const runs: DemoRun[] = [];
afterEach(async () => {
  await Promise.all(runs.splice(0).map((run) => run.dispose()));
});

function start(args: readonly string[]): DemoRun {
  const run = new DemoRun(args);
  runs.push(run);
  return run;
}

/** Flights side by side: each ends with its own test. */
function startBeside(
  { onTestFinished }: Pick<TestContext, 'onTestFinished'>,
  args: readonly string[],
  environment?: Readonly<Record<string, string>>,
): DemoRun {
  const run = new DemoRun(args, environment);
  onTestFinished(() => run.dispose());
  return run;
}

describe('a flight', () => {
  test('is flown, judged and reported, and leaves nothing behind', async () => {
    const run = start(['--ticks', '90', '--fault', 'lie on c at 40 for 30', '--seed', '7']);
    await run.until(/lie on c at 40 for 30/);
    const pids = [...run.children().values()];
    expect([...run.children().keys()].sort()).toEqual([
      'actuator elevator',
      'plant',
      'replica a',
      'replica b',
      'replica c',
      'replica d',
    ]);
    const { code, report, text } = await run.ended;
    await untilGone(pids);
    expect(run.leftovers()).toEqual([]);
    expect(report, text).toMatchObject({
      rig: 'pitch',
      ticks: 90,
      seed: 7,
      error: null,
      disagreements: 0,
      unsafeOutputs: 0,
      versions: { node: process.version },
    });
    expect(report.exitCode).toBe(code);
    expect(report.flights).toHaveLength(1);
    expect(report.faults).toMatchObject([{ spec: 'lie on c at 40 for 30', on: ['c'], failed: null }]);
    // A tick that a busy machine sleeps through begins no fault.
    expect([40, 41, 42]).toContain(report.faults[0]?.appliedAt);
    expect(report.faults[0]?.affected).toBeGreaterThan(0);
    expect(
      report.suspects.map(({ id }) => id),
      text,
    ).toContain('c');
    expect(report.latencyUs.p50).toBeGreaterThan(100);
    expect(report.agreementUs.p50).toBeGreaterThan(100);
    expect(report.processes['a']).toMatchObject({ starts: 1, deaths: 0 });
    if (isSpoiltByMachine(report)) return;
    expect(report, text).toMatchObject({ uncoveredTicks: 0, failSafeTrips: 0, plant: { survived: true } });
    expect(report.completedTicks, text).toBeGreaterThan(80);
    expect(code, text).toBe(0);
  });
});

describe('an end before its time', () => {
  test('Ctrl-C: all processes end, the report is written', async () => {
    const run = start(['--ticks', '100000', '--fault', 'crash on d at 99000']);
    await run.until(/tick [1-9]\d* of/);
    const pids = [...run.children().values()];
    expect(pids).toHaveLength(6);
    run.kill('SIGINT');
    const { signal, report, text } = await run.ended;
    await untilGone(pids);
    expect(signal).toBeNull();
    expect(report.flown, text).toBe(false);
    expect(report.ticks).toBeGreaterThan(0);
    expect(report.faults).toMatchObject([{ appliedAt: null, affected: 0 }]);
    // A fault that had no time to strike is nobody's broken promise.
    if (!isSpoiltByMachine(report)) expect(report.exitCode, text).toBe(0);
    expect(run.leftovers()).toEqual([]);
  });
});

describe('the dead', () => {
  test('are shown and started again', async () => {
    const run = start(['--ticks', '130', '--fault', 'crash on d at 30 for 20']);
    await run.until(/d is started again/);
    const victim = run.children().get('replica b') as number;
    process.kill(victim, 'SIGKILL');
    const { report, text } = await run.ended;
    expect(text).toMatch(/d is dead, as the fault has it/);
    expect(text).toMatch(/b died by itself: killed by SIGKILL/);
    expect(text).toMatch(/b is started again/);
    expect(report.processes).toMatchObject({ b: { starts: 2, deaths: 1 }, d: { starts: 2, deaths: 1 } });
    expect(report).toMatchObject({ unsafeOutputs: 0, disagreements: 0, error: null });
    expect(report.faults).toMatchObject([{ on: ['d'], appliedAt: 30, affected: 1 }]);
    // It is started again twenty ticks after it was found dead.
    expect(report.faults[0]?.clearedAt).toBeGreaterThanOrEqual(45);
  });
});

test('a voter that is killed comes back, is armed anew, and nobody else is to blame', async () => {
  const run = start(['--ticks', '110', '--fault', 'voter-restart on elevator ms=100 at 40']);
  const { report, text } = await run.ended;
  expect(text).toMatch(/elevator is dead, as the fault has it/);
  expect(text).toMatch(/elevator is started again/);
  expect(report.processes['elevator'], text).toMatchObject({ starts: 2, deaths: 1 });
  expect(report.faults).toMatchObject([{ on: ['elevator'], appliedAt: 40, affected: 1, failed: null }]);
  expect(report, text).toMatchObject({ unsafeOutputs: 0, disagreements: 0, uncoveredTicks: 0, error: null });
  expect(report.uncoveredOutside, text).toBeGreaterThan(0);
});

// What a loaded machine does not change: they may fly side by side.
describe.concurrent('come what may', () => {
  test('SIGKILL: the processes notice and end by themselves', async ({ expect, onTestFinished }) => {
    const run = startBeside({ onTestFinished }, ['--ticks', '100000']);
    await run.until(/tick \d+ of/);
    const pids = [...run.children().values()];
    expect(pids).toHaveLength(6);
    run.kill('SIGKILL');
    await untilGone(pids);
  });

  test('the dead stay dead with --no-respawn', async ({ expect, onTestFinished }) => {
    const run = startBeside({ onTestFinished }, [
      '--ticks',
      '70',
      '--no-respawn',
      '--fault',
      'restart on d at 30',
    ]);
    const { report, text } = await run.ended;
    expect(text).not.toMatch(/started again/);
    expect(report.processes['d']).toMatchObject({ starts: 1, deaths: 1 });
    expect(report).toMatchObject({ unsafeOutputs: 0, disagreements: 0, ticks: 70 });
  });

  // Equal lies are those of the scenario two-colluders, which is flown as such.
  test('outside the hypothesis, two liars, unequal lies: fail-safe and never an unsafe output, exit 3', async ({
    expect,
    onTestFinished,
  }) => {
    const faults = ['--fault', 'lie on c at 40 for 30', '--fault', 'lie on d offset=7 at 40 for 30'];
    const fly = () => startBeside({ onTestFinished }, ['--ticks', '90', ...faults]).ended;
    let exit = await fly();
    // What reaches a replica too late to strike is refused; a busy machine delays it so long now and then.
    for (let tries = 1; tries < 3 && exit.report.faults.some(({ failed }) => failed !== null); tries += 1)
      exit = await fly();
    const { code, report, text } = exit;
    expect(report.unsafeOutputs, text).toBe(0);
    expect(report.failSafeTrips, text).toBeGreaterThanOrEqual(1);
    // A busy machine has a fault strike some ticks late.
    const struckAt = Math.max(...report.faults.map(({ appliedAt }) => appliedAt ?? Infinity));
    const clearedAt = Math.min(...report.faults.map(({ clearedAt }) => clearedAt ?? -Infinity));
    expect(clearedAt, text).toBeGreaterThan(struckAt);
    expect(report.ticksOutsideByFaults, text).toBeGreaterThanOrEqual(clearedAt - struckAt);
    if (!isSpoiltByMachine(report)) expect(code, text).toBe(3);
  });

  const flags = `--import ${new URL('./sabotage.mjs', import.meta.url).href}`;

  test.for([
    ['a voter that takes the first order it hears', 'voting', 'lie on a at 40 for 40', 'unsafeOutputs'],
    [
      'agreement that takes a commander at its word',
      'agreement',
      'equivocate on c at 40 for 40',
      'disagreements',
    ],
  ] as const)('sabotage: %s: exit 1', async ([, part, fault, shows], { expect, onTestFinished }) => {
    const { code, report, text } = await untilUnspoilt(
      (figures) => figures[shows] > 0,
      () =>
        startBeside({ onTestFinished }, ['--ticks', '90', '--fault', fault], {
          NODE_OPTIONS: flags,
          SABOTAGE: part,
        }),
    );
    expect(report[shows], text).toBeGreaterThan(0);
    expect(code).toBe(1);
  });
});

describe('usage errors', () => {
  test.each([
    ['a rig that is not there', ['no/such/rig'], /no such file/],
    ['a fault that cannot be read', ['--fault', 'lie c at 5'], /fault "lie c at 5": column/],
    ['a fault that is not in the catalogue', ['--fault', 'lye on c at 5'], /lye/],
    ['a fault after the end', ['--ticks', '50', '--fault', 'lie on c at 60'], /begins at tick 60/],
    ['two rigs', ['hardware/rigs/pitch', '--rig', 'hardware/rigs/seven'], /two rigs/],
  ])('%s: exit 2, said in words and in the report', async (_name, args, words) => {
    const { code, report, text } = await start(args).ended;
    expect(code).toBe(2);
    expect(text).toMatch(words);
    expect(report).toMatchObject({ exitCode: 2, flights: [] });
    expect(report.error).toMatch(words);
  });
});
