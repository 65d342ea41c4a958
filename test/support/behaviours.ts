/** What the papers' faulty processes do, for `agree`: as commander, as relayer, and at the end of their lives. */
import type { MaybeValue, ReplicaIndex, Round } from '../../src/core/types.js';
import type { Behaviour } from './agree.js';

/** One commander's value, everybody else proposes nothing. */
export function commandedBy(commander: ReplicaIndex, n: number, value: MaybeValue): MaybeValue[] {
  return Array.from({ length: n }, (_, id) => (id === commander ? value : null));
}

/** Says `values[to]` as commander and is honest otherwise. */
export function twoFaced(values: Readonly<Record<number, MaybeValue>>): Behaviour {
  return ({ round, to, items }) => (round === 1 ? [{ path: [], value: values[to] ?? null }] : items);
}

/** Relays `value` of what `commander` said, to everybody or as a function of the receiver. */
export function relayLie(commander: ReplicaIndex, value: (to: ReplicaIndex) => MaybeValue): Behaviour {
  return ({ round, to, items }) =>
    round === 1
      ? items
      : items.map((item) => (item.path[0] === commander ? { ...item, value: value(to) } : item));
}

/** Crashes in `round` after having reached `reached` only. */
export function crashes(round: Round, reached: readonly ReplicaIndex[]): Behaviour {
  return (saying) =>
    saying.round < round || (saying.round === round && reached.includes(saying.to)) ? saying.items : null;
}

/** The r-th way to fill `count` places with one of `base` choices. */
export function* countUp(base: number, count: number): Generator<readonly number[]> {
  for (let number = 0; number < base ** count; number += 1) {
    const digits: number[] = [];
    for (let rest = number, at = 0; at < count; at += 1, rest = Math.floor(rest / base))
      digits.push(rest % base);
    yield digits;
  }
}

/** A traitor that replaces its items one after the other, in the order in which it says them, by choices. */
export function choose(digits: readonly number[], choices: readonly MaybeValue[]): Behaviour {
  let at = 0;
  return ({ items }) => items.map((item) => ({ ...item, value: choices[digits[at++] as number] ?? null }));
}
