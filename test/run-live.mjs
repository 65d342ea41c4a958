/**
 * Runs the live tests, which mostly wait, and beside them those that only compute (test/idle), on what the live ones leave
 * of the processors: the scheduler runs them when nobody else wants to. Exit code 1 where either fails.
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

/** Resolves with what a project wrote, unless it wrote it at once, and its exit code. */
function runProject(name, launcher, stdio) {
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--project', name];
  const [command, ...args] = [...launcher, process.execPath, ...vitest];
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio });
    const written = [];
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => written.push(chunk));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 1, written: Buffer.concat(written) }));
  });
}

const beside = runProject('idle', findIdler(), ['ignore', 'pipe', 'pipe']);
const live = await runProject('live', [], 'inherit');
const idle = await beside;
process.stdout.write(idle.written);
process.exitCode = live.code === 0 && idle.code === 0 ? 0 : 1;
