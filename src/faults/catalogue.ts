/**
 * The catalogue: every fault once, with its name, its parameters, what it may strike, where it is injected and what a
 * correct rig makes of it. The same names stand in rig tours, on the command line, in telemetry and in reports.
 * A fault whose part of the product does not exist is listed with that part and refused by name.
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
import {
  buildBrokerKill,
  buildCrash,
  buildCrashMidRound,
  buildPause,
  DEFAULT_BROKER_KILL_MS,
} from './host-faults.js';
import {
  buildCollude,
  buildDoubleVote,
  buildEquivocate,
  buildForgePath,
  buildLie,
  buildRelayLie,
  buildSosValue,
  chooseColluders,
} from './lies.js';
import type { ParameterRule, Parameters } from './parameters.js';
import { describeType } from './parameters.js';
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
import type { FaultTarget } from './spec.js';
import type { FaultContext, FaultWrapper } from './wrapper.js';

export type TargetKind = 'replica' | 'channel' | 'link' | 'broker' | 'actuator' | 'world';

/** A fault about to be accepted, ids resolved and parameters read. */
export interface FaultCandidate {
  readonly rig: Rig;
  readonly target: FaultTarget;
  readonly targetKind: TargetKind;
  /** Places of the struck sensors in the rig's list. */
  readonly sensors: readonly number[];
  readonly parameters: Parameters;
  readonly forTicks: number | null;
}

/** What speaks against a fault on this rig, and the cure. */
export interface Objection {
  readonly what: string;
  readonly cure: string;
}

export interface FaultRow {
  readonly name: string;
  readonly parameters: readonly ParameterRule[];
  readonly targets: readonly TargetKind[];
  /** The place in the rig. */
  readonly injectedAt: string;
  /** What it does. */
  readonly meaning: string;
  /** What a rig does about it inside its hypothesis. */
  readonly expected: string;
  readonly implementation: FaultImplementation;
}

export type FaultImplementation =
  | {
      readonly kind: 'built';
      /** Which end of a link does it. */
      readonly side: 'sender' | 'receiver';
      readonly build: (context: FaultContext, targetKind: TargetKind) => FaultWrapper;
      /** What the parameters' own limits cannot say; null where nothing speaks against it. */
      readonly object: (candidate: FaultCandidate) => Objection | null;
    }
  /** Refused: `part` of the product, which it would strike, does not exist. */
  | { readonly kind: 'missing'; readonly part: string };

type Build = (context: FaultContext, targetKind: TargetKind) => FaultWrapper;
type Objector = (candidate: FaultCandidate) => Objection | null;

const noObjection: Objector = () => null;

function built(
  build: Build,
  object: Objector = noObjection,
  side: 'sender' | 'receiver' = 'sender',
): FaultImplementation {
  return { kind: 'built', side, build, object };
}

function missing(part: string): FaultImplementation {
  return { kind: 'missing', part };
}

function number(
  key: string,
  unit: string,
  limits: { readonly min: number; readonly max: number; readonly whole?: boolean },
  standard: number | null,
  meaning: string,
): ParameterRule {
  const { min, max, whole = false } = limits;
  return {
    key,
    type: { kind: 'number', unit, min, max, whole },
    default: standard === null ? null : String(standard),
    meaning,
  };
}

const MAX_MS = 60_000;
const ANY = { min: -1e12, max: 1e12 };

const P = number('p', '', { min: 0, max: 1 }, 1, 'probability for each');
const MS = (standard: number, meaning: string): ParameterRule =>
  number('ms', 'milliseconds', { min: 1, max: MAX_MS }, standard, meaning);
const BURST = number(
  'burst',
  'frames',
  { min: 1, max: 10_000, whole: true },
  1,
  'frames lost in a row each time',
);
const PEERS: ParameterRule = {
  key: 'peers',
  type: { kind: 'ids', of: 'receivers' },
  default: null,
  meaning: 'whose frames; without it all',
};
const TO: ParameterRule = {
  key: 'to',
  type: { kind: 'ids', of: 'receivers' },
  default: null,
  meaning: 'to whom; without it everybody',
};
const AS: ParameterRule = {
  key: 'as',
  type: { kind: 'ids', of: 'replicas' },
  default: null,
  meaning: "whose name is taken; without it the next replica's",
};
const VALUE: ParameterRule = {
  key: 'value',
  type: { kind: 'value' },
  default: null,
  meaning: 'what is said instead, nan and overflow included',
};
const OFFSET = number(
  'offset',
  'in the unit of the sensor or actuator',
  ANY,
  null,
  'how far from the truth; without it and without value a fifth of the range',
);
const OF: ParameterRule = {
  key: 'of',
  type: { kind: 'choice', choices: ['both', 'samples', 'commands'] },
  default: 'both',
  meaning: 'what a lying replica lies about',
};

const MASKED = 'masked: the correct replicas agree, the actuators stay right, no deadline is missed';
const OUTVOTED = 'outvoted and named in the diagnosis';
const FLAGGED = 'the fused reading stays between correct ones and is flagged';

const TABLE: readonly FaultRow[] = [
  {
    name: 'crash',
    parameters: [],
    targets: ['replica'],
    injectedAt: 'replica',
    meaning: 'the process is gone at once; with for it is started again after so many ticks',
    expected: `${MASKED}; it comes back silent, catches up and joins`,
    implementation: built(buildCrash),
  },
  {
    name: 'restart',
    parameters: [],
    targets: ['replica'],
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
    implementation: built(buildCrashMidRound, objectToMidRound),
  },
  {
    name: 'pause',
    parameters: [MS(300, 'how long')],
    targets: ['replica'],
    injectedAt: 'replica',
    meaning: 'the process does not run for a while, as in a garbage collection or a swap',
    expected: 'its late messages are absent, its late commands fenced',
    implementation: built(buildPause),
  },
  {
    name: 'amnesia',
    parameters: [],
    targets: ['replica'],
    injectedAt: 'replica',
    meaning: 'durable state is lost, the keys are kept',
    expected: 'quarantined: it may not vote under its old epoch',
    implementation: missing('the durable store'),
  },
  {
    name: 'omit-send',
    parameters: [P, BURST, PEERS],
    targets: ['replica', 'link'],
    injectedAt: 'link',
    meaning: 'frames are lost on their way out',
    expected: MASKED,
    implementation: built(buildOmitSend),
  },
  {
    name: 'omit-receive',
    parameters: [P, BURST, PEERS],
    targets: ['replica', 'link'],
    injectedAt: 'link',
    meaning: 'frames are lost at their receiver',
    expected: MASKED,
    implementation: built(buildOmitReceive, noObjection, 'receiver'),
  },
  {
    name: 'delay',
    parameters: [
      MS(50, 'how much later each frame leaves'),
      number('jitter', 'milliseconds', { min: 0, max: MAX_MS }, 0, 'up to so much more, by chance'),
    ],
    targets: ['replica', 'link'],
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
    targets: ['replica', 'link'],
    injectedAt: 'link',
    meaning: 'frames overtake one another',
    expected: 'late is absent, the rest in its place',
    implementation: built(buildReorder),
  },
  {
    name: 'duplicate',
    parameters: [number('k', 'copies', { min: 1, max: 100, whole: true }, 1, 'how many more of each')],
    targets: ['replica', 'link'],
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
    implementation: built((context, kind) => buildLie(context, kind === 'replica'), objectToTwoLies),
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
    implementation: built(
      buildRelayLie,
      (candidate) => objectToTwoLies(candidate) ?? objectToRelays(candidate),
    ),
  },
  {
    name: 'forge-path',
    parameters: [],
    targets: ['replica'],
    injectedAt: 'replica',
    meaning: 'relays carry a path that they did not take',
    expected: 'the bad path is dropped',
    implementation: built(buildForgePath, objectToRelays),
  },
  {
    name: 'sos-timing',
    parameters: [],
    targets: ['link'],
    injectedAt: 'link',
    meaning: 'frames arrive at the deadline, early for some receivers and late for others',
    expected: 'the same vector everywhere',
    implementation: missing('the simulator, whose links know deadlines'),
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
    meaning: 'a ballot lower than one that was promised',
    expected: 'refused',
    implementation: missing('the Paxos command log'),
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
    implementation: built(
      buildCollude,
      (candidate) => objectToTwoLies(candidate) ?? objectToColluders(candidate),
    ),
  },
  {
    name: 'twin',
    parameters: [],
    targets: ['replica'],
    injectedAt: 'replica',
    meaning: 'a second process with the same identity and keys',
    expected: 'detected as equivocation or duplicate identity; masked',
    implementation: missing('a launcher of second processes'),
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
    implementation: built(buildMasquerade, objectToVictim),
  },
  {
    name: 'forge',
    parameters: [AS, TO],
    targets: ['replica', 'link'],
    injectedAt: 'link',
    meaning: "invented frames go out under another replica's name",
    expected: 'dropped before decoding, counted by cause',
    implementation: built(buildForge, objectToVictim),
  },
  {
    name: 'corrupt',
    parameters: [
      P,
      number('bits', 'bits', { min: 1, max: 4_096, whole: true }, 1, 'how many are flipped in a frame'),
    ],
    targets: ['replica', 'link'],
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
    targets: ['replica', 'link'],
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
      ({ parameters, forTicks }) =>
        forTicks === null || forTicks > parameters.number('age')
          ? null
          : {
              what: `nothing is ${parameters.number('age')} ticks old before it ends`,
              cure: 'let it last longer than age',
            },
    ),
  },
  {
    name: 'parser-bomb',
    parameters: [],
    targets: ['link'],
    injectedAt: 'link',
    meaning: 'a properly sealed payload that is dear to parse',
    expected: 'dropped in under a millisecond',
    implementation: missing('a sealer of raw payloads'),
  },
  {
    name: 'broker-kill',
    parameters: [
      number(
        'ms',
        'milliseconds',
        { min: 1, max: 10 * MAX_MS },
        null,
        `how long; without it as long as for says, without both ${DEFAULT_BROKER_KILL_MS}`,
      ),
    ],
    targets: ['broker', 'replica'],
    injectedAt: 'broker',
    meaning: "a replica's inbox is gone for a while",
    expected: 'its owner is absent; back in at most five seconds',
    implementation: built(buildBrokerKill, ({ rig, target }) => {
      const owner = target.kind === 'broker' ? target.owner : target.kind === 'part' ? target.id : '';
      return rig.replicas.find(({ id }) => id === owner)?.inbox.kind === 'embedded'
        ? null
        : {
            what: `the broker of ${owner} is not inside its process`,
            cure: 'stop the external broker by its own means',
          };
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
    implementation: built(buildSensorDrift, objectToBooleans),
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
      ({ rig, sensors, parameters }) =>
        pairFor(rig, sensors, parameters).size > 0
          ? null
          : {
              what: 'there is no second sensor of its type to swap with',
              cure: 'name one with with=',
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
  ...(['bridge-hang', 'bridge-corrupt', 'bridge-reset'] as const).map((name): FaultRow => ({
    name,
    parameters: [],
    targets: ['replica', 'actuator'],
    injectedAt: 'firmware bridge',
    meaning: {
      'bridge-hang': 'the bridge says nothing',
      'bridge-corrupt': 'bits on the serial line are flipped',
      'bridge-reset': 'the bridge starts anew',
    }[name],
    expected: 'the channel is absent; CRC catches; it reconnects',
    implementation: missing('faults in the byte stream of the firmware bridge'),
  })),
  ...(['actuator-stuck', 'actuator-slow', 'actuator-reverse'] as const).map((name): FaultRow => ({
    name,
    parameters: [],
    targets: ['actuator'],
    injectedAt: 'actuator',
    meaning: {
      'actuator-stuck': 'it does not move',
      'actuator-slow': 'it moves too slowly',
      'actuator-reverse': 'it moves the wrong way',
    }[name],
    expected: 'seen by read-back, alarmed',
    implementation: missing('fault injection in the process of an actuator'),
  })),
  {
    name: 'voter-restart',
    parameters: [],
    targets: ['actuator'],
    injectedAt: 'actuator',
    meaning: 'the voter starts anew',
    expected: 'fail-safe until a majority arms it anew',
    implementation: missing('fault injection in the process of an actuator'),
  },
  ...(['power-cut', 'disk-full', 'io-error', 'read-only'] as const).map((name): FaultRow => ({
    name,
    parameters: [],
    targets: ['replica'],
    injectedAt: 'store',
    meaning: {
      'power-cut': 'a write is lost, torn or out of order',
      'disk-full': 'nothing can be written for want of room',
      'io-error': 'reads and writes fail',
      'read-only': 'nothing can be written',
    }[name],
    expected:
      name === 'power-cut'
        ? 'recovers, or refuses to vote; nothing regresses'
        : 'keeps controlling, stops promising, alarms',
    implementation: missing('the durable store'),
  })),
  ...(['clock-step', 'clock-drift', 'clock-freeze', 'clock-two-faced'] as const).map((name): FaultRow => ({
    name,
    parameters: [],
    targets: ['replica'],
    injectedAt: 'clock',
    meaning: {
      'clock-step': 'the clock jumps',
      'clock-drift': 'the clock is too fast or too slow',
      'clock-freeze': 'the clock stands still',
      'clock-two-faced': 'each peer is shown another time',
    }[name],
    expected: 'no effect on rounds; drift is slewed; a frozen clock is a crash',
    implementation: missing('clock synchronisation: all processes share one monotonic clock'),
  })),
  ...(['key-expire', 'key-rotate', 'key-revoke'] as const).map((name): FaultRow => ({
    name,
    parameters: [],
    targets: ['replica'],
    injectedAt: 'replica',
    meaning: {
      'key-expire': 'the keys end',
      'key-rotate': 'new keys take the place of the old',
      'key-revoke': 'the keys are worth nothing from now on',
    }[name],
    expected: 'overlap without a gap, then refusal',
    implementation: missing('key epochs that change while the rig runs'),
  })),
  ...(['config-mismatch', 'version-mismatch'] as const).map((name): FaultRow => ({
    name,
    parameters: [],
    targets: ['replica'],
    injectedAt: 'replica',
    meaning: {
      'config-mismatch': 'it runs another rig file or control law',
      'version-mismatch': 'it speaks another version of the protocol',
    }[name],
    expected: 'refused at joining, with a clear error',
    implementation: missing('a start of a replica with a configuration of its own'),
  })),
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
  ];
  if (implementation.kind === 'missing') lines.push(`  not available: it needs ${implementation.part}`);
  return lines.join('\n');
}

function objectToTwoLies({ parameters }: FaultCandidate): Objection | null {
  return parameters.value('value') !== null && parameters.numberOrNull('offset') !== null
    ? { what: 'both value and offset are given', cure: 'keep one of them' }
    : null;
}

function countRounds(rig: Rig): number {
  return rig.hypothesis.kind === 'none' ? 1 : rig.hypothesis.f + 1;
}

function objectToRelays({ rig }: FaultCandidate): Objection | null {
  return countRounds(rig) > 1
    ? null
    : { what: 'nothing is relayed in this rig', cure: 'choose a rig with a hypothesis other than none' };
}

function objectToMidRound({ rig, parameters }: FaultCandidate): Objection | null {
  const rounds = countRounds(rig);
  if (parameters.number('round') > rounds) {
    return { what: `a tick of this rig has ${rounds} rounds`, cure: `choose round from 1 to ${rounds}` };
  }
  const peers = rig.replicas.length - 1;
  return parameters.number('k') < peers
    ? null
    : { what: `a round has only ${peers} messages of a replica`, cure: `choose k from 0 to ${peers - 1}` };
}

function objectToVictim({ target, parameters }: FaultCandidate): Objection | null {
  const victims = parameters.ids('as');
  const self = target.kind === 'link' ? target.from : target.kind === 'part' ? target.id : null;
  if (victims === null) return null;
  if (victims.length > 1) return { what: 'as names several', cure: 'name one replica' };
  return victims[0] === self
    ? { what: `${victims[0] ?? ''} cannot forge itself`, cure: 'name another' }
    : null;
}

function objectToColluders({ rig, parameters }: FaultCandidate): Objection | null {
  const colluders = chooseColluders(rig, parameters.ids('replicas'));
  const most = Math.floor(rig.replicas.length / 2);
  return colluders.length <= most
    ? null
    : {
        what: `${colluders.length} of ${rig.replicas.length} are a majority, which no voter withstands`,
        cure: `name at most ${most}`,
      };
}

function objectToBooleans({ rig, sensors }: FaultCandidate): Objection | null {
  return sensors.some((at) => rig.sensors[at]?.type === 'number')
    ? null
    : { what: 'a boolean cannot drift', cure: 'use sensor-stuck or sensor-noise' };
}

function pairFor(rig: Rig, sensors: readonly number[], parameters: Parameters): ReadonlyMap<number, number> {
  const partner = parameters.ids('with')?.[0];
  return pairSensors(
    rig.sensors,
    partner === undefined ? sensors : sensors.slice(0, 1),
    partner === undefined ? null : rig.sensors.findIndex(({ id }) => id === partner),
  );
}
