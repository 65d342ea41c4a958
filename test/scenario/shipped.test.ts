/** The scenarios that ship: sound, taught in a sentence, and met in the simulator. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { readYaml } from '../../src/rig/read-yaml.js';
import { judgeScenario } from '../../src/scenario/judge-scenario.js';
import { loadScenario } from '../../src/scenario/load-scenario.js';
import {
  claimSchemas,
  renderScenarioSchema,
  scenarioSchema,
  wordSchemas,
} from '../../src/scenario/schema.js';
import { simulate } from '../../src/simulation/simulate.js';
import { removeRigFolders } from '../rig/rig-folder.js';
import { listScenarios } from './list-scenarios.js';
import { SOUND_SCENARIO, writeScenario } from './scenario-maker.js';

afterAll(removeRigFolders);

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const SCENARIOS = listScenarios();
/** So that flying all of them live is affordable. */
const MAX_TICKS = 200;

describe('the scenarios that ship', () => {
  test('cover the rigs and the kinds of fault', async () => {
    expect(SCENARIOS.length).toBeGreaterThanOrEqual(12);
    const all = await Promise.all(SCENARIOS.map(async (file) => (await loadScenario(file)).scenario));
    const rigs = new Set(all.map(({ rig }) => rig.id));
    for (const rig of ['pitch', 'crash-three', 'valve', 'signed-three', 'seven', 'tmr-lesson', 'tmr-four'])
      expect(rigs).toContain(rig);
    const faults = new Set(all.flatMap(({ faults }) => faults.map(({ spec }) => spec.name)));
    for (const fault of [
      ...['crash', 'equivocate', 'lie', 'relay-lie', 'pause', 'partition', 'collude', 'broker-kill'],
      ...['babble', 'forge', 'replay', 'half-authenticator', 'sensor-stuck', 'sensor-drift'],
    ])
      expect(faults).toContain(fault);
    expect(all.some(({ faults }) => faults.length === 0)).toBe(true);
    expect(new Set(all.map(({ title }) => title)).size).toBe(all.length);
    for (const { ticks, why, file } of all) {
      expect(ticks, file).toBeLessThanOrEqual(MAX_TICKS);
      expect(why.length, file).toBeGreaterThan(60);
    }
  });

  test('name the schema where it is', () => {
    for (const file of SCENARIOS) {
      const first = readFileSync(file, 'utf8').split('\n')[0] ?? '';
      const schema = /^# yaml-language-server: \$schema=(\S+)$/.exec(first)?.[1] ?? '';
      expect(path.resolve(path.dirname(file), schema), file).toBe(
        path.join(ROOT, 'schema/scenario.schema.json'),
      );
    }
  });

  test.each(SCENARIOS.map((file) => [path.relative(path.join(ROOT, 'hardware/rigs'), file), file]))(
    '%s is met in the simulator',
    async (_name, file) => {
      const { scenario, loaded } = await loadScenario(file);
      const { ticks, seed, faults, submissions } = scenario;
      const { figures, failure } = simulate({ loaded, ticks, seed, faults, submissions, wire: 'full' });
      expect(failure).toBeNull();
      const verdict = judgeScenario(scenario, figures);
      expect(verdict.findings).toEqual([]);
      expect(verdict.exitCode).toBe(0);
      // Not vacuously: the same flight does not meet what is the opposite of its outcome.
      const masked = scenario.expectations.some(({ claim }) => claim.kind === 'masked');
      const opposite = {
        claim: masked ? ({ kind: 'fail-safe', withinTicks: ticks } as const) : ({ kind: 'masked' } as const),
        text: 'the opposite',
        line: 1,
      };
      expect(judgeScenario({ ...scenario, expectations: [opposite] }, figures).exitCode).toBe(1);
    },
  );

  test('another seed changes the flight and not the verdict', async () => {
    const { scenario, loaded } = await loadScenario(
      path.join(ROOT, 'hardware/rigs/pitch/scenarios/liar.yaml'),
    );
    const { ticks, faults } = scenario;
    const flights = [1, 2, 3].map((seed) => simulate({ loaded, ticks, seed, faults, wire: 'full' }));
    for (const { figures } of flights) expect(judgeScenario(scenario, figures).exitCode).toBe(0);
    expect(new Set(flights.map(({ traceDigest }) => traceDigest)).size).toBe(3);
  });
});

test('the README lists every expectation, and its example is sound', async () => {
  const readme = readFileSync(path.join(ROOT, 'hardware/rigs/README.md'), 'utf8');
  const section = /\n## Scenarios\n([^]*?)\n## /.exec(readme)?.[1] ?? '';
  const example = /```yaml\n([^]*?)```/.exec(section)?.[1] ?? '';
  const { scenario } = await loadScenario(writeScenario(example));
  expect(scenario.faults).toHaveLength(2);
  expect(Object.keys(scenarioSchema.shape).filter((key) => !example.includes(`${key}:`))).toEqual([]);
  for (const name of [...Object.keys(wordSchemas), ...Object.keys(claimSchemas)])
    expect(section).toMatch(new RegExp(`^\\| \`${name}[:\`]`, 'm'));
});

describe('the JSON Schema', () => {
  test('that is published is current', async () => {
    // Renew it with: npx vitest run test/scenario/shipped.test.ts -u
    await expect(renderScenarioSchema()).toMatchFileSnapshot(path.join(ROOT, 'schema/scenario.schema.json'));
  });

  test('takes the scenarios that ship and refuses what the reader refuses by form', () => {
    const schema = z.fromJSONSchema(
      JSON.parse(renderScenarioSchema()) as Parameters<typeof z.fromJSONSchema>[0],
    );
    const read = (text: string): unknown => {
      const yaml = readYaml(text, 'f', { noun: 'scenario', size: 'size', yaml: 'yaml' });
      if (!yaml.ok) throw new Error(JSON.stringify(yaml.mistakes));
      return JSON.parse(JSON.stringify(yaml.source.value)) as unknown;
    };
    for (const file of SCENARIOS) {
      const value = read(readFileSync(file, 'utf8'));
      expect(schema.safeParse(value).success, file).toBe(true);
      expect(scenarioSchema.safeParse(value).success, file).toBe(true);
    }
    expect(schema.safeParse(read(SOUND_SCENARIO)).success).toBe(true);
    for (const [from, to] of [
      ['ticks: 100', 'ticks: many'],
      ['why:', 'because:'],
      ['suspects: [c]', 'suspects: c'],
      ['suspects: [c]', 'blames: [c]'],
      ['masked', 'masqued'],
      ['0.5 deg', '0.5'],
      ['say: d is gone', 'tell: d is gone'],
    ] as const) {
      const value = read(SOUND_SCENARIO.replace(from, to));
      expect(schema.safeParse(value).success, to).toBe(false);
      expect(scenarioSchema.safeParse(value).success, to).toBe(false);
    }
  });
});
