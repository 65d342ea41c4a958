/**
 * `npm run paxos:campaign`: very many simulated commands through Simplified Paxos, every fault on every kind of group.
 * Prints a table, and for whatever breaks a promise the one command that shows it again. Exit 0: no violation; 1: some;
 * 2: usage error.
 *
 *   npm run paxos:campaign -- [--commands N] [--seeds N] [--first N] [--group A,B] [--fault A,B] [--jobs N] [--json FILE] [--trace]
 *
 * `--commands` are shared out among groups, faults and seeds. `--trace` prints every line of a single run.
 */
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { startCore } from '../../dist/src/simulation/paxos-core.js';
import { PAXOS_FAULTS } from '../../dist/src/simulation/paxos-faults.js';
import { PAXOS_GROUP_NAMES } from '../../dist/src/simulation/paxos-groups.js';
import { simulatePaxos } from '../../dist/src/simulation/simulate-paxos.js';

/** Commands of a run, unless seeds are given: enough for some snapshots and a dozen faults. */
const RUN_COMMANDS = 500;
const MAX_SHOWN = 10;

const options = readOptions();
const cells = options.groups.flatMap((group) => options.faults.map((fault) => ({ group, fault })));
const seeds = options.seeds ?? Math.max(1, Math.round(options.commands / cells.length / RUN_COMMANDS));
const commands = Math.ceil(options.commands / cells.length / seeds);

if (options.trace) {
  const [{ group, fault }] = cells;
  const run = { group, fault, seed: String(options.first), commands };
  const result = simulatePaxos({ ...run, start: startCore, onLine: (line) => console.log(line) });
  console.log(JSON.stringify(result, null, 2));
  process.exit(result.violationCount === 0 ? 0 : 1);
}

const began = performance.now();
const rows = new Map(cells.map((cell) => [nameOf(cell), makeRow(cell)]));
const failures = [];
const jobs = cells.flatMap((cell) =>
  Array.from({ length: seeds }, (_, at) => ({ ...cell, seed: String(options.first + at), commands })),
);
const total = jobs.length;
let done = 0;
await Promise.all(Array.from({ length: Math.min(options.jobs, total) }, () => work()));
report();

function readOptions() {
  const { values } = parseArgs({
    options: {
      commands: { type: 'string', default: '1000000' },
      seeds: { type: 'string' },
      first: { type: 'string', default: '1' },
      group: { type: 'string', default: PAXOS_GROUP_NAMES.join() },
      fault: { type: 'string', default: PAXOS_FAULTS.join() },
      jobs: { type: 'string', default: String(availableParallelism()) },
      json: { type: 'string' },
      trace: { type: 'boolean', default: false },
    },
  });
  const count = (name) => {
    const value = Number(values[name]);
    if (!Number.isSafeInteger(value) || value < 1)
      refuse(`--${name} ${values[name]}: a whole number from 1 on`);
    return value;
  };
  const names = (name, known) => {
    const given = values[name].split(',');
    for (const one of given)
      if (!known.includes(one)) refuse(`--${name} ${one}: there are ${known.join(', ')}`);
    return given;
  };
  return {
    commands: count('commands'),
    seeds: values.seeds === undefined ? null : count('seeds'),
    first: count('first'),
    groups: names('group', PAXOS_GROUP_NAMES),
    faults: names('fault', PAXOS_FAULTS),
    jobs: count('jobs'),
    json: values.json ?? null,
    trace: values.trace,
  };
}

function refuse(mistake) {
  console.error(`paxos:campaign: ${mistake}`);
  process.exit(2);
}

function nameOf({ group, fault }) {
  return `${group} ${fault}`;
}

function makeRow(cell) {
  return { ...cell, runs: 0, commands: 0, strikes: 0, crashes: 0, ballots: 0, lost: 0, violations: 0 };
}

/** One thread, one run after another. */
async function work() {
  const worker = new Worker(new URL('campaign-worker.mjs', import.meta.url));
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
    worker.postMessage(job);
    note(job, await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject)));
    worker.removeAllListeners('error');
  }
  await worker.terminate();
}

function note(job, result) {
  const row = rows.get(nameOf(job));
  row.runs += 1;
  for (const [from, to] of Object.entries({
    answered: 'commands',
    strikes: 'strikes',
    crashes: 'crashes',
    ballots: 'ballots',
    lost: 'lost',
    violationCount: 'violations',
  }))
    row[to] += result[from];
  done += 1;
  if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${total} runs`);
  if (result.violationCount > 0) failures.push({ job, violation: result.violations[0] });
}

function report() {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  const columns = [
    'group',
    'fault',
    'runs',
    'commands',
    'strikes',
    'crashes',
    'ballots',
    'lost',
    'violations',
  ];
  const all = [...rows.values()];
  const sum = all.reduce(
    (one, row) => {
      for (const column of columns.slice(2)) one[column] += row[column];
      return one;
    },
    { ...makeRow({ group: 'all', fault: '' }) },
  );
  const lines = [columns, ...[...all, sum].map((row) => columns.map((column) => String(row[column])))];
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => line[at].length)));
  for (const line of lines)
    console.log(
      line
        .map((cell, at) => (at < 2 ? cell.padEnd(widths[at]) : cell.padStart(widths[at])))
        .join('  ')
        .trimEnd(),
    );
  console.log(
    `${total} runs of ${commands} commands in ${((performance.now() - began) / 1_000).toFixed(0)} s`,
  );
  for (const { job, violation } of failures.slice(0, MAX_SHOWN)) {
    const { checker, rule, slot, who, what } = violation;
    console.log(
      `\n${nameOf(job)}, seed ${job.seed}: ${checker} ${rule}, ${who}, slot ${slot ?? '-'}: ${what}`,
    );
    console.log(
      `  npm run paxos:campaign -- --group ${job.group} --fault ${job.fault} --first ${job.seed} --seeds 1 --commands ${job.commands} --trace`,
    );
  }
  if (failures.length > MAX_SHOWN) console.log(`\nand ${failures.length - MAX_SHOWN} more`);
  if (options.json !== null)
    writeFileSync(options.json, JSON.stringify({ rows: all, sum, failures }, null, 2));
  process.exitCode = failures.length === 0 ? 0 : 1;
}
