/**
 * `voteplane/client`: give a rig commands from a program of your own.
 *
 * ```ts
 * import { openClient } from 'voteplane/client';
 * const client = await openClient({ rig: 'hardware/rigs/pitch', keys: 'keys/operator.keys.json' });
 * const done = await client.submit('set-target', { pitch: '2deg' });
 * if (done.kind === 'applied') console.log(`in force from tick ${done.tick} on`);
 * await client.close();
 * ```
 *
 * `submit` never rejects for what replicas say or fail to say: `done.kind` is
 * - `applied`: `done.outcome` is `done`, `refused` by the control law, or `lapsed`;
 * - `refused`: not taken on, without effect; `done.text` says why and what to do;
 * - `chosen`: in the command log for good, and not in force within the time (crash hypothesis only);
 * - `unanswered`: it may have its effect or not. Submitting the same again is the same request, and tells.
 */
export { CommandError, openClient } from './open-client.js';
export type { AskOptions, Client, OpenClientOptions, Submitted, SubmitOptions } from './open-client.js';
export type {
  LogEntry,
  LogOutcome,
  OnProgress,
  SaidBy,
  SubmitOutcome,
  SubmitProgress,
} from './command-client.js';
export { SequenceFileError } from './sequence-file.js';
