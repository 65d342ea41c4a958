/** What commands of operators mean in a rig, and what puts them into one order; replicas are configured with it. */
import type { Tick } from '../types.js';
import type { Commanded, RequestEffect } from './command-book.js';

interface CommandMeaning {
  /** Operators of the rig. */
  readonly clients: number;
  /** 32 bytes: two contents of one client must not be found to share one. */
  readonly digest: (content: Uint8Array) => Uint8Array;
  /** What a request does to the control law's state, or else. `tick` counts from the start of the run. Must not throw. */
  readonly effect: (content: Uint8Array, law: Uint8Array, tick: Tick) => RequestEffect;
}

/** The agreed vector orders them: under a Byzantine hypothesis. */
export interface VectorRules extends CommandMeaning {
  readonly order: 'vector';
}

/** The command log orders them: under a crash hypothesis. */
export interface LogRules extends CommandMeaning {
  readonly order: 'log';
  /** Place in the rig's list of the operator whom the log calls `client`; null for one that the rig has not. */
  readonly findClient: (client: string) => number | null;
  /** For so long a replica may lack what another one knows to be chosen. */
  readonly lagTicks: number;
  /** Whether a witness is there, so that the log says which replicas may step. */
  readonly witnessed: boolean;
  /** Of what the whole log comes to (`folded-log.ts`). */
  readonly encodeFold: (fold: Commanded) => Uint8Array;
  /** Null for anything that `encodeFold` does not make. */
  readonly decodeFold: (bytes: Uint8Array) => Commanded | null;
}

/** What a rig with commands of operators adds. */
export type CommandRules = VectorRules | LogRules;
