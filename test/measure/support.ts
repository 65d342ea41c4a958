/** Measurements made up for tests of what follows from them. */
import type { DurationSummary } from '../../src/wire/duration-counts.js';
import type { LinkMeasurement, Measurement, ReplicaMeasurement } from '../../src/measure/take-measurement.js';

/** A hundred durations. */
export function spread(p50Us: number, p99Us = p50Us, maxUs = p99Us): DurationSummary {
  return { count: 100, minUs: p50Us, p50Us, p99Us, maxUs };
}

export const NOTHING: DurationSummary = { count: 0, minUs: null, p50Us: null, p99Us: null, maxUs: null };

/** A replica at ease. */
export function makeReplica(id: string, changes: Partial<ReplicaMeasurement> = {}): ReplicaMeasurement {
  return {
    id,
    mode: 'running',
    ticks: 100,
    unspoken: 0,
    overruns: 0,
    start: spread(100, 400, 800),
    processing: spread(500, 900, 1_200),
    offset: spread(48, 160),
    skew: spread(300, 640),
    ...changes,
  };
}

/** A link at ease. */
export function makeLink(from: string, to: string, changes: Partial<LinkMeasurement> = {}): LinkMeasurement {
  return {
    from,
    to,
    delay: spread(700, 1_408, 2_048),
    arrival: spread(896, 1_664, 2_304),
    tripUs: 1_350,
    expected: 100,
    lost: 0,
    late: 0,
    ...changes,
  };
}

/** Every link of these replicas, all at ease but those that are given. */
export function makeMeasurement(
  changes: {
    readonly replicas?: readonly ReplicaMeasurement[];
    readonly links?: readonly LinkMeasurement[];
    readonly unanswered?: Measurement['unanswered'];
  } = {},
): Measurement {
  const { replicas = ['a', 'b', 'c'].map((id) => makeReplica(id)), links = [], unanswered = [] } = changes;
  return {
    forUs: 5_000_000,
    replicas,
    links: replicas.flatMap((to) =>
      replicas.flatMap((from) =>
        from === to
          ? []
          : (links.find((link) => link.from === from.id && link.to === to.id) ?? makeLink(from.id, to.id)),
      ),
    ),
    unanswered,
  };
}
