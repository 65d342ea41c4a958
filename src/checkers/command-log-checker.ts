/**
 * Commands of operators (protocol.md §10, §11): in a tick inside the hypothesis all correct replicas that stepped it let
 * the same requests take effect, in the same order and with the same outcome; and in one run, as long as that holds, a replica
 * without a fault lets each (client, sequence) take effect once. It keeps a window of requests, however many there are.
 */
import type { AppliedRequest, ReplicaIndex, Tick } from '../core/types.js';
import { holds } from './bytes.js';
import type { CheckedRig } from './observations.js';
import type { TickSlot } from './tick-slot.js';
import type { ViolationLog } from './violation-log.js';

const NAME = 'commands';
/** Requests of each replica that are remembered. */
const MAX_KEPT = 4_096;

interface Said {
  /** By replica; null where it has said nothing of this tick. */
  readonly lists: (string | null)[];
  /** Replicas that let something take effect a second time, with what. */
  readonly twice: { readonly replica: ReplicaIndex; readonly what: string; readonly tick: Tick }[];
}

/** One for a run. */
export class CommandLogChecker {
  private readonly said = new Map<Tick, Said>();
  /** By replica: run, client and sequence of what has taken effect, with its tick; the oldest first. */
  private readonly done: Map<string, Tick>[];
  /** Ticks in which something took effect at correct replicas. */
  ticks = 0;
  /** The last tick outside the hypothesis. */
  private outside: Tick = -1;

  constructor(
    private readonly rig: CheckedRig,
    private readonly log: ViolationLog,
  ) {
    this.done = rig.replicas.map(() => new Map());
  }

  /** `startTick` tells runs apart. */
  note(replica: ReplicaIndex, tick: Tick, startTick: Tick, applied: readonly AppliedRequest[]): void {
    const said = this.said.get(tick) ?? { lists: this.rig.replicas.map(() => null), twice: [] };
    this.said.set(tick, said);
    said.lists[replica] = applied.map(describe).join(', ');
    const done = this.done[replica];
    if (done === undefined) return;
    for (const { client, sequence } of applied) {
      const key = `${startTick} ${client} ${sequence}`;
      const before = done.get(key);
      // A tick that is told twice is one tick.
      if (before !== undefined && before !== tick)
        said.twice.push({
          replica,
          what: `request ${sequence} of operator ${client}, as at tick ${before}`,
          tick: before,
        });
      done.set(key, tick);
      for (const oldest of done.keys()) {
        if (done.size <= MAX_KEPT) break;
        done.delete(oldest);
      }
    }
  }

  judge(slot: TickSlot): void {
    if (!slot.inside) this.outside = slot.tick;
    const said = this.said.get(slot.tick);
    if (said === undefined) return;
    this.said.delete(slot.tick);
    // A tick outside the hypothesis may be one that the rig goes back behind, and what took effect then does so anew.
    if (!slot.inside) return;
    for (const { replica, what, tick } of said.twice)
      if (!holds(slot.faulty, replica) && tick > this.outside)
        this.add('§10 once', slot, replica, `It let take effect again: ${what}.`);
    let first: ReplicaIndex | null = null;
    for (let replica = 0; replica < this.rig.replicas.length; replica += 1) {
      if (!holds(slot.correct, replica) || (slot.stateDigests[replica] ?? null) === null) continue;
      if (first === null) {
        first = replica;
        continue;
      }
      const mine = said.lists[replica] ?? '';
      const theirs = said.lists[first] ?? '';
      if (mine === theirs) continue;
      const other = this.rig.replicas[first] ?? '';
      this.add('§10 same tick', slot, replica, `It let take effect [${mine}], ${other} [${theirs}].`);
      return;
    }
    if (first !== null && (said.lists[first] ?? '') !== '') this.ticks += 1;
  }

  private add(rule: string, slot: TickSlot, replica: ReplicaIndex, what: string): void {
    this.log.add(NAME, rule, slot.tick, this.rig.replicas[replica] ?? `replica ${replica}`, () => what);
  }
}

function describe({ client, sequence, digest, outcome }: AppliedRequest): string {
  const content = [...digest.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${client}/${sequence} ${content} ${outcome.kind}${outcome.kind === 'refused' ? ` ${outcome.reason}` : ''}`;
}
