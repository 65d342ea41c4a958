/** The same scenario file on live processes and in the simulator, with the same verdict. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { judgeScenario, type ScenarioVerdict } from '../../../src/scenario/judge-scenario.js';
import { loadScenario } from '../../../src/scenario/load-scenario.js';
import { simulate } from '../../../src/simulation/simulate.js';
import { listScenarios } from '../../scenario/list-scenarios.js';
import { DemoRun, type DemoExit } from '../demo/demo-run.js';

/** A machine that is busy elsewhere spoils a flight, but hardly three in a row. */
const TRIES = 3;
/**
 * One of each kind of fault; the others are flown in the simulator alone, but for that of equivocation: the
 * commands of the README fly it as they stand there.
 */
const FLOWN = [
  'pitch/scenarios/crash-and-return.yaml',
  'pitch/scenarios/lying-sensor.yaml',
  'pitch/scenarios/relay-lie.yaml',
  'pitch/scenarios/isolated.yaml',
  'pitch/scenarios/two-colluders.yaml',
  'pitch/scenarios/half-authenticator.yaml',
  'pitch/scenarios/forgery.yaml',
  'signed-three/scenarios/liar.yaml',
  'tmr-lesson/scenarios/two-faced.yaml',
  'valve/scenarios/two-crashes.yaml',
  'valve-witness/scenarios/witness-gone.yaml',
].map((name) => {
  const file = listScenarios().find((one) => one.endsWith(path.join('rigs', name)));
  if (file === undefined) throw new Error(`there is no scenario ${name}`);
  return [name, file] as const;
});

/** Asks for more than any aircraft in turbulence can give. */
const TOO_MUCH = `title: Too much
why: To see what is said of what is not met.
rig: ${path.resolve('hardware/rigs/pitch')}
seed: 5
ticks: 50
timeline: [lie on c at 20 for 20]
expect:
  - agree
  - missed-ticks: { max: 50 }
  - plant-error: { max: 0.001 deg }
`;

const runs: DemoRun[] = [];
const folders: string[] = [];
afterEach(async () => {
  await Promise.all(runs.splice(0).map((run) => run.dispose()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

interface ScenarioExit extends DemoExit {
  readonly scenario: Pick<ScenarioVerdict, 'file' | 'title' | 'expectations' | 'spoiltByMachine'> | null;
}

async function demo(...args: readonly string[]): Promise<ScenarioExit> {
  const run = new DemoRun(args);
  runs.push(run);
  const exit = await run.ended;
  const { scenario = null } = exit.report as { readonly scenario?: ScenarioExit['scenario'] };
  return { ...exit, scenario };
}

/** Flies a scenario until the machine lets it, a few times at most. What is unsafe is never tried again. */
async function fly(file: string): Promise<ScenarioExit> {
  let exit = await demo('--scenario', file);
  for (let tries = 1; tries < TRIES && exit.scenario?.spoiltByMachine === true; tries += 1)
    exit = await demo('--scenario', file);
  return exit;
}

describe('live and simulated', () => {
  let compared = 0;

  test.for(FLOWN)('%s', { timeout: 180_000 }, async ([, file], { skip }) => {
    const { scenario, loaded } = await loadScenario(file);
    const { ticks, seed, faults, submissions, title } = scenario;
    const simulated = judgeScenario(
      scenario,
      simulate({ loaded, ticks, seed, faults, submissions, wire: 'full' }).figures,
    );
    const live = await fly(file);
    expect(live.report.error, live.text).toBeNull();
    expect(live.report).toMatchObject({ seed, ticks, unsafeOutputs: 0 });
    expect(live.scenario).toMatchObject({ file, title });
    skip(live.scenario?.spoiltByMachine === true, `the machine spoilt ${TRIES} flights, nothing to compare`);
    compared += 1;
    const outline = (verdict: typeof live.scenario): unknown =>
      verdict?.expectations.map(({ text, line, met }) => ({ text, line, met }));
    expect(outline(live.scenario), live.text).toEqual(outline(simulated));
    expect(live.code, live.text).toBe(simulated.exitCode);
  });

  test('were compared, and not all spoilt', () => {
    expect(FLOWN.length).toBeGreaterThanOrEqual(10);
    expect(compared).toBeGreaterThan(0);
  });
});

describe('demo --scenario', () => {
  test('says what was expected and not met, where, and what was found: exit 1', async () => {
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'voteplane-scenario-')), 'too-much.yaml');
    folders.push(path.dirname(file));
    writeFileSync(file, TOO_MUCH);
    const { code, report, scenario, text } = await demo('--scenario', file);
    expect(code, text).toBe(1);
    expect(report).toMatchObject({ exitCode: 1, seed: 5, unsafeOutputs: 0, disagreements: 0 });
    expect(scenario?.expectations.map(({ text, line, met }) => [text, line, met])).toEqual([
      ['no unsafe output', null, true],
      ['every fault strikes', null, true],
      ['agree', 8, true],
      ['missed-ticks: { max: 50 }', 9, true],
      ['plant-error: { max: 0.001 deg }', 10, false],
    ]);
    expect(text).toMatch(
      /too-much\.yaml:10: expected plant-error: \{ max: 0\.001 deg \}; found \d+\.\d+ deg/,
    );
  });

  test.each([
    ['no such file', ['--scenario', '/nowhere.yaml'], /nowhere\.yaml:1:1 VP-SCN-FILE/],
    [
      'a rig file',
      ['--scenario', 'hardware/rigs/pitch/rig.yaml'],
      /rig\.yaml:3:1 VP-SCN-KEY "hypothesis" is no key/,
    ],
    [
      'a fault too',
      ['--scenario', FLOWN[0]?.[1] ?? '', '--fault', 'lie on c at 5'],
      /--scenario and --fault/,
    ],
    ['the matrix too', ['--scenario', FLOWN[0]?.[1] ?? '', '--matrix'], /--scenario and --matrix/],
    ['a rig too', ['hardware/rigs/seven', '--scenario', FLOWN[0]?.[1] ?? ''], /--scenario and a rig/],
    ['a length too', ['--scenario', FLOWN[0]?.[1] ?? '', '--ticks', '50'], /--scenario and --ticks/],
  ])('%s: exit 2', async (_name, args, words) => {
    const { code, text, report } = await demo(...args);
    expect(code, text).toBe(2);
    expect(text).toMatch(words);
    expect(report).toMatchObject({ exitCode: 2, flights: [] });
  });
});
