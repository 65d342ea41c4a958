/**
 * Nothing is accepted that was not sent (protocol.md §8): what a replica takes as a message of a peer that is not
 * faulty was sent by that peer to that replica, and is taken once. What a faulty sender sent, or a faulty receiver
 * took, proves nothing. Messages of ticks that are forgotten are not judged, only counted.
 */
import type { ReplicaIndex, Tick } from '../core/types.js';
import { holds } from './bytes.js';
import type { CheckedRig } from './observations.js';
import type { TickSlot } from './tick-slot.js';
import type { ViolationLog } from './violation-log.js';

const NAME = 'messages';
/** Ticks in which a message may still be read. */
const WINDOW_TICKS = 64;
/** Messages on one link in one tick that are told apart; no correct replica sends more. */
const MAX_MESSAGES = 24;

/** One tick. What belongs to a link stands at its number, `from · n + to`. */
interface Page {
  tick: Tick;
  /** `MAX_MESSAGES` of each link, in the order of sending; what has been taken is struck out. */
  readonly keys: Float64Array;
  /** How many were sent; more than are kept: nothing of this link and tick can be judged. */
  readonly sizes: Uint8Array;
  /** Accepted without having been sent, or more often than sent. */
  readonly unsent: Uint32Array;
  /** All of these. */
  unsentHere: number;
}

/** Bounded by window, links and messages a link. */
export class MessageChecker {
  /** Acceptances that came when their tick was forgotten. */
  unjudged = 0;
  private readonly n: number;
  private readonly pages: Page[];
  /** Acceptances that wait for judgement. */
  private unsent = 0;
  private newestJudged: Tick = -1;

  constructor(
    private readonly rig: CheckedRig,
    private readonly log: ViolationLog,
  ) {
    this.n = rig.replicas.length;
    const links = this.n * this.n;
    this.pages = Array.from({ length: WINDOW_TICKS }, () => ({
      tick: -1,
      keys: new Float64Array(links * MAX_MESSAGES),
      sizes: new Uint8Array(links),
      unsent: new Uint32Array(links),
      unsentHere: 0,
    }));
  }

  sent(from: ReplicaIndex, to: ReplicaIndex, key: number, tick: Tick): void {
    const page = this.pageOf(tick);
    if (page === null) return;
    const link = from * this.n + to;
    const size = page.sizes[link] as number;
    if (size > MAX_MESSAGES) return;
    if (size < MAX_MESSAGES) page.keys[link * MAX_MESSAGES + size] = key;
    page.sizes[link] = size + 1;
  }

  accepted(from: ReplicaIndex, to: ReplicaIndex, key: number, tick: Tick): void {
    const page = this.pageOf(tick);
    if (page === null) {
      this.unjudged += 1;
      return;
    }
    const { keys, sizes, unsent } = page;
    const link = from * this.n + to;
    const first = link * MAX_MESSAGES;
    const end = first + Math.min(sizes[link] as number, MAX_MESSAGES);
    for (let at = first; at < end; at += 1) {
      if (keys[at] !== key) continue;
      keys[at] = NaN;
      return;
    }
    unsent[link] = (unsent[link] as number) + 1;
    page.unsentHere += 1;
    this.unsent += 1;
  }

  /** Judges what was accepted of the tick that is over, and what came later of older ones. */
  judge(slot: TickSlot): void {
    this.newestJudged = slot.tick;
    if (this.unsent === 0) return;
    for (const page of this.pages) {
      if (page.tick < 0 || page.tick > slot.tick || page.unsentHere === 0) continue;
      for (let link = 0; link < page.unsent.length; link += 1)
        if (page.unsent[link] !== 0) this.judgeLink(slot, page, link);
    }
  }

  private judgeLink(slot: TickSlot, page: Page, link: number): void {
    const from = Math.floor(link / this.n);
    const to = link % this.n;
    const unsent = page.unsent[link] as number;
    page.unsent[link] = 0;
    page.unsentHere -= unsent;
    this.unsent -= unsent;
    const isOverflown = (page.sizes[link] as number) > MAX_MESSAGES;
    if (isOverflown || holds(slot.faulty, from) || holds(slot.faulty, to)) return;
    this.log.add(
      NAME,
      '§8 accepted as sent',
      page.tick,
      this.rig.replicas[to] ?? `replica ${to}`,
      () =>
        `It took ${unsent} message(s) as ${this.rig.replicas[from]}'s that ${this.rig.replicas[from]} did not send it, or took them twice.`,
    );
  }

  private pageOf(tick: Tick): Page | null {
    if (!Number.isSafeInteger(tick) || tick < 0) return null;
    const page = this.pages[tick % WINDOW_TICKS] as Page;
    if (page.tick === tick) return page;
    // A liar may name any tick; it must not cost the true ones their place. Before the first judgement any may be true.
    const newest = this.newestJudged < 0 ? Infinity : this.newestJudged + WINDOW_TICKS / 2;
    if (tick > newest || (page.tick > tick && page.tick <= newest)) return null;
    page.tick = tick;
    page.sizes.fill(0);
    if (page.unsentHere > 0) {
      page.unsent.fill(0);
      this.unsent -= page.unsentHere;
      page.unsentHere = 0;
    }
    return page;
  }
}
