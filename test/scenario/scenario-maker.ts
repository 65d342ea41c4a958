/** A sound scenario for the sound rig of the rig tests, and a place on disk to spoil both. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { loadScenario, type LoadedScenario } from '../../src/scenario/load-scenario.js';
import { ScenarioError } from '../../src/scenario/mistake.js';
import { SOUND_RIG, writeRigFolder, type FolderFiles } from '../rig/rig-folder.js';

/** Line of the sound rig that gives its plant a profile. */
export const PROFILED_RIG = SOUND_RIG.replace(
  'plant: { model: pitch }',
  'plant: { model: pitch, parameters: { profile: profile.ts } }',
);

export const SOUND_SCENARIO = `title: A liar
why: >-
  To show that nothing happens.
seed: 7
ticks: 100
timeline:
  - lie on c at 30 for 40
  - { fault: "crash on d at 80", say: d is gone }
expect:
  - masked
  - suspects: [c]
  - plant-error: { max: 0.5 deg }
`;

/** Writes the scenario into the folder `scenarios` of a sound rig folder; the answer is its path. */
export function writeScenario(text: string | Uint8Array, files: FolderFiles = {}): string {
  const folder = writeRigFolder({ 'rig.yaml': PROFILED_RIG, ...files });
  const file = path.join(folder, 'scenarios', 'one.yaml');
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

/** What is wrong with a scenario file; throws where it is sound. */
export async function findMistakes(file: string): Promise<ScenarioError['mistakes']> {
  let loaded: LoadedScenario;
  try {
    loaded = await loadScenario(file);
  } catch (error) {
    if (error instanceof ScenarioError) return error.mistakes;
    throw error;
  }
  throw new Error(`nothing is wrong with ${loaded.scenario.title}`);
}
