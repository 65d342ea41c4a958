/**
 * Commands of operators drawn by a seed for a flight of any length: any of the rig's own, with arguments in their ranges,
 * several at a time now and then. Built-in ones are left out, since they stop the flight.
 */
import { Random } from '../faults/random.js';
import type { ArgumentValue } from '../rig/command-arguments.js';
import type { ArgumentPart, CommandPart, Rig } from '../rig/rig.js';
import type { Submission } from '../rig/submission.js';

const QUIET_TICKS = 20;
/** After the last one the flight goes on for so long, so that it can take effect. */
const REST_TICKS = 60;
/** How many may come within one tick. */
const MAX_AT_ONCE = 3;

/** `count` commands for a flight of `ticks` ticks. Same rig, numbers and seed: same commands. None where the rig has none. */
export function drawCommands(rig: Rig, ticks: number, count: number, seed: number): readonly Submission[] {
  const commands = rig.commands.filter(({ effect }) => effect === 'law');
  if (commands.length === 0) return [];
  const random = new Random(`commands ${seed}`);
  const span = Math.max(1, ticks - QUIET_TICKS - REST_TICKS);
  const submissions: Submission[] = [];
  while (submissions.length < count) {
    const tick = QUIET_TICKS + Math.floor((submissions.length / count) * span);
    const atOnce = Math.min(1 + random.nextInteger(MAX_AT_ONCE), count - submissions.length);
    for (let one = 0; one < atOnce; one += 1)
      submissions.push(
        drawCommand(commands[random.nextInteger(commands.length)] as CommandPart, tick, random),
      );
  }
  return submissions;
}

function drawCommand(command: CommandPart, tick: number, random: Random): Submission {
  const operator = command.by[random.nextInteger(command.by.length)] ?? '';
  const values = command.arguments.map((argument) => drawValue(argument, random));
  return {
    text: `submit ${command.id} by ${operator} at ${tick}`,
    operator,
    command: command.id,
    values,
    tick,
  };
}

function drawValue(argument: ArgumentPart, random: Random): ArgumentValue {
  switch (argument.type) {
    case 'boolean':
      return random.nextChance(0.5);
    case 'choice':
      return argument.choices[random.nextInteger(argument.choices.length)] as string;
    case 'integer':
      return argument.min + random.nextInteger(Math.min(argument.max - argument.min + 1, 2 ** 31));
    case 'quantity':
      return argument.min + random.nextUnit() * (argument.max - argument.min);
  }
}
