/** `voteplane plant RIG`: the rig's emulated plant behind one firmware bridge per replica and actuator. */
import { randomBytes } from 'node:crypto';
import { Option, type Command } from 'commander';
import { loadProfile } from '../../hardware/emulated/load-profile.js';
import { PlantHost } from '../../hardware/emulated/plant-host.js';
import { startNamedPlant } from '../../hardware/plants/plants.js';
import { openParentChannel } from '../process/parent-channel.js';
import { PlantProcess } from '../process/plant-process.js';
import { createSystemClock } from '../process/system-clock.js';
import { loadRig } from '../rig/load-rig.js';
import { readAddresses } from './addresses.js';
import { parseSeed } from './flight-options.js';
import { runUntilStopped } from './run-until-stopped.js';
import { createStderrLog, LOG_LEVELS, type LogLevel } from './stderr-log.js';
import { UsageError } from './usage-error.js';

interface PlantOptions {
  readonly addresses?: string;
  readonly seed: number;
  readonly logLevel: LogLevel;
}

/** Adds the command. */
export function registerPlantCommand(program: Command): void {
  program
    .command('plant')
    .description("emulate a rig's plant: one firmware bridge for each replica and actuator")
    .argument('<rig>', 'rig folder, such as hardware/rigs/pitch, or its rig.yaml')
    .option('--addresses <file>', 'JSON file of addresses in place of those in the rig')
    .option('--seed <number>', 'turbulence and sensor noise repeat with the same seed', parseSeed, 1)
    .addOption(new Option('--log-level <level>', 'what to print').choices(LOG_LEVELS).default('info'))
    .action(runPlant);
}

async function runPlant(rigPath: string, options: PlantOptions): Promise<void> {
  const log = createStderrLog(options.logLevel);
  const { rig, folder } = await loadRig(rigPath);
  if (rig.plant === null) {
    throw new UsageError(
      `rig ${rig.id} names no plant, it is for real hardware; to emulate one, add plant: { model: pitch }`,
    );
  }
  const clock = createSystemClock();
  const host = await PlantHost.open({
    rig,
    plant: startNamedPlant(rig.plant.model, rig.plant.parameters, options.seed),
    addresses: readAddresses(options.addresses),
    clock,
    entropy: { bytes: (length) => new Uint8Array(randomBytes(length)) },
    log,
    referenceAt: loadProfile(rig.plant, folder),
    onLost: () => plant.report(),
  });
  const stopper = runUntilStopped();
  const channel = openParentChannel(
    'plant',
    () => ({ 'bridge-frames': host.countRefused() }),
    () => stopper.stop('the process that started it is gone'),
  );
  const plant = new PlantProcess({ source: host, clock, log, channel });
  const onMessage = (message: unknown): void => plant.receive(message);
  if (process.send !== undefined) process.on('message', onMessage);
  plant.start();
  for (const [name, address] of Object.entries(host.addresses)) log.info(`plant: ${name} is at ${address}`);
  log.info(`plant of rig ${rig.id} stops: ${await stopper.stopped}`);
  plant.stop();
  process.off('message', onMessage);
  await host.close();
  channel.close();
}
