/**
 * `voteplane witness RIG --id w --keys F --state DIR`: the device that votes for the operational quorum where two replicas are
 * not three. It loads no bridge, no recorder and no injector, and never runs the control law: all of it fits into 75 MiB.
 */
import { randomBytes } from 'node:crypto';
import { Option, type Command } from 'commander';
import { openServiceNotifier } from '../board/service-notifier.js';
import { StatusTurns } from '../board/turns.js';
import type { Entropy } from '../ports.js';
import { openMachineClock } from '../process/machine-clock.js';
import { openParentChannel } from '../process/parent-channel.js';
import { WitnessProcess } from '../process/witness-process.js';
import { computeArithmeticDigest } from '../rig/digest.js';
import { loadRig } from '../rig/load-rig.js';
import { FileDisk } from '../store/file-disk.js';
import { openLogStore } from '../store/log-store.js';
import { claimStateFolder } from '../store/state-folder.js';
import { witnessCodec } from '../store/witness-codec.js';
import type { PrincipalKeys } from '../wire/keys.js';
import { readAddresses } from './addresses.js';
import { describeRelease } from './describe-release.js';
import { loadKeys } from './load-keys.js';
import { deriveCredentials, openTransport } from './open-transport.js';
import { runUntilStopped } from './run-until-stopped.js';
import { createStderrLog, LOG_LEVELS, type LogLevel } from './stderr-log.js';
import { openKeyWatch } from './watch-keys.js';

interface WitnessOptions {
  readonly id: string;
  readonly keys: string;
  readonly passphraseFile?: string;
  readonly state: string;
  readonly addresses?: string;
  readonly logLevel: LogLevel;
}

/** Adds the command. */
export function registerWitnessCommand(program: Command): void {
  program
    .command('witness')
    .summary('run the witness of a rig of two replicas')
    .description(
      'Runs the witness of a rig: the device that says which of its two replicas may act when one is gone. It votes for that ' +
        'and for nothing else, and has to remember its last vote: never give it a copy of its state folder.',
    )
    .argument('<rig>', 'rig folder, such as hardware/rigs/valve-witness, or its rig.yaml')
    .requiredOption('--id <id>', 'id of the witness in the rig')
    .requiredOption('--keys <file>', 'its key file, from "voteplane keys generate"')
    .option('--passphrase-file <file>', 'passphrase of the key file, where it is encrypted')
    .requiredOption('--state <dir>', 'folder of its own for what must outlive the process')
    .option('--addresses <file>', 'JSON file of addresses in place of those in the rig')
    .addOption(new Option('--log-level <level>', 'what to print').choices(LOG_LEVELS).default('info'))
    .action(runWitness);
}

const ENTROPY: Entropy = { bytes: (length) => new Uint8Array(randomBytes(length)) };

async function runWitness(rigPath: string, options: WitnessOptions): Promise<void> {
  const log = createStderrLog(options.logLevel);
  const { id } = options;
  const { rig, digests } = await loadRig(rigPath);
  const load = (): Promise<PrincipalKeys> =>
    loadKeys(rig, id, 'witness', options.keys, options.passphraseFile);
  const keyWatch = await openKeyWatch({ file: options.keys, load, log });
  const keys = await load();
  const release = claimStateFolder(options.state, `witness ${id} of rig ${rig.id}`);
  const owner = { kind: 'witness', rigId: rig.id, replicaId: id } as const;
  const { store, left } = await openLogStore(new FileDisk(options.state), owner, ENTROPY);
  if (left.length > 0)
    log.warn(
      `${options.state} holds ${left.join(', ')} and no stamp: what they say does not count, and they get another name when it is given a new one`,
    );
  const clock = openMachineClock(process.env);
  const notifier = openServiceNotifier(process.env, clock, log);
  const turns = new StatusTurns(rig.periodUs);
  const { transport, readRefused } = await openTransport({
    rig,
    keys,
    addresses: readAddresses(options.addresses),
    log,
    nowUs: clock.nowUs,
    onTwin: (text) => channel.send({ kind: 'event', id, level: 'error', text, atUs: clock.nowUs() }),
  });
  const stopper = runUntilStopped();
  const channel = openParentChannel(
    id,
    () => ({ ...witness.readRejected(), ...readRefused() }),
    () => stopper.stop('the process that started it is gone'),
    clock.toMachineUs,
  );
  const witness = new WitnessProcess({
    rig,
    id,
    keys,
    digests: { ...digests, arithmetic: computeArithmeticDigest() },
    transport,
    store,
    records: witnessCodec,
    clock,
    entropy: ENTROPY,
    log,
    channel,
    onTurn: (doing, nowUs) => notifier.noteTurn(turns.note(doing, nowUs)),
  });
  keyWatch.start((renewed) => {
    transport.renewCredentials(deriveCredentials(rig, renewed));
    witness.renewKeys(renewed);
  });
  witness.start();
  channel.send({ kind: 'ready', id });
  notifier.ready();
  const [a = '', b = ''] = rig.replicas.map((replica) => replica.id);
  log.info(
    `witness ${id} of rig ${rig.id} is up, ${describeRelease()}; it is asked only when ${a} or ${b} is gone, or back`,
  );
  log.info(`witness ${id} stops: ${await stopper.stopped}`);
  notifier.stopping();
  keyWatch.close();
  await witness.stop();
  await transport.close();
  await store.close();
  channel.close();
  await notifier.close();
  release();
}
