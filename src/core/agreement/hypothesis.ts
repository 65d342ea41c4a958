/**
 * What follows from a rig's fault hypothesis (protocol.md §2). The one table that an agreement algorithm is
 * added to.
 */
import { majorityOf } from '../voting/majority.js';
import type { Hypothesis } from '../types.js';
import type { Algorithm } from './algorithm.js';
import { createFlooding } from './flooding.js';
import { createOralMessages } from './oral-messages.js';
import { createSignedMessages } from './signed-messages.js';

/** The quorums of a rig. All are counts of replicas. */
export interface Quorums {
  /** f: how many faulty replicas the rig lives with. For the hypothesis `none`: 1, and not a Byzantine one. */
  readonly maxFaulty: number;
  /** Strictly more than half of n. */
  readonly majority: number;
  /** n − f: a vector with fewer entries is not stepped. */
  readonly minPresent: number;
  /** How many equal testimonies hold a correct one: f+1, one where nobody lies. */
  readonly testimony: number;
  /**
   * Whether correct replicas hold the same vector, so that it can tell them which state to go on from. Without
   * agreement (hypothesis `none`) each goes on from its own.
   */
  readonly agrees: boolean;
}

/** Quorums for n replicas; see `Quorums`. */
export function deriveQuorums(hypothesis: Hypothesis, n: number): Quorums {
  const maxFaulty = hypothesis.kind === 'none' ? 1 : hypothesis.f;
  return {
    maxFaulty,
    majority: majorityOf(n),
    minPresent: n - maxFaulty,
    testimony: hypothesis.kind === 'byzantine' ? hypothesis.f + 1 : 1,
    agrees: hypothesis.kind !== 'none',
  };
}

/**
 * The theorem that refuses this hypothesis for n replicas, or null where an algorithm exists. `witnessed`: a witness votes
 * with them for the operational quorum, so that two replicas are as good as a majority of three.
 */
export function refuseHypothesis(hypothesis: Hypothesis, n: number, witnessed = false): string | null {
  switch (hypothesis.kind) {
    case 'byzantine': {
      const { f } = hypothesis;
      if (hypothesis.authenticators === 'mac') {
        return n >= 3 * f + 1
          ? null
          : `Lamport, Shostak, Pease 1982, Theorem 1: with oral messages (MACs) no algorithm lets ${n} replicas ` +
              `tolerate ${f} Byzantine; it takes n ≥ 3f+1 = ${3 * f + 1}`;
      }
      return n >= 2 * f + 1
        ? null
        : `${n} replicas with ${f} Byzantine have no majority of correct ones at the actuator, signatures or not; ` +
            `it takes n ≥ 2f+1 = ${2 * f + 1}`;
    }
    case 'crash':
      return n >= 2 * hypothesis.f + 1 || (witnessed && n === 2 && hypothesis.f === 1)
        ? null
        : `${n} replicas of which ${hypothesis.f} crash leave no majority at the actuator; it takes n ≥ 2f+1 = ${2 * hypothesis.f + 1}`;
    case 'none':
      return n === 3 ? null : `triple modular redundancy (hypothesis none) is for 3 replicas, not ${n}`;
  }
}

/** The agreement algorithm for a hypothesis that `refuseHypothesis` does not refuse. */
export function selectAlgorithm(hypothesis: Hypothesis, n: number): Algorithm {
  switch (hypothesis.kind) {
    case 'byzantine':
      return hypothesis.authenticators === 'mac'
        ? createOralMessages(n, hypothesis.f)
        : createSignedMessages(n, hypothesis.f);
    case 'crash':
      return createFlooding(n, hypothesis.f);
    case 'none':
      // One exchange without relay is OM(0): everybody takes the commander at its word.
      return createOralMessages(n, 0);
  }
}
