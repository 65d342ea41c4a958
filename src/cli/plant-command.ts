/** `voteplane plant RIG`: the rig's emulated plant behind one firmware bridge per replica and actuator. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { PlantHost } from '../../hardware/emulated/plant-host.js';
import { PlantError } from '../../hardware/plants/plant.js';
import { startNamedPlant } from '../../hardware/plants/plants.js';
import { runPlantProcess } from '../process/plant-process.js';
import type { PlantProcess } from '../process/plant-process.js';
import { createSystemClock } from '../process/system-clock.js';
import { loadModule } from '../rig/load-law.js';
import { loadRig } from '../rig/load-rig.js';
import { RigError } from '../rig/mistake.js';
import type { PlantPart } from '../rig/rig.js';
import { createStderrLog, LOG_LEVELS } from './stderr-log.js';
import type { LogLevel } from './stderr-log.js';

interface PlantOptions {
  readonly addresses?: string;
  readonly seed: number;
  readonly logLevel: LogLevel;
}

/** Exit code of usage and rig errors. */
const EXIT_USAGE = 2;

/** Adds the command. */
export function registerPlantCommand(program: Command): void {
  program
    .command('plant')
    .description("emulate a rig's plant: one firmware bridge for each replica and actuator")
    .argument('<rig>', 'rig folder, such as hardware/rigs/pitch, or its rig.yaml')
    .option(
      '--addresses <file>',
      'JSON file of addresses in place of those in the rig: {"bridge:a": "host:port"}',
    )
    .option('--seed <number>', 'turbulence and sensor noise repeat with the same seed', parseSeed, 1)
    .addOption(new Option('--log-level <level>', 'what to print').choices(LOG_LEVELS).default('info'))
    .action(runPlant);
}

async function runPlant(rigPath: string, options: PlantOptions): Promise<void> {
  const log = createStderrLog(options.logLevel);
  let running: PlantProcess | null = null;
  try {
    const { rig, folder } = await loadRig(rigPath);
    if (rig.plant === null) {
      throw new PlantError(
        `rig ${rig.id} names no plant: it is for real hardware. Add plant: { model: pitch } to emulate one`,
      );
    }
    const addresses = options.addresses === undefined ? {} : readAddresses(options.addresses);
    const clock = createSystemClock();
    const host = await PlantHost.open({
      rig,
      plant: startNamedPlant(rig.plant.model, rig.plant.parameters, options.seed),
      addresses,
      clock,
      entropy: { bytes: (length) => new Uint8Array(randomBytes(length)) },
      log,
      referenceAt: loadProfile(rig.plant, folder),
      onLost: () => running?.report(),
    });
    running = runPlantProcess({ source: host, clock, log });
    for (const [name, address] of Object.entries(host.addresses)) log.info(`plant: ${name} on ${address}`);
    await running.ended;
    // A plant has nothing left to do; timers of others must not keep its process.
    process.exitCode = 0;
  } catch (error) {
    if (!(error instanceof RigError || error instanceof PlantError || isSystemError(error))) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = EXIT_USAGE;
  }
}

/**
 * The function behind `plant.parameters.profile`: a file of the rig folder that exports
 * `referenceAt(seconds): { pitchDeg: number }`, the same that the control law imports. Throws PlantError or RigError.
 */
export function loadProfile(plant: PlantPart, folder: string): ((seconds: number) => number) | null {
  const file = plant.parameters['profile'];
  if (file === undefined) return null;
  if (typeof file !== 'string') {
    throw new PlantError('plant: parameter profile is no file name; write one such as profile.ts');
  }
  const { referenceAt } = loadModule(path.resolve(folder, file), file).exports;
  if (typeof referenceAt !== 'function') {
    throw new PlantError(`plant: ${file} exports no function referenceAt(seconds); add it`);
  }
  return (seconds) => {
    const { pitchDeg } = (referenceAt as (seconds: number) => { pitchDeg: number })(seconds);
    return pitchDeg;
  };
}

/** Reads `{"bridge:a": "127.0.0.1:18931", …}`; entries of other kinds are for other processes. Throws PlantError. */
function readAddresses(file: string): Record<string, string> {
  const refuse = (what: string): PlantError =>
    new PlantError(`${file}: ${what}; write a JSON object such as {"bridge:a": "127.0.0.1:18931"}`);
  let given: unknown;
  try {
    given = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw refuse(error instanceof Error ? error.message : String(error));
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw refuse('it holds no object');
  for (const [name, address] of Object.entries(given)) {
    if (typeof address !== 'string') throw refuse(`the address of ${name} is no text`);
  }
  return given as Record<string, string>;
}

function parseSeed(text: string): number {
  const seed = Number(text);
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff) {
    throw new InvalidArgumentError('Give a whole number from 0 to 4294967295.');
  }
  return seed;
}

/** Errors of sockets and files say what is wrong by themselves: `listen EADDRINUSE: address already in use …`. */
function isSystemError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}
