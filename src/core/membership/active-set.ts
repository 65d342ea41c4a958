/**
 * Who is waited for (protocol.md §3, active set). A dead peer must not cost the deadline of every round for ever, so
 * replicas that enough *agreed* entries name as absent leave the active set, at every correct replica alike, and come
 * back when enough agreed entries carry their request. All of it is part of the replicated state and changes by the
 * vector alone: suspicion that is not agreed on excludes nobody.
 *
 * A change that the vector of tick k brings about holds from tick k+2 on, so that a replica which had to fetch the
 * state of tick k knows of it in time. Two replicas that differ for a tick about who is active still agree: to the
 * algorithms a replica that some hear and others leave out is one more way of being faulty.
 *
 * It must never exclude more than f at once, and the denominator of a majority stays n.
 */
import type { Entry, ReplicaIndex, Tick } from '../types.js';

/** One replica's place in the active set. */
export interface Member {
  readonly status: 'active' | 'excluded';
  /** The tick from which `status` holds; before it the other one did. */
  readonly sinceTick: Tick;
  /** Ticks in a row in which f+1 agreed entries have named it as absent or late. */
  readonly missedTicks: number;
  /**
   * How many ticks it stays out at least, from `sinceTick` on: grows with every exclusion soon after a return. 0 for one
   * that has never been out, or not for long.
   */
  readonly penaltyTicks: number;
}

export interface ActiveSetRules {
  readonly n: number;
  /** f. */
  readonly maxFaulty: number;
  /** Agreed requests that admit: f+1, one where nobody lies. */
  readonly testimony: number;
  /** K. */
  readonly excludeAfterTicks: number;
}

/** From the vector of tick k to the tick from which what it decides holds. */
export const EFFECT_TICKS = 2;
/** Excluded within so many ticks of its return a replica pays for it. */
const PROBATION_TICKS = 64;
const FIRST_PENALTY_TICKS = 4;
/** A fault that is over must not cost the rig its spare replica for long: another one may strike any time. */
const MAX_PENALTY_TICKS = 8;

/** Whether the replica is waited for, and its word counts, in tick `tick`. */
export function isActive(member: Member, tick: Tick): boolean {
  return (member.status === 'active') === tick >= member.sinceTick;
}

/** Bit i for each active replica i in tick `tick`. */
export function activeMask(members: readonly Member[], tick: Tick): number {
  let mask = 0;
  for (let id = 0; id < members.length; id += 1) if (isActive(members[id] as Member, tick)) mask |= 1 << id;
  return mask;
}

/** The members of a run that begins with tick `startTick`: those of `present` active, the others excluded. */
export function foundMembers(n: number, present: number, startTick: Tick): readonly Member[] {
  return Array.from({ length: n }, (_, id) => ({
    status: (present & (1 << id)) === 0 ? 'excluded' : 'active',
    sinceTick: startTick,
    missedTicks: 0,
    penaltyTicks: 0,
  }));
}

/** The members after the vector of tick `tick`, from those before it; the same list where nothing changed. */
export function followVector(
  rules: ActiveSetRules,
  before: readonly Member[],
  tick: Tick,
  entries: readonly (Entry | null)[],
): readonly Member[] {
  const { n, maxFaulty, testimony } = rules;
  const effectTick = tick + EFFECT_TICKS;
  let after: Member[] | null = null;
  let excluded = 0;
  for (const member of before) if (member.status === 'excluded') excluded += 1;
  for (let id = 0; id < n; id += 1) {
    const member = before[id] as Member;
    const next =
      member.status === 'active'
        ? // An entry tells of the tick before.
          followActive(
            rules,
            member,
            tick > member.sinceTick && countNaming(entries, id, 'missed') > maxFaulty,
            effectTick,
            excluded,
          )
        : followExcluded(member, countNaming(entries, id, 'joins') >= testimony, effectTick);
    if (next === member) continue;
    if (next.status === 'excluded' && member.status === 'active') excluded += 1;
    after ??= [...before];
    after[id] = next;
  }
  return after ?? before;
}

/** The members after a tick in which the operational quorum became `quorum`: who is dropped is waited for no more at once. */
export function followQuorum(before: readonly Member[], tick: Tick, quorum: number): readonly Member[] {
  return before.map((member, id) => {
    const status = (quorum & (1 << id)) === 0 ? 'excluded' : 'active';
    if (member.status === status) return member;
    const sinceTick = status === 'active' ? tick + EFFECT_TICKS : tick + 1;
    return { status, sinceTick, missedTicks: 0, penaltyTicks: 0 };
  });
}

function followActive(
  rules: ActiveSetRules,
  member: Member,
  named: boolean,
  effectTick: Tick,
  excluded: number,
): Member {
  const missedTicks = named ? Math.min(member.missedTicks + 1, rules.excludeAfterTicks) : 0;
  if (missedTicks >= rules.excludeAfterTicks && excluded < rules.maxFaulty) {
    const penaltyTicks =
      member.penaltyTicks > 0 && effectTick - member.sinceTick < PROBATION_TICKS
        ? Math.min(Math.max(2 * member.penaltyTicks, FIRST_PENALTY_TICKS), MAX_PENALTY_TICKS)
        : 0;
    return { status: 'excluded', sinceTick: effectTick, missedTicks: 0, penaltyTicks };
  }
  return missedTicks === member.missedTicks ? member : { ...member, missedTicks };
}

function followExcluded(member: Member, asked: boolean, effectTick: Tick): Member {
  // Its exclusion has to hold before it can end, or nobody would know which of two changes holds when.
  if (!asked || effectTick <= member.sinceTick + member.penaltyTicks) return member;
  return {
    status: 'active',
    sinceTick: effectTick,
    missedTicks: 0,
    penaltyTicks: Math.max(1, member.penaltyTicks),
  };
}

/** How many others than `id` itself name it in their agreed entry. */
function countNaming(entries: readonly (Entry | null)[], id: ReplicaIndex, what: 'missed' | 'joins'): number {
  let count = 0;
  for (let from = 0; from < entries.length; from += 1) {
    const entry = entries[from];
    if (from !== id && entry !== null && entry !== undefined && (entry[what] & (1 << id)) !== 0) count += 1;
  }
  return count;
}
