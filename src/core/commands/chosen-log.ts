/**
 * The command log as one replica knows it: the chosen entries that may still take effect here, and its fold at each of
 * the last slots. What is in here is durable and chosen; who else knows it is what prefixes in entries tell.
 *
 * It must never grow with the log: beyond so many entries the oldest go, and a replica whose state they would lead on
 * from gets a later one from its peers.
 */
import { assert } from '../assert.js';
import type { Slot, Snapshot } from '../paxos/types.js';
import type { ChosenEntry } from './apply-chosen.js';
import type { LogRules } from './command-rules.js';
import { foldChosen, openFold, type FoldedLog } from './folded-log.js';

/** Entries at hand at most. */
const KEPT_SLOTS = 4_096;
/** Slots whose fold is at hand. */
const KEPT_FOLDS = 256;

/** Owned by one replica state. */
export class ChosenLog {
  /** All slots up to this one are known. */
  prefix: Slot = 0;
  /** Entries of the slots after this one are at hand. */
  private floor: Slot = 0;
  private readonly entries = new Map<Slot, ChosenEntry>();
  /** That of slot s at place s mod KEPT_FOLDS. */
  private readonly folds: (FoldedLog | null)[] = new Array<null>(KEPT_FOLDS).fill(null);

  constructor(
    private readonly rules: LogRules,
    initialLawState: Uint8Array,
    actuators: number,
    replicas: number,
  ) {
    this.folds[0] = openFold(rules, initialLawState, actuators, replicas);
  }

  /** The next slot is chosen. */
  take(chosen: ChosenEntry): void {
    const { slot } = chosen;
    assert(slot === this.prefix + 1, 'chosen entries come slot by slot');
    const fold = this.fold(this.prefix);
    this.prefix = slot;
    this.entries.set(slot, chosen);
    if (this.entries.size > KEPT_SLOTS) {
      this.floor += 1;
      this.entries.delete(this.floor);
    }
    this.folds[slot % KEPT_FOLDS] = fold === null ? null : foldChosen(this.rules, fold, chosen);
  }

  /** All slots up to the snapshot's are known by what they came to. False where nobody here can read that. */
  install({ slot, state }: Snapshot): boolean {
    const fold = this.rules.decodeFold(state);
    const isSound = fold?.book.prefix === slot;
    this.prefix = slot;
    this.floor = slot;
    this.entries.clear();
    this.folds.fill(null);
    if (isSound) this.folds[slot % KEPT_FOLDS] = fold;
    return isSound;
  }

  /** Whether the entries of all slots after `after` up to `upTo` are at hand. */
  leadsFrom(after: Slot, upTo: Slot): boolean {
    return upTo <= after || (after >= this.floor && upTo <= this.prefix);
  }

  /** Whether the slot after `after` is known no more, so that nothing leads on from there. */
  hasLeftBehind(after: Slot): boolean {
    return after < this.floor;
  }

  /** The entries of the slots after `after` up to `upTo`, which are at hand. */
  list(after: Slot, upTo: Slot): readonly ChosenEntry[] {
    const entries: ChosenEntry[] = [];
    for (let slot = after + 1; slot <= upTo; slot += 1) {
      const chosen = this.entries.get(slot);
      assert(chosen !== undefined, 'a vector is stepped when all entries are there');
      entries.push(chosen);
    }
    return entries;
  }

  /** What all slots up to `slot` come to; null where that is not known, or not any more. */
  fold(slot: Slot): FoldedLog | null {
    const fold = this.folds[slot % KEPT_FOLDS] ?? null;
    return fold?.book.prefix === slot ? fold : null;
  }
}
