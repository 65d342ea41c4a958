/**
 * Every behaviour of one traitor among n replicas in one tick, for OM(1) and SM(1) (Lamport, Shostak, Pease 1982),
 * against the algorithms of the core.
 *
 * The traitor is each replica in turn; the correct ones propose every combination of the given values. In round 1 it
 * says something to each of the n−1 others; in round 2 it tells each of them something of each of the n−2 others that
 * are neither itself nor the receiver: (n−1) + (n−1)(n−2) = (n−1)² logical messages. Each of them is one of c choices,
 * so with p values to propose there are
 *
 *     n · p^(n−1) · c^((n−1)²)
 *
 * behaviours. The choices are 0, 1 and absent (c = 3), and with signatures also both values at once (c = 4), which is
 * what a traitor that signs twice can say; a value that its commander did not sign is offered and fails.
 */
import type { Algorithm } from '../../core/agreement/algorithm.js';
import { createOralMessages } from '../../core/agreement/oral-messages.js';
import { createSignedMessages } from '../../core/agreement/signed-messages.js';
import type { MaybeValue, RelayItem, ReplicaIndex, Value } from '../../core/types.js';
import { findInconsistency } from './consistency.js';
import { Seats, type Adversary, type Seat } from './seats.js';
import { SignatureBook } from './signature-book.js';

export interface ExhaustOptions {
  readonly algorithm: 'om1' | 'sm1';
  /** 3 to 7. OM(1) with 3, where it must fail, is allowed: to show that failures are found. */
  readonly n: number;
  /**
   * What correct replicas propose: every combination of bits, or of bits and absent (p = 3), or 0 and 1 in turn alone
   * (p = 1). `bits` unless given.
   */
  readonly proposals?: 'bits' | 'bits-or-absent' | 'in-turn';
  /** How absent is said: by saying nothing, or in so many words (oral messages only). `silence` unless given. */
  readonly absent?: 'silence' | 'word';
}

export interface ExhaustOutcome {
  /** OM(1), SM(1). */
  readonly algorithm: string;
  readonly n: number;
  /** Behaviours that were tried, by count. */
  readonly behaviours: number;
  /** Behaviours that there are, by the formula. */
  readonly expected: number;
  /** The formula with its numbers. */
  readonly formula: string;
  readonly violations: number;
  /** The first violation, in a sentence. */
  readonly first: string | null;
}

const ZERO: Value = new Uint8Array([0]);
const ONE: Value = new Uint8Array([1]);

/** One thing to say of one commander: values, or absent in words. None: nothing. */
type Choice = readonly MaybeValue[];

const SILENT_CHOICES: readonly Choice[] = [[ZERO], [ONE], []];
const WORDY_CHOICES: readonly Choice[] = [[ZERO], [ONE], [null]];
const SIGNED_CHOICES: readonly Choice[] = [[ZERO], [ONE], [], [ZERO, ONE]];

/** The closed formula: how many behaviours there are, and the same in words. */
export function countBehaviours(options: ExhaustOptions): {
  readonly count: number;
  readonly formula: string;
} {
  const { n } = options;
  const p = (listProposable(options)[0] as readonly MaybeValue[]).length;
  const c = listChoices(options).length;
  const messages = (n - 1) ** 2;
  return {
    count: n * p ** (n - 1) * c ** messages,
    formula: `n·p^(n−1)·c^((n−1)²) = ${n}·${p}^${n - 1}·${c}^${messages}`,
  };
}

/** Tries them all. */
export function exhaust(options: ExhaustOptions): ExhaustOutcome {
  const { algorithm: which, n } = options;
  const algorithm = which === 'om1' ? createOralMessages(n, 1) : createSignedMessages(n, 1);
  const tally = { behaviours: 0, violations: 0, first: null as string | null };
  for (let traitor = 0; traitor < n; traitor += 1)
    exhaustTraitor(
      algorithm,
      n,
      traitor,
      listProposable(options),
      listChoices(options),
      which === 'sm1',
      tally,
    );
  const { count, formula } = countBehaviours(options);
  return { algorithm: algorithm.name, n, ...tally, expected: count, formula };
}

/** By replica: what it may propose. As many for each. */
function listProposable({ n, proposals }: ExhaustOptions): readonly (readonly MaybeValue[])[] {
  return Array.from({ length: n }, (_, id) => {
    if (proposals === 'in-turn') return [id % 2 === 0 ? ZERO : ONE];
    return proposals === 'bits-or-absent' ? [ZERO, ONE, null] : [ZERO, ONE];
  });
}

function listChoices(options: ExhaustOptions): readonly Choice[] {
  if (options.algorithm === 'sm1') return SIGNED_CHOICES;
  return options.absent === 'word' ? WORDY_CHOICES : SILENT_CHOICES;
}

function exhaustTraitor(
  algorithm: Algorithm,
  n: number,
  traitor: ReplicaIndex,
  proposable: readonly (readonly MaybeValue[])[],
  choices: readonly Choice[],
  signed: boolean,
  tally: { behaviours: number; violations: number; first: string | null },
): void {
  const seats = Array.from({ length: n }, (_, id): Seat => ({
    id,
    role: id === traitor ? 'puppet' : 'correct',
  }));
  const table = new Seats(algorithm, n, 1, seats);
  const receivers = seats.flatMap(({ id }) => (id === traitor ? [] : [id]));
  const scripts = receivers.map((receiver) => writeScripts(n, traitor, receiver, choices));
  const perReceiver = (scripts[0] as readonly Script[]).length;
  /** The script in force for each receiver, by id. */
  const chosen: Script[] = [];
  const book = new SignatureBook((2 ** n - 1) & ~(1 << traitor));
  // It is heard first, so that whatever it says has been counted when the last round decides.
  const order = [traitor, ...receivers];
  const adversary: Adversary = {
    speak: (round, _from, to) => (chosen[to] as Script)[round - 1] as Script[number],
    order: () => order,
    ...(signed
      ? {
          admit: (from: ReplicaIndex, items: readonly RelayItem[]) => book.admit(from, items),
          overhear: (from: ReplicaIndex, items: readonly RelayItem[]) => book.sign(from, items),
        }
      : {}),
  };
  const proposals = new Array<MaybeValue>(n).fill(null);
  for (const values of countUp((proposable[0] as readonly MaybeValue[]).length, n - 1)) {
    receivers.forEach((id, at) => (proposals[id] = proposable[id]?.[values[at] as number] ?? null));
    for (const numbers of countUp(perReceiver, n - 1)) {
      receivers.forEach((id, at) => (chosen[id] = scripts[at]?.[numbers[at] as number] as Script));
      book.clear();
      const wrong = findInconsistency(seats, proposals, table.run(proposals, adversary));
      tally.behaviours += 1;
      if (wrong === null) continue;
      tally.violations += 1;
      tally.first ??= `Traitor ${traitor}: ${wrong}`;
    }
  }
}

/** What is said to one receiver, by round: messages of items. */
type Script = readonly (readonly (readonly RelayItem[])[])[];

/** Everything that the traitor may say to one receiver in both rounds. */
function writeScripts(
  n: number,
  traitor: ReplicaIndex,
  receiver: ReplicaIndex,
  choices: readonly Choice[],
): readonly Script[] {
  const others = Array.from({ length: n }, (_, id) => id).filter((id) => id !== traitor && id !== receiver);
  const scripts: Script[] = [];
  for (const digits of countUp(choices.length, 1 + others.length)) {
    const own = sayOf([], choices[digits[0] as number] as Choice);
    const relayed = others.flatMap((commander, at) =>
      sayOf([commander], choices[digits[at + 1] as number] as Choice),
    );
    // Nothing to say is no message at all: the round is then closed by its deadline.
    scripts.push([own.length === 0 ? [] : [own], relayed.length === 0 ? [] : [relayed]]);
  }
  return scripts;
}

function sayOf(path: readonly ReplicaIndex[], choice: Choice): RelayItem[] {
  return choice.map((value) => ({ path, value }));
}

/** Every number of `places` digits in `base`, as its digits, the same array each time. */
function* countUp(base: number, places: number): Generator<readonly number[]> {
  const digits = new Array<number>(places).fill(0);
  for (;;) {
    yield digits;
    let place = 0;
    while (place < places && digits[place] === base - 1) {
      digits[place] = 0;
      place += 1;
    }
    if (place === places) return;
    digits[place] = (digits[place] as number) + 1;
  }
}
