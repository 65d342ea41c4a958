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
 */
export { CommandError, openClient } from './open-client.js';
export type { Client, OpenClientOptions, Submitted, SubmitOptions } from './open-client.js';
export type { LogEntry, LogOutcome, SaidBy, SubmitOutcome } from './command-client.js';
export { SequenceFileError } from './sequence-file.js';
