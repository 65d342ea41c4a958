/**
 * `voteplane keys rotate`, `retire`, `revoke` and `replace`: the key files of a whole rig, in one folder, changed together.
 * All files are read and all new keys made before the first is written; each is replaced as a whole. Where the work is
 * interrupted, some files are a key epoch ahead of the others: all still have one in common, the rig goes on, and the
 * same command does the rest.
 */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { Entropy, Principal } from '../ports.js';
import { loadRig } from '../rig/load-rig.js';
import type { Rig } from '../rig/rig.js';
import {
  expectKeys,
  KeyFileError,
  nameKeyFile,
  readKeyFile,
  readPassphraseFile,
  writeKeyFile,
} from '../store/key-file.js';
import {
  findCommonEpoch,
  listRevoked,
  replaceKeys,
  retireKeys,
  revokeKeys,
  rotateKeys,
} from '../wire/change-keys.js';
import { listPrincipals, nameEpochs, type PrincipalKeys } from '../wire/keys.js';
import { UsageError } from './usage-error.js';

export interface KeyChangeOptions {
  /** Folder with the files of everybody. */
  readonly keys: string;
  readonly passphraseFile?: string;
  readonly principal?: string;
}

interface KeyChange {
  readonly name: 'rotate' | 'retire' | 'revoke' | 'replace';
  readonly description: string;
  readonly namesPrincipal: boolean;
  readonly make: (
    rig: Rig,
    held: readonly PrincipalKeys[],
    principal: Principal,
    entropy: Entropy,
  ) => readonly PrincipalKeys[];
  /** What the user has to do now. */
  readonly advise: (principal: Principal) => string;
}

const CARRY =
  'Carry each file to its part, in any order, whole: copy it beside the old one and rename it. A part that runs takes it ' +
  'up within a second, without a restart.';

/** The commands that change the keys of a rig that may be running. */
export const KEY_CHANGES: readonly KeyChange[] = [
  {
    name: 'rotate',
    description:
      'make fresh keys beside those in use, without a gap: the old epoch goes on until all have the new one; the one before it ends',
    namesPrincipal: false,
    make: (rig, held, _, entropy) => rotateKeys(rig, held, entropy),
    advise: () =>
      `${CARRY} Before the next rotation all parts must have these: whoever is two behind is refused.`,
  },
  {
    name: 'retire',
    description: 'end the overlap: what is older than the newest key epoch is refused from now on',
    namesPrincipal: false,
    make: (_, held) => retireKeys(held),
    advise: () => `${CARRY} Whoever does not have the newest keys yet is refused.`,
  },
  {
    name: 'revoke',
    description: 'make fresh keys without one principal: nobody talks to it any more',
    namesPrincipal: true,
    make: revokeKeys,
    advise: (principal) =>
      `${CARRY} Sessions with ${principal} end as soon as its peers have their files. Its own file is worth nothing; ` +
      `"voteplane keys replace --principal ${principal}" takes it back with new keys.`,
  },
  {
    name: 'replace',
    description:
      'make fresh keys in which one principal, revoked or not, has new ones; its old keys are worth nothing',
    namesPrincipal: true,
    make: replaceKeys,
    advise: (principal) =>
      `${CARRY} That of ${principal} comes last: until all others have theirs they do not know it.`,
  },
];

/** Runs one of `KEY_CHANGES`. Rejects with RigError, KeyFileError or UsageError. */
export async function changeKeyFiles(
  change: KeyChange,
  rigPath: string,
  options: KeyChangeOptions,
): Promise<void> {
  const { rig } = await loadRig(rigPath);
  const folder = options.keys;
  const { principal = '' } = options;
  const ids = listPrincipals(rig).map(({ id }) => id);
  if (change.namesPrincipal && !ids.includes(principal)) {
    throw new UsageError(`--principal: rig ${rig.id} has no "${principal}"; it has ${ids.join(', ')}`);
  }
  const passphrase =
    options.passphraseFile === undefined ? undefined : await readPassphraseFile(options.passphraseFile);
  const held = await readAll(rig, folder, change.namesPrincipal ? principal : null, passphrase);
  const others = held.filter((keys) => keys.principal !== principal);
  if (change.name === 'revoke' && others.every(({ revoked }) => revoked.has(principal))) {
    throw new UsageError(`--principal: ${principal} is revoked already; to take it back, replace it`);
  }
  if (findCommonEpoch(others) === null) {
    throw new KeyFileError(
      'other-set',
      folder,
      `the key files have no key epoch in common (${held.map((keys) => `${keys.principal}: ${nameEpochs(keys)}`).join(', ')})`,
      'restore those that were left behind from their copies, or run `voteplane keys generate --force` and give everybody its new file',
    );
  }
  const entropy: Entropy = { bytes: (length) => new Uint8Array(randomBytes(length)) };
  const changed = change.make(rig, held, principal, entropy);
  const written: string[] = [];
  for (const keys of changed) {
    const file = path.join(folder, nameKeyFile(keys.principal));
    await writeKeyFile(file, keys, {
      entropy,
      force: true,
      ...(passphrase === undefined ? {} : { passphrase }),
    });
    written.push(`${file}: ${nameEpochs(keys)}\n`);
  }
  // In the end: whoever reads this must not be able to stop the work half way.
  process.stdout.write(`${written.join('')}${change.advise(principal)}\n`);
}

/**
 * The keys of everybody who is not revoked. The file of the one who is meant may be missing: it has lost it, or nobody shall
 * look at it any more.
 */
async function readAll(
  rig: Rig,
  folder: string,
  meant: Principal | null,
  passphrase: string | undefined,
): Promise<readonly PrincipalKeys[]> {
  const held: PrincipalKeys[] = [];
  const missing: KeyFileError[] = [];
  for (const { id } of listPrincipals(rig)) {
    if (id === meant) continue;
    const file = path.join(folder, nameKeyFile(id));
    try {
      held.push(await readKeyFile(file, expectKeys(rig, id), passphrase));
    } catch (error) {
      if (!(error instanceof KeyFileError) || error.code !== 'missing') throw error;
      missing.push(error);
    }
  }
  const revoked = listRevoked(held);
  const lacking = missing.find(
    ({ file }) => ![...revoked].some((id) => path.basename(file) === nameKeyFile(id)),
  );
  if (lacking !== undefined) throw lacking;
  return held.filter((keys) => !revoked.has(keys.principal));
}
