/** `voteplane actuator RIG --id elevator --keys F`: the voter that stands at one actuator. */
import { randomBytes } from 'node:crypto';
import { Option, type Command } from 'commander';
import { openBridgeActuator } from '../../firmware-bridge/host/bridge-ports.js';
import { ActuatorProcess } from '../process/actuator-process.js';
import { openParentChannel } from '../process/parent-channel.js';
import { createSystemClock } from '../process/system-clock.js';
import { loadRig } from '../rig/load-rig.js';
import { readAddresses } from './addresses.js';
import { loadKeys } from './load-keys.js';
import { openTransport } from './open-transport.js';
import { runUntilStopped } from './run-until-stopped.js';
import { createStderrLog, LOG_LEVELS, type LogLevel } from './stderr-log.js';

interface ActuatorOptions {
  readonly id: string;
  readonly keys: string;
  readonly passphraseFile?: string;
  readonly addresses?: string;
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
  const device = openBridgeActuator({ rig, id, addresses, clock, log });
  const stopper = runUntilStopped();
  const channel = openParentChannel(
    id,
    () => ({ ...voter.readRejected(), ...readRefused() }),
    () => stopper.stop('the process that started it is gone'),
  );
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
  });
  voter.start();
  channel.send({ kind: 'ready', id });
  log.info(`actuator ${id} of rig ${rig.id} is up, in fail-safe until armed`);
  log.info(`actuator ${id} stops: ${await stopper.stopped}`);
  voter.stop();
  await transport.close();
  await device.close();
  channel.close();
}
