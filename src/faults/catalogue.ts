/**
 * The catalogue: every fault once, with its name, its parameters, what it may strike, where it is injected and what a
 * correct rig makes of it. The same names stand in rig tours, on the command line, in telemetry and in reports.
 */
import type { Rig } from '../rig/rig.js';
import {
  buildBabble,
  buildBrokerHalfOpen,
  buildBrokerReplay,
  buildBrokerSlow,
  buildCorrupt,
  buildDelay,
  buildDuplicate,
  buildForge,
  buildHalfAuthenticator,
  buildMasquerade,
  buildOmitReceive,
  buildOmitSend,
  buildPartition,
  buildReorder,
  buildReplay,
  buildTruncate,
} from './frames.js';
import { buildBrokerKill, buildCrash, buildCrashMidRound, buildPause } from './host-faults.js';
import {
  buildCollude,
  buildDoubleVote,
  buildEquivocate,
  buildForgePath,
  buildLie,
  buildRelayLie,
  buildSosValue,
} from './lies.js';
import { describeType } from './parameters.js';
import { BOMB_KINDS, buildParserBomb } from './parser-bombs.js';
import { buildSosTiming } from './timing.js';
import {
  buildSensorBias,
  buildSensorDrift,
  buildSensorDropout,
  buildSensorFrozen,
  buildSensorNoise,
  buildSensorSpike,
  buildSensorStuck,
  buildSensorSwap,
  pairSensors,
} from './sensors.js';
import { MACHINE_ROWS } from './machine-rows.js';
import { buildTwin } from './mismatches.js';
import { buildBallotRegression, objectToNoLog } from './store-faults.js';
import { buildMutate, MUTATIONS } from './mutate.js';
import {
  objectToBooleans,
  objectToColluders,
  objectToMidRound,
  objectToRelays,
  objectToTwoLies,
  objectToVictim,
} from './objections.js';
import {
  ANY,
  AS,
  BURST,
  built,
  FLAGGED,
  GONE_MS,
  MASKED,
  MAX_MS,
  MS,
  number,
  OF,
  OFFSET,
  OUTVOTED,
  P,
  PEERS,
  TO,
  VALUE,
  type FaultRow,
  type World,
} from './row.js';
import { isOfLog, needsBytes } from './traits.js';
import type { Parameters } from './parameters.js';

const TABLE: readonly FaultRow[] = [
  {
    name: 'crash',
    parameters: [],
    targets: ['replica', 'witness'],
    injectedAt: 'replica',
    meaning: 'the process is gone at once; with for it is started again after so many ticks',
    expected: `${MASKED}; it comes back silent, catches up and joins`,
    implementation: built(buildCrash),
  },
  {
    name: 'restart',
    parameters: [],
    targets: ['replica', 'witness'],
    injectedAt: 'replica',
    meaning: 'the process is gone and is started again at once',
    expected: `${MASKED}; it comes back silent, catches up and joins`,
    implementation: built(buildCrash),
  },
  {
    name: 'crash-mid-round',
    parameters: [
      number('k', 'messages', { min: 0, max: 5, whole: true }, 1, 'how many of the round leave before it'),
      number('round', '', { min: 1, max: 4, whole: true }, 1, 'the round'),
    ],
    targets: ['replica'],
    injectedAt: 'replica',
    meaning: 'the process is gone after some of the messages of a round have left',
    expected: MASKED,
    implementation: built(buildCrashMidRound, { object: objectToMidRound }),
  },
  {
    name: 'pause',
    parameters: [MS(300, 'how long')],
    targets: ['replica', 'witness'],
    injectedAt: 'replica',
    meaning: 'the process does not run for a while, as in a garbage collection or a swap',
    expected: 'its late messages are absent, its late commands fenced',
    implementation: built(buildPause),
  },
  {
    name: 'omit-send',
    parameters: [P, BURST, PEERS],
    targets: ['replica', 'witness', 'link'],
    injectedAt: 'link',
    meaning: 'frames are lost on their way out',
    expected: MASKED,
    implementation: built(buildOmitSend),
  },
  {
    name: 'omit-receive',
    parameters: [P, BURST, PEERS],
    targets: ['replica', 'witness', 'link'],
    injectedAt: 'link',
    meaning: 'frames are lost at their receiver',
    expected: MASKED,
    implementation: built(buildOmitReceive, { side: 'receiver' }),
  },
  {
    name: 'delay',
    parameters: [
      MS(50, 'how much later each frame leaves'),
      number('jitter', 'milliseconds', { min: 0, max: MAX_MS }, 0, 'up to so much more, by chance'),
    ],
    targets: ['replica', 'witness', 'link'],
    injectedAt: 'link',
    meaning: 'frames are late',
    expected: 'late is absent, commands included',
    implementation: built(buildDelay),
  },
  {
    name: 'reorder',
    parameters: [
      number('p', '', { min: 0, max: 1 }, 0.5, 'probability for each'),
      number('k', 'frames', { min: 1, max: 1_000, whole: true }, 1, 'how many later ones pass first'),
    ],
    targets: ['replica', 'witness', 'link'],
    injectedAt: 'link',
    meaning: 'frames overtake one another',
    expected: 'late is absent, the rest in its place',
    implementation: built(buildReorder),
  },
  {
    name: 'duplicate',
    parameters: [number('k', 'copies', { min: 1, max: 100, whole: true }, 1, 'how many more of each')],
    targets: ['replica', 'witness', 'link'],
    injectedAt: 'link',
    meaning: 'frames arrive more than once',
    expected: 'dropped as replayed',
    implementation: built(buildDuplicate),
  },
  {
    name: 'partition',
    parameters: [
      {
        key: 'sets',
        type: { kind: 'sets' },
        default: null,
        meaning:
          'replicas and actuators that hear each other only inside their set; without it the last replica is alone',
      },
      {
        key: 'way',
        type: { kind: 'choice', choices: ['both', 'one'] },
        default: 'both',
        meaning: 'one: only what the first set sends is lost',
      },
      number(
        'flap',
        'ticks',
        { min: 0, max: 1e6, whole: true },
        0,
        'it opens and closes that often; 0: it stays',
      ),
    ],
    targets: ['world'],
    injectedAt: 'link',
    meaning: 'nothing passes between sets of replicas and actuators',
    expected: `an actuator that hears no majority trips; otherwise ${MASKED}`,
    implementation: built(buildPartition),
  },
  {
    name: 'lie',
    parameters: [VALUE, OFFSET, OF],
    targets: ['replica', 'channel'],
    injectedAt: 'replica (samples and commands) or channel (its samples)',
    meaning: 'the same falsehood to everybody',
    expected: OUTVOTED,
    implementation: built((context, kind) => buildLie(context, kind === 'replica'), {
      object: objectToTwoLies,
    }),
  },
  {
    name: 'equivocate',
    parameters: [
      {
        key: 'values',
        type: { kind: 'values' },
        default: null,
        meaning:
          'what each receiver is told, or an actuator ordered; without it each replica something else, drawn by the seed',
      },
    ],
    targets: ['replica', 'channel'],
    injectedAt: 'replica',
    meaning: 'every receiver is told something else: replicas in round 1, actuators where values= names them',
    expected: 'the same vector everywhere; reported',
    implementation: built(buildEquivocate),
  },
  {
    name: 'relay-lie',
    parameters: [
      VALUE,
      OFFSET,
      {
        key: 'of',
        type: { kind: 'ids', of: 'replicas' },
        default: null,
        meaning: 'about which commanders; without it about all',
      },
      TO,
    ],
    targets: ['replica'],
    injectedAt: 'replica',
    meaning: 'what others said is handed on altered',
    expected: MASKED,
    implementation: built(buildRelayLie, {
      object: (candidate) => objectToTwoLies(candidate) ?? objectToRelays(candidate),
    }),
  },
  {
    name: 'forge-path',
    parameters: [],
    targets: ['replica'],
    injectedAt: 'replica',
    meaning: 'relays carry a path that they did not take',
    expected: 'the bad path is dropped',
    implementation: built(buildForgePath, { object: objectToRelays }),
  },
  {
    name: 'mutate',
    parameters: [
      number('p', '', { min: 0, max: 1 }, 0.5, 'probability for each message and receiver'),
      {
        key: 'kinds',
        type: { kind: 'choices', choices: MUTATIONS },
        default: null,
        meaning: 'what may happen to a message; without it all of them',
      },
    ],
    targets: ['replica', 'link'],
    injectedAt: 'replica',
    meaning:
      'small things are wrong with what it says in rounds, something else for each receiver, drawn by the seed',
    expected: `under a Byzantine hypothesis ${MASKED}`,
    implementation: built(buildMutate),
  },
  {
    name: 'sos-timing',
    parameters: [
      number('ms', 'milliseconds', { min: 0, max: 1_000 }, 1, 'how far from the deadline'),
      {
        key: 'early',
        type: { kind: 'ids', of: 'replicas' },
        default: null,
        meaning: 'who gets them early; without it every second receiver, on a link nobody',
      },
    ],
    targets: ['replica', 'link'],
    injectedAt: 'link',
    meaning: "messages leave at their round's deadline, early for some receivers and late for others",
    expected: 'the same vector everywhere',
    implementation: built(buildSosTiming),
  },
  {
    name: 'sos-value',
    parameters: [
      number('threshold', "in the sensor's unit", ANY, 0, 'where readers decide'),
      number('step', "in the sensor's unit", ANY, 1, 'how far to either side'),
    ],
    targets: ['channel'],
    injectedAt: 'channel',
    meaning: 'half of the receivers are told a value just below a threshold, half one just above',
    expected: 'the same vector everywhere',
    implementation: built(buildSosValue),
  },
  {
    name: 'double-vote',
    parameters: [number('k', 'commands', { min: 1, max: 100, whole: true }, 1, 'how many more')],
    targets: ['replica'],
    injectedAt: 'replica',
    meaning: 'other commands follow the first one of a tick',
    expected: 'the first counts once, the others are refused',
    implementation: built(buildDoubleVote),
  },
  {
    name: 'ballot-regression',
    parameters: [],
    targets: ['replica'],
    injectedAt: 'replica',
    meaning: 'in every tick it asks the others to promise a lower ballot than it has promised itself',
    expected: 'refused by name of the higher ballot; commands and rounds go on',
    implementation: built(buildBallotRegression, { needs: 'order', object: objectToNoLog }),
  },
  {
    name: 'collude',
    parameters: [
      {
        key: 'replicas',
        type: { kind: 'ids', of: 'replicas' },
        default: null,
        meaning: 'who; without it the last ones of the rig, one more than it tolerates but no majority',
      },
      VALUE,
      number(
        'offset',
        'in the unit of the sensor or actuator',
        ANY,
        null,
        'how far from the truth; without it and without value three quarters up the range',
      ),
    ],
    targets: ['world'],
    injectedAt: 'replicas',
    meaning: 'several replicas tell the same lie, in samples and commands',
    expected: 'outside the hypothesis: fail-safe, never an unsafe output',
    implementation: built(buildCollude, {
      object: (candidate) => objectToTwoLies(candidate) ?? objectToColluders(candidate),
    }),
  },
  {
    name: 'twin',
    parameters: [
      { ...PEERS, meaning: 'who reaches the second one and is reached by it; without it everybody' },
    ],
    targets: ['replica'],
    injectedAt: 'replica',
    meaning: 'a second process with the same identity and keys',
    expected: 'detected as equivocation or duplicate identity; masked',
    implementation: built(buildTwin, { needs: 'twin', worlds: ['simulator'] }),
  },
  {
    name: 'babble',
    parameters: [
      number('rate', 'frames a second to each receiver', { min: 1, max: 20_000 }, 2_000, 'how often'),
      number('size', 'bytes', { min: 1, max: 65_536, whole: true }, 256, 'length of each frame'),
      TO,
    ],
    targets: ['replica', 'link'],
    injectedAt: 'replica',
    meaning: 'noise to everybody, whatever round it is',
    expected: 'cut at its own link to each inbox; others keep their deadlines',
    implementation: built(buildBabble),
  },
  {
    name: 'masquerade',
    parameters: [AS],
    targets: ['replica'],
    injectedAt: 'link',
    meaning: "another replica's frames are handed on under its name to those they were not meant for",
    expected: 'dropped before decoding, counted by cause',
    implementation: built(buildMasquerade, { object: objectToVictim }),
  },
  {
    name: 'forge',
    parameters: [AS, TO],
    targets: ['replica', 'link'],
    injectedAt: 'link',
    meaning: "invented frames go out under another replica's name",
    expected: 'dropped before decoding, counted by cause',
    implementation: built(buildForge, { object: objectToVictim }),
  },
  {
    name: 'corrupt',
    parameters: [
      P,
      number('bits', 'bits', { min: 1, max: 4_096, whole: true }, 1, 'how many are flipped in a frame'),
    ],
    targets: ['replica', 'witness', 'link'],
    injectedAt: 'link',
    meaning: 'bits of frames are flipped',
    expected: 'dropped before decoding, counted by cause',
    implementation: built(buildCorrupt),
  },
  {
    name: 'truncate',
    parameters: [
      P,
      number('bytes', 'bytes', { min: 1, max: 65_536, whole: true }, 8, 'how many are missing at the end'),
    ],
    targets: ['replica', 'witness', 'link'],
    injectedAt: 'link',
    meaning: 'the end of frames is missing',
    expected: 'dropped before decoding, counted by cause',
    implementation: built(buildTruncate),
  },
  {
    name: 'half-authenticator',
    parameters: [
      { ...TO, meaning: 'who gets the bad ones; without it the first half of the other replicas' },
    ],
    targets: ['replica', 'link'],
    injectedAt: 'replica',
    meaning: 'some receivers get frames whose authenticator does not fit',
    expected: 'like omission to those',
    implementation: built(buildHalfAuthenticator),
  },
  {
    name: 'replay',
    parameters: [number('age', 'ticks', { min: 1, max: 1_000, whole: true }, 3, 'how old the frames are')],
    targets: ['replica', 'link', 'broker'],
    injectedAt: "replica or link (its own old frames) or broker (its peers' old frames)",
    meaning: 'frames of earlier ticks come once more',
    expected: 'dropped as replayed',
    implementation: built(
      (context, kind) => (kind === 'broker' ? buildBrokerReplay(context) : buildReplay(context)),
      {
        object: ({ parameters, forTicks }) =>
          forTicks === null || forTicks > parameters.number('age')
            ? null
            : {
                what: `nothing is ${parameters.number('age')} ticks old before it ends`,
                cure: 'let it last longer than age',
              },
      },
    ),
  },
  {
    name: 'parser-bomb',
    parameters: [
      {
        key: 'kind',
        type: { kind: 'choice', choices: ['all', ...BOMB_KINDS] },
        default: 'all',
        meaning: 'what is dear about it; all: one after the other',
      },
    ],
    targets: ['replica', 'link'],
    injectedAt: 'link',
    meaning: 'after each message of a round a properly sealed payload that is dear to parse',
    expected: 'refused as malformed and counted, in under a millisecond of the receiver',
    implementation: built(buildParserBomb, { needs: 'sealer' }),
  },
  {
    name: 'broker-kill',
    parameters: [GONE_MS],
    targets: ['broker', 'replica'],
    injectedAt: 'broker',
    meaning: "a replica's inbox is gone for a while",
    expected: 'its owner is absent; back in at most five seconds',
    implementation: built(buildBrokerKill, {
      object: ({ rig, target }) => {
        const owner = target.kind === 'broker' ? target.owner : target.kind === 'part' ? target.id : '';
        return [...rig.replicas, rig.witness].find((one) => one?.id === owner)?.inbox.kind === 'embedded'
          ? null
          : {
              what: `the broker of ${owner} is not inside its process`,
              cure: 'stop the external broker by its own means',
            };
      },
    }),
  },
  {
    name: 'broker-slow',
    parameters: [MS(50, 'how much later each frame is handed over')],
    targets: ['broker', 'replica'],
    injectedAt: 'broker',
    meaning: "a replica's inbox hands frames over late",
    expected: 'late is absent: its owner falls behind and joins again',
    implementation: built(buildBrokerSlow),
  },
  {
    name: 'broker-half-open',
    parameters: [],
    targets: ['broker', 'replica'],
    injectedAt: 'broker',
    meaning: "connections to a replica's inbox stand, and nothing comes through",
    expected: 'its owner is absent; back in at most five seconds',
    implementation: built(buildBrokerHalfOpen),
  },
  {
    name: 'sensor-stuck',
    parameters: [
      { ...VALUE, meaning: 'where it is stuck; without it at what it reads when the fault strikes' },
    ],
    targets: ['channel', 'replica'],
    injectedAt: 'channel',
    meaning: 'the channel reads the same for ever',
    expected: FLAGGED,
    implementation: built(buildSensorStuck),
  },
  {
    name: 'sensor-drift',
    parameters: [
      number(
        'rate',
        "in the sensor's unit a second",
        ANY,
        null,
        'how fast; without it a twentieth of the range',
      ),
    ],
    targets: ['channel', 'replica'],
    injectedAt: 'channel',
    meaning: 'the reading leaves the truth slowly',
    expected: FLAGGED,
    implementation: built(buildSensorDrift, { object: objectToBooleans }),
  },
  {
    name: 'sensor-bias',
    parameters: [
      number(
        'value',
        "in the sensor's unit",
        ANY,
        null,
        'how much too high; without it a tenth of the range',
      ),
    ],
    targets: ['channel', 'replica'],
    injectedAt: 'channel',
    meaning: 'the reading is off by the same amount always',
    expected: FLAGGED,
    implementation: built(buildSensorBias),
  },
  {
    name: 'sensor-noise',
    parameters: [
      number(
        'sigma',
        "in the sensor's unit",
        { min: 0, max: 1e12 },
        null,
        'standard deviation; without it a twentieth of the range',
      ),
    ],
    targets: ['channel', 'replica'],
    injectedAt: 'channel',
    meaning: 'normal noise lies on the reading',
    expected: FLAGGED,
    implementation: built(buildSensorNoise),
  },
  {
    name: 'sensor-spike',
    parameters: [
      number('p', '', { min: 0, max: 1 }, 0.2, 'probability for each sample'),
      number('value', "in the sensor's unit", ANY, null, 'how high; without it three tenths of the range'),
    ],
    targets: ['channel', 'replica'],
    injectedAt: 'channel',
    meaning: 'now and then a reading far off',
    expected: FLAGGED,
    implementation: built(buildSensorSpike),
  },
  {
    name: 'sensor-dropout',
    parameters: [number('p', '', { min: 0, max: 1 }, 0.5, 'probability for each sample')],
    targets: ['channel', 'replica'],
    injectedAt: 'channel',
    meaning: 'now and then no reading at all',
    expected: FLAGGED,
    implementation: built(buildSensorDropout),
  },
  {
    name: 'sensor-swap',
    parameters: [
      {
        key: 'with',
        type: { kind: 'ids', of: 'sensors' },
        default: null,
        meaning: 'the other sensor; without it the next one of the same type',
      },
    ],
    targets: ['channel', 'replica'],
    injectedAt: 'channel',
    meaning: 'two channels of a replica are swapped',
    expected: FLAGGED,
    implementation: built(
      (context) => buildSensorSwap(context, pairFor(context.rig, context.scope.sensors, context.parameters)),
      {
        object: ({ rig, sensors, parameters }) =>
          pairFor(rig, sensors, parameters).size > 0
            ? null
            : {
                what: 'there is no second sensor of its type to swap with',
                cure: 'name one with with=',
              },
      },
    ),
  },
  {
    name: 'sensor-frozen',
    parameters: [],
    targets: ['channel', 'replica'],
    injectedAt: 'channel',
    meaning: 'the device gives its last sample again and again',
    expected: FLAGGED,
    implementation: built(buildSensorFrozen),
  },
  ...MACHINE_ROWS,
];

const BY_NAME: ReadonlyMap<string, FaultRow> = new Map(TABLE.map((row) => [row.name, row]));

/** Every fault, in the catalogue's order. */
export function listFaults(): readonly FaultRow[] {
  return TABLE;
}

/** The fault of that name, or null. */
export function findFault(name: string): FaultRow | null {
  return BY_NAME.get(name) ?? null;
}

/** A fault for people, several lines; null for a name that is not in the catalogue. */
export function describeFault(name: string): string | null {
  const row = findFault(name);
  if (row === null) return null;
  const { implementation } = row;
  const lines = [
    `${row.name}: ${row.meaning}`,
    `  on: ${row.targets.join(', ')}; injected at: ${row.injectedAt}`,
    ...row.parameters.map(
      ({ key, type, default: standard, meaning }) =>
        `  ${key}=${standard ?? '…'}  ${meaning}; ${describeType(type)}`,
    ),
    `  expected: ${row.expected}`,
    `  available: ${implementation.worlds.map((world) => describeWorld(name, world)).join(', ')}${isOfLog(name) ? `; ${LOG_ONLY}` : ''}`,
  ];
  return lines.join('\n');
}

function pairFor(rig: Rig, sensors: readonly number[], parameters: Parameters): ReadonlyMap<number, number> {
  const partner = parameters.ids('with')?.[0];
  return pairSensors(
    rig.sensors,
    partner === undefined ? sensors : sensors.slice(0, 1),
    partner === undefined ? null : rig.sensors.findIndex(({ id }) => id === partner),
  );
}

const LOG_ONLY = 'in rigs with a crash hypothesis that declare commands';

function describeWorld(name: string, world: World): string {
  return world === 'simulator' && needsBytes(name) ? 'simulator (on the full wire)' : world;
}
