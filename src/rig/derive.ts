/**
 * What follows from a rig (protocol.md §2, §3, §5, §8): the algorithm, its cost in messages and bytes, the largest
 * packet of each purpose, the worst latency, what the rig lives with and what it does not. Pure arithmetic; it decides
 * nothing at run time except the packet caps, which `src/wire` and `src/mqtt` may use as they stand.
 */
import { deriveQuorums, selectAlgorithm } from '../core/agreement/hypothesis.js';
import { KEPT_ANSWERS, OPEN_REQUESTS } from '../core/commands/command-book.js';
import { PIECE_BYTES } from '../core/state-fetch.js';
import type { Hypothesis } from '../core/types.js';
import { majorityOf } from '../core/voting/majority.js';
import { formatHostPort } from './address.js';
import { ORDER_TIMES } from './order-times.js';
import { formatDuration } from './quantity.js';
import { listInboxOwners, type Rig } from './rig.js';

/** Largest frame that any inbox accepts, bytes: a piece of a state in its envelope. A rig whose caps exceed it is refused. */
export const PACKET_LIMIT_BYTES = PIECE_BYTES + 256;

/** Largest frame per purpose, bytes, without the MQTT header. Upper bounds: nothing correct is ever longer. */
export interface PacketCaps {
  readonly hello: number;
  readonly round: number;
  readonly state: number;
  readonly command: number;
  readonly status: number;
  readonly control: number;
  readonly answer: number;
  readonly request: number;
  readonly reply: number;
  readonly report: number;
  /** 0 where no log orders commands. */
  readonly order: number;
}

/** What follows from a rig, for people and for `check --json`. */
export interface RigFacts {
  /** `OM(1)`, oral messages … */
  readonly algorithm: string;
  readonly algorithmInWords: string;
  readonly replicas: number;
  /** f; 1 for the hypothesis `none`, where it is no Byzantine one. */
  readonly maxFaulty: number;
  /** Exchanges in a tick. */
  readonly rounds: number;
  /** Equal commands that move an actuator. */
  readonly majority: number;
  /** Entries without which a tick is not stepped, n−f. */
  readonly minPresent: number;
  readonly perTick: {
    /** Round messages, all replicas together, early advance or not. */
    readonly roundMessages: number;
    /** Commands to actuators. */
    readonly commandMessages: number;
    /** Values under way inside the round messages when nobody lies (instances times paths). */
    readonly logicalMessages: number;
    /** Upper bound of the bytes in all frames of a tick, MQTT and TCP headers not counted. */
    readonly bytes: number;
  };
  readonly packetCaps: PacketCaps;
  /** Whether replicas command on the vector that they foresee after round 1. */
  readonly foresees: boolean;
  /** After the start of a tick, µs: the vector is decided by … */
  readonly decidedByUs: number;
  /** … and the command has left the replica by … */
  readonly commandByUs: number;
  /** Sample to output, µs, at worst inside the hypothesis: the command and one more link delay, which is less than R. */
  readonly worstLatencyUs: number;
  /** Length of the longest silence of an actuator inside the hypothesis, µs; `hold` must not be shorter. */
  readonly longestGapUs: number;
  /** Null in rigs without one. */
  readonly witness: WitnessFacts | null;
  /** Sentences. */
  readonly tolerates: readonly string[];
  readonly doesNotTolerate: readonly string[];
  /** Parts whose failure alone stops the rig or an actuator. */
  readonly singlePoints: readonly string[];
}

/** True where Simplified Paxos orders the commands of operators (protocol.md §9); else the agreed vector does. */
export function ordersByLog(rig: Pick<Rig, 'hypothesis' | 'commands'>): boolean {
  return rig.hypothesis.kind === 'crash' && rig.commands.length > 0;
}

/** Longest state that commands have made of a rig (a snapshot of the command log), bytes. */
export function boundFold(rig: Rig): number {
  return 128 + rig.law.stateMaxBytes + boundBook(rig);
}

/** What follows from a witness. */
export interface WitnessFacts {
  readonly id: string;
  /** From the last word of a replica that dies until the other is the operational quorum by itself, µs, at worst. */
  readonly quorumChangeUs: number;
}

/** Rounds of a tick: f+1, one where nothing is relayed. */
export function countRounds(hypothesis: Hypothesis): number {
  return hypothesis.kind === 'none' ? 1 : hypothesis.f + 1;
}

/**
 * Upper bounds of frames. The parts, in bytes:
 * - envelope (COSE array, protected header with algorithm and counter, 32-byte tag or 16, lengths): 72
 * - number: 9; text or byte string of k bytes: k + 3; array or map head: 3
 * - entry: head 3, standing 60 (kind, digest or nonce of 32, tick), readings 3 + 9 each, actuators 3 + 43 each (nonce
 *   of 8, phase, trips, last tick), missed and joining replicas 6
 * - item of a round: head 3, path 3 + r, entry + 3, and in signed mode 3 + r·112 (signature, header, length)
 * - round message: head 3, kind, tick and round 27, run 19, items; the stamp of round 1 or of a join 12 + 9 each replica
 * - piece of a state: head 3, kind, length and offset 27, digest 19, at most `PIECE_BYTES`
 */
export function derivePacketCaps(rig: Rig): PacketCaps {
  const rounds = countRounds(rig.hypothesis);
  let round = 0;
  for (let r = 1; r <= rounds; r += 1) round = Math.max(round, boundRoundFrame(rig, r));
  const { length: n } = rig.replicas;
  const { length: sensors } = rig.sensors;
  const { length: actuators } = rig.actuators;
  return {
    // Version, three digests, two nonces, text.
    hello: ENVELOPE + 3 + 9 + 3 * 35 + 2 * 19 + 64,
    round,
    // The law's state, one held reading and one timer per sensor, a place in the active set per replica.
    state:
      ENVELOPE +
      55 +
      Math.max(
        boundStamp(rig),
        Math.min(PIECE_BYTES, 128 + rig.law.stateMaxBytes + 32 * sensors + 96 * n + boundBook(rig)),
      ),
    // Tick, order (kind, count), arming (nonce, trips, first tick), the digest of a vector.
    command: ENVELOPE + 3 + 9 + (3 + 9 + 9) + (3 + 11 + 9 + 9) + 19,
    // What the voter says of itself, and its counters.
    status: ENVELOPE + 3 + 34 + 16 * 9,
    control: ENVELOPE + 3 + 2 * 9 + 512 + 3,
    answer: ENVELOPE + 3 + 2 * 9 + 1024 + 3,
    // Kind, content.
    request: ENVELOPE + 3 + 9 + 259,
    // An account of 16 requests: client, sequence, digest, tick, reason, content.
    reply: ENVELOPE + 3 + 2 * 9 + 16 * (3 + 3 * 9 + 35 + 163 + 259),
    report:
      ENVELOPE + 256 + rig.replicas.length * boundEntry(rig) + 96 * rig.replicas.length + 64 * actuators,
    // A piece of a message, its number, its place and how many there are.
    order: ordersByLog(rig) ? ENVELOPE + 3 + 3 * 9 + 3 + PIECE_BYTES : 0,
  };
}

const ENVELOPE = 72;

function boundEntry(rig: Rig): number {
  // Client, sequence and digest of each request that it may name.
  const requests =
    rig.commands.length === 0 ? 0 : 3 + rig.operators.length * OPEN_REQUESTS * (3 + 1 + 9 + 35);
  return 3 + 60 + 3 + 9 * rig.sensors.length + 3 + 43 * rig.actuators.length + 6 + requests;
}

/** What operators have asked for, in the replicated state: answers kept, requests pending, postures of actuators. */
function boundBook(rig: Rig): number {
  if (rig.commands.length === 0) return 0;
  // Where a log orders commands, the slot of each answer, and how far the log has taken effect.
  const slot = ordersByLog(rig) ? 9 : 0;
  const kept = KEPT_ANSWERS * (3 + 9 + 35 + 9 + 163 + slot);
  const pending = OPEN_REQUESTS * (3 + 1 + 9 + 35 + 9);
  return 12 + slot + rig.operators.length * (15 + kept + pending) + 12 * rig.actuators.length;
}

function boundStamp(rig: Rig): number {
  return 12 + 9 * rig.replicas.length;
}

/** Items of one message in round r when every other replica says as much as it may. */
function countItems(hypothesis: Hypothesis, n: number, r: number): number {
  if (r === 1) return 1;
  if (hypothesis.kind === 'crash') return n - 2;
  if (hypothesis.kind === 'byzantine' && hypothesis.authenticators === 'signature') {
    // At most two values of each instance, of commanders other than sender and receiver.
    return 2 * (n - 2);
  }
  // Oral messages: every path of r−1 distinct ids without sender and receiver.
  let paths = 1;
  for (let step = 0; step < r - 1; step += 1) paths *= n - 2 - step;
  return paths;
}

function boundRoundFrame(rig: Rig, r: number): number {
  const signed = rig.hypothesis.kind === 'byzantine' && rig.hypothesis.authenticators === 'signature';
  const item = 3 + (3 + r) + (boundEntry(rig) + 3) + (signed ? 3 + 112 * r : 0);
  const stamp = r === 1 ? boundStamp(rig) : 0;
  return ENVELOPE + 3 + 27 + 19 + 3 + stamp + countItems(rig.hypothesis, rig.replicas.length, r) * item;
}

/** Everything that follows from a rig. */
export function deriveFacts(rig: Rig): RigFacts {
  const n = rig.replicas.length;
  const quorums = deriveQuorums(rig.hypothesis, n);
  const rounds = countRounds(rig.hypothesis);
  const links = n * (n - 1);
  let bytes = 0;
  let logicalMessages = 0;
  for (let r = 1; r <= rounds; r += 1) {
    bytes += links * boundRoundFrame(rig, r);
    logicalMessages += links * countHonestItems(rig.hypothesis, n, r);
  }
  const commandMessages = n * rig.actuators.length;
  const caps = derivePacketCaps(rig);
  const { foresees } = selectAlgorithm(rig.hypothesis, n);
  // Where another vector is decided than was foreseen, a replica commands again.
  bytes += (foresees ? 2 : 1) * commandMessages * caps.command;
  const decidedByUs = rounds * rig.roundUs;
  const commandByUs = decidedByUs + rig.processingUs;
  return {
    ...nameAlgorithm(rig.hypothesis),
    replicas: n,
    maxFaulty: quorums.maxFaulty,
    rounds,
    foresees,
    majority: countNeededCommands(rig),
    minPresent: quorums.minPresent,
    perTick: { roundMessages: links * rounds, commandMessages, logicalMessages, bytes },
    packetCaps: caps,
    decidedByUs,
    commandByUs,
    worstLatencyUs: commandByUs + rig.roundUs,
    longestGapUs: deriveLongestGapUs({ ...rig, hasWitness: rig.witness !== null }),
    witness: rig.witness === null ? null : { id: rig.witness.id, quorumChangeUs: deriveQuorumChangeUs(rig) },
    tolerates: listTolerated(rig),
    doesNotTolerate: listNotTolerated(rig),
    singlePoints: listSinglePoints(rig),
  };
}

/**
 * Equal commands that move an actuator: a strict majority of the replicas. With a witness one is enough, because nobody
 * sends any who is not of the operational quorum and has not heard all of it (`buildVoterConfig`).
 */
export function countNeededCommands(rig: Pick<Rig, 'replicas' | 'witness'>): number {
  return rig.witness === null ? majorityOf(rig.replicas.length) : 1;
}

/**
 * From an output as early as can be in one tick to one as late as can be in the next, µs. With a witness: from the last output
 * before a replica dies, a period before its last word at most, to the first one of the other, in the tick after it is the
 * operational quorum by itself.
 */
export function deriveLongestGapUs(
  rig: Pick<Rig, 'hypothesis' | 'periodUs' | 'roundUs' | 'processingUs'> & { readonly hasWitness: boolean },
): number {
  const changeUs = rig.hasWitness ? rig.periodUs + deriveQuorumChangeUs(rig) : 0;
  return changeUs + rig.periodUs + countRounds(rig.hypothesis) * rig.roundUs + rig.processingUs;
}

/** What one durable write of a device of a witness rig is taken to last at most, µs: an SD card is slower than its mean. */
export const DURABLE_WRITE_US = 20_000;

/**
 * From the last word of a replica until the other has changed the operational quorum through the witness, µs: its silence is
 * noticed, a beat late at most, then come two exchanges, the promise and the change. In each both ends write before they
 * speak, and a message is under way for less than R.
 */
export function deriveQuorumChangeUs({ roundUs }: Pick<Rig, 'roundUs'>): number {
  const { silenceUs, beatUs } = ORDER_TIMES;
  return silenceUs + beatUs + 2 * (2 * DURABLE_WRITE_US + 2 * roundUs);
}

/** In signed mode and flooding a value is sent on once; nobody needs to be told what it signed itself. */
function countHonestItems(hypothesis: Hypothesis, n: number, r: number): number {
  if (r === 1) return 1;
  if (
    hypothesis.kind === 'crash' ||
    (hypothesis.kind === 'byzantine' && hypothesis.authenticators === 'signature')
  ) {
    return r === 2 ? n - 2 : 0;
  }
  return countItems(hypothesis, n, r);
}

function nameAlgorithm(hypothesis: Hypothesis): { algorithm: string; algorithmInWords: string } {
  switch (hypothesis.kind) {
    case 'byzantine':
      return hypothesis.authenticators === 'mac'
        ? {
            algorithm: `OM(${hypothesis.f})`,
            algorithmInWords: `oral messages OM(${hypothesis.f}) of Lamport, Shostak and Pease, links authenticated by HMAC`,
          }
        : {
            algorithm: `SM(${hypothesis.f})`,
            algorithmInWords: `signed messages SM(${hypothesis.f}) of Lamport, Shostak and Pease, Ed25519`,
          };
    case 'crash':
      return {
        algorithm: `flooding(${hypothesis.f})`,
        algorithmInWords: 'flooding in rounds, for replicas that stop',
      };
    case 'none':
      return { algorithm: 'TMR', algorithmInWords: 'triple modular redundancy: one exchange, no relay' };
  }
}

function listTolerated(rig: Rig): string[] {
  const n = rig.replicas.length;
  const { majority } = deriveQuorums(rig.hypothesis, n);
  const list: string[] = [];
  switch (rig.hypothesis.kind) {
    case 'byzantine': {
      const { f } = rig.hypothesis;
      list.push(
        `any behaviour of ${f} of ${n} replicas, its sensors, broker and links with it: the others hold the same vector, state and commands`,
      );
      break;
    }
    case 'crash':
      if (rig.witness !== null) list.push(...listWitnessTolerated(rig, rig.witness.id));
      else
        list.push(
          `${rig.hypothesis.f} of ${n} replicas that stop or fall silent, in the middle of a round too`,
        );
      break;
    case 'none':
      list.push('one replica that stops, falls silent or says the same wrong value to everybody');
  }
  if (rig.witness === null)
    list.push(`commands that fewer than ${majority} of ${n} replicas agree on move no actuator`);
  for (const actuator of rig.actuators) {
    list.push(
      `${actuator.id} holds its last output for ${formatDuration(actuator.holdUs)}, then goes to fail-safe and ` +
        (actuator.rearm === 'auto' ? 'is armed again by the replicas' : 'waits for an operator'),
    );
  }
  return list;
}

function listWitnessTolerated(rig: Rig, witness: string): string[] {
  const [a = '', b = ''] = rig.replicas.map(({ id }) => id);
  return [
    `${a} or ${b} that stops or falls silent: the other goes on alone once ${witness} has voted for that, within ${formatDuration(deriveQuorumChangeUs(rig))}`,
    `${witness} that stops, while ${a} and ${b} run or after one of them has gone on alone`,
    `a cut network: the operational quorum alone moves an actuator, and two parts of it never both`,
  ];
}

function listNotTolerated(rig: Rig): string[] {
  const n = rig.replicas.length;
  const { maxFaulty, majority } = deriveQuorums(rig.hypothesis, n);
  const list: string[] = [];
  switch (rig.hypothesis.kind) {
    case 'byzantine':
      list.push(
        n >= 2 * rig.hypothesis.f + 2
          ? `${maxFaulty + 1} faulty replicas: the rig may disagree and trip to fail-safe; fewer than ${majority} still move no actuator`
          : `${maxFaulty + 1} colluding replicas are a majority and move the actuators`,
      );
      break;
    case 'crash':
      list.push('a replica that lies, or that says different things to different peers');
      break;
    case 'none':
      list.push('a replica that tells its peers different values: they decide differently (study only)');
  }
  if (rig.witness === null) {
    list.push(`the sensors of ${maxFaulty + 1} replicas that are wrong alike`);
    return list;
  }
  const [a = '', b = ''] = rig.replicas.map(({ id }) => id);
  const { id: witness } = rig.witness;
  list.push(
    `${a} and ${b} gone together, or one of them while ${witness} is away: the actuators go to fail-safe`,
    `the one that went on alone gone as well: the other returns, and waits for it, which alone knows what was chosen`,
    `${a} or ${b} late, deaf or heard only now and then: who is heard is not voted out, and the actuators may go to fail-safe until it is over`,
    `a sensor that is wrong: of two nobody can tell which it is`,
  );
  return list;
}

function listSinglePoints(rig: Rig): string[] {
  const list: string[] = [];
  const brokers = new Map<string, string[]>();
  const { witness } = rig;
  for (const part of listInboxOwners(rig)) {
    if (part.inbox.kind === 'external') push(brokers, part.inbox.url, part.id);
  }
  for (const [url, owners] of brokers) {
    if (owners.length > 1) {
      list.push(
        `broker ${url}: the inbox of ${owners.join(', ')}; its failure stops them all (availability, not safety)`,
      );
    }
  }
  const bridges = new Map<string, string[]>();
  for (const part of [...rig.replicas, ...rig.actuators]) push(bridges, formatBridge(part.bridge), part.id);
  for (const [address, owners] of bridges) {
    if (owners.length > 1) list.push(`firmware bridge ${address}: shared by ${owners.join(', ')}`);
  }
  if (witness !== null) {
    list.push(`the replica that went on alone, until the other is back and ${witness.id} has voted for both`);
  }
  for (const actuator of rig.actuators) {
    list.push(
      `${actuator.id}: its voter, bridge and device are one of each; without them it stands in fail-safe or still`,
    );
  }
  return list;
}

function push(map: Map<string, string[]>, key: string, value: string): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

/** The address of a bridge as rig.yaml writes it. */
export function formatBridge(bridge: Rig['replicas'][number]['bridge']): string {
  return bridge.kind === 'tcp'
    ? `tcp://${formatHostPort(bridge.host, bridge.port)}`
    : `serial:${bridge.path}?baud=${bridge.baud}`;
}
