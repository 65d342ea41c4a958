/** Rows of the catalogue for faults of what a process runs on: its bridge, its actuator, its store, its clock, its keys. */
import {
  buildActuatorReverse,
  buildActuatorSlow,
  buildActuatorStuck,
  buildVoterRestart,
} from './actuators.js';
import { buildBridgeCorrupt, buildBridgeHang, buildBridgeReset } from './bridges.js';
import { buildClockDrift, buildClockFreeze, buildClockStep, buildClockTwoFaced } from './clocks.js';
import { buildKeyExpire, buildKeyRevoke, buildKeyRotate } from './key-faults.js';
import { buildConfigMismatch, buildVersionMismatch } from './mismatches.js';
import { DEFAULT_VOTER_GONE_MS } from './host-faults.js';
import {
  buildAmnesia,
  buildDiskFault,
  buildPowerCut,
  objectToNoLog,
  type DiskFault,
} from './store-faults.js';
import { ANY, built, GONE_MS, MASKED, MS, number, type FaultRow, type Objection } from './row.js';

const ALARMED =
  'no vote mends a single actuator: as soon as it is not where it was ordered, read-back shows it and it is alarmed';
const REFUSED =
  'refused at joining, with an error that names what differs and the cure; the others are a replica fewer, and masked';

/** Operators are refused as peers are. */
function objectToUnreachable(forTicks: number | null): Objection | null {
  return forTicks === null
    ? { what: 'nobody could end it: it refuses operators too', cure: 'say how long it lasts: for TICKS' }
    : null;
}

/** Coming back takes a replica as long as its clock was ahead. */
const MAX_STEP_S = 60;

const DISK_TROUBLE: Readonly<Record<DiskFault, string>> = {
  'disk-full': 'the store can write nothing for want of room',
  'io-error': 'every write of the store fails',
  'read-only': 'the disk of the store takes no write',
};

export const MACHINE_ROWS: readonly FaultRow[] = [
  {
    name: 'bridge-hang',
    parameters: [GONE_MS],
    targets: ['replica', 'actuator'],
    injectedAt: 'firmware bridge',
    meaning: 'the device behind the bridge neither hears nor says anything for a while',
    expected:
      "a replica's channels are absent, and back with the device; the device of an actuator goes to its safe value by " +
      'its own watchdog, and its silence is alarmed',
    implementation: built(buildBridgeHang, { needs: 'bridge' }),
  },
  {
    name: 'bridge-corrupt',
    parameters: [number('rate', '', { min: 1e-9, max: 0.5 }, 0.001, 'probability for each bit, either way')],
    targets: ['replica', 'actuator'],
    injectedAt: 'firmware bridge',
    meaning: 'bits flip on the line to the device',
    expected:
      'the checksum of a frame catches it: what was lost is absent, and nothing false is read or put out',
    implementation: built(buildBridgeCorrupt, { needs: 'bridge' }),
  },
  {
    name: 'bridge-reset',
    parameters: [],
    targets: ['replica', 'actuator'],
    injectedAt: 'firmware bridge',
    meaning: 'the line to the device breaks, with for in every tick in which it stands again',
    expected: 'absent until the device has been greeted anew, some hundred milliseconds after the last break',
    implementation: built(buildBridgeReset, { needs: 'bridge' }),
  },
  {
    name: 'actuator-stuck',
    parameters: [
      number(
        'value',
        "in the actuator's unit",
        ANY,
        null,
        'where it stands; without it at the first that it is ordered',
      ),
    ],
    targets: ['actuator'],
    injectedAt: 'actuator',
    meaning: 'the actuator does not move, whatever it is ordered',
    expected: ALARMED,
    implementation: built(buildActuatorStuck, { needs: 'device' }),
  },
  {
    name: 'actuator-slow',
    parameters: [
      number(
        'rate',
        "in the actuator's unit a second",
        { min: 0, max: 1e12 },
        null,
        'how fast it moves at most; without it a twentieth of the envelope',
      ),
    ],
    targets: ['actuator'],
    injectedAt: 'actuator',
    meaning: 'the actuator moves too slowly',
    expected: ALARMED,
    implementation: built(buildActuatorSlow, { needs: 'device' }),
  },
  {
    name: 'actuator-reverse',
    parameters: [],
    targets: ['actuator'],
    injectedAt: 'actuator',
    meaning: 'the actuator moves the wrong way: to the other side of the middle of its envelope',
    expected: ALARMED,
    implementation: built(buildActuatorReverse, { needs: 'device' }),
  },
  {
    name: 'voter-restart',
    parameters: [MS(DEFAULT_VOTER_GONE_MS, 'how long it is gone, its start not counted')],
    targets: ['actuator'],
    injectedAt: 'actuator',
    meaning: "the actuator's voter is gone at once, and is started again",
    expected: 'fail-safe until a majority arms it anew',
    implementation: built(buildVoterRestart),
  },
  {
    name: 'amnesia',
    parameters: [],
    targets: ['replica', 'witness'],
    injectedAt: 'store',
    meaning:
      'the process is gone, its durable state lost and its keys kept; with for it is started again after so many ticks, else at once',
    expected:
      'masked by the rounds; it says that it remembers nothing, and votes for commands again only when the others have let it in anew',
    implementation: built(buildAmnesia, { needs: 'store', object: objectToNoLog }),
  },
  {
    name: 'power-cut',
    parameters: [
      number('k', 'writes', { min: 0, max: 1_000, whole: true }, 0, 'at which of its writes; 0: at once'),
      {
        key: 'how',
        type: { kind: 'choice', choices: ['lost', 'torn', 'reordered'] },
        default: 'torn',
        meaning:
          'what becomes of writes that are not durable yet: none is there, some first ones are, or each by chance up to the first that is not; ' +
          'a live process is killed, and what it has handed to the disk is there',
      },
    ],
    targets: ['replica', 'witness'],
    injectedAt: 'store',
    meaning:
      'the device is gone while its store writes; with for it is started again after so many ticks, else not at all',
    expected: `${MASKED}; it recovers, or refuses to vote; no promise, vote or command that was told of is lost`,
    implementation: built(buildPowerCut, { needs: 'store', object: objectToNoLog }),
  },
  ...(['disk-full', 'io-error', 'read-only'] as const).map((name): FaultRow => ({
    name,
    parameters: [number('k', 'writes', { min: 0, max: 1_000, whole: true }, 0, 'how many are taken before')],
    targets: ['replica', 'witness'],
    injectedAt: 'store',
    meaning: `${DISK_TROUBLE[name]}; when it ends the replica is started again`,
    expected:
      'it keeps controlling, promises and votes for nothing any more, and is alarmed; commands go on without it',
    implementation: built(buildDiskFault(name), { needs: 'store', object: objectToNoLog }),
  })),
  {
    name: 'clock-step',
    parameters: [
      number(
        's',
        'seconds',
        { min: -MAX_STEP_S, max: MAX_STEP_S },
        1,
        'how far ahead; less than 0 is behind',
      ),
    ],
    targets: ['replica', 'witness'],
    injectedAt: 'clock',
    meaning: 'the clock by which the replica lives jumps',
    expected:
      `no effect on the rounds of the others: the replica is silent, or speaks at the wrong time and is absent; ` +
      `cleared, it is back as soon as the host's clock has come as far as its own had`,
    implementation: built(buildClockStep, {
      needs: 'clock',
      object: ({ parameters }) =>
        parameters.number('s') === 0 ? { what: 's=0 changes nothing', cure: 'name another time' } : null,
    }),
  },
  {
    name: 'clock-drift',
    parameters: [
      number(
        'ppm',
        'parts in a million',
        { min: -500_000, max: 500_000 },
        20_000,
        'how much too fast; less than 0 is too slow',
      ),
    ],
    targets: ['replica', 'witness'],
    injectedAt: 'clock',
    meaning: 'the clock by which the replica lives is too fast or too slow',
    expected:
      `${MASKED}; within the declared slew it is corrected, beyond it the replica's rounds leave those of the others ` +
      `until it is late or early by a round, excluded, and joins again`,
    implementation: built(buildClockDrift, {
      needs: 'clock',
      object: ({ parameters }) =>
        parameters.number('ppm') === 0 ? { what: 'ppm=0 changes nothing', cure: 'name another rate' } : null,
    }),
  },
  {
    name: 'clock-freeze',
    parameters: [],
    targets: ['replica', 'witness'],
    injectedAt: 'clock',
    meaning: 'the clock by which the replica lives stands still, and its timers with it',
    expected: 'a crash to the others, and masked; cleared, it knows that it overslept and joins again',
    implementation: built(buildClockFreeze, { needs: 'clock' }),
  },
  {
    name: 'clock-two-faced',
    parameters: [number('ms', 'milliseconds', { min: 0.001, max: 60_000 }, 5, 'how far ahead at most')],
    targets: ['replica'],
    injectedAt: 'clock',
    meaning: 'each peer is shown another time',
    expected:
      'no effect on rounds: without the f extreme readings the others keep within the bound of their skew',
    implementation: built(buildClockTwoFaced),
  },
  {
    name: 'key-rotate',
    parameters: [],
    targets: ['replica', 'actuator'],
    injectedAt: 'replica',
    meaning:
      'the replica or voter is given the keys of the next epoch beside those of its own, and loses those of the one before; they stay',
    expected:
      'overlap without a gap: it goes on under the epoch that it shares with each peer, and under the new one with those that have it too',
    implementation: built(buildKeyRotate, { needs: 'keys' }),
  },
  {
    name: 'key-expire',
    parameters: [],
    targets: ['replica'],
    injectedAt: 'replica',
    meaning: 'the epoch that the replica shares with the others has ended for it; it holds a newer one alone',
    expected:
      'what comes under the old epoch is refused by name, with the cure; the others are a replica fewer, and masked',
    implementation: built(buildKeyExpire, {
      needs: 'keys',
      object: ({ forTicks }) => objectToUnreachable(forTicks),
    }),
  },
  {
    name: 'key-revoke',
    parameters: [],
    targets: ['replica'],
    injectedAt: 'replica',
    meaning: 'the keys of the replica are worth nothing any more: nobody shares a secret with it',
    expected: 'whatever it says is refused; the others are a replica fewer, and masked',
    implementation: built(buildKeyRevoke, {
      needs: 'keys',
      object: ({ forTicks }) => objectToUnreachable(forTicks),
    }),
  },
  {
    name: 'config-mismatch',
    parameters: [
      {
        key: 'of',
        type: { kind: 'choice', choices: ['law', 'rig'] },
        default: 'law',
        meaning: 'what is another one: the control law, or the rig file',
      },
    ],
    targets: ['replica'],
    injectedAt: 'replica',
    meaning:
      'the replica is started again with another rig file or control law, and as it should be when it ends',
    expected: REFUSED,
    implementation: built(buildConfigMismatch, {
      needs: 'restart-as',
      object: ({ parameters, forTicks }) =>
        parameters.choice('of') === 'rig' ? objectToUnreachable(forTicks) : null,
    }),
  },
  {
    name: 'version-mismatch',
    parameters: [],
    targets: ['replica'],
    injectedAt: 'replica',
    meaning:
      'the replica is started again as one of another protocol version, and as it should be when it ends',
    expected: REFUSED,
    implementation: built(buildVersionMismatch, {
      needs: 'restart-as',
      object: ({ forTicks }) => objectToUnreachable(forTicks),
    }),
  },
];
