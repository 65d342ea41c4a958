import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { registerKeysCommand } from '../../src/cli/keys-command.js';
import { loadRig } from '../../src/rig/load-rig.js';
import { expectKeys, readKeyFile } from '../../src/store/key-file.js';

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
