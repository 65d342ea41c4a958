/**
 * What counted failures in an observed time say about the failure rate: the exact one-sided confidence bound for a
 * Poisson process (Garwood 1936), for which no failure at all in T hours gives −ln(1−confidence)/T. Pure arithmetic.
 * It must never claim more than the time that was observed supports.
 */

/** Confidence of every bound in a report. */
export const CONFIDENCE = 0.95;

/** What flight asks of a system whose failure is a catastrophe, failures an hour. */
export const FLIGHT_RATE_PER_HOUR = 1e-10;

/** What so many failures in so many hours support. */
export interface Evidence {
  readonly failures: number;
  readonly hours: number;
  readonly confidence: number;
  /** The rate is below this with that confidence, failures an hour; null without any time. */
  readonly boundPerHour: number | null;
  /** Hours without a failure that the rate of flight would take. */
  readonly hoursForFlight: number;
}

/** The evidence of `failures` failures in `hours` hours. */
export function weighEvidence(failures: number, hours: number, confidence = CONFIDENCE): Evidence {
  return {
    failures,
    hours,
    confidence,
    boundPerHour: hours > 0 ? boundPoissonMean(failures, confidence) / hours : null,
    hoursForFlight: boundPoissonMean(0, confidence) / FLIGHT_RATE_PER_HOUR,
  };
}

/**
 * The mean above which `count` or fewer events have a probability of at most 1 − confidence; half the quantile of the
 * chi-square distribution with 2·count + 2 degrees of freedom.
 */
export function boundPoissonMean(count: number, confidence: number): number {
  if (count === 0) return -Math.log(1 - confidence);
  let low = count;
  let high = count + 1;
  while (cumulatePoisson(count, high) > 1 - confidence) high *= 2;
  for (let step = 0; step < 200 && high - low > 1e-13 * high; step += 1) {
    const middle = (low + high) / 2;
    if (cumulatePoisson(count, middle) > 1 - confidence) low = middle;
    else high = middle;
  }
  return high;
}

/** Probability of at most `count` events where `mean` are expected. */
export function cumulatePoisson(count: number, mean: number): number {
  // From the largest term downwards, so that nothing underflows before it counts.
  let logTerm = -mean;
  for (let k = 1; k <= count; k += 1) logTerm += Math.log(mean) - Math.log(k);
  let term = Math.exp(logTerm);
  let sum = term;
  for (let k = count; k > 0 && term > 0; k -= 1) {
    term *= k / mean;
    sum += term;
  }
  return Math.min(1, sum);
}
