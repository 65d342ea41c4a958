/** `voteplane check`, the rigs that ship, and the schema that editors read. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { registerCheckCommand } from '../../src/cli/check-command.js';
import { loadLaw } from '../../src/rig/load-law.js';
import { loadRig } from '../../src/rig/load-rig.js';
import { parseRig, RIG_DIALECT } from '../../src/rig/parse-rig.js';
import { readYaml } from '../../src/rig/read-yaml.js';
import { renderJsonSchema, rigSchema } from '../../src/rig/schema.js';
import { removeRigFolders, SOUND_RIG, writeRigFolder } from './rig-folder.js';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const RIGS = readdirSync(path.join(ROOT, 'hardware/rigs'), { recursive: true, encoding: 'utf8' })
  .filter((name) => path.basename(name) === 'rig.yaml')
  .map((name) => path.join(ROOT, 'hardware/rigs', path.dirname(name)));

afterAll(removeRigFolders);
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

async function runCheck(...words: string[]): Promise<{ readonly output: string; readonly exitCode: number }> {
  let output = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += String(text);
    return true;
  });
  const program = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  registerCheckCommand(program);
  for (const command of program.commands) command.copyInheritedSettings(program);
  await program.parseAsync(['node', 'voteplane', 'check', ...words]);
  vi.restoreAllMocks();
  const exitCode = Number(process.exitCode ?? 0);
  process.exitCode = undefined;
  return { output, exitCode };
}

describe('the rigs that ship', () => {
  test('there are some', () => expect(RIGS.length).toBeGreaterThanOrEqual(9));

  test.each(RIGS.map((rig) => [path.relative(ROOT, rig), rig]))(
    '%s is sound, without warnings',
    async (_name, rig) => {
      const { output, exitCode } = await runCheck(rig, '--json');
      expect(JSON.parse(output)).toMatchObject({ ok: true, warnings: [] });
      expect(exitCode).toBe(0);
    },
  );

  test('their ids are unique, their schema is where their first line says', async () => {
    const ids = await Promise.all(RIGS.map(async (rig) => (await loadRig(rig)).rig.id));
    expect(new Set(ids).size).toBe(ids.length);
    for (const rig of RIGS) {
      const first = readFileSync(path.join(rig, 'rig.yaml'), 'utf8').split('\n')[0] ?? '';
      const schema = /^# yaml-language-server: \$schema=(\S+)$/.exec(first)?.[1] ?? '';
      expect(path.resolve(rig, schema)).toBe(path.join(ROOT, 'schema/rig.schema.json'));
    }
  });

  test('the lesson fails alone and flies four and three with signatures next', async () => {
    const { rig, folder } = await loadRig(path.join(ROOT, 'hardware/rigs/tmr-lesson'));
    expect(rig).toMatchObject({ hypothesis: { kind: 'none' }, expect: 'disagree' });
    const flights = await Promise.all(rig.flights.map((flight) => loadRig(path.join(folder, flight))));
    expect(
      flights.map((flight) => [flight.rig.hypothesis, flight.rig.replicas.length, flight.rig.expect]),
    ).toEqual([
      [{ kind: 'byzantine', f: 1, authenticators: 'mac' }, 4, 'masked'],
      [{ kind: 'byzantine', f: 1, authenticators: 'signature' }, 3, 'masked'],
    ]);
    const laws = [await loadRig(folder), ...flights].map(({ digests }) => digests.law);
    expect(new Set(laws.map(String)).size).toBe(1);
  });
});

describe('what check prints', () => {
  test('the facts and every default, aligned', async () => {
    const { output, exitCode } = await runCheck(writeRigFolder());
    expect(exitCode).toBe(0);
    for (const text of [
      /^sound {2}.*rig\.yaml$/m,
      /^ {2}hypothesis +byzantine: 1, MACs$/m,
      /^ {2}algorithm +oral messages OM\(1\)/m,
      /^ {2}rounds +2 a tick$/m,
      /24 between replicas and 4 commands a tick, 36 values under way/,
      /packet caps +hello \d+, round \d+/,
      /worst latency +62 ms/,
      /any behaviour of 1 of 4 replicas/,
      /2 faulty replicas: the rig may disagree/,
      /elevator: its voter, bridge and device are one of each/,
      /^ {2}actuators\.elevator\.vote +exact$/m,
      /^ {2}law\.state-max +256 bytes$/m,
    ]) {
      expect(output).toMatch(text);
    }
  });

  test('mistakes, one a line, and exit 2', async () => {
    const text = SOUND_RIG.replace('round: 20 ms', 'round: 30 ms').replace('law: law.ts', 'lwa: law.ts');
    const folder = writeRigFolder({ 'rig.yaml': text });
    const { output, exitCode } = await runCheck(folder);
    expect(exitCode).toBe(2);
    const file = path.join(folder, 'rig.yaml');
    const lines = output.trimEnd().split('\n');
    expect(lines[0]).toBe(`${file}:1:1 VP-RIG-REQUIRED the rig has no law. Add law: …`);
    expect(lines[1]).toMatch(new RegExp(`^${file}:4:8 VP-RIG-TIMING .*62 ms`));
    expect(lines[2]).toMatch(new RegExp(`^${file}:\\d+:1 VP-RIG-KEY "lwa" is no key.*did you mean "law"`));
    expect(lines.at(-1)).toBe('3 mistakes');
    const json = await runCheck(folder, '--json');
    expect(json.exitCode).toBe(2);
    expect((JSON.parse(json.output) as { mistakes: unknown[] }).mistakes).toHaveLength(3);
  });

  test('a rig that is not there', async () => {
    const { output, exitCode } = await runCheck('/nowhere');
    expect(exitCode).toBe(2);
    expect(output).toMatch(/^\/nowhere:1:1 VP-RIG-FILE there is no such file or folder\. Name a rig folder/);
  });

  test('the same twice: rig file or folder', async () => {
    const folder = writeRigFolder();
    const [one, other] = [await runCheck(folder), await runCheck(path.join(folder, 'rig.yaml'))];
    expect(one.output).toBe(other.output);
  });
});

describe('what a measurement needs, before anything is connected', () => {
  const pitch = path.join(ROOT, 'hardware/rigs/pitch');

  test('the keys of an operator', async () => {
    await expect(runCheck(pitch, '--measure')).rejects.toThrow(
      '--measure asks the replicas as an operator; give its key file: --keys operator.keys.json, from "voteplane keys generate"',
    );
    await expect(runCheck(pitch, '--measure', '--keys', '/nowhere')).rejects.toThrow(
      /^\/nowhere: the key file cannot be opened/,
    );
    await expect(runCheck(pitch, '--measure', '--keys', '/nowhere', '--id', 'watch')).rejects.toThrow(
      'rig pitch has no operator "watch"; it has operator',
    );
    const bare = writeRigFolder({ 'rig.yaml': SOUND_RIG.replace('operators: [operator]', '') });
    await expect(runCheck(bare, '--measure', '--keys', '/nowhere')).rejects.toThrow(/has no operator; write/);
  });

  test.each([
    ['--for', '5', 'Give a time from 1s to 600s, such as 5s.'],
    ['--for', '100ms', 'Give a time from 1s to 600s, such as 5s.'],
    ['--for', '601s', 'Give a time from 1s to 600s, such as 5s.'],
    ['--timeout', '0', 'Give seconds, more than 0 and at most 3600.'],
  ])('%s %s is refused', async (flag, value, cure) => {
    await expect(runCheck(pitch, '--measure', flag, value)).rejects.toThrow(cure);
  });

  test.each(['--keys', '--id', '--passphrase-file', '--addresses'])(
    '%s alone means nothing',
    async (flag) => {
      await expect(runCheck(pitch, flag, 'x')).rejects.toThrow(
        `${flag} is for measurements; add --measure, or leave it out`,
      );
    },
  );

  test('a rig that is not sound is not measured', async () => {
    const folder = writeRigFolder({ 'rig.yaml': SOUND_RIG.replace('round: 20 ms', 'round: 30 ms') });
    const { output, exitCode } = await runCheck(folder, '--measure', '--keys', '/nowhere');
    expect(exitCode).toBe(2);
    expect(output).toMatch(/VP-RIG-TIMING/);
  });
});

test('the examples of the README are sound', () => {
  const readme = readFileSync(path.join(ROOT, 'hardware/rigs/README.md'), 'utf8');
  const block = (language: string): string =>
    new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(readme)?.[1] ?? '';
  const parsed = parseRig(block('yaml'), 'README.md');
  expect(parsed.ok ? parsed.warnings : parsed.mistakes).toEqual([]);
  // Every key is shown: what the example leaves to defaults is the baud rate at most.
  expect(parsed.ok && parsed.defaults).toEqual([{ path: 'law.state-max', value: '256 bytes' }]);
  const folder = writeRigFolder({ 'law.ts': block('ts') });
  expect(loadLaw(path.join(folder, 'law.ts'))).toMatchObject({
    sensors: { pitch: 'number' },
    actuators: ['elevator'],
  });
});

describe('the JSON Schema', () => {
  test('that is published is current', async () => {
    // Renew it with: npx vitest run test/rig/check-command.test.ts -u
    await expect(renderJsonSchema()).toMatchFileSnapshot(path.join(ROOT, 'schema/rig.schema.json'));
  });

  test('takes the rigs that ship and refuses what the checker refuses by form', () => {
    const schema = z.fromJSONSchema(JSON.parse(renderJsonSchema()) as Parameters<typeof z.fromJSONSchema>[0]);
    const read = (text: string): unknown => {
      const yaml = readYaml(text, 'f', RIG_DIALECT);
      if (!yaml.ok) throw new Error(JSON.stringify(yaml.mistakes));
      return JSON.parse(JSON.stringify(yaml.source.value)) as unknown;
    };
    for (const rig of RIGS) {
      const value = read(readFileSync(path.join(rig, 'rig.yaml'), 'utf8'));
      expect(schema.safeParse(value).success, rig).toBe(true);
      expect(rigSchema.safeParse(value).success, rig).toBe(true);
    }
    for (const [from, to] of [
      ['period: 50 ms', 'period: 50'],
      ['law: law.ts', 'lwa: law.ts'],
      ['  c: {', '  C: {'],
      ['authenticators: mac', 'authenticators: macs'],
    ] as const) {
      const value = read(SOUND_RIG.replace(from, to));
      expect(schema.safeParse(value).success, to).toBe(false);
      expect(rigSchema.safeParse(value).success, to).toBe(false);
    }
  });
});
