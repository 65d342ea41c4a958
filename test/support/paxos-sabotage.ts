/** Cores of Simplified Paxos with one rule broken, for tests of what is to notice. */
import type { PaxosState } from '../../src/core/paxos/state.js';
import type { Entry, PaxosConfig, PaxosEffect, PaxosInput, PaxosRecord } from '../../src/core/paxos/types.js';
import { startCore, type StartCore } from '../../src/simulation/paxos-core.js';

/** What a saboteur sees of one process. */
interface Scene {
  readonly config: PaxosConfig;
  readonly state: PaxosState;
  readonly step: (input: PaxosInput) => readonly PaxosEffect[];
}

interface Sabotage {
  /** What the store gives back. */
  readonly records?: (records: readonly PaxosRecord[], config: PaxosConfig) => readonly PaxosRecord[];
  /** Once the process has started. */
  readonly started?: (state: PaxosState) => void;
  /** Instead of a step. */
  readonly step?: (scene: Scene, input: PaxosInput) => readonly PaxosEffect[];
  /** What comes of a step. */
  readonly effects?: (effects: readonly PaxosEffect[], scene: Scene) => readonly PaxosEffect[];
}

/** The core with something in its way. */
export function sabotage({
  records = (given) => given,
  started: meddle,
  step,
  effects = (given) => given,
}: Sabotage): StartCore {
  return (config, given, nowUs) => {
    const started = startCore(config, records(given, config), nowUs);
    const state = started.core.root as PaxosState;
    meddle?.(state);
    const scene: Scene = {
      config,
      state,
      step: (input) => started.core.step(deafen(input)),
    };
    return {
      effects: effects(started.effects, scene),
      core: {
        root: started.core.root,
        step: (input) => effects(step?.(scene, input) ?? scene.step(input), scene),
      },
    };
  };
}

function deafen(input: PaxosInput): PaxosInput {
  if (input.kind !== 'received' || input.message.kind !== 'beat') return input;
  return { ...input, message: { ...input.message, heard: [] } };
}

/** Another value for the same slot. */
export function alter(entry: Entry): Entry {
  return entry.kind === 'command' ? { kind: 'nothing' } : entry;
}
