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
  parseCounters,
  parseDurations,
  type LinkDuration,
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
  /** From the start of the tick by the receiver's clock to reading: the sender's late start and its delay. */
  readonly arrival: DurationSummary;
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
  readonly periodUs: number;
  readonly forUs: number;
  /** Puts a text to a replica; `ok: false` says in `text` why there is no answer. Never rejects. */
  readonly ask: (
    replica: Principal,
    text: string,
  ) => Promise<{ readonly ok: boolean; readonly text: string }>;
  /** Resolves after `us`. */
  readonly wait: (us: number) => Promise<void>;
}

/**
 * What a sender kept to itself is not lost. As its two ends answer at different times, senders are asked so long before
 * and after receivers; at least, and two periods in any case.
 */
const MARGIN_US = 300_000;
const MARGIN_PERIODS = 2;

type LinkCounts = Readonly<Record<LinkDuration, BucketCounts>>;

/** All that one replica has counted at one time. */
interface Reading {
  readonly counters: ReplicaCounters;
  readonly own: Readonly<Record<OwnDuration, BucketCounts>>;
  /** By replica; null for itself. */
  readonly links: readonly (LinkCounts | null)[];
}

/** One replica before and after. */
interface Span {
  readonly first: Reading;
  readonly last: Reading;
  /** Ticks in which it said nothing, between its counters of early and late. */
  readonly unspoken: number;
}

/** A replica that gives no answer, or one that makes no sense; the message says why, with the cure. */
class NoAnswer extends Error {}

/** Measures for as long as is said; rejects only where `wait` does. */
export async function takeMeasurement(parts: MeasureParts): Promise<Measurement> {
  const { replicas, forUs, periodUs } = parts;
  const whys = new Map<Principal, string>();
  const marginUs = Math.max(MARGIN_US, MARGIN_PERIODS * periodUs);
  const early = await askEach(replicas, whys, (id) => readCounters(parts, id));
  // Nobody is worth waiting for where nobody answers.
  const wait = (us: number): Promise<void> =>
    whys.size === replicas.length ? Promise.resolve() : parts.wait(us);
  await wait(marginUs);
  const firsts = await askEach(replicas, whys, (id) => readAll(parts, id));
  await wait(forUs);
  const lasts = await askEach(replicas, whys, (id) => readAll(parts, id));
  await wait(marginUs);
  const late = await askEach(replicas, whys, (id) => readCounters(parts, id));
  const spans = replicas.map((id): Span | null => {
    const [before, first, last, after] = [early.get(id), firsts.get(id), lasts.get(id), late.get(id)];
    if (before === undefined || first === undefined || last === undefined || after === undefined) return null;
    if (before.bornUs !== null && before.bornUs !== after.bornUs) {
      whys.set(id, 'it was started anew meanwhile; measure again');
      return null;
    }
    return { first, last, unspoken: after.unspoken - before.unspoken };
  });
  return {
    forUs,
    replicas: spans.flatMap((span, at) =>
      span === null ? [] : describeReplica(replicas[at] as Principal, span),
    ),
    links: replicas.flatMap((_, to) =>
      replicas.flatMap((__, from) => describeLink(replicas, spans, from, to)),
    ),
    unanswered: replicas.flatMap((id) => {
      const why = whys.get(id);
      return why === undefined ? [] : { id, why };
    }),
  };
}

/** Asks all who have answered so far at once; who fails is told in `whys` and not asked again. */
async function askEach<T>(
  replicas: readonly Principal[],
  whys: Map<Principal, string>,
  ask: (id: Principal) => Promise<T>,
): Promise<ReadonlyMap<Principal, T>> {
  const answers = new Map<Principal, T>();
  const askOne = async (id: Principal): Promise<void> => {
    try {
      answers.set(id, await ask(id));
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      whys.set(id, error.message);
    }
  };
  await Promise.all(replicas.filter((id) => !whys.has(id)).map(askOne));
  return answers;
}

async function ask<T>(
  parts: MeasureParts,
  id: Principal,
  request: MeasureRequest,
  parse: (text: string) => T | null,
): Promise<T> {
  const { ok, text } = await parts.ask(id, formatMeasureRequest(request));
  if (!ok) throw new NoAnswer(text);
  const parsed = parse(text);
  if (parsed === null) throw new NoAnswer('its answer makes no sense; see that it runs this version');
  return parsed;
}

function readCounters(parts: MeasureParts, id: Principal): Promise<ReplicaCounters> {
  return ask(parts, id, { kind: 'counters' }, (text) => parseCounters(text, parts.replicas.length));
}

async function readAll(parts: MeasureParts, id: Principal): Promise<Reading> {
  const readOwn = (kind: OwnDuration): Promise<BucketCounts> => ask(parts, id, { kind }, parseDurations);
  const readLink = async (from: Principal): Promise<LinkCounts> => {
    const [delay, arrival] = await Promise.all([
      ask(parts, id, { kind: 'delay', from }, parseDurations),
      ask(parts, id, { kind: 'arrival', from }, parseDurations),
    ]);
    return { delay, arrival };
  };
  const [counters, start, processing, offset, skew, links] = await Promise.all([
    readCounters(parts, id),
    readOwn('start'),
    readOwn('processing'),
    readOwn('offset'),
    readOwn('skew'),
    Promise.all(parts.replicas.map((from) => (from === id ? null : readLink(from)))),
  ]);
  return { counters, own: { start, processing, offset, skew }, links };
}

function describeReplica(id: Principal, { first, last }: Span): ReplicaMeasurement {
  const [before, after] = [first.counters, last.counters];
  const summarize = (key: OwnDuration): DurationSummary =>
    summarizeCounts(subtractCounts(last.own[key], first.own[key]));
  return {
    id,
    mode: after.mode,
    ticks: after.ticks - before.ticks,
    unspoken: after.unspoken - before.unspoken,
    overruns: after.overruns - before.overruns,
    start: summarize('start'),
    processing: summarize('processing'),
    offset: summarize('offset'),
    skew: summarize('skew'),
  };
}

/** The link, as its receiver saw it; nothing where that could not be measured, or where it is none. */
function describeLink(
  replicas: readonly Principal[],
  spans: readonly (Span | null)[],
  from: number,
  to: number,
): readonly LinkMeasurement[] {
  const { first, last } = spans[to] ?? {};
  const [before, after] = [first?.counters.links[from], last?.counters.links[from]];
  const [earlier, later] = [first?.links[from], last?.links[from]];
  if (!before || !after || !earlier || !later) return [];
  const expected = after.expected - before.expected;
  const missing = expected - (after.heard - before.heard);
  const summarize = (key: LinkDuration): DurationSummary =>
    summarizeCounts(subtractCounts(later[key], earlier[key]));
  return [
    {
      from: replicas[from] as Principal,
      to: replicas[to] as Principal,
      delay: summarize('delay'),
      arrival: summarize('arrival'),
      tripUs: after.tripUs,
      expected,
      lost: Math.max(0, missing - (spans[from]?.unspoken ?? 0)),
      late: after.late - before.late,
    },
  ];
}
