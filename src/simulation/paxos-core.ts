/**
 * What the simulated world runs: the core of Simplified Paxos as it is. Tests put a wrapper around it that breaks one of
 * its rules, to see whether the checkers notice.
 */
import { stepPaxos } from '../core/paxos/paxos.js';
import { recoverPaxos } from '../core/paxos/recover.js';
import type { PaxosConfig, PaxosEffect, PaxosInput, PaxosRecord } from '../core/paxos/types.js';

/** One process of one device. */
export interface RunningCore {
  step(input: PaxosInput): readonly PaxosEffect[];
  /** What its memory is measured from. */
  readonly root: object;
}

/** Starts a process on what its store gives back; the effects are those of starting. */
export type StartCore = (
  config: PaxosConfig,
  records: readonly PaxosRecord[],
  nowUs: number,
) => { readonly core: RunningCore; readonly effects: readonly PaxosEffect[] };

/** The core itself. */
export const startCore: StartCore = (config, records, nowUs) => {
  const { state, effects } = recoverPaxos(config, records, nowUs);
  return {
    core: {
      root: state,
      step: (input) => stepPaxos(config, state, input).effects,
    },
    effects,
  };
};
