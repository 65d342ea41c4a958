/**
 * Measures the links of a running rig: asks every replica for what it has counted (`wire/measure-codec.ts`), waits, asks
 * again, and subtracts. It only asks; how is for the caller to say. A replica is taken at its word: a liar falsifies
 * the figures of its own links, and what follows from them is advice to a person.
 */
import type { Mode } from '../core/replica.js';
import type { Principal } from '../ports.js';
import {
  subtractCounts,
  summarizeCounts,
  type BucketCounts,
  type DurationSummary,
} from '../wire/duration-counts.js';
import {
  formatMeasureRequest,
  OWN_DURATIONS,
  parseCounters,
  parseDurations,
  type MeasureRequest,
  type OwnDuration,
  type ReplicaCounters,
} from '../wire/measure-codec.js';

/** One direction between two replicas, as the receiver saw it. Durations are µs. */
export interface LinkMeasurement {
  readonly from: Principal;
  readonly to: Principal;
  /** From sending to reading, as the clocks of both show it: what these are apart is in it. */
  readonly delay: DurationSummary;
  /** Median of the last round trips; null where none is known. */
  readonly tripUs: number | null;
  readonly expected: number;
  /** Of those, what never came though the sender spoke in the tick. */
  readonly lost: number;
  /** Ticks in which something came after its round was over. */
  readonly late: number;
}

/** One replica. Durations are µs. */
export interface ReplicaMeasurement {
  readonly id: Principal;
  readonly mode: Mode;
  readonly ticks: number;
  /** Ticks in which it said nothing, and in which it was itself too late. */
  readonly unspoken: number;
  readonly overruns: number;
  /** How late its ticks begin. */
  readonly start: DurationSummary;
  /** From the vector to the first command. */
  readonly processing: DurationSummary;
  /** From its round clock to the others', either way. */
  readonly offset: DurationSummary;
  /** Bound of that, as far as the replica knows it: in rigs of signed starts it does not. */
  readonly skew: DurationSummary;
}

/** What a rig's replicas said of so long a time. */
export interface Measurement {
  readonly forUs: number;
  readonly replicas: readonly ReplicaMeasurement[];
  readonly links: readonly LinkMeasurement[];
  /** Who could not be measured, and why, with the cure. */
  readonly unanswered: readonly { readonly id: Principal; readonly why: string }[];
}

export interface MeasureParts {
  /** Ids of the replicas, in the rig's order. */
  readonly replicas: readonly Principal[];
  readonly forUs: number;
  /** Puts a text to a replica; `ok: false` says in `text` why there is no answer. Never rejects. */
  readonly ask: (
    replica: Principal,
    text: string,
  ) => Promise<{ readonly ok: boolean; readonly text: string }>;
  /** Resolves after `us`. */
  readonly wait: (us: number) => Promise<void>;
}

/** All that one replica has counted at one time. */
interface Reading {
  readonly counters: ReplicaCounters;
  readonly own: Readonly<Record<OwnDuration, BucketCounts>>;
  /** By replica; null for itself. */
  readonly delays: readonly (BucketCounts | null)[];
}

/** Why there is no reading. */
class NoReading {
  constructor(readonly why: string) {}
}

/** Measures for as long as is said; never rejects unless `ask` or `wait` does. */
export async function takeMeasurement(parts: MeasureParts): Promise<Measurement> {
  const { replicas, forUs } = parts;
  const before = await Promise.all(replicas.map((id) => read(parts, id)));
  // Nobody need wait for nobody.
  if (before.some((reading) => !(reading instanceof NoReading))) await parts.wait(forUs);
  const after = await Promise.all(
    replicas.map((id, at) => {
      const first = before[at] as Reading | NoReading;
      return first instanceof NoReading ? first : read(parts, id);
    }),
  );
  const spans = after.map((last, at) => compare(before[at] as Reading | NoReading, last));
  return {
    forUs,
    replicas: spans.flatMap((span, at) =>
      span instanceof NoReading ? [] : describeReplica(replicas[at] as Principal, span),
    ),
    links: spans.flatMap((span, to) =>
      span instanceof NoReading
        ? []
        : span.delays.flatMap((delays, from) =>
            delays === null ? [] : describeLink(replicas, from, to, spans, delays),
          ),
    ),
    unanswered: spans.flatMap((span, at) =>
      span instanceof NoReading ? { id: replicas[at] as Principal, why: span.why } : [],
    ),
  };
}

async function read(parts: MeasureParts, id: Principal): Promise<Reading | NoReading> {
  const { replicas } = parts;
  const ask = async <T>(
    request: MeasureRequest,
    parse: (text: string) => T | null,
  ): Promise<T | NoReading> => {
    const answer = await parts.ask(id, formatMeasureRequest(request));
    if (!answer.ok) return new NoReading(answer.text);
    return parse(answer.text) ?? new NoReading('its answer makes no sense; see that it runs this version');
  };
  const [counters, delays, own] = await Promise.all([
    ask({ kind: 'counters' }, (text) => parseCounters(text, replicas.length)),
    Promise.all(replicas.map((from) => (from === id ? null : ask({ kind: 'delay', from }, parseDurations)))),
    Promise.all(OWN_DURATIONS.map((kind) => ask({ kind }, parseDurations))),
  ]);
  if (counters instanceof NoReading) return counters;
  const [start, processing, offset, skew] = own;
  const failed = [...delays, ...own].find((answer) => answer instanceof NoReading);
  if (failed !== undefined && failed instanceof NoReading) return failed;
  return {
    counters,
    delays: delays as (BucketCounts | null)[],
    own: { start, processing, offset, skew } as Record<OwnDuration, BucketCounts>,
  };
}

/** What came between two readings of one replica. */
function compare(first: Reading | NoReading, last: Reading | NoReading): Reading | NoReading {
  if (first instanceof NoReading) return first;
  if (last instanceof NoReading) return last;
  const [before, after] = [first.counters, last.counters];
  if (before.bornUs !== null && before.bornUs !== after.bornUs)
    return new NoReading('it was started anew meanwhile; measure again');
  const subtract = (key: OwnDuration): BucketCounts => subtractCounts(last.own[key], first.own[key]);
  return {
    counters: {
      ...after,
      ticks: after.ticks - before.ticks,
      unspoken: after.unspoken - before.unspoken,
      overruns: after.overruns - before.overruns,
      links: after.links.map((link, peer) => {
        const earlier = before.links[peer] ?? null;
        if (link === null || earlier === null) return null;
        return {
          expected: link.expected - earlier.expected,
          heard: link.heard - earlier.heard,
          late: link.late - earlier.late,
          tripUs: link.tripUs,
        };
      }),
    },
    own: {
      start: subtract('start'),
      processing: subtract('processing'),
      offset: subtract('offset'),
      skew: subtract('skew'),
    },
    delays: last.delays.map((delays, peer) => {
      const earlier = first.delays[peer] ?? null;
      return delays === null || earlier === null ? null : subtractCounts(delays, earlier);
    }),
  };
}

function describeReplica(id: Principal, { counters, own }: Reading): ReplicaMeasurement {
  const { mode, ticks, unspoken, overruns } = counters;
  return {
    id,
    mode,
    ticks,
    unspoken,
    overruns,
    start: summarizeCounts(own.start),
    processing: summarizeCounts(own.processing),
    offset: summarizeCounts(own.offset),
    skew: summarizeCounts(own.skew),
  };
}

function describeLink(
  replicas: readonly Principal[],
  from: number,
  to: number,
  spans: readonly (Reading | NoReading)[],
  delays: BucketCounts,
): readonly LinkMeasurement[] {
  const [sender, receiver] = [spans[from], spans[to]];
  const counted = receiver instanceof NoReading ? null : (receiver?.counters.links[from] ?? null);
  if (counted === null) return [];
  const { expected, heard, late, tripUs } = counted;
  const unspoken = sender === undefined || sender instanceof NoReading ? 0 : sender.counters.unspoken;
  return [
    {
      from: replicas[from] as Principal,
      to: replicas[to] as Principal,
      delay: summarizeCounts(delays),
      tripUs,
      expected,
      lost: Math.max(0, expected - heard - unspoken),
      late,
    },
  ];
}
