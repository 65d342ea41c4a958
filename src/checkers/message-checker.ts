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

/** Keys of one link in one tick; what has been taken is struck out. */
interface LinkPage {
  readonly keys: Float64Array;
  size: number;
  /** More were sent than are kept: nothing of this link and tick can be judged. */
  overflown: boolean;
  /** Accepted without having been sent, or more often than sent. */
  unsent: number;
}

interface Page {
  tick: Tick;
  readonly links: readonly LinkPage[];
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
      links: Array.from({ length: links }, () => ({
        keys: new Float64Array(MAX_MESSAGES),
        size: 0,
        overflown: false,
        unsent: 0,
      })),
    }));
  }

  sent(from: ReplicaIndex, to: ReplicaIndex, key: number, tick: Tick): void {
    const link = this.linkAt(from, to, tick);
    if (link === null) return;
    if (link.size === MAX_MESSAGES) link.overflown = true;
    else {
      link.keys[link.size] = key;
      link.size += 1;
    }
  }

  accepted(from: ReplicaIndex, to: ReplicaIndex, key: number, tick: Tick): void {
    const link = this.linkAt(from, to, tick);
    if (link === null) {
      this.unjudged += 1;
      return;
    }
    for (let at = 0; at < link.size; at += 1) {
      if (link.keys[at] !== key) continue;
      link.keys[at] = NaN;
      return;
    }
    link.unsent += 1;
    this.unsent += 1;
  }

  /** Judges what was accepted of the tick that is over, and what came later of older ones. */
  judge(slot: TickSlot): void {
    this.newestJudged = slot.tick;
    if (this.unsent === 0) return;
    for (const page of this.pages) {
      if (page.tick < 0 || page.tick > slot.tick) continue;
      for (let at = 0; at < page.links.length; at += 1) {
        const link = page.links[at] as LinkPage;
        if (link.unsent > 0) this.judgeLink(slot, page.tick, at, link);
      }
    }
  }

  private judgeLink(slot: TickSlot, tick: Tick, at: number, link: LinkPage): void {
    const from = Math.floor(at / this.n);
    const to = at % this.n;
    const { unsent } = link;
    link.unsent = 0;
    this.unsent -= unsent;
    if (link.overflown || holds(slot.faulty, from) || holds(slot.faulty, to)) return;
    this.log.add(
      NAME,
      '§8 accepted as sent',
      tick,
      this.rig.replicas[to] ?? `replica ${to}`,
      () =>
        `It took ${unsent} message(s) as ${this.rig.replicas[from]}'s that ${this.rig.replicas[from]} did not send it, or took them twice.`,
    );
  }

  private linkAt(from: ReplicaIndex, to: ReplicaIndex, tick: Tick): LinkPage | null {
    if (!Number.isSafeInteger(tick) || tick < 0) return null;
    const page = this.pages[tick % WINDOW_TICKS] as Page;
    if (page.tick !== tick) {
      // A liar may name any tick; it must not cost the true ones their place. Before the first judgement any may be true.
      const newest = this.newestJudged < 0 ? Infinity : this.newestJudged + WINDOW_TICKS / 2;
      if (tick > newest || (page.tick > tick && page.tick <= newest)) return null;
      page.tick = tick;
      for (const link of page.links) this.clear(link);
    }
    return page.links[from * this.n + to] ?? null;
  }

  private clear(link: LinkPage): void {
    this.unsent -= link.unsent;
    link.size = 0;
    link.overflown = false;
    link.unsent = 0;
  }
}
