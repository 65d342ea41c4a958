import { expect, test } from 'vitest';
import { altitudeModel } from '../../hardware/plants/altitude.js';
import { pitchModel } from '../../hardware/plants/pitch.js';
import { describePlant, PLANT_NAMES, startNamedPlant } from '../../hardware/plants/plants.js';
import { tankModel } from '../../hardware/plants/tank.js';
import { summarizePlant } from '../../src/demo/plant-figures.js';
import type { PlantDescription } from '../../src/rig/plant-description.js';

const summarize = (
  description: PlantDescription,
  maxAbsError: number | null,
): ReturnType<typeof summarizePlant> =>
  summarizePlant({ kind: 'plant', atUs: 5, values: { x: 1 }, survived: true, maxAbsError, description });

test("an aircraft's pitch error has its own name in the figures, any plant's error names itself", () => {
  expect(summarize(pitchModel.description, 0.3)).toEqual({
    survived: true,
    maxAbsPitchErrorDeg: 0.3,
    maxAbsError: { of: 'pitch', value: 0.3, unit: 'deg' },
    description: pitchModel.description,
    last: { x: 1 },
  });
  expect(summarize(tankModel.description, 0.04)).toMatchObject({
    maxAbsPitchErrorDeg: null,
    maxAbsError: { of: 'level', value: 0.04, unit: 'm' },
  });
});

test('without a profile, or anything tracked, there is no error', () => {
  for (const { description } of [pitchModel, tankModel, altitudeModel])
    expect(summarize(description, null)).toMatchObject({ maxAbsPitchErrorDeg: null, maxAbsError: null });
});

test.each(PLANT_NAMES)('the description of a %s names instruments that there are', (name) => {
  const plant = startNamedPlant(name, {}, 1);
  const { tracked, shown } = plant.description;
  expect(describePlant(name)).toBe(plant.description);
  expect(tracked === null).toBe(plant.track() === null);
  for (const { instrument } of tracked === null ? shown : [tracked, ...shown])
    expect(plant.show()[instrument]).toBeTypeOf('number');
});
