/**
 * What finds a bug in a tree: seeded flights in the simulator, and unit tests. A detector answers with what it found, in words, or null; it throws when it
 * could not be run to its end, because that says nothing of the tree.
 */
import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { makeOutputFolder } from './tree.mjs';

/** No mutant of the catalogue may hang; what takes longer could not be judged. */
const TIME_LIMIT_MS = 600_000;

/** Runs test files in the tree until the first that fails; its name, or null when all pass. */
export async function runTests(tree, files, signal) {
  const report = path.join(makeOutputFolder(tree), 'vitest.json');
  rmSync(report, { force: true });
  const vitest = path.join(tree.folder, 'node_modules/vitest/vitest.mjs');
  const options = ['--project', 'unit', '--bail', '1', '--maxWorkers', '1', '--no-cache'];
  const output = await run(
    [vitest, 'run', ...options, '--reporter', 'json', '--outputFile', report, ...files],
    tree,
    signal,
  );
  let results;
  try {
    results = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    throw new Error(`vitest left no report:\n${output}`);
  }
  if (results.success) {
    if (results.numPassedTests === 0) throw new Error(`no test ran in ${files.join(', ')}`);
    return null;
  }
  for (const { name, status, message, assertionResults } of results.testResults) {
    const failed = assertionResults.find((one) => one.status === 'failed');
    if (failed !== undefined) return `${path.basename(name)}: ${failed.fullName}`;
    if (status === 'failed') return `${path.basename(name)}: ${message.split('\n', 1)[0]}`;
  }
  throw new Error(`vitest failed without a failing test:\n${output}`);
}

/** Flies each flight (fly.mjs) until the first that goes wrong; how it did, or null when all went well. */
export async function runFlights(tree, flights, signal) {
  const output = await run(
    [path.join(tree.folder, 'test/canaries/fly.mjs'), JSON.stringify(flights)],
    tree,
    signal,
  );
  try {
    return JSON.parse(output);
  } catch {
    throw new Error(`the simulator could not be run:\n${output}`);
  }
}

/** A Node process in the tree, and everything that it printed. */
function run(args, tree, signal) {
  return new Promise((resolve, reject) => {
    // Run from a test, it must not take itself for a worker of that test's runner.
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([key]) => !/^(VITEST|TEST$|NODE_ENV$)/.test(key)),
    );
    const child = spawn(process.execPath, args, {
      cwd: tree.folder,
      env,
      signal,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    const limit = setTimeout(() => child.kill('SIGKILL'), TIME_LIMIT_MS);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(limit);
      if (code === null) reject(new Error(`no end after ${TIME_LIMIT_MS / 1000} s`));
      else resolve(output);
    });
  });
}
