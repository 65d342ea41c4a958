/** `voteplane exhaust`: what it prints and how it exits. */
import { Command } from 'commander';
import { afterEach, expect, test, vi } from 'vitest';
import { registerExhaustCommand } from '../../src/cli/exhaust-command.js';

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

async function run(...words: string[]): Promise<{ readonly output: string; readonly exitCode: number }> {
  let output = '';
  vi.spyOn(console, 'log').mockImplementation((text: unknown) => {
    output += `${String(text)}\n`;
  });
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const program = new Command().exitOverride();
  registerExhaustCommand(program);
  for (const command of program.commands) command.exitOverride();
  await program.parseAsync(['exhaust', ...words], { from: 'user' });
  return { output, exitCode: Number(process.exitCode ?? 0) };
}

test('counts, formula and violations, exit 0 where there are none', async () => {
  const { output, exitCode } = await run('sm1');
  expect(output).toBe(
    [
      'SM(1), n = 3, one traitor',
      '  behaviours  3072',
      '  formula     n·p^(n−1)·c^((n−1)²) = 3·2^2·4^4 = 3072',
      '  violations  0',
      '',
      '',
    ].join('\n'),
  );
  expect(exitCode).toBe(0);
});

test('exit 1 and the first violation where an algorithm is asked for what no algorithm can', async () => {
  const { output, exitCode } = await run('om1', '--n', '3');
  expect(output).toMatch(/violations {2}[1-9]\d*\n {2}first {7}Traitor 0: /);
  expect(exitCode).toBe(1);
});

test('as JSON', async () => {
  const { output } = await run('sm1', '--json', '--proposals', 'bits-or-absent');
  expect(JSON.parse(output)).toMatchObject([
    { algorithm: 'SM(1)', behaviours: 6_912, expected: 6_912, violations: 0 },
  ]);
});

test('refuses what would take for ever, and what there is not', async () => {
  await expect(run('om1', '--n', '5')).rejects.toThrow(/more than 20000000; give a smaller --n/);
  await expect(run('om1', '--n', '8')).rejects.toThrow(/from 3 to 7/);
  await expect(run('om2')).rejects.toThrow(/Allowed choices are om1, sm1/);
});
