/**
 * One tick of an agreement algorithm, written round by round and without time (test/support/agree.ts). What a receiver
 * took is observed at the edge of the algorithm: its answers to `accept`, item by item.
 */
import type { Algorithm, TickAgreement } from '../../../src/core/agreement/algorithm.js';
import { sameValue } from '../../../src/core/bytes.js';
import type { MaybeValue, RelayItem, ReplicaIndex, Round } from '../../../src/core/types.js';
import { agree, type AgreeRun, type Behaviour, type Saying } from '../../support/agree.js';
import type { Holding } from './holding.js';
import type { Page } from './page.js';
import { writeRound } from './round-table.js';
import { samePath, type Notation, type Sending } from './sending.js';

export interface AgreeTrace {
  readonly algorithm: Algorithm;
  readonly notation: Notation;
  readonly proposals: readonly MaybeValue[];
  readonly liars?: Readonly<Record<number, Behaviour>>;
  readonly admit?: (saying: Saying) => readonly RelayItem[];
  /** Instances to be shown; all where it is left out. */
  readonly commanders?: readonly ReplicaIndex[];
  readonly maxRows?: number;
  readonly crashed?: readonly ReplicaIndex[];
}

export interface TracedRun {
  readonly run: AgreeRun;
  readonly holding: Holding;
}

/** Runs the tick and writes its rounds. What was held and decided is the caller's to draw. */
export function traceAgree(page: Page, trace: AgreeTrace): TracedRun {
  const { algorithm, notation, proposals } = trace;
  const n = notation.names.length;
  const recorder = new Recorder();
  const run = agree(recorder.watch(algorithm), n, proposals, trace.liars ?? {}, trace.admit);
  const sendings = recorder.sendingsOf(run);
  for (let round = 1; round <= algorithm.rounds; round += 1) {
    page.heading(titleOf(round));
    writeRound(page, {
      notation,
      sendings: sendings.filter((sending) => sending.round === round),
      ...(trace.commanders === undefined ? {} : { commanders: trace.commanders }),
      ...(trace.maxRows === undefined ? {} : { maxRows: trace.maxRows }),
      ...(trace.crashed === undefined ? {} : { crashed: trace.crashed }),
    });
  }
  return { run, holding: { notation, rounds: algorithm.rounds, sendings, vectors: run.vectors } };
}

/** What a round is for, in words. */
export function titleOf(round: Round): string {
  return round === 1
    ? 'Round 1: every commander tells its value'
    : `Round ${round}: everybody relays what round ${round - 1} brought`;
}

/** Stands between `agree` and an algorithm, and remembers what was asked and answered. */
class Recorder {
  private readonly due: {
    readonly round: Round;
    readonly from: ReplicaIndex;
    readonly to: ReplicaIndex;
    readonly items: readonly RelayItem[];
  }[] = [];
  private readonly taken: {
    readonly round: Round;
    readonly from: ReplicaIndex;
    readonly to: ReplicaIndex;
    readonly item: RelayItem;
  }[] = [];

  watch(algorithm: Algorithm): Algorithm {
    return { ...algorithm, createTick: (self) => this.watchTick(algorithm.createTick(self), self) };
  }

  sendingsOf(run: AgreeRun): Sending[] {
    return this.due.map(({ round, from, to, items: due }) => {
      const isThis = (one: { round: Round; from: ReplicaIndex; to: ReplicaIndex }): boolean =>
        one.round === round && one.from === from && one.to === to;
      const said = run.said.find(isThis)?.items ?? null;
      const taken = this.taken.filter(isThis).map(({ item }) => item);
      return { round, from, to, due, said, taken: inOrder(said ?? [], taken), fate: null };
    });
  }

  private watchTick(tick: TickAgreement, self: ReplicaIndex): TickAgreement {
    return {
      propose: (value) => tick.propose(value),
      accept: (round, from, items) =>
        items.flatMap((item) => {
          const causes = tick.accept(round, from, [item]);
          if (causes.length === 0) this.taken.push({ round, from, to: self, item });
          return causes;
        }),
      relay: (round, to) => {
        const items = tick.relay(round, to);
        this.due.push({ round, from: self, to, items });
        return items;
      },
      decide: () => tick.decide(),
      contradictions: () => tick.contradictions(),
    };
  }
}

/** What was taken of what was said: a verifier may have added to an item, and the receiver sees that one. */
function inOrder(said: readonly RelayItem[], taken: readonly RelayItem[]): RelayItem[] {
  return said.filter((item) =>
    taken.some((other) => samePath(other.path, item.path) && sameValue(other.value, item.value)),
  );
}
