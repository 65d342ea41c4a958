/** The reference profile that an emulated plant is compared with: the same file that the control law imports. */
import path from 'node:path';
import { loadModule } from '../../src/rig/load-law.js';
import type { PlantPart } from '../../src/rig/rig.js';
import { PlantError } from '../plants/plant.js';

/**
 * The function behind `plant.parameters.profile`: a file of the rig folder that exports
 * `referenceAt(seconds): { pitchDeg: number }`; null where the rig names none. Throws PlantError or RigError.
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
  const callReference = referenceAt as (seconds: number) => { readonly pitchDeg: number };
  return (seconds) => callReference(seconds).pitchDeg;
}
