/** The one command that does a run of a campaign again. */
import type { Job } from './job.js';
import type { ShrunkFailure } from './result.js';

/** The command of a job on the rig at `rigPath`, as a POSIX shell takes it. */
export function formatCommand(job: Job, rigPath: string): string {
  const words = [
    'npx',
    'voteplane',
    'simulate',
    rigPath,
    '--seed',
    String(job.seed),
    '--ticks',
    String(job.ticks),
  ];
  for (const fault of job.faults) words.push('--fault', fault);
  // Without faults of its own a simulation draws some.
  if (job.faults.length === 0) words.push('--no-faults');
  words.push('--wire', job.wire);
  if (job.network !== null) {
    const { delayUs, jitterUs, loss } = job.network;
    words.push(
      '--delay',
      String(delayUs / 1_000),
      '--jitter',
      String(jitterUs / 1_000),
      '--loss',
      String(loss),
    );
  }
  return words.map(quoteWord).join(' ');
}

/** The command of a failure that was made small; a smaller rig is where `nameSmallerRig` says. */
export function formatShrunkCommand({ id, job }: ShrunkFailure, rigPath: string): string {
  return formatCommand(job, job.rigText === null ? rigPath : nameSmallerRig(id));
}

/** Folder of the smaller rig of a failure, from where the campaign runs. */
export function nameSmallerRig(id: string): string {
  return `.voteplane/smaller/${id.replace(/[^a-z0-9.-]+/gi, '-')}`;
}

function quoteWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
