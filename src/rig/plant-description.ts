/**
 * What people are told of a plant: its noun, the quantity that it is judged by, the instruments worth a line. A plant
 * describes itself; views, verdicts and reports have no words of their own for any plant.
 */

/** A quantity among a plant's instruments. */
export interface PlantQuantity {
  /** Its instrument, the unit last, such as `pitchDeg`. */
  readonly instrument: string;
  /** What people call it. */
  readonly label: string;
  /** As people write it. */
  readonly unit: string;
}

/** A quantity that is held against a reference profile, which gives it under the instrument's name. */
export interface TrackedQuantity extends PlantQuantity {
  /** What people call the reference. */
  readonly referenceLabel: string;
  /** Least height of a chart of it, in its unit. */
  readonly chartSpan: number;
}

export interface PlantDescription {
  /** Such as `aircraft` or `tank`. */
  readonly noun: string;
  /** What a reference profile is compared with; null where there is none. */
  readonly tracked: TrackedQuantity | null;
  /** Further instruments for a view, the most important first. */
  readonly shown: readonly PlantQuantity[];
}
