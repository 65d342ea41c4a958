/** The one command that does a run of a campaign again. */
import type { Job } from './job.js';

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
  words.push('--wire', job.wire);
  if (job.network !== null) {
    const { delayUs, jitterUs, loss, duplicate, reorder } = job.network;
    words.push(
      '--network',
      `delay=${delayUs}us,jitter=${jitterUs}us,loss=${loss},duplicate=${duplicate},reorder=${reorder}`,
    );
  }
  return words.map(quoteWord).join(' ');
}

function quoteWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
