/** The emulated plants by the name that a rig gives in `plant.model`. A new plant is one file and one line here. */
import { altitudeModel } from './altitude.js';
import { pitchModel } from './pitch.js';
import type { PlantDescription } from '../../src/rig/plant-description.js';
import { PlantError, startPlant } from './plant.js';
import type { Plant, PlantModel, PlantParameters } from './plant.js';
import { tankModel } from './tank.js';

/** A model whose state is nobody's business here. */
interface Registered {
  readonly description: PlantDescription;
  readonly start: (parameters: PlantParameters, seed: number) => Plant;
}

const MODELS: ReadonlyMap<string, Registered> = new Map([
  register(pitchModel),
  register(altitudeModel),
  register(tankModel),
]);

/** Names of all plants. */
export const PLANT_NAMES: readonly string[] = [...MODELS.keys()];

/** Starts a plant by name. Throws PlantError on a name or parameter that there is not. */
export function startNamedPlant(name: string, parameters: PlantParameters, seed: number): Plant {
  const model = MODELS.get(name);
  if (model === undefined) {
    throw new PlantError(`plant: there is no model "${name}"; choose one of ${PLANT_NAMES.join(', ')}`);
  }
  return model.start(parameters, seed);
}

/** What people are told of the plants of a name; null where there is no such model. */
export function describePlant(name: string): PlantDescription | null {
  return MODELS.get(name)?.description ?? null;
}

function register<State>(model: PlantModel<State>): [string, Registered] {
  const { name, description } = model;
  return [name, { description, start: (parameters, seed) => startPlant(model, parameters, seed) }];
}
