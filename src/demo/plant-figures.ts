/** What a plant tells of itself to the figures of a flight. */
import type { Telemetry } from '../process/telemetry.js';
import type { PlantFigures } from './figures.js';

/** Aircraft have their largest error under a name of its own too, which readers of the JSON know. */
const PITCH = 'pitchDeg';

/** The figures after a plant's report. */
export function summarizePlant(report: Telemetry & { readonly kind: 'plant' }): PlantFigures {
  const { survived, maxAbsError, description, values } = report;
  const { tracked } = description;
  return {
    survived,
    maxAbsPitchErrorDeg: tracked?.instrument === PITCH ? maxAbsError : null,
    maxAbsError:
      tracked === null || maxAbsError === null
        ? null
        : { of: tracked.label, value: maxAbsError, unit: tracked.unit },
    description,
    last: values,
  };
}
