/**
 * The links between the devices and clients of a simulated group: each direction delays, loses, repeats and reorders by
 * itself, or is cut, by chance that the seed decides. What is under way when a link is cut is lost.
 */
import type { Random } from '../faults/random.js';
import { RANK, ScheduledEvent } from './event-queue.js';
import type { World } from './host.js';
import type { LinkModel } from './network.js';

/** Wired, with a switch in between. */
export const GOOD_LINK: LinkModel = { delayUs: 200, jitterUs: 100, loss: 0, duplicate: 0, reorder: 0 };

/** A radio on a bad day. */
export const POOR_LINK: LinkModel = {
  delayUs: 400,
  jitterUs: 3_000,
  loss: 0.08,
  duplicate: 0.05,
  reorder: 0.5,
};

export class PaxosLinks {
  /** Every link is like this. */
  model: LinkModel = GOOD_LINK;
  /** Messages that links lost. */
  lost = 0;
  private readonly cuts = new Map<string, number>();
  private readonly lastArrivalUs = new Map<string, number>();
  /** How often all was lost that was under way. */
  clearings = 0;

  constructor(
    private readonly world: World,
    private readonly random: Random,
  ) {}

  /** Carries something, or not; `deliver` is called where it arrives. */
  send(from: string, to: string, deliver: () => void): void {
    const { model, random, world } = this;
    const link = `${from}>${to}`;
    if (this.cuts.has(link) || (model.loss > 0 && random.nextChance(model.loss))) {
      this.lost += 1;
      return;
    }
    const copies = model.duplicate > 0 && random.nextChance(model.duplicate) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      let atUs = world.nowUs + model.delayUs + Math.floor(-Math.log(1 - random.nextUnit()) * model.jitterUs);
      if (model.reorder === 0 || !random.nextChance(model.reorder)) {
        atUs = Math.max(atUs, this.lastArrivalUs.get(link) ?? 0);
        this.lastArrivalUs.set(link, atUs);
      }
      world.add(atUs, RANK.arrival, new Arrival(this, link, deliver));
    }
  }

  /** Nothing passes in this direction until it has been healed as often as it was cut. */
  cut(from: string, to: string): void {
    const link = `${from}>${to}`;
    this.cuts.set(link, (this.cuts.get(link) ?? 0) + 1);
  }

  heal(from: string, to: string): void {
    const link = `${from}>${to}`;
    const depth = (this.cuts.get(link) ?? 0) - 1;
    if (depth > 0) this.cuts.set(link, depth);
    else this.cuts.delete(link);
  }

  /** All that is under way is lost. */
  clear(): void {
    this.clearings += 1;
  }

  get isWhole(): boolean {
    return this.cuts.size === 0;
  }

  isCut(link: string): boolean {
    return this.cuts.has(link);
  }
}

class Arrival extends ScheduledEvent {
  constructor(
    private readonly links: PaxosLinks,
    private readonly link: string,
    private readonly deliver: () => void,
    private readonly clearings = links.clearings,
  ) {
    super();
  }

  run(): void {
    if (this.links.isCut(this.link) || this.links.clearings > this.clearings) this.links.lost += 1;
    else this.deliver();
  }
}
