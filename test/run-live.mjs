/**
 * Runs the live tests, which mostly wait, and beside them those of them that can wait, at a lower priority, and what only
 * computes (the linters, test/idle), on what all of these leave of the processors: the scheduler runs it when nobody else
 * wants to. Exit code 1 where anything fails.
 */
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../', import.meta.url));

/** The command that lets others go first: the idle class of Linux, or what every Unix has. */
function findIdler() {
  const idlers = [
    ['chrt', '--idle', '0'],
    ['nice', '-n', '19'],
  ];
  return idlers.find(([command, ...args]) => spawnSync(command, [...args, 'true']).status === 0) ?? [];
}

const POLITE = process.platform === 'win32' ? [] : ['nice', '-n', '10'];

/** Resolves with what a command wrote, unless it wrote it at once, and its exit code. */
function run([command, ...args], stdio) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio });
    const written = [];
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => written.push(chunk));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 1, written: Buffer.concat(written) }));
  });
}

const testsOf = (name) => [process.execPath, 'node_modules/vitest/vitest.mjs', 'run', '--project', name];
const idler = findIdler();
const beside = [
  [...POLITE, ...testsOf('patient')],
  [...idler, 'npm', 'run', '--silent', 'lint'],
  [...idler, ...testsOf('idle')],
].map((command) => run(command, ['ignore', 'pipe', 'pipe']));
const live = await run(testsOf('live'), 'inherit');
const others = await Promise.all(beside);
for (const { written } of others) process.stdout.write(written);
process.exitCode = [live, ...others].every(({ code }) => code === 0) ? 0 : 1;
