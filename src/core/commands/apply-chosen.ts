/**
 * What one chosen entry of the command log does to what replicas hold alike (protocol.md §9, last point): the control
 * law's state, the answers to operators, the postures of actuators, whom operators want in the operational quorum, and how far
 * the log has taken effect. Pure: the same entries in the same order come to the same on every replica.
 *
 * A request has one effect, however often it is chosen; whoever asks again has the answer again.
 */
import type { Entry as LogEntry, Members, Slot } from '../paxos/types.js';
import type { AppliedRequest, ReplicaIndex, RequestOutcome, Tick } from '../types.js';
import {
  findApplied,
  recordApplied,
  type Commanded,
  type CommandBook,
  type Posture,
  type RequestEffect,
} from './command-book.js';
import type { LogRules } from './command-rules.js';

/** An entry of the command log, in its slot. */
export interface ChosenEntry {
  readonly slot: Slot;
  readonly entry: LogEntry;
  /** False for a request that an earlier slot holds already. */
  readonly executes: boolean;
}

/** When an entry takes effect. */
export interface EffectTime {
  readonly tick: Tick;
  /** The same, counted from the start of the run. */
  readonly lawTick: Tick;
  /** Until when an order to arm stands; −1: not at all. */
  readonly armUntil: Tick;
}

export interface AppliedEntry extends Commanded {
  /** What became of the request in it; null where it holds none of an operator of the rig. */
  readonly answer: AppliedRequest | null;
  /** Whether it became so just now. */
  readonly isNew: boolean;
}

/** What follows from the next slot's entry. */
export function applyChosen(
  rules: LogRules,
  { law, book: before }: Commanded,
  { slot, entry, executes }: ChosenEntry,
  { tick, lawTick, armUntil }: EffectTime,
): AppliedEntry {
  const book: CommandBook = { ...before, prefix: slot };
  const client = entry.kind === 'command' ? rules.findClient(entry.request.client) : null;
  if (entry.kind !== 'command' || client === null) return { law, book, answer: null, isNew: false };
  const { sequence, value } = entry.request;
  if (!executes) return { law, book, answer: findApplied(book, { client, sequence }), isNew: false };
  const effect = refuseEmptying(rules.effect(value, law, lawTick), book.wanted);
  const outcome: RequestOutcome = effect.kind === 'refused' ? effect : { kind: 'done' };
  const answer: AppliedRequest = { client, sequence, digest: rules.digest(value), tick, outcome, slot };
  return {
    law: effect.kind === 'law' ? effect.law : law,
    book: {
      ...recordApplied(book, answer),
      postures:
        effect.kind === 'posture'
          ? changePosture(book.postures, effect.actuator, effect.armed, armUntil)
          : book.postures,
      ...(effect.kind === 'wanted' && book.wanted !== undefined
        ? { wanted: changeWanted(book.wanted, effect.replica, effect.isWanted) }
        : {}),
    },
    answer,
    isNew: true,
  };
}

function changePosture(
  postures: readonly Posture[],
  actuator: number,
  armed: boolean,
  armUntil: Tick,
): readonly Posture[] {
  const posture = armed ? { disarmed: false, armUntil } : { disarmed: true, armUntil: -1 };
  return postures.map((one, at) => (at === actuator ? posture : one));
}

/** Somebody is always wanted: an operational quorum of nobody would end control. */
function refuseEmptying(effect: RequestEffect, wanted: Members | undefined): RequestEffect {
  if (effect.kind !== 'wanted') return effect;
  if (wanted === undefined)
    return { kind: 'refused', reason: 'no witness is there to vote without a replica' };
  return changeWanted(wanted, effect.replica, effect.isWanted) === 0
    ? { kind: 'refused', reason: 'every other replica is retired; admit one of them first' }
    : effect;
}

function changeWanted(wanted: Members, replica: ReplicaIndex, isWanted: boolean): Members {
  const bit = 1 << replica;
  return isWanted ? wanted | bit : wanted & ~bit;
}
