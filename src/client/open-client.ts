/**
 * The client of one operator of one rig, from the files that he has: the rig folder and his keys. This is what a program
 * of a user's own opens; `voteplane submit` and `voteplane log` are such programs.
 */
import { loadKeys } from '../cli/load-keys.js';
import { openCommandClient } from '../cli/open-command-client.js';
import { chooseOperator } from '../cli/operator-options.js';
import type { Addresses } from '../cli/addresses.js';
import type { Log } from '../ports.js';
import {
  findCommand,
  formatArguments,
  parseArguments,
  refuseGiver,
  type ArgumentValue,
  type GivenArguments,
} from '../rig/command-arguments.js';
import { loadRig } from '../rig/load-rig.js';
import type { Rig } from '../rig/rig.js';
import {
  DEFAULT_TIMEOUT_MS,
  type LogOutcome,
  type OnProgress,
  type SubmitOutcome,
} from './command-client.js';
import { SequenceFile } from './sequence-file.js';

export interface OpenClientOptions {
  /** Rig folder, or its rig.yaml. */
  readonly rig: string;
  /** Key file of an operator. The numbers of his requests are kept beside it, in `<keys>.sequence`. */
  readonly keys: string;
  /** Which operator of the rig this is; without it the first. */
  readonly operator?: string;
  /** File with the passphrase of the keys, where they are encrypted. */
  readonly passphraseFile?: string;
  /** Where inboxes are found in place of what the rig says. */
  readonly addresses?: Addresses;
  /** Without it nothing is told. */
  readonly log?: Log;
}

/** A command that cannot be given as it was asked for: unknown, not this operator's, or with wrong arguments. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** What was submitted, and what became of it. */
export type Submitted = SubmitOutcome & {
  /** The request's number. */
  readonly sequence: number;
  /** Whether it had been asked for under this number before, by a process that never learned of an answer. */
  readonly isRepeat: boolean;
  /** Command and arguments as replicas are asked, such as `set-target pitch=5 deg`. */
  readonly asked: string;
};

export interface AskOptions {
  /** How long to wait for answers, ms. Default: 5000. */
  readonly timeoutMs?: number;
}

export interface SubmitOptions extends AskOptions {
  /** Hears that the command is chosen, before it takes effect, and for whom it waits. */
  readonly onProgress?: OnProgress;
}

export interface Client {
  readonly rig: Rig;
  /**
   * Gives a command and waits for what enough replicas say alike became of it. Where a log orders commands (a crash
   * hypothesis), `onProgress` hears first that it is chosen: from then on it cannot be lost. Arguments are values (quantities in the unit of the
   * rig file) or texts as on the command line (`'5deg'`). Exactly-once: the same command and arguments, asked for again
   * while it is not known what became of it, are one request, over restarts of this program too. Rejects with `CommandError` before
   * anything is sent, and with `SequenceFileError` where no number can be had.
   */
  submit(
    command: string,
    given?: Readonly<Record<string, ArgumentValue>>,
    options?: SubmitOptions,
  ): Promise<Submitted>;
  /** The last requests that have taken effect, or have their place in the log; oldest first. */
  readLog(options?: AskOptions): Promise<LogOutcome>;
  close(): Promise<void>;
}

const SILENT: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Reads rig and keys, and begins to connect. Rejects with `RigError`, `KeyFileError` or `UsageError`. */
export async function openClient(options: OpenClientOptions): Promise<Client> {
  const { addresses = {}, log = SILENT } = options;
  const { rig, digests } = await loadRig(options.rig);
  const operator = chooseOperator(rig, options.operator);
  const keys = await loadKeys(rig, operator, 'operator', options.keys, options.passphraseFile);
  const { client, close } = await openCommandClient({ rig, keys, addresses, log, rigDigest: digests.rig });
  const sequences = new SequenceFile(`${options.keys}.sequence`);
  const rigDigest = Buffer.from(digests.rig).toString('hex');
  return {
    rig,
    submit: async (id, given = {}, { timeoutMs = DEFAULT_TIMEOUT_MS, onProgress } = {}) => {
      const { command, values } = readCommand(rig, operator, id, given);
      const what = JSON.stringify([rig.id, operator, rigDigest, id, values]);
      const { sequence, isRepeat } = await sequences.take(what);
      const outcome = await client.submit({ sequence, command: id, values }, timeoutMs, onProgress);
      // Without an end it stays open: who asks again learns what became of it.
      if (outcome.kind === 'applied' || outcome.kind === 'refused') await sequences.settle(sequence);
      const asked = `${id} ${formatArguments(command, values)}`.trim();
      return { ...outcome, sequence, isRepeat, asked };
    },
    readLog: ({ timeoutMs = DEFAULT_TIMEOUT_MS } = {}) => client.readLog(timeoutMs),
    close,
  };
}

/** The command and its checked values; throws `CommandError`. */
export function readCommand(
  rig: Rig,
  operator: string,
  id: string,
  given: Readonly<Record<string, ArgumentValue>>,
): {
  readonly command: Exclude<ReturnType<typeof findCommand>, { ok: false }>;
  readonly values: readonly ArgumentValue[];
} {
  const command = findCommand(rig, id);
  if ('ok' in command) throw toError(command);
  const unauthorised = refuseGiver(command, operator);
  if (unauthorised !== null) throw toError(unauthorised);
  const texts = Object.entries(given).map(([name, value]) => {
    const argument = command.arguments.find((one) => one.id === name);
    const unit = argument?.type === 'quantity' && typeof value === 'number' ? ` ${argument.unit}` : '';
    return [name, `${String(value)}${unit}`] as const;
  });
  const read = parseArguments(command, Object.fromEntries(texts));
  if (!read.ok) throw toError(read);
  return { command, values: read.values };
}

function toError({ what, cure }: GivenArguments & { ok: false }): CommandError {
  return new CommandError(`${what}; ${cure}`);
}
