/**
 * `voteplane replay DIR`: runs a recorded flight again and says whether every replica and voter did the same. Exit 0:
 * identical; 1: not; 2: the folder cannot be used.
 */
import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { LedgerFindings } from '../recording/frame-ledger.js';
import type { LifeEnd } from '../recording/port-replayer.js';
import { replayRecording, type ReplayedLife, type ReplayReport } from './replay-recording.js';
import { UsageError } from './usage-error.js';

/** Adds the command. */
export function registerReplayCommand(program: Command): void {
  program
    .command('replay')
    .summary('run a recorded flight again, and compare')
    .description(
      'Runs every replica and voter of a flight that "demo --record" has recorded again, on what each of them saw, and ' +
        'compares everything that they do: vectors, states, commands, outputs, every frame. Exit 0: identical; 1: not; ' +
        '2: the folder cannot be used.',
    )
    .argument('<dir>', 'folder of the recording')
    .option('--json <file>', 'write the comparison there')
    .action(async (folder: string, options: { readonly json?: string }) => {
      const report = await replayRecording(folder);
      if (options.json !== undefined) await writeReport(options.json, report);
      process.stdout.write(`${formatReplay(report).join('\n')}\n`);
      process.exitCode = report.identical ? 0 : 1;
    });
}

/** The report as lines for people. */
export function formatReplay(report: ReplayReport): readonly string[] {
  const lines: string[] = [];
  for (const { rig, seed, recordedBy, lives, frames } of report.flights) {
    lines.push(`${rig}, seed ${seed}, recorded by voteplane ${recordedBy}`);
    for (const life of lives) lines.push(...formatLife(life));
    lines.push(...formatFrames(frames));
  }
  lines.push(report.identical ? 'identical' : 'NOT identical');
  return lines;
}

const ENDS: Readonly<Record<LifeEnd, string>> = {
  stopped: '',
  killed: ', killed by a fault',
  threw: ', ended by an error',
  cut: ', log cut short',
};

function formatLife(life: ReplayedLife): readonly string[] {
  const { process, kind, compared, framesReceived, difference, end, thrown } = life;
  const counts =
    kind === 'replica'
      ? `${compared.ticks} ticks, ${compared.vectors} vectors, ${compared.commands} commands`
      : `${compared.outputs} outputs, ${compared.voterRecords} accounts`;
  const frames = `frames ${framesReceived} in, ${compared.framesSent} out`;
  const name = life.life === 1 ? process : `${process} (life ${life.life})`;
  const verdict = difference === null ? 'identical' : 'NOT identical';
  const lines = [`  ${name}: ${counts}, ${frames}${ENDS[end]}: ${verdict}`];
  if (difference !== null) {
    const when = difference.afterTick === null ? 'before the run' : `after tick ${difference.afterTick}`;
    lines.push(`    first difference at call ${difference.call}, ${when}`);
    lines.push(`    recorded: ${difference.expected}`, `    replayed: ${difference.got}`);
  } else if (thrown !== null) {
    lines.push(`    ${thrown}`);
  }
  return lines;
}

function formatFrames(frames: LedgerFindings): readonly string[] {
  const { received, matched, fromOutside, beyondLog, unsent, firstUnsent } = frames;
  const lines = [
    `  between them: ${received} frames received, ${matched} sent so by their replayed senders, ` +
      `${fromOutside} from outside the recording, ${beyondLog} beyond the end of a log, ${unsent} never sent`,
  ];
  if (firstUnsent !== null) {
    const { from, to, purpose, arrivedUs } = firstUnsent;
    lines.push(`    the first is a ${purpose} frame that ${to} received from ${from} at ${arrivedUs} µs`);
  }
  return lines;
}

async function writeReport(file: string, report: ReplayReport): Promise<void> {
  try {
    await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
  } catch (error) {
    throw new UsageError(`--json ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
