/** `voteplane keys generate RIG`: fresh secrets for everybody in a rig, one file each. */
import { randomBytes } from 'node:crypto';
import { access } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { loadRig } from '../rig/load-rig.js';
import { RigError } from '../rig/mistake.js';
import { KeyFileError, nameKeyFile, readPassphraseFile, writeKeyFile } from '../store/key-file.js';
import { generateKeys } from '../wire/keys.js';

interface GenerateOptions {
  readonly out: string;
  readonly passphraseFile?: string;
  readonly force?: boolean;
}

/** Exit code of usage and rig errors. */
const EXIT_USAGE = 2;

/** Adds the command. */
export function registerKeysCommand(program: Command): void {
  program
    .command('keys')
    .description('the secrets with which the parts of a rig prove who they are')
    .command('generate')
    .description(
      'make fresh keys: one file per replica, actuator, operator and observer, each with its own secrets only',
    )
    .argument('<rig>', 'rig folder, such as hardware/rigs/pitch, or its rig.yaml')
    .requiredOption('--out <dir>', 'folder for the key files; made if it is not there')
    .option('--passphrase-file <file>', 'encrypt the files with the passphrase in this file')
    .option('--force', 'replace key files that are there; the old keys are lost')
    .action(runGenerate);
}

async function runGenerate(rigPath: string, options: GenerateOptions): Promise<void> {
  try {
    const { rig } = await loadRig(rigPath);
    const passphrase =
      options.passphraseFile === undefined ? undefined : await readPassphraseFile(options.passphraseFile);
    const entropy = { bytes: (length: number) => new Uint8Array(randomBytes(length)) };
    const all = generateKeys(rig, entropy).map((keys) => ({
      keys,
      file: path.join(options.out, nameKeyFile(keys.principal)),
    }));
    const force = options.force ?? false;
    // All or none: half a set of new keys fits to no other half.
    if (!force) for (const { file } of all) await refuseExisting(file);
    for (const { keys, file } of all) {
      await writeKeyFile(file, keys, { entropy, force, ...(passphrase === undefined ? {} : { passphrase }) });
      process.stdout.write(`${file}\n`);
    }
    process.stdout.write(
      `${all.length} key files for rig ${rig.id}. Give each part its own file and no other: who holds a file can speak in its name.\n`,
    );
  } catch (error) {
    if (!(error instanceof RigError || error instanceof KeyFileError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = EXIT_USAGE;
  }
}

async function refuseExisting(file: string): Promise<void> {
  try {
    await access(file);
  } catch {
    return; // Not there, which is what is wanted; a folder that cannot be read shows when the file is written.
  }
  throw new KeyFileError(
    'exists',
    file,
    'there already is a key file',
    'choose another --out, or replace it with --force',
  );
}
