/** The reference profile that an emulated plant is compared with: the same file that the control law imports. */
import path from 'node:path';
import { loadModule } from '../../src/rig/load-law.js';
import type { PlantPart } from '../../src/rig/rig.js';
import { PlantError } from '../plants/plant.js';
import { describePlant } from '../plants/plants.js';

/**
 * The function behind `plant.parameters.profile`: a file of the rig folder that exports
 * `referenceAt(seconds)`, an object with what the plant tracks under the name of its instrument, such as `pitchDeg`; null
 * where the rig names none. Throws PlantError or RigError.
 */
export function loadProfile(plant: PlantPart, folder: string): ((seconds: number) => number) | null {
  const file = plant.parameters['profile'];
  if (file === undefined) return null;
  if (typeof file !== 'string') {
    throw new PlantError(`plant: the profile ${file} is no file name; write one such as profile.ts`);
  }
  const { referenceAt } = loadModule(path.resolve(folder, file), file).exports;
  if (typeof referenceAt !== 'function') {
    throw new PlantError(`plant: ${file} exports no function referenceAt(seconds); add it`);
  }
  const instrument = describePlant(plant.model)?.tracked?.instrument;
  if (instrument === undefined) {
    throw new PlantError(`plant: a ${plant.model} is compared with no profile; leave ${file} out`);
  }
  const callReference = referenceAt as (seconds: number) => Readonly<Record<string, unknown>>;
  const readReference = (seconds: number): number => {
    const value = callReference(seconds)[instrument];
    if (typeof value === 'number') return value;
    throw new PlantError(
      `plant: ${file} gives ${String(value)} as ${instrument} at ${seconds} s; return { ${instrument}: number }`,
    );
  };
  // What is wrong with it is told before the plant is released.
  readReference(0);
  return readReference;
}
