/**
 * What a campaign is: which runs of which rig. Plain data, and the identity by which a journal, a shard or a report
 * proves that it belongs to it.
 */
import { toHex } from '../core/bytes.js';
import type { LoadedRig } from '../rig/load-rig.js';
import type { NetworkConditions, WireMode } from './job.js';

/** What a user asks for, defaults filled in. */
export interface Campaign {
  readonly name: string;
  /** Rig folder or file, as commands are told it. */
  readonly rigPath: string;
  /** Length of each run. */
  readonly ticks: number;
  readonly seeds: SeedRange;
  /** Ticks that every kind of fault gets at least, by as many seeds from the first as that takes; null: all seeds. */
  readonly ticksPerKind: number | null;
  readonly wire: WireMode;
  /** Kinds of faults; null: all that the rig can suffer. */
  readonly include: readonly string[] | null;
  readonly exclude: readonly string[];
  /** `replicas`: a fault that can strike a replica as a whole strikes nothing smaller. */
  readonly places: PlaceChoice;
  /** How many faults strike in the runs of the row `several`; 0: there is no such row. */
  readonly several: number;
  readonly network: NetworkConditions | null;
}

export const PLACE_CHOICES = ['all', 'replicas'] as const;
export type PlaceChoice = (typeof PLACE_CHOICES)[number];

/** Seeds from `first` to `last`, both included. */
export interface SeedRange {
  readonly first: number;
  readonly last: number;
}

/** One part of a campaign, counted from 1. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** What two parts of one campaign have in common, and only those. */
export interface CampaignIdentity {
  readonly campaign: string;
  readonly version: string;
  readonly rig: string;
  readonly rigDigest: string;
  readonly lawDigest: string;
  /** The plant and its parameters, as JSON. */
  readonly plant: string;
  readonly ticks: number;
  readonly seeds: string;
  readonly ticksPerKind: number | null;
  readonly wire: WireMode;
  /** The kinds of faults, in the report's order. */
  readonly kinds: string;
  readonly places: PlaceChoice;
  readonly several: number;
  /** As JSON. */
  readonly network: string;
  readonly jobs: number;
}

/** Length of a run and seeds of a campaign that does not say. */
export const DEFAULT_TICKS = 1_000;
export const DEFAULT_SEEDS: SeedRange = { first: 1, last: 1 };
export const DEFAULT_SEVERAL = 3;

export const MAX_TICKS = 100_000_000;
export const MAX_SEED = 0xffffffff;
export const MAX_JOBS = 1_000_000;

/** `A..B`, or one seed; null when the text is neither. */
export function parseSeedRange(text: string): SeedRange | null {
  const match = /^(\d{1,10})(?:\.\.(\d{1,10}))?$/.exec(text);
  if (match === null) return null;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first <= last && last <= MAX_SEED ? { first, last } : null;
}

/** The text that `parseSeedRange` reads. */
export function formatSeedRange({ first, last }: SeedRange): string {
  return first === last ? String(first) : `${first}..${last}`;
}

/** The identity of a campaign of `jobs` jobs over these kinds. */
export function identifyCampaign(
  campaign: Campaign,
  loaded: LoadedRig,
  version: string,
  plan: { readonly kinds: readonly string[]; readonly jobs: number },
): CampaignIdentity {
  return {
    campaign: campaign.name,
    version,
    rig: loaded.rig.id,
    rigDigest: toHex(loaded.digests.rig),
    lawDigest: toHex(loaded.digests.law),
    plant: JSON.stringify(loaded.rig.plant),
    ticks: campaign.ticks,
    seeds: formatSeedRange(campaign.seeds),
    ticksPerKind: campaign.ticksPerKind,
    wire: campaign.wire,
    kinds: plan.kinds.join(', '),
    places: campaign.places,
    several: campaign.several,
    network: JSON.stringify(campaign.network),
    jobs: plan.jobs,
  };
}

/** The first thing in which two identities differ, as a sentence part such as `ticks 100 and 200`; null: none. */
export function findDifference(one: CampaignIdentity, other: CampaignIdentity): string | null {
  for (const key of Object.keys(one) as (keyof CampaignIdentity)[]) {
    if (one[key] !== other[key]) return `${key} ${String(one[key])} and ${String(other[key])}`;
  }
  return null;
}
