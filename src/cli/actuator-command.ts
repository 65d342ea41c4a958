/** `voteplane actuator RIG --id elevator --keys F`: the voter that stands at one actuator. */
import { randomBytes } from 'node:crypto';
import { Option, type Command } from 'commander';
import { openBridgeActuator } from '../../firmware-bridge/host/bridge-ports.js';
import { FaultInjector } from '../faults/injector.js';
import { ActuatorProcess } from '../process/actuator-process.js';
import { openParentChannel } from '../process/parent-channel.js';
import { isRunStart } from '../process/run-start.js';
import { createSystemClock } from '../process/system-clock.js';
import { loadRig } from '../rig/load-rig.js';
import { decodeEntry, encodeEntry } from '../wire/entry-codec.js';
import { readAddresses } from './addresses.js';
import { loadKeys } from './load-keys.js';
import { openHostControls } from './host-controls.js';
import { openTransport } from './open-transport.js';
import { runUntilStopped } from './run-until-stopped.js';
import { createStderrLog, LOG_LEVELS, type LogLevel } from './stderr-log.js';

interface ActuatorOptions {
  readonly id: string;
  readonly keys: string;
  readonly passphraseFile?: string;
  readonly addresses?: string;
  readonly seed: string;
  readonly logLevel: LogLevel;
}

/** Adds the command. */
export function registerActuatorCommand(program: Command): void {
  program
    .command('actuator')
    .description('run the voter of one actuator of a rig')
    .argument('<rig>', 'rig folder, such as hardware/rigs/pitch, or its rig.yaml')
    .requiredOption('--id <id>', 'which actuator of the rig this is')
    .requiredOption('--keys <file>', 'its key file, from "voteplane keys generate"')
    .option('--passphrase-file <file>', 'passphrase of the key file, where it is encrypted')
    .option('--addresses <file>', 'JSON file of addresses in place of those in the rig')
    .option('--seed <seed>', 'what injected faults draw their randomness from', '1')
    .addOption(new Option('--log-level <level>', 'what to print').choices(LOG_LEVELS).default('info'))
    .action(runActuator);
}

async function runActuator(rigPath: string, options: ActuatorOptions): Promise<void> {
  const log = createStderrLog(options.logLevel);
  const { id } = options;
  const { rig, digests } = await loadRig(rigPath);
  const keys = await loadKeys(rig, id, 'actuator', options.keys, options.passphraseFile);
  const addresses = readAddresses(options.addresses);
  const clock = createSystemClock();
  const { transport, readRefused } = await openTransport({ rig, keys, addresses, log });
  const stopper = runUntilStopped();
  const channel = openParentChannel(
    id,
    () => ({ ...voter.readRejected(), ...readRefused() }),
    () => stopper.stop('the process that started it is gone'),
  );
  const shape = { sensorTypes: rig.sensors.map(({ type }) => type), actuators: rig.actuators.length };
  const injector = rig.faultInjection
    ? new FaultInjector({
        rig,
        self: rig.actuators.findIndex((one) => one.id === id),
        of: 'actuators',
        seed: options.seed,
        clock,
        host: openHostControls(transport.inbox, clock, log),
        encodeEntry,
        decodeEntry: (value) => decodeEntry(value, shape),
        onEvent: (event) => channel.send({ kind: 'fault', id, ...event }),
      })
    : null;
  const device = openBridgeActuator({
    rig,
    id,
    addresses,
    clock,
    log,
    ...(injector === null ? {} : { wrapLine: (open) => injector.wrapBridge(open) }),
  });
  const voter = new ActuatorProcess({
    rig,
    id,
    keys,
    digests: { rig: digests.rig, law: null, arithmetic: null },
    transport,
    device,
    clock,
    entropy: { bytes: (length) => new Uint8Array(randomBytes(length)) },
    log,
    channel,
    ...(injector === null
      ? {}
      : {
          interposers: {
            wrapDevice: (port) => injector.wrapDevice(port),
            onTick: (runTick) => injector.onTick(runTick),
          },
          onControl: (_, text) => injector.answer(text),
        }),
  });
  const onMessage = (message: unknown): void => {
    if (isRunStart(message)) voter.setRunStart(message.startTick);
  };
  if (process.send !== undefined) process.on('message', onMessage);
  voter.start();
  channel.send({ kind: 'ready', id });
  log.info(`actuator ${id} of rig ${rig.id} is up, in fail-safe until armed`);
  log.info(`actuator ${id} stops: ${await stopper.stopped}`);
  voter.stop();
  process.off('message', onMessage);
  injector?.close();
  await transport.close();
  await device.close();
  channel.close();
}
