/**
 * From a campaign to its jobs: every kind of fault at every place with every seed, runs without a fault, and runs with
 * several. When a fault strikes and how long it lasts is drawn by the job's own name, so a job is the same in every
 * campaign, shard and version that has it.
 */
import { listFaults } from '../faults/catalogue.js';
import { Random } from '../faults/random.js';
import { parseFault, formatFault } from '../faults/spec.js';
import type { Rig } from '../rig/rig.js';
import { MAX_JOBS, type Campaign, type Shard } from './campaign.js';
import type { Expectation, Job, NetworkConditions } from './job.js';
import { listPlaces, type LeftOut, type Place } from './places.js';

/** All jobs of a campaign, in the order of the report. */
export interface CampaignPlan {
  readonly jobs: readonly Job[];
  /** Rows of the report that have a job. */
  readonly kinds: readonly string[];
  readonly leftOut: readonly LeftOut[];
}

/** A campaign that cannot be; the message names the cure. */
export class CampaignError extends Error {
  override readonly name = 'CampaignError';
}

export const NO_FAULT = 'no fault';
export const SEVERAL = 'several';

/** Place of runs whose faults are not at one place. */
export const RIG_PLACE = 'rig';

/** A run without any strike begins and ends so: the rig starts, and recovers. */
const QUIET_TICKS = 20;
const REST_TICKS = 20;
/** The shortest fault: longer than every default that needs time. */
const MIN_FAULT_TICKS = 10;

/** The shortest run that a fault fits into. */
export const MIN_RUN_TICKS = 100;

/** Plans a campaign of a rig. Throws `CampaignError` for kinds that there are not, and for too many jobs. */
export function planCampaign(campaign: Campaign, rig: Rig): CampaignPlan {
  const rows = chooseRows(campaign);
  const leftOut: LeftOut[] = [];
  const cells: { readonly kind: string; readonly places: readonly Place[] }[] = [];
  for (const row of rows) {
    const found = listPlaces(row, rig, campaign.wire);
    if (found.ok) cells.push({ kind: row.name, places: narrowPlaces(found.places, campaign, rig) });
    else leftOut.push({ kind: row.name, why: found.why });
  }
  const jobs: Job[] = [];
  const add = (kind: string, places: readonly { readonly name: string; readonly make: Make }[]): void => {
    for (const seed of listSeeds(campaign, places.length)) {
      for (const { name, make } of places) {
        const id = `${kind}@${name}#${seed}`.replaceAll(' ', '-');
        const { faults, expectation } = make(new Random(`campaign ${id}`));
        const { ticks, wire, network } = campaign;
        jobs.push({
          id,
          at: jobs.length,
          kind,
          place: name,
          seed,
          ticks,
          wire,
          expectation: expectOver(network, rig, expectation),
          faults,
          network,
          rigText: null,
        });
        if (jobs.length > MAX_JOBS)
          throw new CampaignError(`the campaign has more than ${MAX_JOBS} runs; choose fewer seeds`);
      }
    }
  };
  if (!campaign.exclude.includes(NO_FAULT))
    add(NO_FAULT, [{ name: RIG_PLACE, make: () => ({ faults: [], expectation: 'masked' }) }]);
  for (const { kind, places } of cells) {
    add(
      kind,
      places.map((place) => ({
        name: place.name,
        make: (random) => ({
          faults: [writeFault(kind, place, campaign.ticks, random)],
          expectation: place.expectation,
        }),
      })),
    );
  }
  const mixed = cells.flatMap(({ kind, places }) =>
    places.filter(({ expectation }) => expectation === 'masked').map((place) => ({ kind, place })),
  );
  if (campaign.several > 0 && mixed.length > 0) {
    const make: Make = (random) => ({
      faults: drawSeveral(mixed, campaign, random),
      expectation: 'fail-safe',
    });
    add(SEVERAL, [{ name: RIG_PLACE, make }]);
  }
  if (jobs.length === 0)
    throw new CampaignError(
      `the campaign has no runs: nothing of what it includes can strike rig ${rig.id}; exclude less`,
    );
  return { jobs, kinds: [...new Set(jobs.map(({ kind }) => kind))], leftOut };
}

/** Only whole replicas and the witness, where the campaign asks for no more and the fault can strike them. */
function narrowPlaces(places: readonly Place[], { places: choice }: Campaign, rig: Rig): readonly Place[] {
  if (choice === 'all') return places;
  const { replicas, witness } = rig;
  const whole = places.filter(({ name }) => name === witness?.id || replicas.some(({ id }) => id === name));
  return whole.length > 0 ? whole : places;
}

/** The jobs of one shard: every n-th, so that shards take equally long. */
export function chooseShard(jobs: readonly Job[], shard: Shard | null): readonly Job[] {
  return shard === null ? jobs : jobs.filter((_, at) => at % shard.count === shard.index - 1);
}

/** Of frames that come too late or never: no flight has so many that one of them would matter. */
const NEGLIGIBLE_SHARE = 1e-8;
const HOPELESS_SHARE = 0.02;

/** What is left of an expectation over links that may take more messages than the hypothesis allows for. */
function expectOver(network: NetworkConditions | null, rig: Rig, expectation: Expectation): Expectation {
  if (network === null) return expectation;
  // The jitter is exponential.
  const slackUs = rig.roundUs - network.delayUs;
  const lateShare = slackUs <= 0 ? 1 : Math.exp(-slackUs / network.jitterUs);
  const missedShare = network.loss + lateShare;
  // Every tick needs a few dozen frames: with as many too late or lost, most ticks lie outside the hypothesis.
  if (missedShare > HOPELESS_SHARE) return 'unmoved';
  return missedShare > NEGLIGIBLE_SHARE && expectation === 'masked' ? 'fail-safe' : expectation;
}

type Make = (random: Random) => Pick<Job, 'faults' | 'expectation'>;

function chooseRows(campaign: Campaign): ReturnType<typeof listFaults> {
  const rows = listFaults();
  // Runs without one may be left out like a kind.
  const excluded = campaign.exclude.filter((name) => name !== NO_FAULT);
  for (const name of [...(campaign.include ?? []), ...excluded]) {
    if (!rows.some((row) => row.name === name))
      throw new CampaignError(`there is no fault '${name}'; 'voteplane faults' lists them`);
  }
  return rows.filter(
    ({ name }) =>
      (campaign.include === null || campaign.include.includes(name)) && !campaign.exclude.includes(name),
  );
}

function listSeeds({ seeds, ticksPerKind, ticks }: Campaign, places: number): readonly number[] {
  const count =
    ticksPerKind === null
      ? seeds.last - seeds.first + 1
      : Math.max(1, Math.ceil(ticksPerKind / (ticks * places)));
  if (count > MAX_JOBS) throw new CampaignError(`${count} seeds are too many; choose at most ${MAX_JOBS}`);
  return Array.from({ length: count }, (_, at) => seeds.first + at);
}

/** A fault at a drawn tick for a drawn while; short ones are as frequent as long ones. */
function writeFault(kind: string, place: Place, ticks: number, random: Random): string {
  const longest = Math.max(MIN_FAULT_TICKS, Math.floor((ticks - QUIET_TICKS - REST_TICKS) / 2));
  const forTicks = Math.round(MIN_FAULT_TICKS * (longest / MIN_FAULT_TICKS) ** random.nextUnit());
  const latest = ticks - REST_TICKS - forTicks;
  const at = QUIET_TICKS + random.nextInteger(Math.max(1, latest - QUIET_TICKS + 1));
  const text = `${kind} on ${place.target(random)}${place.parameters} at ${at} for ${forTicks}`;
  const parsed = parseFault(text);
  if (!parsed.ok) throw new Error(`a campaign plans no fault: ${text}`);
  return formatFault(parsed.spec);
}

/** Different faults; the same one twice on one target would be one with two ends. */
function drawSeveral(
  mixed: readonly { readonly kind: string; readonly place: Place }[],
  { several, ticks }: Campaign,
  random: Random,
): readonly string[] {
  const faults = new Map<string, string>();
  for (let left = several; left > 0; left -= 1) {
    const { kind, place } = mixed[random.nextInteger(mixed.length)] as (typeof mixed)[number];
    const text = writeFault(kind, place, ticks, random);
    faults.set(text.replace(/ at .*/, ''), text);
  }
  return [...faults.values()];
}
