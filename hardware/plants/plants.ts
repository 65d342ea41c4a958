/** The emulated plants by the name that a rig gives in `plant.model`. A new plant is one file and one line here. */
import { altitudeModel } from './altitude.js';
import { pitchModel } from './pitch.js';
import { PlantError, startPlant } from './plant.js';
import type { Plant, PlantModel, PlantParameters } from './plant.js';
import { tankModel } from './tank.js';

type Start = (parameters: PlantParameters, seed: number) => Plant;

const STARTS: ReadonlyMap<string, Start> = new Map([
  register(pitchModel),
  register(altitudeModel),
  register(tankModel),
]);

/** Names of all plants. */
export const PLANT_NAMES: readonly string[] = [...STARTS.keys()];

/** Starts a plant by name. Throws PlantError on a name or parameter that there is not. */
export function startNamedPlant(name: string, parameters: PlantParameters, seed: number): Plant {
  const start = STARTS.get(name);
  if (start === undefined) {
    throw new PlantError(`plant: there is no model "${name}"; choose one of ${PLANT_NAMES.join(', ')}`);
  }
  return start(parameters, seed);
}

function register<State>(model: PlantModel<State>): [string, Start] {
  return [model.name, (parameters, seed) => startPlant(model, parameters, seed)];
}
