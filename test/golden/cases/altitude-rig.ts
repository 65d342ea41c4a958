/** The rig of Lamport's slides: altitude above 10219.5 feet means climb, else dive. Replica a may be two-faced. */
import type { LawOutcome, SensorRule } from '../../../src/core/replica.js';
import type { FusedReading, Hypothesis, PeerMessage, ReplicaIndex, Tick } from '../../../src/core/types.js';
import { Lockstep, PLAIN_SENSOR, type LockstepOptions } from '../../support/lockstep.js';
import { decodeEntry, encodeEntry } from '../../support/toy-codec.js';
import { RigRecorder } from '../trace/rig-recorder.js';

export const ALTITUDE: SensorRule = {
  ...PLAIN_SENSOR,
  min: 0,
  max: 50_000,
  spread: 100,
  method: 'mid-value',
};
export const PERIOD_US = 50_000;
export const ROUND_US = 15_000;
export const THRESHOLD = 10219.5;
const DIVE = -1;
const CLIMB = 1;
const TRUTH = [10217, 10219, 10220, 10219, 10218, 10221, 10219];

export interface AltitudeRig {
  readonly world: Lockstep;
  readonly recorder: RigRecorder;
  readonly names: readonly string[];
}

/** n replicas a, b, c …, not yet started. */
export function createAltitudeRig(
  n: number,
  hypothesis: Hypothesis,
  options: Partial<LockstepOptions> = {},
): AltitudeRig {
  const names = [...'abcdefg'].slice(0, n);
  const recorder = new RigRecorder(names, PERIOD_US);
  const world = new Lockstep({
    n,
    hypothesis,
    periodUs: PERIOD_US,
    roundUs: ROUND_US,
    sensors: [ALTITUDE],
    law: climbOrDive,
    sample: (replica) => [TRUTH[replica] ?? null],
    voter: { minCount: -10, maxCount: 10 },
    watch: recorder.watch,
    ...options,
  });
  return { world, recorder, names };
}

function climbOrDive(state: Uint8Array, readings: readonly FusedReading[]): LawOutcome {
  const altitude = readings[0]?.value;
  return { ok: true, state, counts: [typeof altitude === 'number' && altitude > THRESHOLD ? CLIMB : DIVE] };
}

/** A message whose values about `commander` are replaced by `altitude`, from tick `since` on. */
export function lieAbout(
  message: PeerMessage,
  commander: ReplicaIndex,
  from: ReplicaIndex,
  since: Tick,
  altitude: number,
): PeerMessage {
  if (message.kind !== 'round' || message.tick < since) return message;
  const items = message.items.map((item) => {
    const about = item.path[0] ?? from;
    const entry = about === commander && item.value !== null ? decodeEntry(item.value) : null;
    return entry === null ? item : { ...item, value: encodeEntry({ ...entry, readings: [altitude] }) };
  });
  return { ...message, items };
}

/** The samples of n replicas, in words. */
export function writeTruth(names: readonly string[]): string {
  return names.map((name, id) => `${name} ${TRUTH[id] ?? '?'}`).join(', ');
}
