import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { registerKeysCommand } from '../../src/cli/keys-command.js';
import { loadRig } from '../../src/rig/load-rig.js';
import { expectKeys, readKeyFile } from '../../src/store/key-file.js';
import type { PrincipalKeys } from '../../src/wire/keys.js';

const RIG = 'hardware/rigs/pitch';
const SIGNED_RIG = 'hardware/rigs/signed-three';

let folder: string;
let output: string;
let errors: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'voteplane-keys-'));
  output = '';
  errors = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((output += String(text)), true));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((errors += String(text)), true));
});
afterEach(async () => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
  await rm(folder, { recursive: true });
});

/** Runs the command and returns its exit code. */
async function runKeys(...args: string[]): Promise<number> {
  process.exitCode = 0;
  const program = new Command('voteplane').exitOverride();
  registerKeysCommand(program);
  await program.parseAsync(['keys', ...args], { from: 'user' });
  return Number(process.exitCode);
}

test('one file for each replica, actuator, operator and observer, which each of them can read', async () => {
  for (const where of [RIG, SIGNED_RIG]) {
    const out = join(folder, where.replaceAll('/', '-'));
    expect(await runKeys('generate', where, '--out', out)).toBe(0);
    const { rig } = await loadRig(where);
    const names = [...rig.replicas, ...rig.actuators]
      .map(({ id }) => id)
      .concat(rig.operators, rig.observers);
    expect((await readdir(out)).sort()).toEqual(names.map((name) => `${name}.keys.json`).sort());
    for (const name of names) {
      const keys = await readKeyFile(join(out, `${name}.keys.json`), expectKeys(rig, name));
      expect(keys.principal).toBe(name);
      expect(output).toContain(join(out, `${name}.keys.json`));
    }
  }
});

test('nothing is overwritten, not even in part; --force replaces all', async () => {
  expect(await runKeys('generate', RIG, '--out', folder)).toBe(0);
  await rm(join(folder, 'a.keys.json'));
  const before = await readFile(join(folder, 'b.keys.json'), 'utf8');
  expect(await runKeys('generate', RIG, '--out', folder)).toBe(2);
  expect(errors).toMatch(/b\.keys\.json: there already is a key file; .*--force/);
  expect(await readdir(folder)).not.toContain('a.keys.json');
  expect(await runKeys('generate', RIG, '--out', folder, '--force')).toBe(0);
  expect(await readFile(join(folder, 'b.keys.json'), 'utf8')).not.toBe(before);
});

test('with a passphrase file the secrets are sealed', async () => {
  const passphraseFile = join(folder, 'passphrase');
  await writeFile(passphraseFile, 'open sesame\n', { mode: 0o600 });
  const out = join(folder, 'keys');
  expect(await runKeys('generate', SIGNED_RIG, '--out', out, '--passphrase-file', passphraseFile)).toBe(0);
  const { rig } = await loadRig(SIGNED_RIG);
  const file = join(out, 'a.keys.json');
  expect(await readFile(file, 'utf8')).toContain('"sealed"');
  await expect(readKeyFile(file, expectKeys(rig, 'a'))).rejects.toThrow(/--passphrase-file/);
  expect((await readKeyFile(file, expectKeys(rig, 'a'), 'open sesame')).principal).toBe('a');
});

test('a rig that is not there, and a passphrase file that is not, are named', async () => {
  expect(await runKeys('generate', join(folder, 'nowhere'), '--out', folder)).toBe(2);
  expect(errors).toContain('nowhere');
  expect(await runKeys('generate', RIG, '--out', folder, '--passphrase-file', join(folder, 'none'))).toBe(2);
  expect(errors).toMatch(/none: the passphrase file cannot be opened/);
});

describe('keys of a rig that may be running', () => {
  const passphraseFile = (): string => join(folder, 'passphrase');
  const read = async (id: string, rigPath = RIG): Promise<PrincipalKeys> => {
    const { rig } = await loadRig(rigPath);
    return readKeyFile(join(folder, `${id}.keys.json`), expectKeys(rig, id));
  };

  test('rotate keeps two epochs, retire the newest alone; sealed files stay sealed', async () => {
    await writeFile(passphraseFile(), 'open sesame\n', { mode: 0o600 });
    const sealed = join(folder, 'sealed');
    const sealing = ['--passphrase-file', passphraseFile()];
    expect(await runKeys('generate', RIG, '--out', folder)).toBe(0);
    expect(await runKeys('rotate', RIG, '--keys', folder)).toBe(0);
    expect(await runKeys('rotate', RIG, '--keys', folder)).toBe(0);
    expect([(await read('a')).keyEpoch, (await read('a')).previous?.keyEpoch]).toEqual([3, 2]);
    expect(output).toContain(`${join(folder, 'd.keys.json')}: key epochs 3 and 2`);
    expect(output).toMatch(/Carry each file to its part, in any order/);
    expect(await runKeys('retire', RIG, '--keys', folder)).toBe(0);
    expect([(await read('a')).keyEpoch, (await read('a')).previous]).toEqual([3, null]);

    expect(await runKeys('generate', RIG, '--out', sealed, ...sealing)).toBe(0);
    expect(await runKeys('rotate', RIG, '--keys', sealed)).toBe(2);
    expect(errors).toMatch(/--passphrase-file/);
    expect(await runKeys('rotate', RIG, '--keys', sealed, ...sealing)).toBe(0);
    expect(await readFile(join(sealed, 'a.keys.json'), 'utf8')).toContain('"sealed"');
  });

  test('revoke leaves its file alone and shuts it out of the others; replace takes it back', async () => {
    expect(await runKeys('generate', SIGNED_RIG, '--out', folder)).toBe(0);
    const own = await readFile(join(folder, 'c.keys.json'), 'utf8');
    expect(await runKeys('revoke', SIGNED_RIG, '--keys', folder, '--principal', 'c')).toBe(0);
    expect(await readFile(join(folder, 'c.keys.json'), 'utf8')).toBe(own);
    expect([...(await read('a', SIGNED_RIG)).revoked]).toEqual(['c']);
    expect(await runKeys('revoke', SIGNED_RIG, '--keys', folder, '--principal', 'c')).toBe(2);
    expect(errors).toMatch(/c is revoked already; to take it back, replace it/);
    // Whoever lost its file with its board is taken back all the same.
    await rm(join(folder, 'c.keys.json'));
    expect(await runKeys('rotate', SIGNED_RIG, '--keys', folder)).toBe(0);
    expect(await runKeys('replace', SIGNED_RIG, '--keys', folder, '--principal', 'c')).toBe(0);
    expect((await read('a', SIGNED_RIG)).revoked.size).toBe(0);
    expect((await read('c', SIGNED_RIG)).rows.get('a')).toEqual((await read('a', SIGNED_RIG)).rows.get('c'));
    expect(output).toMatch(/That of c comes last/);
  });

  test('nothing is written where anything is wrong, and it is named', async () => {
    expect(await runKeys('generate', RIG, '--out', folder)).toBe(0);
    const before = await readFile(join(folder, 'a.keys.json'), 'utf8');
    expect(await runKeys('revoke', RIG, '--keys', folder, '--principal', 'nobody')).toBe(2);
    expect(errors).toMatch(/--principal: rig pitch has no "nobody"; it has a, b, c, d/);
    await rm(join(folder, 'd.keys.json'));
    expect(await runKeys('rotate', RIG, '--keys', folder)).toBe(2);
    expect(errors).toMatch(/d\.keys\.json: the key file cannot be opened/);
    const other = join(folder, 'other');
    expect(await runKeys('generate', RIG, '--out', other)).toBe(0);
    for (let times = 0; times < 3; times += 1) expect(await runKeys('rotate', RIG, '--keys', other)).toBe(0);
    await writeFile(join(folder, 'd.keys.json'), await readFile(join(other, 'd.keys.json')), { mode: 0o600 });
    expect(await runKeys('rotate', RIG, '--keys', folder)).toBe(2);
    expect(errors).toMatch(/no key epoch in common \(a: key epoch 1, .*d: key epochs 4 and 3, .*restore/);
    expect(await readFile(join(folder, 'a.keys.json'), 'utf8')).toBe(before);
  });
});
