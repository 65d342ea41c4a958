/**
 * Runs every process of a recording again over the ports of the recording, and holds them against what was recorded and
 * against one another. Nothing of this machine takes part but its processor and the recording's files.
 */
import { toHex } from '../core/bytes.js';
import type { Log, Principal } from '../ports.js';
import { CallLogReader, type CallLogHeader } from '../recording/call-log.js';
import { FrameLedger, type LedgerFindings } from '../recording/frame-ledger.js';
import { PortReplayer, type ReplayedProcess, type ReplayOutcome } from '../recording/port-replayer.js';
import { RecordingError } from '../recording/recording-error.js';
import { openRecording, type RecordedFlight } from '../recording/recording-folder.js';
import { computeArithmeticDigest } from '../rig/digest.js';
import { loadRig, type LoadedRig } from '../rig/load-rig.js';
import type { PrincipalKeys } from '../wire/keys.js';
import { composeActuator } from './compose-actuator.js';
import { composeReplica } from './compose-replica.js';
import { loadKeys } from './load-keys.js';

/** One life of one process, replayed. */
export interface ReplayedLife extends ReplayOutcome {
  readonly process: Principal;
  readonly kind: 'replica' | 'actuator';
  readonly life: number;
}

export interface ReplayedFlight {
  readonly rig: string;
  readonly folder: string;
  readonly seed: string;
  readonly recordedBy: string;
  readonly lives: readonly ReplayedLife[];
  /** Frames between these processes. */
  readonly frames: LedgerFindings;
}

export interface ReplayReport {
  readonly identical: boolean;
  readonly flights: readonly ReplayedFlight[];
}

/** Replays all of it. Rejects with RecordingError, RigError or KeyFileError where the folder cannot be used. */
export async function replayRecording(folder: string): Promise<ReplayReport> {
  const flights: ReplayedFlight[] = [];
  for (const flight of openRecording(folder)) flights.push(await replayFlight(flight));
  const identical = flights.every(
    ({ lives, frames }) => frames.unsent === 0 && lives.every(({ difference }) => difference === null),
  );
  return { identical, flights };
}

async function replayFlight(flight: RecordedFlight): Promise<ReplayedFlight> {
  const { manifest, folder } = flight;
  const loaded = await loadRig(flight.rigFile);
  const ledger = new FrameLedger();
  const lives: ReplayedLife[] = [];
  for (const { process, kind, life, log, keyFile } of flight.lives) {
    const keys = await loadKeys(loaded.rig, process, kind, keyFile, undefined);
    const reader = new CallLogReader(log);
    try {
      checkHeader(reader.header, loaded, log);
      const outcome = await replayLife(reader, loaded, keys, ledger);
      // Of what came after these nothing is known.
      if (outcome.difference !== null || outcome.end === 'cut') ledger.noteCut(process, outcome.lastUs);
      lives.push({ process, kind, life, ...outcome });
    } finally {
      reader.close();
    }
  }
  return {
    rig: manifest.rig,
    folder,
    seed: manifest.seed,
    recordedBy: manifest.software,
    lives,
    frames: ledger.check(new Set(lives.map(({ process }) => process))),
  };
}

function replayLife(
  reader: CallLogReader,
  loaded: LoadedRig,
  keys: PrincipalKeys,
  ledger: FrameLedger,
): Promise<ReplayOutcome> {
  const { process: id, kind, seed } = reader.header;
  const replayer = new PortReplayer(reader, id, {
    onSent: (sender, to, purpose, frame) => ledger.noteSent(sender, to, purpose, frame),
    onReceived: (from, purpose, frame, arrivedUs) => ledger.noteReceived(from, id, purpose, frame, arrivedUs),
  });
  const identity = { loaded, id, keys, seed };
  const world = {
    ...replayer.ports,
    host: {
      kill: () => replayer.endByKill(),
      // The recorded clock and links say what came of it.
      stall: () => {},
      killBroker: () => {},
    },
    lineText: 'the recorded line',
    log: SILENT,
  };
  const build = (): ReplayedProcess =>
    kind === 'actuator' ? composeActuator(identity, world) : composeReplica(identity, world);
  return replayer.run(build);
}

/** Refuses a log that this rig and this machine cannot replay. */
function checkHeader({ digests, versions }: CallLogHeader, loaded: LoadedRig, log: string): void {
  const isSame = (recorded: string | null, own: Uint8Array): boolean =>
    recorded === null || recorded === toHex(own);
  if (!isSame(digests.rig, loaded.digests.rig) || !isSame(digests.law, loaded.digests.law)) {
    throw new RecordingError(
      `${log}: it was recorded with another rig file or control law than ${loaded.file}; put the copy that was recorded back`,
    );
  }
  if (!isSame(digests.arithmetic, computeArithmeticDigest())) {
    throw new RecordingError(
      `${log}: it was recorded on Node ${versions.node}, whose arithmetic differs from that of ${process.version} here; replay it with the same release of Node`,
    );
  }
}

/** What a process says to people it has said in flight. */
const SILENT: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
