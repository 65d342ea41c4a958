/**
 * The form of a scenario file: which keys there are and what each may hold. One source for the checks of
 * `parse-scenario.ts` and for the JSON Schema that editors use (schema/scenario.schema.json). What needs the rig, or
 * more than one value, to judge is not here.
 */
import { z } from 'zod';
import { MAX_SPEC_LENGTH } from '../faults/spec.js';
import { MAX_ACTUATORS, MAX_REPLICAS } from '../rig/schema.js';
import { REFUSAL_CAUSES } from '../wire/refusal.js';

export const MAX_TICKS = 100_000_000;
export const MAX_SEED = 0xffffffff;
const MAX_TITLE = 100;
const MAX_SENTENCE = 1_000;
const MAX_FAULTS = 256;
const MAX_EXPECTATIONS = 32;
/** A number that is not negative, with a unit; which one, the plant says. */
const BOUND_PATTERN = /^\d{1,6}(\.\d{1,9})? {0,3}[A-Za-z%][A-Za-z0-9%/]{0,15}$/;
const TICKS_PATTERN = /^\d{1,9} {0,3}ticks?$/;

const text = (max: number): z.ZodString => z.string().min(1).max(max);
const fault = text(MAX_SPEC_LENGTH).describe(
  'NAME on TARGET [key=value …] at TICK [for TICKS], or a command: submit COMMAND [argument=value …] [by OPERATOR] at TICK.',
);
const listIds = (max: number): z.ZodArray<z.ZodString> => z.array(text(64)).max(max);
const ids = listIds(MAX_REPLICAS);

/** Expectations that are one word. */
export const wordSchemas = {
  agree: z.literal('agree').describe('No two correct replicas differ inside the hypothesis.'),
  disagree: z.literal('disagree').describe('Two correct replicas differ: for rigs whose point is to fail.'),
  masked: z
    .literal('masked')
    .describe('They agree, no actuator is ever in fail-safe, and the plant survives.'),
};

/** Expectations with a value, by their key. */
export const claimSchemas = {
  'fail-safe': z
    .strictObject({ within: z.string().regex(TICKS_PATTERN) })
    .describe('Every actuator falls to fail-safe so soon after the faults have left the hypothesis.'),
  suspects: ids.describe('Exactly these replicas are suspected by correct ones.'),
  'suspects-include': ids.min(1).describe('At least these replicas are suspected by correct ones.'),
  'plant-error': z
    .strictObject({ max: z.string().regex(BOUND_PATTERN) })
    .describe('The plant follows its profile no worse than this, such as 0.5 deg.'),
  plant: z.enum(['survives', 'lost']).describe('What becomes of the plant.'),
  'missed-ticks': z
    .strictObject({ max: z.number().int().min(0).max(MAX_TICKS) })
    .describe('Ticks without an output in time, at any one actuator.'),
  rejected: z
    .array(z.enum(REFUSAL_CAUSES as [string, ...string[]]))
    .min(1)
    .max(REFUSAL_CAUSES.length)
    .describe('Causes for which frames are refused, each at least once.'),
  alarms: listIds(MAX_ACTUATORS).describe(
    'Exactly these actuators are alarmed, because read-back shows that they do not do what they are ordered.',
  ),
  commands: z
    .strictObject({
      done: z.number().int().min(0).max(MAX_FAULTS),
      refused: z.number().int().min(0).max(MAX_FAULTS).optional(),
    })
    .describe(
      'So many commands of operators take effect, and so many are refused by the law. refused: 0 unless given.',
    ),
  outside: z.boolean().describe('Whether the faults take the rig outside its hypothesis.'),
};

export type ClaimKey = keyof typeof claimSchemas;

/** How each is written, for people who wrote something else. */
export const CLAIM_FORMS: Readonly<Record<ClaimKey, string>> = {
  'fail-safe': 'fail-safe: { within: 3 ticks }',
  suspects: 'suspects: [c]',
  'suspects-include': 'suspects-include: [c]',
  'plant-error': 'plant-error: { max: 0.5 deg }',
  plant: 'plant: survives or plant: lost',
  'missed-ticks': 'missed-ticks: { max: 0 }',
  rejected: 'rejected: [bad-authenticator]',
  alarms: 'alarms: [elevator]',
  commands: 'commands: { done: 1 }',
  outside: 'outside: true or outside: false',
};

const claims = (Object.keys(claimSchemas) as ClaimKey[]).map((key) =>
  z.strictObject({ [key]: claimSchemas[key] }),
);
const expectation = z.union([...Object.values(wordSchemas), ...claims]);

const stop = z.union([
  fault,
  z.strictObject({
    fault,
    say: text(MAX_SENTENCE).optional().describe('What a person who watches is told.'),
  }),
]);

/** The whole file. */
export const scenarioSchema = z.strictObject({
  title: text(MAX_TITLE).describe('What happens, in a few words.'),
  why: text(MAX_SENTENCE).describe('What it teaches.'),
  rig: text(200).optional().describe('Rig folder, from this file. Default: the folder above this one.'),
  seed: z
    .number()
    .int()
    .min(0)
    .max(MAX_SEED)
    .optional()
    .describe('What turbulence, noise and faults are drawn from. Default: 1.'),
  ticks: z
    .number()
    .int()
    .min(1)
    .max(MAX_TICKS)
    .describe('Length of the flight, from the first arming of every actuator.'),
  timeline: z
    .array(stop)
    .max(MAX_FAULTS)
    .optional()
    .describe('Faults and commands of operators, by the ticks of the run. Default: none.'),
  expect: z
    .array(expectation)
    .min(1)
    .max(MAX_EXPECTATIONS)
    .describe(
      'What must hold of the flight; no unsafe output, and that every fault struck, is always expected. At least one of agree, masked, fail-safe, disagree.',
    ),
});

/** The parts that the checks walk through one by one. */
export const stopSchema = z.strictObject({ fault, say: text(MAX_SENTENCE).optional() });

/** The JSON Schema of scenario files (draft 2020-12), as published in schema/scenario.schema.json. */
export function renderScenarioSchema(): string {
  const titled = {
    title: 'Voteplane scenario',
    description: 'One flight of a rig: faults at their ticks, and what is expected.',
    ...z.toJSONSchema(scenarioSchema, { io: 'input' }),
  };
  return `${JSON.stringify(titled, null, 2)}\n`;
}
