/** `voteplane replica RIG --id a --keys F --state DIR`: one replica of a rig. */
import { randomBytes } from 'node:crypto';
import { Option, type Command } from 'commander';
import { findLine } from '../../firmware-bridge/host/bridge-ports.js';
import { openServiceNotifier } from '../board/service-notifier.js';
import { readTickTurn } from '../board/turns.js';
import { openParentChannel } from '../process/parent-channel.js';
import { openMachineClock } from '../process/machine-clock.js';
import { compileEarly } from '../process/v8-flags.js';
import type { ProcessPorts } from '../recording/process-ports.js';
import { ordersByLog } from '../rig/derive.js';
import { loadRig } from '../rig/load-rig.js';
import { claimStateFolder, emptyStateFolder } from '../store/state-folder.js';
import type { PrincipalKeys } from '../wire/keys.js';
import { readAddresses } from './addresses.js';
import { composeReplica } from './compose-replica.js';
import { describeRelease } from './describe-release.js';
import { openHostControls } from './host-controls.js';
import { makeKeysOrder } from './keys-order.js';
import { loadKeys } from './load-keys.js';
import { openOrderStore } from './open-order-store.js';
import { openProcessRecording } from './open-recording.js';
import { deriveCredentials, openTransport } from './open-transport.js';
import { runUntilStopped } from './run-until-stopped.js';
import { createStderrLog, LOG_LEVELS, type LogLevel } from './stderr-log.js';
import { openKeyWatch } from './watch-keys.js';

interface ReplicaOptions {
  readonly id: string;
  readonly keys: string;
  readonly passphraseFile?: string;
  readonly state: string;
  readonly addresses?: string;
  readonly seed: string;
  readonly record?: string;
  readonly logLevel: LogLevel;
}

/** Adds the command. */
export function registerReplicaCommand(program: Command): void {
  program
    .command('replica')
    .description('run one replica of a rig')
    .argument('<rig>', 'rig folder, such as hardware/rigs/pitch, or its rig.yaml')
    .requiredOption('--id <id>', 'which replica of the rig this is')
    .requiredOption('--keys <file>', 'its key file, from "voteplane keys generate"')
    .option('--passphrase-file <file>', 'passphrase of the key file, where it is encrypted')
    .requiredOption('--state <dir>', 'folder of its own for what must outlive the process')
    .option('--addresses <file>', 'JSON file of addresses in place of those in the rig')
    .option('--seed <seed>', 'what injected faults draw their randomness from', '1')
    .option('--record <dir>', 'folder for a log of everything that crosses its ports')
    .addOption(new Option('--log-level <level>', 'what to print').choices(LOG_LEVELS).default('info'))
    .action(runReplica);
}

async function runReplica(rigPath: string, options: ReplicaOptions): Promise<void> {
  compileEarly();
  const log = createStderrLog(options.logLevel);
  const { id } = options;
  const loaded = await loadRig(rigPath);
  const { rig } = loaded;
  const load = (): Promise<PrincipalKeys> =>
    loadKeys(rig, id, 'replica', options.keys, options.passphraseFile);
  const keyWatch = await openKeyWatch({ file: options.keys, load, log });
  const keys = await load();
  const addresses = readAddresses(options.addresses);
  const release = claimStateFolder(options.state, `replica ${id} of rig ${rig.id}`);
  const store = ordersByLog(rig) ? await openOrderStore(rig, id, options.state, log) : null;
  const clock = openMachineClock(process.env);
  const notifier = openServiceNotifier(process.env, clock, log);
  const { transport, readRefused } = await openTransport({
    rig,
    keys,
    addresses,
    log,
    nowUs: clock.nowUs,
    onTwin: (text) => channel.send({ kind: 'event', id, level: 'error', text, atUs: clock.nowUs() }),
  });
  const line = findLine(rig, id, addresses);
  const stopper = runUntilStopped();
  const channel = openParentChannel(
    id,
    () => ({ ...replica.readRejected(), ...readRefused() }),
    () => stopper.stop('the process that started it is gone'),
    clock.toMachineUs,
  );
  const recording = openProcessRecording(
    options.record,
    { loaded, id, kind: 'replica', seed: options.seed },
    log,
  );
  const ports: ProcessPorts = {
    clock,
    entropy: { bytes: (length) => new Uint8Array(randomBytes(length)) },
    transport,
    sendFrameAs: (claimed, to, purpose, frame) => transport.sendAs(claimed, to, purpose, frame),
    openLine: line.open,
    store,
    channel: {
      ...channel,
      sendTick: (record) => {
        notifier.noteTurn(readTickTurn(record));
        channel.sendTick(record);
      },
    },
  };
  const replica = composeReplica(
    { loaded, id, keys, seed: options.seed },
    {
      ...(recording?.recorder.wrap(ports) ?? ports),
      host: {
        ...openHostControls(transport.inbox, clock, log, () => recording?.noteKilled()),
        // The power cannot be taken from one process: all else that it has written is there.
        loseStore: (how) => {
          if (how === 'all') emptyStateFolder(options.state);
        },
      },
      lineText: line.text,
      log,
    },
  );
  const obey = (message: unknown): void => {
    if (recording === null) replica.obey(message);
    else recording.recorder.noteOrder(message, () => replica.obey(message));
  };
  keyWatch.start((renewed) => {
    transport.renewCredentials(deriveCredentials(rig, renewed));
    obey(makeKeysOrder(renewed));
  });
  replica.start();
  channel.send({ kind: 'ready', id });
  notifier.ready();
  log.info(`replica ${id} of rig ${rig.id} is up, ${describeRelease()}`);
  log.info(`replica ${id} stops: ${await stopper.stopped}`);
  notifier.stopping();
  keyWatch.close();
  recording?.recorder.noteStop();
  await replica.stop();
  recording?.recorder.noteStopped();
  await transport.close();
  await replica.close();
  await recording?.close();
  await store?.close();
  channel.close();
  await notifier.close();
  release();
}
