/**
 * `voteplane report merge FILE…`: puts the results of the shards of a campaign together. Exit 0: all of it is there and
 * nothing failed; 1: something failed or is missing; 2: the files do not belong together.
 */
import type { Command } from 'commander';
import { describeMissing, mergeResults, readResult } from '../campaign/merge-results.js';
import { countFailures } from '../campaign/result.js';
import { addReportOptions, describeResult, openReports, type ReportOptions } from './campaign-reports.js';

const EXIT_FAILED = 1;

/** Adds the command. */
export function registerReportCommand(program: Command): void {
  const report = program.command('report').description('put results of campaigns together');
  const merge = report
    .command('merge')
    .description('merge the results of shards into that of the whole campaign')
    .argument('<files...>', 'what "campaign --shard i/n --json" wrote');
  addReportOptions(merge).action(runMerge);
}

async function runMerge(files: readonly string[], options: ReportOptions): Promise<void> {
  const parts = files.map(readResult);
  const result = mergeResults(parts);
  const missing = describeMissing(parts);
  await (
    await openReports(options)
  )(result);
  for (const line of describeResult(result)) process.stdout.write(`${line}\n`);
  if (missing !== null) process.stderr.write(`${missing}\n`);
  if (missing !== null || countFailures(result) > 0) process.exitCode = EXIT_FAILED;
}
