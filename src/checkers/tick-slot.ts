/**
 * What has been told of one tick, until it is judged and a little longer. A ring of slots that are used again and
 * again: nothing grows, and nothing is copied.
 */
import type { ReplicaIndex, Tick } from '../core/types.js';
import { equalEntries } from './bytes.js';
import type { Order } from './observations.js';

/** One tick. Sets have bit i for replica i. */
export class TickSlot {
  tick: Tick = -1;
  readonly proposed: (Uint8Array | null)[];
  readonly vectors: (readonly (Uint8Array | null)[] | null)[];
  readonly stateDigests: (Uint8Array | null)[];
  readonly commands: (readonly (Order | undefined)[] | null)[];
  /** What the round clocks showed at one moment of the tick. */
  clocks: readonly (number | null)[] | null = null;
  /** One for each actuator; null without output. */
  readonly outputs: (number | null)[];
  /** Who told two different things of the tick. */
  contradicted = 0;

  // The verdict, once the tick has been judged.
  judged = false;
  inside = false;
  faulty = 0;
  lying = 0;
  lingering = 0;
  /** Neither faulty nor on their way back. */
  correct = 0;

  constructor(n: number, actuators: number) {
    this.proposed = new Array<null>(n).fill(null);
    this.vectors = new Array<null>(n).fill(null);
    this.stateDigests = new Array<null>(n).fill(null);
    this.commands = new Array<null>(n).fill(null);
    this.outputs = new Array<null>(actuators).fill(null);
  }

  reset(tick: Tick): void {
    this.tick = tick;
    // One by one: for so few, a call that fills costs more.
    for (let at = 0; at < this.proposed.length; at += 1) {
      this.proposed[at] = null;
      this.vectors[at] = null;
      this.stateDigests[at] = null;
      this.commands[at] = null;
    }
    for (let at = 0; at < this.outputs.length; at += 1) this.outputs[at] = null;
    this.clocks = null;
    this.contradicted = 0;
    this.judged = false;
    this.inside = false;
    this.faulty = 0;
    this.lying = 0;
    this.lingering = 0;
    this.correct = 0;
  }

  propose(replica: ReplicaIndex, value: Uint8Array): void {
    const before = this.proposed[replica] ?? null;
    if (before !== null && !equalEntries(before, value)) this.contradicted |= 1 << replica;
    this.proposed[replica] = value;
  }

  decide(replica: ReplicaIndex, vector: readonly (Uint8Array | null)[]): void {
    const before = this.vectors[replica] ?? null;
    if (before !== null && !equalVectors(before, vector)) this.contradicted |= 1 << replica;
    this.vectors[replica] = vector;
  }

  step(replica: ReplicaIndex, stateDigest: Uint8Array, commands: readonly (Order | undefined)[]): void {
    const before = this.stateDigests[replica] ?? null;
    if (before !== null && !equalEntries(before, stateDigest)) this.contradicted |= 1 << replica;
    this.stateDigests[replica] = stateDigest;
    this.commands[replica] = commands;
  }

  /** Whether the replica took its full part in the tick: spoke, agreed and stepped. */
  tookPart(replica: ReplicaIndex): boolean {
    return (
      this.proposed[replica] !== null && this.vectors[replica] !== null && this.stateDigests[replica] !== null
    );
  }
}

/** Entry by entry. */
export function equalVectors(a: readonly (Uint8Array | null)[], b: readonly (Uint8Array | null)[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at += 1) {
    if (!equalEntries(a[at] ?? null, b[at] ?? null)) return false;
  }
  return true;
}

/** Ticks that are remembered; more than may lie between a tick and its judgement. */
const WINDOW_TICKS = 32;

/** The last ticks. */
export class TickWindow {
  private readonly slots: TickSlot[];
  private newestJudged: Tick = -1;

  constructor(n: number, actuators: number) {
    this.slots = Array.from({ length: WINDOW_TICKS }, () => new TickSlot(n, actuators));
  }

  /** The slot of a tick; null for one that is forgotten, too far ahead to be true, or no tick. */
  at(tick: Tick): TickSlot | null {
    if (!Number.isSafeInteger(tick) || tick < 0) return null;
    const slot = this.slots[tick % WINDOW_TICKS] as TickSlot;
    if (slot.tick === tick) return slot;
    // Before the first judgement any tick may be the first one: what was counted in vain before a run began gives way.
    if (this.newestJudged >= 0) {
      const newest = this.newestJudged + WINDOW_TICKS / 2;
      if (tick <= this.newestJudged || tick > newest || (slot.tick > tick && slot.tick <= newest))
        return null;
    }
    slot.reset(tick);
    return slot;
  }

  /** The slot of a tick that is about to be judged. */
  takeForJudgement(tick: Tick): TickSlot {
    this.newestJudged = tick;
    const slot = this.slots[tick % WINDOW_TICKS] as TickSlot;
    if (slot.tick !== tick) slot.reset(tick);
    return slot;
  }
}
