/** The key file of one principal, held against what its rig expects of it. */
import type { Principal } from '../ports.js';
import type { Rig } from '../rig/rig.js';
import { expectKeys, readKeyFile, readPassphraseFile } from '../store/key-file.js';
import { listPrincipals, type PrincipalKeys } from '../wire/keys.js';
import type { PrincipalKind } from '../wire/purposes.js';
import { UsageError } from './usage-error.js';

/** Reads the keys of `id`, which must be of `kind` in this rig. Throws UsageError and KeyFileError. */
export async function loadKeys(
  rig: Rig,
  id: Principal,
  kind: PrincipalKind,
  file: string,
  passphraseFile: string | undefined,
): Promise<PrincipalKeys> {
  const known = listPrincipals(rig).filter((principal) => principal.kind === kind);
  if (!known.some((principal) => principal.id === id)) {
    const names = known.map((principal) => principal.id).join(', ') || 'none';
    throw new UsageError(`rig ${rig.id} has no ${kind} "${id}"; it has ${names}`);
  }
  const passphrase = passphraseFile === undefined ? undefined : await readPassphraseFile(passphraseFile);
  return readKeyFile(file, expectKeys(rig, id), passphrase);
}
