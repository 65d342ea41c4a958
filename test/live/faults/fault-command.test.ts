/** `voteplane fault` against a rig that flies, and `voteplane faults`. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listFaults } from '../../../src/faults/catalogue.js';
import { runToEnd, type HandExit } from '../../support/hand-process.js';
import { ENTRY, RigRunner, ROOT } from '../../support/rig-runner.js';

const PITCH = path.join(ROOT, 'hardware', 'rigs', 'pitch');

let rig: RigRunner;
beforeAll(async () => {
  rig = await RigRunner.prepare();
  await rig.start();
  await rig.fly(5);
});
afterAll(async () => {
  await rig.close();
});

function order(
  text: string,
  options: { readonly keysOf?: string; readonly more?: readonly string[] } = {},
): Promise<HandExit> {
  const { keysOf = 'operator', more = [] } = options;
  const { folder } = rig;
  const keyed = ['--keys', folder.keyFileOf(keysOf), '--addresses', folder.addressesFile];
  return runToEnd([ENTRY, 'fault', PITCH, text, ...keyed, ...more]);
}

const findFigures = (start: string) =>
  rig.observer.figures().faults.find(({ spec }) => spec.startsWith(start));

describe('voteplane fault', () => {
  test('is acknowledged by the replica that obeys, and done', async () => {
    const exit = await order('equivocate on c at +10 for 15');
    expect(exit.stderr).toBe('');
    expect(exit.stdout).toMatch(/^c: equivocate on c from tick \d+ until tick \d+\n$/);
    expect(exit.code).toBe(0);
    await rig.until('the end of the fault', () => (findFigures('equivocate')?.clearedAt ?? null) !== null);
    expect(findFigures('equivocate')).toMatchObject({ on: ['c'], failed: null });
    expect(findFigures('equivocate')?.affected).toBeGreaterThan(0);
  });

  test('lasts until it is cleared', async () => {
    const struck = await order('lie on b.pitch offset=3 at +1', { more: ['--json'] });
    expect(JSON.parse(struck.stdout)).toMatchObject({ ok: true, answers: [{ from: 'b', ok: true }] });
    await rig.until('the lie', () => (findFigures('lie on b.pitch')?.affected ?? 0) > 0);
    const cleared = await order('clear lie on b.pitch');
    expect(cleared).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^b: lie on b\.pitch is cleared/),
    });
    await rig.until('the end of the lie', () => (findFigures('lie on b.pitch')?.clearedAt ?? null) !== null);
  });

  test('what a replica refuses, and what it does not answer, ends with exit code 1', async () => {
    const refused = await order('clear delay on a');
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toBe(
      "a refused: no 'delay on a' is waiting or active on 'a'; there is nothing to clear\n",
    );
    await rig.kill('d');
    const unanswered = await order('lie on d at +1', { more: ['--timeout', '1.5'] });
    expect(unanswered.code).toBe(1);
    expect(unanswered.stderr).toContain('no answer from replica d within 1500 ms');
    await rig.start('d');
    await rig.untilCommanding('d');
    expect(await order('lie on d at +1 for 3')).toMatchObject({ code: 0 });
  });

  test('what can be seen to be wrong is refused at once, with its place and cure', async () => {
    const column = await order('lie upon c at +1');
    expect(column).toMatchObject({ code: 2, stdout: '' });
    expect(column.stderr).toBe(
      "fault, column 5: 'upon' stands where 'on' belongs; write: NAME on TARGET [key=value …] at TICK [for TICKS]\n" +
        '  lie upon c at +1\n      ^\n',
    );
    const unknown = await order('lie on e at +1');
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain(
      "the rig 'pitch' has no replica or actuator 'e'; its replicas: a, b, c, d",
    );
    const wrongKeys = await order('lie on c at +1', { keysOf: 'a' });
    expect(wrongKeys.code).toBe(2);
    expect(wrongKeys.stderr).toContain('operator');
    const never = await order('lie on c at +1', { more: ['--timeout', '0'] });
    expect(never.code).toBe(2);
  });

  test('a rig that does not enable faults is refused by name', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'voteplane-no-faults-'));
    try {
      cpSync(PITCH, folder, { recursive: true });
      const file = path.join(folder, 'rig.yaml');
      writeFileSync(file, readFileSync(file, 'utf8').replace('faults: enabled', ''));
      const exit = await runToEnd([
        ENTRY,
        'fault',
        folder,
        'lie on c at +1',
        '--keys',
        rig.folder.keyFileOf('operator'),
      ]);
      expect(exit.code).toBe(2);
      expect(exit.stderr).toMatch(
        /does not let faults be injected; write 'faults: enabled' in its rig\.yaml/,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('faults of clocks, bridges, words and configurations', () => {
  test.each([
    'clock-freeze on c at +5 for 12',
    'clock-step on b s=0.3 at +5 for 12',
    'clock-drift on a ppm=50000 at +5 for 12',
    'bridge-hang on d at +5 for 12',
    'bridge-corrupt on a rate=0.01 at +5 for 12',
    'bridge-reset on b at +5 for 12',
    'mutate on c at +5 for 12',
    'sos-timing on d at +5 for 12',
    'parser-bomb on a at +5 for 12',
    'config-mismatch on b at +5 for 12',
    'version-mismatch on c at +5 for 12',
    'actuator-stuck on elevator value=-8.2 at +5 for 3',
    'bridge-reset on elevator at +5',
  ])('%s: struck and over, and the struck works again', async (fault) => {
    const [name = '', , target = ''] = fault.split(' ');
    const exit = await order(fault);
    expect(exit.stderr).toBe('');
    expect(exit.stdout).toMatch(new RegExp(`^${target}: ${name} on ${target} from tick`));
    const find = (): ReturnType<typeof findFigures> => findFigures(`${name} on ${target}`);
    await rig.until(`the end of ${name}`, () => (find()?.clearedAt ?? null) !== null);
    expect(find()).toMatchObject({ on: [target], failed: null });
    expect(find()?.affected).toBeGreaterThan(0);
    if (target !== 'elevator') await rig.untilCommanding(target);
  });

  test('none of them moved an actuator wrongly or split the rig', () => {
    const figures = rig.observer.figures();
    const all = JSON.stringify(figures, null, 1);
    expect(figures, all).toMatchObject({ unsafeOutputs: 0, disagreements: 0 });
    for (const cause of ['config-mismatch', 'version-mismatch', 'malformed-payload'])
      expect(rig.rejectedBy('d')[cause], cause).toBeGreaterThan(0);
  });
});

describe('voteplane faults', () => {
  test('lists every fault with its defaults', async () => {
    const { code, stdout } = await runToEnd([ENTRY, 'faults']);
    expect(code).toBe(0);
    for (const { name } of listFaults()) expect(stdout).toMatch(new RegExp(`^${name}: `, 'm'));
    expect(stdout).toContain('  ms=300  how long');
    expect(stdout).toContain('available: live, simulator; in rigs with a crash hypothesis');
  });

  test('as JSON, one alone, and none of that name', async () => {
    const json = await runToEnd([ENTRY, 'faults', 'pause', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject([
      { name: 'pause', worlds: ['live', 'simulator'], needs: null, parameters: [{ key: 'ms' }] },
    ]);
    expect(await runToEnd([ENTRY, 'faults', 'gremlin'])).toMatchObject({
      code: 2,
      stderr: "there is no fault 'gremlin'; 'voteplane faults' lists them\n",
    });
  });
});
