/**
 * `voteplane exhaust [om1|sm1]`: every behaviour of one traitor in one tick, against the agreement algorithms of the
 * core. Exit 0: none of them broke agreement or validity; 1: one did, or they are not as many as the formula says;
 * 2: usage error.
 */
import { Argument, InvalidArgumentError, Option, type Command } from 'commander';
import {
  countBehaviours,
  exhaust,
  type ExhaustOptions,
  type ExhaustOutcome,
} from '../simulation/adversary/exhaust.js';
import { UsageError } from './usage-error.js';

interface CommandOptions {
  readonly n?: number;
  readonly proposals: 'bits' | 'bits-or-absent' | 'in-turn';
  readonly absent: 'silence' | 'word';
  readonly json?: boolean;
}

const ALGORITHMS = ['om1', 'sm1'] as const;
/** The fewest replicas that each tolerates a traitor with. */
const LEAST: Readonly<Record<(typeof ALGORITHMS)[number], number>> = { om1: 4, sm1: 3 };
/** What takes a few minutes. */
const MAX_BEHAVIOURS = 20_000_000;

/** Adds the command. */
export function registerExhaustCommand(program: Command): void {
  program
    .command('exhaust')
    .description('try every behaviour of one traitor against the agreement algorithms')
    .addArgument(new Argument('[algorithm]', 'one algorithm alone').choices(ALGORITHMS))
    .option(
      '--n <number>',
      'replicas; without it as few as the algorithm needs: 4 for om1, 3 for sm1',
      parseN,
    )
    .addOption(
      new Option('--proposals <set>', 'what correct replicas propose')
        .choices(['bits', 'bits-or-absent', 'in-turn'])
        .default('bits'),
    )
    .addOption(
      new Option('--absent <how>', 'how the traitor of om1 says absent')
        .choices(['silence', 'word'])
        .default('silence'),
    )
    .option('--json', 'print the outcome as JSON')
    .action(runExhaust);
}

function runExhaust(algorithm: (typeof ALGORITHMS)[number] | undefined, options: CommandOptions): void {
  const { proposals, absent } = options;
  const wanted = (algorithm === undefined ? ALGORITHMS : [algorithm]).map((one): ExhaustOptions => ({
    algorithm: one,
    n: options.n ?? LEAST[one],
    proposals,
    absent,
  }));
  for (const one of wanted) {
    const { count, formula } = countBehaviours(one);
    if (count > MAX_BEHAVIOURS)
      throw new UsageError(
        `${one.algorithm} with ${one.n} replicas has ${formula} = ${count} behaviours, more than ${MAX_BEHAVIOURS}; ` +
          'give a smaller --n',
      );
  }
  const outcomes = wanted.map((one) => {
    const outcome = exhaust(one);
    if (options.json !== true) console.log(renderOutcome(outcome));
    return outcome;
  });
  if (options.json === true) console.log(JSON.stringify(outcomes, null, 2));
  if (outcomes.some((one) => one.violations > 0 || one.behaviours !== one.expected)) process.exitCode = 1;
}

function renderOutcome(outcome: ExhaustOutcome): string {
  const lines = [
    `${outcome.algorithm}, n = ${outcome.n}, one traitor`,
    `  behaviours  ${outcome.behaviours}`,
    `  formula     ${outcome.formula} = ${outcome.expected}`,
    `  violations  ${outcome.violations}`,
  ];
  if (outcome.first !== null) lines.push(`  first       ${outcome.first}`);
  return `${lines.join('\n')}\n`;
}

function parseN(text: string): number {
  if (!/^[3-7]$/.test(text)) throw new InvalidArgumentError('Give a whole number from 3 to 7.');
  return Number(text);
}
