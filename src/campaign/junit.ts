/** A campaign as JUnit XML: one suite a kind of fault, one case a run, failures with the command that reproduces them. */
import { isFailure } from './job.js';
import { formatCommand } from './reproduce.js';
import type { CampaignResult, Row } from './result.js';

/** The text of the XML file. */
export function formatJunit(result: CampaignResult): string {
  const suites = new Map<string, Row[]>();
  for (const row of result.rows) {
    const suite = suites.get(row.job.kind);
    if (suite === undefined) suites.set(row.job.kind, [row]);
    else suite.push(row);
  }
  const bodies = [...suites].map(([kind, rows]) => formatSuite(kind, rows, result));
  const name = escapeXml(`voteplane campaign ${result.identity.campaign}`);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="${name}" ${countCases(result.rows)}>\n${bodies.join('')}</testsuites>\n`;
}

function formatSuite(kind: string, rows: readonly Row[], result: CampaignResult): string {
  const cases = rows.map((row) => formatCase(row, result)).join('');
  return `  <testsuite name="${escapeXml(kind)}" ${countCases(rows)}>\n${cases}  </testsuite>\n`;
}

function formatCase({ job, result }: Row, campaign: CampaignResult): string {
  const seconds = ((result.figures?.ticks ?? 0) * campaign.assumptions.periodUs) / 1e6;
  // Time is the simulated one: what the machine took says nothing of the run.
  const head =
    `    <testcase classname="${escapeXml(`${campaign.identity.rig}.${job.kind}`)}" name="${escapeXml(job.id)}" ` +
    `time="${seconds.toFixed(3)}"`;
  if (!isFailure(result.outcome) && result.outcome !== 'idle') return `${head}/>\n`;
  const text = escapeXml([...result.findings, formatCommand(job, campaign.rigPath)].join('\n'));
  const message = escapeXml(result.reasons.join(', ') || 'the fault altered nothing');
  const tag = { failed: 'failure', broken: 'error', idle: 'skipped' }[
    result.outcome as 'failed' | 'broken' | 'idle'
  ];
  return `${head}>\n      <${tag} message="${message}">${text}</${tag}>\n    </testcase>\n`;
}

function countCases(rows: readonly Row[]): string {
  const count = (outcome: string): number => rows.filter(({ result }) => result.outcome === outcome).length;
  return `tests="${rows.length}" failures="${count('failed')}" errors="${count('broken')}" skipped="${count('idle')}"`;
}

/** Text for content and attributes of XML 1.0; characters that it cannot hold become a mark. */
export function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
