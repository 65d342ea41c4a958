/**
 * The command log folded into what a run begins with: the control law's initial state with every chosen command applied
 * in order, without any tick in between, the answers, the postures and who is wanted in the operational quorum. It depends on nothing but the log, so that what
 * operators have set outlives a failure of all replicas, and snapshots of the log are made of it.
 *
 * An order to arm is no posture that lasts: a run that begins asks for another one.
 */
import type { Tick } from '../types.js';
import { applyChosen, type ChosenEntry } from './apply-chosen.js';
import { openBook, type Commanded } from './command-book.js';
import type { LogRules } from './command-rules.js';

/** What all slots up to `book.prefix` come to. */
export type FoldedLog = Commanded;

const NO_TIME = { tick: 0, lawTick: 0, armUntil: -1 };

/** Before the first slot. Where there is a witness, all replicas are wanted in the operational quorum. */
export function openFold(
  rules: LogRules,
  initialLawState: Uint8Array,
  actuators: number,
  replicas: number,
): FoldedLog {
  const book = { ...openBook(rules.clients, actuators), prefix: 0 };
  return {
    law: initialLawState,
    book: rules.witnessed ? { ...book, wanted: (1 << replicas) - 1 } : book,
  };
}

/** The fold after the next slot. */
export function foldChosen(rules: LogRules, fold: FoldedLog, chosen: ChosenEntry): FoldedLog {
  const { law, book } = applyChosen(rules, fold, chosen, NO_TIME);
  return { law, book };
}

/** What a run that starts at `startTick` begins with: answers of before count as given at its start. */
export function beginFrom({ law, book }: FoldedLog, startTick: Tick): Commanded {
  const clients = book.clients.map(({ floor, applied }) => ({
    floor,
    applied: applied.map((one) => ({ ...one, tick: startTick })),
  }));
  return { law, book: { ...book, clients } };
}
