/** The recording of a process that was started with `--record`. */
import { toHex } from '../core/bytes.js';
import type { Log } from '../ports.js';
import { recordProcess, type ProcessRecording } from '../recording/record-process.js';
import { computeArithmeticDigest } from '../rig/digest.js';
import type { LoadedRig } from '../rig/load-rig.js';
import { listPrincipals } from '../wire/keys.js';
import { readVersion } from './flight-options.js';

export interface RecordedIdentity {
  readonly loaded: LoadedRig;
  readonly id: string;
  readonly kind: 'replica' | 'actuator';
  readonly seed: string;
}

/** Begins it in `folder`; null where none was asked for. */
export function openProcessRecording(
  folder: string | undefined,
  { loaded, id, kind, seed }: RecordedIdentity,
  log: Log,
): ProcessRecording | null {
  if (folder === undefined) return null;
  const isReplica = kind === 'replica';
  return recordProcess(
    folder,
    {
      rig: loaded.rig.id,
      process: id,
      kind,
      seed,
      digests: {
        rig: toHex(loaded.digests.rig),
        law: isReplica ? toHex(loaded.digests.law) : null,
        arithmetic: isReplica ? toHex(computeArithmeticDigest()) : null,
      },
      versions: { voteplane: readVersion(), node: process.version },
      principals: listPrincipals(loaded.rig).map((principal) => principal.id),
    },
    log,
  );
}
