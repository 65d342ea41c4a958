/** `voteplane replica RIG --id a --keys F --state DIR`: one replica of a rig. */
import { randomBytes } from 'node:crypto';
import { Option, type Command } from 'commander';
import { openBridgeSensors } from '../../firmware-bridge/host/bridge-ports.js';
import { FaultInjector } from '../faults/injector.js';
import { configureAs } from '../faults/mismatches.js';
import type { Mismatch } from '../faults/wrapper.js';
import { sumCounts, type Counts } from '../process/counts.js';
import { openParentChannel } from '../process/parent-channel.js';
import { ReplicaProcess, type ReplicaProcessParts } from '../process/replica-process.js';
import { createSystemClock } from '../process/system-clock.js';
import { composeLaw } from '../rig/compose-law.js';
import { computeArithmeticDigest } from '../rig/digest.js';
import { loadRig } from '../rig/load-rig.js';
import { claimStateFolder } from '../store/state-folder.js';
import { decodeCbor, encodeCbor } from '../wire/cbor.js';
import { decodeEntry, encodeEntry } from '../wire/entry-codec.js';
import { readAddresses } from './addresses.js';
import { openHostControls } from './host-controls.js';
import { loadKeys } from './load-keys.js';
import { openTransport } from './open-transport.js';
import { runUntilStopped } from './run-until-stopped.js';
import { createStderrLog, LOG_LEVELS, type LogLevel } from './stderr-log.js';

interface ReplicaOptions {
  readonly id: string;
  readonly keys: string;
  readonly passphraseFile?: string;
  readonly state: string;
  readonly addresses?: string;
  readonly seed: string;
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
    .addOption(new Option('--log-level <level>', 'what to print').choices(LOG_LEVELS).default('info'))
    .action(runReplica);
}

async function runReplica(rigPath: string, options: ReplicaOptions): Promise<void> {
  const log = createStderrLog(options.logLevel);
  const { id } = options;
  const loaded = await loadRig(rigPath);
  const { rig } = loaded;
  const keys = await loadKeys(rig, id, 'replica', options.keys, options.passphraseFile);
  const addresses = readAddresses(options.addresses);
  const release = claimStateFolder(options.state, `replica ${id} of rig ${rig.id}`);
  const clock = createSystemClock();
  const { transport, readRefused } = await openTransport({ rig, keys, addresses, log });
  const stopper = runUntilStopped();
  const channel = openParentChannel(
    id,
    () => ({ ...sumCounts(earlier, replica.readRejected()), ...readRefused() }),
    () => stopper.stop('the process that started it is gone'),
  );
  const shape = { sensorTypes: rig.sensors.map(({ type }) => type), actuators: rig.actuators.length };
  const injector = rig.faultInjection
    ? new FaultInjector({
        rig,
        self: rig.replicas.findIndex((one) => one.id === id),
        seed: options.seed,
        clock,
        host: {
          ...openHostControls(transport.inbox, clock, log),
          restartAs: (mismatch) => {
            if (isStopping) return;
            replica.halt();
            earlier = sumCounts(earlier, replica.readRejected());
            replica = launch(mismatch);
            replica.start();
          },
        },
        encodeEntry,
        decodeEntry: (value) => decodeEntry(value, shape),
        sendFrameAs: (claimed, to, purpose, frame) => transport.sendAs(claimed, to, purpose, frame),
        onEvent: (event) => channel.send({ kind: 'fault', id, ...event }),
      })
    : null;
  const localClock = injector?.wrapClock() ?? clock;
  const sensors = openBridgeSensors({
    rig,
    id,
    addresses,
    clock: localClock,
    log,
    ...(injector === null ? {} : { wrapLine: (open) => injector.wrapBridge(open) }),
  });
  const digests = {
    rig: loaded.digests.rig,
    law: loaded.digests.law,
    arithmetic: computeArithmeticDigest(),
  };
  const launch = (mismatch: Mismatch | null): ReplicaProcess =>
    new ReplicaProcess({
      rig,
      id,
      keys,
      ...configureAs(mismatch, digests),
      law: composeLaw(loaded, { encode: encodeCbor, decode: (bytes) => decodeCbor(bytes) }),
      transport,
      sensors,
      clock: localClock,
      entropy: { bytes: (length) => new Uint8Array(randomBytes(length)) },
      log,
      channel,
      ...(injector === null ? {} : composeFaults(injector)),
    });
  /** What earlier lives of the replica in this process refused. */
  let earlier: Counts = {};
  let isStopping = false;
  let replica = launch(null);
  replica.start();
  channel.send({ kind: 'ready', id });
  log.info(`replica ${id} of rig ${rig.id} is up`);
  log.info(`replica ${id} stops: ${await stopper.stopped}`);
  isStopping = true;
  await replica.stop();
  injector?.close();
  await transport.close();
  await sensors.close();
  channel.close();
  release();
}

/** The injector between the replica and its ports, and on the operators' end of the control channel. */
function composeFaults(injector: FaultInjector): Pick<ReplicaProcessParts, 'interposers' | 'onControl'> {
  return {
    interposers: {
      wrapPeers: (port) => injector.wrapPeers(port),
      wrapCommands: (port) => injector.wrapCommands(port),
      wrapSensors: (port) => injector.wrapSensors(port),
      wrapTransport: (port) => injector.wrapTransport(port),
      offerSealer: (seal) => injector.offerSealer(seal),
      onTick: (runTick) => injector.onTick(runTick),
    },
    onControl: (_, text) => injector.answer(text),
  };
}
