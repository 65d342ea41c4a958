/**
 * What an operator asks a replica about its links and its own timeliness, and what it answers: texts that travel in
 * control requests and answers. A request asks for one thing, so that every answer fits; both begin with the version
 * of this form. Counters count from the start of the replica's process: whoever wants to know of the last seconds asks
 * twice and subtracts. Decoding never throws, whatever a replica says.
 */
import { z } from 'zod';
import { decodeCounts, type BucketCounts, type DurationCounts } from './duration-counts.js';

/** Version of requests and answers. */
export const MEASURE_VERSION = 1;
const WORD = 'measure';

/**
 * Durations that a replica counts of itself: how late its ticks begin; from the vector to the command; how far its round
 * clock is from the others, either way; how far it may be.
 */
const OWN_DURATIONS = ['start', 'processing', 'offset', 'skew'] as const;
export type OwnDuration = (typeof OWN_DURATIONS)[number];

/**
 * Durations that it counts of the messages of each peer: how long they are under way; how long after the start of the
 * tick they have come.
 */
const LINK_DURATIONS = ['delay', 'arrival'] as const;
export type LinkDuration = (typeof LINK_DURATIONS)[number];

export type MeasureRequest =
  | { readonly kind: 'counters' }
  | { readonly kind: OwnDuration }
  | { readonly kind: LinkDuration; readonly from: string };

/** The text of a request: `measure 1 counters`, `measure 1 start`, `measure 1 delay b`. */
export function formatMeasureRequest(request: MeasureRequest): string {
  const from = 'from' in request ? ` ${request.from}` : '';
  return `${WORD} ${MEASURE_VERSION} ${request.kind}${from}`;
}

/** Whether an operator's text is meant for the meter at all. */
export function isMeasureText(text: string): boolean {
  return text === WORD || text.startsWith(`${WORD} `);
}

/** The request, or in words what is wrong with it. */
export function parseMeasureRequest(
  text: string,
): MeasureRequest | { readonly kind: 'refused'; readonly why: string } {
  const [, version, kind, from, ...rest] = text.split(' ');
  if (version !== String(MEASURE_VERSION)) {
    return {
      kind: 'refused',
      why: `measurements are asked for in version ${MEASURE_VERSION} here; use a voteplane of the same version`,
    };
  }
  if (from === undefined) {
    if (kind === 'counters') return { kind };
    const own = OWN_DURATIONS.find((one) => one === kind);
    if (own !== undefined) return { kind: own };
  } else if (rest.length === 0) {
    const link = LINK_DURATIONS.find((one) => one === kind);
    if (link !== undefined) return { kind: link, from };
  }
  return {
    kind: 'refused',
    why: `there is no such measurement; ask for counters, ${OWN_DURATIONS.join(', ')}, ${LINK_DURATIONS.map((one) => `${one} REPLICA`).join(', ')}`,
  };
}

const count = z.int().min(0);

const linkCounters = z.strictObject({
  /** Ticks of which a stamped message was to come. */
  expected: count,
  /** Those that came, in time or not. */
  heard: count,
  /** Ticks in which something of it was late here. */
  late: count,
  /** Round trip, µs, of late; null where none is known. */
  tripUs: count.nullable(),
});

const replicaCounters = z.strictObject({
  mode: z.enum(['listening', 'waiting', 'joining', 'running']),
  /** When it first heard anything, by its own clock: another life, another time. */
  bornUs: count.nullable(),
  /** Ticks that have passed. */
  ticks: count,
  /** Those in which it said nothing to its peers. */
  unspoken: count,
  /** Those in which it was itself too late. */
  overruns: count,
  /** By replica, in the rig's order; null for itself. */
  links: z.array(linkCounters.nullable()),
});

/** What a replica has counted of the messages of one peer. */
export type LinkCounters = Readonly<z.infer<typeof linkCounters>>;

/** What a replica has counted so far. */
export type ReplicaCounters = Readonly<Omit<z.infer<typeof replicaCounters>, 'links'>> & {
  readonly links: readonly (LinkCounters | null)[];
};

/** Counters as an answer, at most 1000 bytes. */
export function formatCounters(counters: ReplicaCounters): string {
  const { mode, bornUs, ticks, unspoken, overruns, links } = counters;
  const rows = links.map(
    (link) => link && [link.expected, link.heard, link.late, link.tripUs].map((one) => one ?? '').join(','),
  );
  return `${MEASURE_VERSION} ${mode} ${bornUs ?? ''} ${ticks} ${unspoken} ${overruns} ${rows.join(';')}`;
}

/** Counters of a rig of `n` replicas out of an answer; null for anything else. */
export function parseCounters(text: string, n: number): ReplicaCounters | null {
  const [version, mode, bornUs, ticks, unspoken, overruns, rows, ...rest] = text.split(' ');
  if (version !== String(MEASURE_VERSION) || rows === undefined || rest.length > 0) return null;
  const links = rows.split(';', n + 1).map((row) => {
    if (row === '') return null;
    const [expected, heard, late, tripUs, ...more] = row.split(',').map(readCount);
    return more.length > 0 ? more : { expected, heard, late, tripUs };
  });
  const read = replicaCounters.safeParse({
    mode,
    bornUs: readCount(bornUs),
    ticks: readCount(ticks),
    unspoken: readCount(unspoken),
    overruns: readCount(overruns),
    links,
  });
  return read.success && read.data.links.length === n ? read.data : null;
}

/** Durations as an answer, at most 970 bytes. */
export function formatDurations(durations: DurationCounts): string {
  return `${MEASURE_VERSION} ${durations.encode()}`;
}

/** Durations out of an answer; null for anything else. */
export function parseDurations(text: string): BucketCounts | null {
  const start = `${MEASURE_VERSION} `;
  return text.startsWith(start) ? decodeCounts(text.slice(start.length)) : null;
}

function readCount(text: string | undefined): number | null {
  if (text === undefined || text === '') return null;
  return /^\d{1,16}$/.test(text) ? Number(text) : NaN;
}
