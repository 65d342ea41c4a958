/**
 * `voteplane keys generate RIG`: fresh secrets for everybody in a rig, one file each. `rotate`, `retire`, `revoke` and
 * `replace`: other keys for a rig that may be running (change-key-files.ts). `voteplane keys broker-password RIG`: what a
 * principal says at an MQTT broker, for external brokers and for tools such as mosquitto_sub.
 */
import { randomBytes } from 'node:crypto';
import { access } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { listInboxOwners } from '../rig/rig.js';
import { loadRig } from '../rig/load-rig.js';
import { RigError } from '../rig/mistake.js';
import { KeyFileError, nameKeyFile, readPassphraseFile, writeKeyFile } from '../store/key-file.js';
import { generateKeys, listPeers, listPrincipals, readBrokerPassword } from '../wire/keys.js';
import { changeKeyFiles, KEY_CHANGES, type KeyChangeOptions } from './change-key-files.js';
import { loadKeys } from './load-keys.js';
import { UsageError } from './usage-error.js';

interface GenerateOptions {
  readonly out: string;
  readonly passphraseFile?: string;
  readonly force?: boolean;
}

/** Exit code of usage and rig errors. */
const EXIT_USAGE = 2;

/** Adds the command. */
export function registerKeysCommand(program: Command): void {
  const keys = program
    .command('keys')
    .description('the secrets with which the parts of a rig prove who they are');
  keys
    .command('generate')
    .description(
      'make fresh keys: one file per replica, actuator, operator and observer, and for the witness, each with its own secrets only',
    )
    .argument('<rig>', 'rig folder, such as hardware/rigs/pitch, or its rig.yaml')
    .requiredOption('--out <dir>', 'folder for the key files; made if it is not there')
    .option('--passphrase-file <file>', 'encrypt the files with the passphrase in this file')
    .option('--force', 'replace key files that are there; the old keys are lost')
    .action(runGenerate);
  for (const change of KEY_CHANGES) {
    const command = keys
      .command(change.name)
      .description(change.description)
      .argument('<rig>', 'rig folder, such as hardware/rigs/pitch, or its rig.yaml')
      .requiredOption(
        '--keys <dir>',
        'folder with the key files of the whole rig, from "voteplane keys generate"',
      )
      .option('--passphrase-file <file>', 'passphrase of the key files, where they are encrypted');
    if (change.namesPrincipal)
      command.requiredOption(
        '--principal <id>',
        'whose keys: a replica, actuator, operator, observer or the witness',
      );
    command.action((rigPath: string, options: KeyChangeOptions) =>
      endInWords(() => changeKeyFiles(change, rigPath, options)),
    );
  }
  keys
    .command('broker-password')
    .description(
      'print the password with which a principal enters an inbox; its user name, and at an embedded inbox its client id, is its id',
    )
    .argument('<rig>', 'rig folder, such as hardware/rigs/pitch, or its rig.yaml')
    .requiredOption('--id <id>', 'who enters')
    .requiredOption('--keys <file>', 'its key file')
    .requiredOption('--inbox <id>', 'whose inbox: a replica, actuator or the witness of the rig')
    .option('--passphrase-file <file>', 'passphrase of the key file, where it is encrypted')
    .action(printBrokerPassword);
}

interface BrokerPasswordOptions {
  readonly id: string;
  readonly keys: string;
  readonly inbox: string;
  readonly passphraseFile?: string;
}

async function printBrokerPassword(rigPath: string, options: BrokerPasswordOptions): Promise<void> {
  const { rig } = await loadRig(rigPath);
  const { id, inbox } = options;
  const kind = listPrincipals(rig).find((principal) => principal.id === id)?.kind;
  if (kind === undefined) {
    const names = listPrincipals(rig).map((principal) => principal.id);
    throw new UsageError(`--id: rig ${rig.id} has no principal "${id}"; it has ${names.join(', ')}`);
  }
  const owners = listInboxOwners(rig).map((part) => part.id);
  const open = listPeers(rig, id).map((peer) => peer.id);
  const allowed = owners.filter((owner) => owner === id || open.includes(owner));
  if (!allowed.includes(inbox)) {
    throw new UsageError(
      `--inbox: ${id} enters no inbox of "${inbox}"; it enters those of ${allowed.join(', ')}`,
    );
  }
  const keys = await loadKeys(rig, id, kind, options.keys, options.passphraseFile);
  process.stdout.write(`${readBrokerPassword(keys, id, inbox)}\n`);
}

/** What is wrong with a rig or a key file, and the cure, is all that is said of it. */
async function endInWords(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof RigError || error instanceof KeyFileError || error instanceof UsageError))
      throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = EXIT_USAGE;
  }
}

function runGenerate(rigPath: string, options: GenerateOptions): Promise<void> {
  return endInWords(async () => {
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
  });
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
