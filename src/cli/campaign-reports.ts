/** What campaigns leave behind: JSON, HTML and JUnit files, the smaller rigs of failures, and the last lines for a person. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { formatHtml } from '../campaign/html/report.js';
import { formatJunit } from '../campaign/junit.js';
import { formatCommand, formatShrunkCommand, nameSmallerRig } from '../campaign/reproduce.js';
import { countFailures, formatResult, type CampaignResult } from '../campaign/result.js';
import { listFailures } from '../campaign/run-campaign.js';
import { relocateRig } from '../campaign/smaller-rig.js';
import { openReport } from './flight-options.js';

/** Options of the reports. */
export interface ReportOptions {
  readonly json?: string;
  readonly html?: string;
  readonly junit?: string;
}

/** Adds the options to a command. */
export function addReportOptions(command: Command): Command {
  return command
    .option('--json <file>', 'write the result there: every run, what failed, what was assumed')
    .option('--html <file>', 'write a report to read there, one file that needs no network')
    .option('--junit <file>', 'write the runs there as test cases in JUnit XML');
}

/** Opens all report files; the answer writes them. Rejects with UsageError. */
export async function openReports(
  options: ReportOptions,
): Promise<(result: CampaignResult) => Promise<void>> {
  const { json, html, junit } = options;
  const files = [
    json === undefined ? null : { out: await openReport(json, '--json'), format: formatResult },
    html === undefined ? null : { out: await openReport(html, '--html'), format: formatHtml },
    junit === undefined ? null : { out: await openReport(junit, '--junit'), format: formatJunit },
  ];
  return async (result) => {
    for (const file of files) await file?.out.write(file.format(result));
  };
}

/** Writes the smaller rigs that commands of the result name; `folder` is that of the rig that they were made from. */
export function writeSmallerRigs(result: CampaignResult, folder: string): void {
  for (const { id, job } of result.shrunk) {
    if (job.rigText === null) continue;
    const where = nameSmallerRig(id);
    mkdirSync(where, { recursive: true });
    writeFileSync(path.join(where, 'rig.yaml'), relocateRig(job.rigText, folder, path.resolve(where)));
  }
}

/** Failures that are told in full on a terminal. */
const MAX_TOLD = 10;

/** The end of a campaign, in lines for people. */
export function describeResult(result: CampaignResult): readonly string[] {
  const { counts, rows, identity, complete, shrunk, rigPath } = result;
  const failed = listFailures(rows);
  const lines = failed.slice(0, MAX_TOLD).flatMap(({ job, result: run }) => {
    const small = shrunk.find(({ id }) => id === job.id);
    return [
      `${run.outcome}: ${job.id}: ${run.findings[0] ?? run.reasons.join(', ')}`,
      `  ${formatCommand(job, rigPath)}`,
      ...(small === undefined
        ? []
        : [`  smaller, after ${small.runs} runs: ${formatShrunkCommand(small, rigPath)}`]),
    ];
  });
  if (failed.length > MAX_TOLD) lines.push(`and ${failed.length - MAX_TOLD} more failures`);
  const told = [
    `${counts.held} held`,
    ...(counts['fail-safe'] > 0 ? [`${counts['fail-safe']} in fail-safe as promised`] : []),
    ...(counts.idle > 0 ? [`${counts.idle} altered nothing`] : []),
    `${countFailures(result)} failed`,
  ];
  const runs = complete ? `${rows.length} runs` : `${rows.length} runs of ${identity.jobs}, not all`;
  lines.push(
    `${identity.campaign}: ${runs}, ${result.ticks} ticks, ${result.replicaTicks} replica-ticks: ${told.join(', ')}.`,
  );
  return lines;
}

/** The text of a rig file. */
export function readRigText(file: string): string {
  return readFileSync(file, 'utf8');
}
