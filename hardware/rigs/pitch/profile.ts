/**
 * The pitch angle that the aeroplane is to follow, as a function of time since the start of the run. The control law
 * flies it and the emulated aircraft measures the error against it; both take it from here.
 */

export interface Reference {
  readonly pitchDeg: number;
  readonly rateDegPerS: number;
  readonly accelerationDegPerS2: number;
}

/** Length of one repetition, s. */
const CYCLE_S = 24;
/** Smooth climbs between two heights of the nose: from `startS` on, for `lengthS`, by `stepDeg`. */
const STEPS = [
  { startS: 3, lengthS: 6, stepDeg: 3 },
  { startS: 12, lengthS: 6, stepDeg: -3 },
];

/** The reference at a time, in seconds since the first tick of the run; level before it. */
export function referenceAt(seconds: number): Reference {
  let pitchDeg = 0;
  let rateDegPerS = 0;
  let accelerationDegPerS2 = 0;
  if (!(seconds > 0)) return { pitchDeg, rateDegPerS, accelerationDegPerS2 };
  const inCycle = seconds % CYCLE_S;
  for (let at = 0; at < STEPS.length; at += 1) {
    const { startS, lengthS, stepDeg } = STEPS[at] as (typeof STEPS)[number];
    const x = (inCycle - startS) / lengthS;
    if (x <= 0) continue;
    if (x >= 1) {
      pitchDeg += stepDeg;
      continue;
    }
    // The polynomial of fifth degree that starts and ends without rate and acceleration.
    pitchDeg += stepDeg * x * x * x * (10 - 15 * x + 6 * x * x);
    rateDegPerS += (stepDeg / lengthS) * 30 * x * x * (1 - x) * (1 - x);
    accelerationDegPerS2 += (stepDeg / (lengthS * lengthS)) * 60 * x * (1 - x) * (1 - 2 * x);
  }
  return { pitchDeg, rateDegPerS, accelerationDegPerS2 };
}
