/**
 * The form of rig.yaml: which keys there are and what each may hold. One source for the checks of `parse-rig.ts` and
 * for the JSON Schema that editors use (schema/rig.schema.json). What needs more than one value to judge is not here.
 *
 * Messages are keys into `parse-rig.ts`'s table of hints, not texts for people.
 */
import { z } from 'zod';
import { QUANTITY_PATTERN, UNIT_PATTERN } from './quantity.js';
import { RELIABILITY_DEFAULTS } from './rig.js';

/**
 * Ids of replicas, sensors, actuators, operators, observers and the rig itself. Ids are keys of objects in laws and
 * reports, and `constructor` is the one word of this form that every object already has.
 */
export const ID_PATTERN = /^(?!constructor$)[a-z][a-z0-9-]{0,15}$/;

/** Fewest and most replicas that the software serves. */
export const MIN_REPLICAS = 2;
export const MAX_REPLICAS = 7;

export const MAX_SENSORS = 16;
export const MAX_ACTUATORS = 8;
export const MAX_CLIENTS = 8;
export const MAX_COMMANDS = 32;
export const MAX_ARGUMENTS = 8;
export const MAX_CHOICES = 16;
/** Of a control law: 128 KiB. */
export const MAX_STATE_BYTES = 131_072;

const id = z.string({ error: 'id' }).regex(ID_PATTERN, { error: 'id' });
const text = (max: number): z.ZodString => z.string().min(1).max(max);
const duration = z.string({ error: 'duration' }).regex(QUANTITY_PATTERN, { error: 'duration' });
const amount = z.union([z.number(), z.string().regex(QUANTITY_PATTERN)], { error: 'amount' });
const unit = z.string({ error: 'unit' }).regex(UNIT_PATTERN, { error: 'unit' });
const channel = z.number().int().min(0).max(255);
const ends = z.tuple([amount, amount], { error: 'ends' });

const hypothesis = z
  .union([
    z.literal('none'),
    z.strictObject({
      byzantine: z.number().int().min(1).max(3),
      authenticators: z.enum(['mac', 'signature']).optional().describe('Default: mac.'),
    }),
    z.strictObject({ crash: z.number().int().min(1).max(3) }),
  ])
  .describe(
    'How many replicas may fail, and how. byzantine: f with MACs takes n ≥ 3f+1 replicas, with signatures n ≥ 2f+1; crash: f takes n ≥ 2f+1, crash: 1 also two and a witness; none (three replicas, for study) tolerates no lie.',
  );

const inbox = z
  .string({ error: 'inbox' })
  .min(1)
  .max(200)
  .describe(
    'Where its peers publish to. `host:port`: a broker inside its own process. `mqtt://host:port`: an external broker.',
  );

const bridge = z
  .string({ error: 'bridge' })
  .min(1)
  .max(200)
  .describe('Firmware bridge: `tcp://host:port` or `serial:/dev/ttyACM0?baud=115200`.');

const replica = z.strictObject({ inbox, bridge });

const witness = z
  .strictObject({ id, inbox })
  .describe(
    'A device that votes for the operational quorum and nothing else, in place of a third replica. For two replicas with crash: 1 and commands.',
  );

const sensor = z.strictObject({
  type: z.enum(['number', 'boolean']).optional().describe('Default: number.'),
  unit: unit.optional().describe('Unit of range and spread, such as deg or deg/s. Numbers only.'),
  range: ends
    .optional()
    .describe('Lowest and highest value, closed; readings outside are absent. Numbers only.'),
  spread: amount
    .optional()
    .describe('Unless n−f channels lie within it of one another the reading is lost. Numbers only.'),
  required: z
    .boolean()
    .optional()
    .describe('Whether the actuators trip when it stays lost longer than hold. Default: true.'),
  fusion: z
    .union([
      z.enum(['mid-value', 'midpoint', 'mean']),
      z.strictObject({ 'at-least': z.number().int().min(1).max(MAX_REPLICAS) }),
    ])
    .optional()
    .describe('How the channels become one reading. Default: mid-value; booleans: { at-least: f+1 }.'),
  'max-age': duration.optional().describe('A reading older than this is absent. Default: one period.'),
  hold: duration.optional().describe('How long a required sensor may be lost. Default: five periods.'),
  channel: channel
    .optional()
    .describe('Number of the channel on the bridge. Default: the place in this list, from 0.'),
});

const actuator = z.strictObject({
  unit,
  resolution: amount.describe('Size of one count; commands are whole counts.'),
  envelope: ends.describe('Lowest and highest output, closed. Nothing outside it ever goes out.'),
  vote: z
    .enum(['exact', 'mid-value'])
    .optional()
    .describe('exact: equal commands of a majority. mid-value: needs n ≥ 3f+1. Default: exact.'),
  hold: duration.describe(
    'How long the last output stands without a new one before the voter trips to fail-safe.',
  ),
  'fail-safe': amount.describe('Output in fail-safe.'),
  rearm: z
    .enum(['auto', 'operator'])
    .optional()
    .describe('Who arms the voter again after a trip. At start the replicas always do. Default: operator.'),
  inbox,
  bridge,
  channel: channel.optional().describe('Number of the output on the bridge. Default: 0.'),
});

const reliability = z
  .strictObject({
    'replica-mtbf': duration
      .optional()
      .describe(
        `Mean time to failure of one replica. Default: ${RELIABILITY_DEFAULTS['replica-mtbf']}, assumed.`,
      ),
    repair: duration
      .optional()
      .describe(
        `Mean time until a failed replica is back. Default: ${RELIABILITY_DEFAULTS.repair}, assumed.`,
      ),
    mission: duration
      .optional()
      .describe(`Length of a mission. Default: ${RELIABILITY_DEFAULTS.mission}, assumed.`),
  })
  .describe('What a report computes the probability from that the fault hypothesis breaks; s, min, h or d.');

const parameter = z.union([z.number(), z.string().max(200), z.boolean()], { error: 'parameter' });

const clients = z.array(id).max(MAX_CLIENTS);

const argument = z.strictObject({
  type: z
    .enum(['quantity', 'integer', 'boolean', 'choice'])
    .optional()
    .describe('Default: quantity, a number in a unit.'),
  unit: unit.optional().describe('Unit of a quantity, such as deg.'),
  range: ends.optional().describe('Lowest and highest value, closed. Quantities and integers only.'),
  choices: z.array(id).min(2).max(MAX_CHOICES).optional().describe('What can be chosen. Choices only.'),
});

const command = z.strictObject({
  'built-in': z
    .enum(['arm', 'disarm', 'retire', 'admit'])
    .optional()
    .describe(
      'disarm sends an actuator to fail-safe until it is armed again; arm arms it, after a trip too. retire takes a replica out of the operational quorum of a rig with a witness, admit lets it in again. Left out: the control law says what the command does.',
    ),
  by: clients.optional().describe('Operators that may give it. Default: all.'),
  arguments: z.record(id, argument).optional().describe('All have to be given. Default: none.'),
});

/** The whole file. */
export const rigSchema = z.strictObject({
  rig: id.describe('Name of the rig; part of every topic and key.'),
  hypothesis,
  period: duration.describe('Length of a tick, `50 ms` or `20 Hz`.'),
  round: duration.describe('Length of a round; (f+1) rounds and processing fit into a period.'),
  processing: duration
    .optional()
    .describe('What deciding, the law and sealing may take after the last round. Default: 2 ms.'),
  mac: z
    .enum(['hmac-256', 'hmac-256-64'])
    .optional()
    .describe('Authenticator of links: HMAC-SHA256 whole, or cut to 64 bits. Default: hmac-256.'),
  confidential: z.boolean().optional().describe('Whether links are encrypted too. Default: false.'),
  replicas: z.record(id, replica),
  witness: witness.optional(),
  sensors: z.record(id, sensor),
  actuators: z.record(id, actuator),
  law: z
    .union([
      text(200),
      z.strictObject({
        path: text(200),
        'state-max': z.number().int().min(1).max(MAX_STATE_BYTES).optional().describe('Bytes. Default: 256.'),
      }),
    ])
    .describe('The control law: a TypeScript or JavaScript file, by its path from this folder.'),
  plant: z
    .strictObject({
      model: id,
      parameters: z.record(z.string().min(1).max(64), parameter).optional(),
    })
    .optional()
    .describe('The emulated plant that a demo flies. Left out: the real world.'),
  operators: clients.optional().describe('Who may give commands. Default: nobody.'),
  observers: clients.optional().describe('Who may listen at every inbox. Default: nobody.'),
  commands: z
    .record(id, command)
    .optional()
    .describe('What operators may ask for with `voteplane submit`. Default: nothing.'),
  faults: z
    .enum(['enabled', 'disabled'])
    .optional()
    .describe(
      'Whether replicas obey `voteplane fault`. Never enable it outside a laboratory. Default: disabled.',
    ),
  expect: z
    .enum(['masked', 'disagree'])
    .optional()
    .describe('How a demo judges the flight; disagree is for rigs whose point is to fail. Default: masked.'),
  tour: z
    .array(z.strictObject({ fault: text(300), say: text(500) }))
    .max(64)
    .optional()
    .describe('What a demo does to this rig, and what it tells the person who watches.'),
  flights: z
    .array(text(200))
    .max(8)
    .optional()
    .describe('Rigs that a demo flies after this one, with the same tour.'),
  reliability: reliability.optional(),
});

/** The parts that the checks walk through one by one. */
export const partSchemas = {
  hypothesis,
  replica,
  witness,
  sensor,
  actuator,
  reliability,
  command,
  argument,
};

/** The JSON Schema of rig.yaml (draft 2020-12), as published in schema/rig.schema.json. */
export function renderJsonSchema(): string {
  const schema = z.toJSONSchema(rigSchema, { io: 'input' });
  const titled = {
    title: 'Voteplane rig',
    description: 'One deployment: rig.yaml of a rig folder.',
    ...schema,
  };
  return `${JSON.stringify(titled, null, 2)}\n`;
}
