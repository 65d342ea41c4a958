/** What the core needs to know of a rig, with the codecs of `wire` as its pure functions. */
import type { ReplicaConfig } from '../core/replica.js';
import type { ReadBackConfig } from '../core/voting/read-back.js';
import type { VoterConfig } from '../core/voting/actuator-voter.js';
import type { ComposedLaw } from '../rig/compose-law.js';
import { countNeededCommands, countRounds } from '../rig/derive.js';
import type { Rig } from '../rig/rig.js';
import { shapeBook } from '../wire/command-book-codec.js';
import { decodeEntry, encodeEntry, shapeEntries } from '../wire/entry-codec.js';
import { buildCommandRules } from './command-rules.js';
import { decodeReplicatedState, digestBytes, encodeReplicatedState } from '../wire/replicated-state-codec.js';
import { createVectorDigest } from '../wire/vector-digest.js';

/** Without progress for this long a replica gives its place in the run up. */
const PATIENCE_US = 2_000_000;

/**
 * How late a deadline may be noticed, as a share of the round, before the replica takes itself for the faulty one. Up to
 * a round late it has read all that came in time, so what it misses was late indeed; beyond that its own message of the
 * next round is worthless to everybody.
 */
const GRACE_SHARE = 1;

/** K: for so many ticks in a row a replica must have been absent or late before nobody waits for it any more. */
export const EXCLUDE_AFTER_TICKS = 5;

/**
 * A round clock goes no more than this faster or slower than the machine's. It is far more than crystals are off, so that a short
 * horizon does: with less, delays that mislead all clocks alike would outrun it.
 */
export const MAX_SLEW_PPM = 5_000;

/**
 * Until then, from the start of the tick, relays make way for commands that do not wait for them: where replicas share
 * processors all commands have left by then. Short rounds give a part of them.
 */
const RELAY_AT_US = 900;
const RELAY_AT_SHARE = 1 / 4;

/**
 * A tick begins so long before its start, or half as long, where the round before leaves the time: enough for what is done
 * before its first messages, on a small board too.
 */
const LEAD_US = 1_000;

/** The pure functions that make bytes of what replicas agree on. */
export type ReplicaCodecs = Pick<
  ReplicaConfig,
  'encodeEntry' | 'decodeEntry' | 'encodeState' | 'decodeState' | 'digest' | 'digestVector'
>;

/** As on the wire. */
export function wireCodecs(rig: Rig): ReplicaCodecs {
  const shape = shapeEntries(rig);
  const commands = shapeBook(rig);
  return {
    encodeEntry,
    decodeEntry: (value) => decodeEntry(value, shape),
    encodeState: encodeReplicatedState,
    decodeState: (bytes) => decodeReplicatedState(bytes, rig.sensors.length, rig.replicas.length, commands),
    digest: digestBytes,
    digestVector: createVectorDigest(digestBytes),
  };
}

/** The core's configuration for replica `self` (its place in the rig's list). `nonce`: 16 fresh bytes. */
export function buildReplicaConfig(
  rig: Rig,
  self: number,
  law: ComposedLaw,
  nonce: Uint8Array,
  codecs: ReplicaCodecs = wireCodecs(rig),
): ReplicaConfig {
  return {
    n: rig.replicas.length,
    self,
    hypothesis: rig.hypothesis,
    periodUs: rig.periodUs,
    roundUs: rig.roundUs,
    graceUs: Math.floor(rig.roundUs * GRACE_SHARE),
    // Tick k starts when the round clock shows k·P.
    epochUs: 0,
    sensors: rig.sensors.map(({ type, min, max, spread, fusion, required, holdUs }) => ({
      type,
      min,
      max,
      spread,
      method: fusion,
      required,
      holdUs,
    })),
    actuators: rig.actuators.map(({ rearm, vote }) => ({ rearm, takesMidValue: vote === 'mid-value' })),
    patienceTicks: Math.ceil(PATIENCE_US / rig.periodUs),
    excludeAfterTicks: EXCLUDE_AFTER_TICKS,
    maxSlewPpm: MAX_SLEW_PPM,
    // Half of what the rounds leave of a period is for the commands of the tick before.
    leadUs: Math.min(LEAD_US, Math.floor((rig.periodUs - countRounds(rig.hypothesis) * rig.roundUs) / 2)),
    foresight: {
      processingUs: rig.processingUs,
      relayAtUs: Math.min(RELAY_AT_US, Math.floor(rig.roundUs * RELAY_AT_SHARE)),
    },
    nonce,
    initialLawState: law.initialState,
    ...(rig.commands.length === 0 ? {} : { commands: buildCommandRules(rig, law) }),
    ...codecs,
    law: (state, readings, tick) => law.step(state, readings, tick),
  };
}

/** What a device may be off its order, as a share of the envelope: noise, and the last of its way. */
const READ_BACK_SHARE = 0.01;
const READ_BACK_MIN_COUNT = 2;
/** A device answers every output; a host that stands still for a moment delays it. */
const READ_BACK_SILENCE_US = 500_000;

/** What the read-back of actuator `at` of the rig is held against. */
export function buildReadBackConfig(rig: Rig, at: number): ReadBackConfig {
  const actuator = rig.actuators[at];
  if (actuator === undefined) throw new RangeError(`rig ${rig.id} has no actuator number ${at}`);
  const { minCount, maxCount, holdUs } = actuator;
  return {
    holdUs,
    toleranceCount: Math.max(READ_BACK_MIN_COUNT, READ_BACK_SHARE * (maxCount - minCount)),
    silenceUs: Math.max(holdUs, READ_BACK_SILENCE_US),
  };
}

/**
 * The voter's configuration for actuator `at` of the rig. `bootNonce`: 8 fresh bytes.
 *
 * In a rig with a witness one command is enough, and nothing unsafe goes out for it. A replica steps, and sends commands, only as
 * a member of the operational quorum, and only with every other member accounted for: by its entry in the vector, or by its
 * word that it orders nothing in this tick (core/membership/governors.ts). So two replicas that send commands for one tick have the same
 * vector, and send the same bytes. Two that do not hear each other never both step: the log names one quorum, it
 * changes only with the vote of a device that then no longer steps by the older one, and who is left out has not the vector
 * of who is in it. What was sent before a change is older than what is sent after it, and the voter takes no older tick
 * after a newer one. That a replica lies is outside the hypothesis.
 */
export function buildVoterConfig(rig: Rig, at: number, bootNonce: Uint8Array): VoterConfig {
  const actuator = rig.actuators[at];
  if (actuator === undefined) throw new RangeError(`rig ${rig.id} has no actuator number ${at}`);
  const n = rig.replicas.length;
  return {
    n,
    majority: countNeededCommands(rig),
    vote:
      actuator.vote === 'mid-value' && rig.hypothesis.kind === 'byzantine'
        ? { kind: 'mid-value', quorum: 2 * rig.hypothesis.f + 1 }
        : { kind: 'exact' },
    periodUs: rig.periodUs,
    holdUs: actuator.holdUs,
    minCount: actuator.minCount,
    maxCount: actuator.maxCount,
    failSafeCount: actuator.failSafeCount,
    bootNonce,
  };
}
