/**
 * What devices say to each other in Simplified Paxos, and what they keep, as deterministic CBOR (WIRE.md, section 2.3):
 * positional arrays that begin with a number for their kind. Reading is strict and bounded by the limits of the rig,
 * and never throws: what a device with these limits would not write is read as null.
 */
import type {
  Beat,
  ClientAnswers,
  Entry,
  Heard,
  PaxosConfig,
  PaxosMessage,
  PaxosRecord,
  QuorumChange,
  Snapshot,
  Vote,
} from '../core/paxos/types.js';
import { decodeCbor, encodeCbor, type CborValue } from './cbor.js';
import { isBytes, isCount, isList } from './schema.js';

/** What bounds a message; `maxStateBytes`: of a snapshot's opaque state. */
export interface PaxosLimits extends Pick<
  PaxosConfig,
  'n' | 'windowSlots' | 'batchSlots' | 'maxValueBytes' | 'maxClients' | 'answersPerClient'
> {
  readonly maxStateBytes: number;
}

/** Length of a nonce, bytes; an incarnation that was provisioned has none. */
const NONCE_BYTES = 16;
const MAX_DIGEST_BYTES = 16;
const MAX_CLIENT_CHARACTERS = 64;
/** Of an entry beside its value, of a remembered answer, and of anything else, at most. */
const ENTRY_BYTES = 320;
const ANSWER_BYTES = 20;
const REST_BYTES = 1024;

type List = readonly CborValue[];
type Kind = PaxosMessage['kind'];

const KINDS: readonly Kind[] = [
  'prepare',
  'promise',
  'witness-promise',
  'refuse',
  'propose',
  'vote',
  'propose-change',
  'admit',
  'fetch',
  'entries',
  'snapshot',
  'beat',
];

/** Longest message or record of a rig with these limits, bytes. */
export function maxPaxosBytes(limits: PaxosLimits): number {
  const slots = Math.max(votesAtMost(limits), limits.batchSlots) * (limits.maxValueBytes + ENTRY_BYTES);
  const clients = limits.maxClients * (ENTRY_BYTES + limits.answersPerClient * ANSWER_BYTES);
  return REST_BYTES + Math.max(slots, limits.maxStateBytes + clients);
}

/** A device votes for no slot further ahead. */
function votesAtMost({ windowSlots }: PaxosLimits): number {
  return 2 * windowSlots + 1;
}

// ---------------------------------------------------------------------------------------------- writing

/** Canonical bytes of a message. */
export function encodePaxosMessage(message: PaxosMessage): Uint8Array {
  return encodeCbor([KINDS.indexOf(message.kind), message.incarnation, ...writeFields(message)]);
}

function writeFields(message: PaxosMessage): List {
  switch (message.kind) {
    case 'prepare':
      return [message.ballot, message.from];
    case 'promise':
      return [message.ballot, message.prefix, message.votes.map(writeVote)];
    case 'witness-promise':
      return [message.ballot, message.change === null ? null : writeChange(message.change)];
    case 'refuse':
      return [message.ballot, message.promised];
    case 'propose':
      return [message.ballot, message.slot, message.prefix, writeEntry(message.entry), message.hasVote];
    case 'vote':
      return [message.ballot, message.from, message.slot, message.prefix];
    case 'propose-change':
      return [message.voter, writeChange(message.change)];
    case 'admit':
      return [message.admitted, message.nonce, message.promised, writeChange(message.change)];
    case 'fetch':
      return [message.from];
    case 'entries':
      return [message.from, message.prefix, message.entries.map(writeEntry)];
    case 'snapshot':
      return [writeSnapshot(message.snapshot)];
    case 'beat':
      return writeBeat(message);
  }
}

function writeBeat(beat: Beat): List {
  const { promised, leads, prefix, votedFrom, votedTo, nonce, heard, vouches } = beat;
  const rows = heard.map((one) => [one.incarnation, one.promised, one.voted]);
  return [promised, leads, prefix, votedFrom, votedTo, nonce, rows, vouches];
}

function writeEntry(entry: Entry): List {
  switch (entry.kind) {
    case 'command':
      return [0, entry.request.client, entry.request.sequence, entry.request.value];
    case 'nothing':
      return [1];
    case 'quorum':
      return [2, entry.members];
    case 'incarnation':
      return [3, entry.replica, entry.incarnation, entry.nonce];
  }
}

function writeVote({ slot, ballot, entry }: Vote): List {
  return [slot, ballot, writeEntry(entry)];
}

function writeChange({ ballot, from, slot, quorum, digest }: QuorumChange): List {
  return [ballot, from, slot, quorum, digest];
}

function writeSnapshot(snapshot: Snapshot): List {
  const { slot, state, clients, quorum, quorumSlot, incarnations } = snapshot;
  return [
    slot,
    state,
    clients.map(({ client, answers }) => [client, answers.map((one) => [one.sequence, one.slot])]),
    quorum,
    quorumSlot,
    incarnations.map(({ incarnation, nonce }) => [incarnation, nonce]),
  ];
}

/** Canonical bytes of a durable record. */
export function encodePaxosRecord(record: PaxosRecord): Uint8Array {
  switch (record.kind) {
    case 'stamp':
      return encodeCbor([0, record.incarnation, record.since]);
    case 'promise':
      return encodeCbor([1, record.ballot]);
    case 'vote':
      return encodeCbor([2, ...writeVote(record)]);
    case 'entry':
      return encodeCbor([3, record.slot, writeEntry(record.entry)]);
    case 'prefix':
      return encodeCbor([4, record.slot]);
    case 'snapshot':
      return encodeCbor([5, writeSnapshot(record.snapshot)]);
    case 'witness': {
      const change = record.change === null ? null : writeChange(record.change);
      return encodeCbor([6, record.incarnation, record.promised, change]);
    }
  }
}

// ---------------------------------------------------------------------------------------------- reading

/** The message, or null for what no device of this rig writes. */
export function decodePaxosMessage(limits: PaxosLimits, payload: Uint8Array): PaxosMessage | null {
  const decoded = decodeCbor(payload, maxPaxosBytes(limits));
  if (!decoded.ok || !Array.isArray(decoded.value)) return null;
  const [number, incarnation, ...fields] = decoded.value as List;
  if (!isCount(number) || !isCount(incarnation)) return null;
  const kind = KINDS[number];
  return kind === undefined ? null : readFields(limits, kind, incarnation, fields);
}

function readFields(limits: PaxosLimits, kind: Kind, incarnation: number, fields: List): PaxosMessage | null {
  const [first, second, third, fourth, fifth] = fields;
  switch (kind) {
    case 'prepare':
      if (fields.length !== 2 || !isCount(first) || !isCount(second)) return null;
      return { kind, incarnation, ballot: first, from: second };
    case 'promise': {
      const votes = readAll(third, votesAtMost(limits), (one) => readVote(limits, one));
      if (fields.length !== 3 || !isCount(first) || !isCount(second) || votes === null) return null;
      return { kind, incarnation, ballot: first, prefix: second, votes };
    }
    case 'witness-promise': {
      const change = second === null ? null : readChange(limits, second);
      if (fields.length !== 2 || !isCount(first) || (change === null && second !== null)) return null;
      return { kind, incarnation, ballot: first, change };
    }
    case 'refuse':
      if (fields.length !== 2 || !isCount(first) || !isCount(second)) return null;
      return { kind, incarnation, ballot: first, promised: second };
    case 'propose': {
      const entry = readEntry(limits, fourth);
      if (fields.length !== 5 || !isCount(first) || !isCount(second) || !isCount(third)) return null;
      if (entry === null || typeof fifth !== 'boolean') return null;
      return { kind, incarnation, ballot: first, slot: second, prefix: third, entry, hasVote: fifth };
    }
    case 'vote':
      if (fields.length !== 4 || !isCount(first) || !isCount(second)) return null;
      if (!isCount(third) || !isCount(fourth)) return null;
      return { kind, incarnation, ballot: first, from: second, slot: third, prefix: fourth };
    case 'propose-change': {
      const change = readChange(limits, second);
      if (fields.length !== 2 || !isCount(first) || change === null) return null;
      return { kind, incarnation, voter: first, change };
    }
    case 'admit': {
      const change = readChange(limits, fourth);
      if (fields.length !== 4 || !isCount(first) || !isBytes(second, NONCE_BYTES)) return null;
      if (!isCount(third) || change === null) return null;
      return { kind, incarnation, admitted: first, nonce: second, promised: third, change };
    }
    case 'fetch':
      return fields.length === 1 && isCount(first) ? { kind, incarnation, from: first } : null;
    case 'entries': {
      const entries = readAll(third, limits.batchSlots, (one) => readEntry(limits, one));
      if (fields.length !== 3 || !isCount(first) || !isCount(second) || entries === null) return null;
      return { kind, incarnation, from: first, prefix: second, entries };
    }
    case 'snapshot': {
      const snapshot = readSnapshot(limits, first);
      return fields.length !== 1 || snapshot === null ? null : { kind, incarnation, snapshot };
    }
    case 'beat':
      return readBeat(limits, incarnation, fields);
  }
}

function readBeat(limits: PaxosLimits, incarnation: number, fields: List): Beat | null {
  if (fields.length !== 8) return null;
  const [promised, leads, prefix, votedFrom, votedTo, nonce, rows, known] = fields;
  if (!isCount(promised) || typeof leads !== 'boolean' || !isCount(prefix)) return null;
  if (!isCount(votedFrom) || !isCount(votedTo)) return null;
  if (nonce !== null && !isBytes(nonce, NONCE_BYTES)) return null;
  const heard = readAll(rows, limits.n, readHeard);
  const vouches = readAll(known, limits.n, (one) => (isBytes(one, NONCE_BYTES) ? one : null));
  if (heard?.length !== limits.n || vouches === null) return null;
  return { kind: 'beat', incarnation, promised, leads, prefix, votedFrom, votedTo, nonce, heard, vouches };
}

function readHeard(value: CborValue): Heard | null {
  if (!isList(value, 3)) return null;
  const [incarnation, promised, voted] = value;
  if (!isCount(incarnation) || !isCount(promised) || !isCount(voted)) return null;
  return { incarnation, promised, voted };
}

function readEntry(limits: PaxosLimits, value: CborValue | undefined): Entry | null {
  if (!Array.isArray(value)) return null;
  const [kind, first, second, third] = value as List;
  const { length } = value as List;
  if (kind === 0 && length === 4 && isClient(first) && isCount(second) && second > 0) {
    if (!(third instanceof Uint8Array) || third.length > limits.maxValueBytes) return null;
    return { kind: 'command', request: { client: first, sequence: second, value: third } };
  }
  if (kind === 1 && length === 1) return { kind: 'nothing' };
  if (kind === 2 && length === 2 && isMembers(limits, first)) return { kind: 'quorum', members: first };
  if (kind === 3 && length === 4 && isCount(first) && first < limits.n && isCount(second))
    return isBytes(third, NONCE_BYTES)
      ? { kind: 'incarnation', replica: first, incarnation: second, nonce: third }
      : null;
  return null;
}

function readVote(limits: PaxosLimits, value: CborValue): Vote | null {
  if (!isList(value, 3)) return null;
  const [slot, ballot, third] = value;
  const entry = readEntry(limits, third);
  return isCount(slot) && isCount(ballot) && entry !== null ? { slot, ballot, entry } : null;
}

function readChange(limits: PaxosLimits, value: CborValue | undefined): QuorumChange | null {
  if (!isList(value, 5)) return null;
  const [ballot, from, slot, quorum, digest] = value;
  if (!isCount(ballot) || !isCount(from) || !isCount(slot) || !isMembers(limits, quorum)) return null;
  if (!(digest instanceof Uint8Array) || digest.length > MAX_DIGEST_BYTES) return null;
  return { ballot, from, slot, quorum, digest };
}

function readSnapshot(limits: PaxosLimits, value: CborValue | undefined): Snapshot | null {
  if (!isList(value, 6)) return null;
  const [slot, state, rows, quorum, quorumSlot, places] = value;
  if (!isCount(slot) || !isCount(quorumSlot) || !isMembers(limits, quorum)) return null;
  if (!(state instanceof Uint8Array) || state.length > limits.maxStateBytes) return null;
  const clients = readAll(rows, limits.maxClients, (one) => readClient(limits, one));
  const incarnations = readAll(places, limits.n, readIncarnation);
  if (clients === null || incarnations?.length !== limits.n) return null;
  return { slot, state, clients, quorum, quorumSlot, incarnations };
}

function readClient(limits: PaxosLimits, value: CborValue): ClientAnswers | null {
  if (!isList(value, 2)) return null;
  const [client, rows] = value;
  const answers = readAll(rows, limits.answersPerClient, readAnswer);
  return isClient(client) && answers !== null ? { client, answers } : null;
}

function readAnswer(value: CborValue): ClientAnswers['answers'][number] | null {
  if (!isList(value, 2)) return null;
  const [sequence, slot] = value;
  return isCount(sequence) && isCount(slot) ? { sequence, slot } : null;
}

function readIncarnation(value: CborValue): Snapshot['incarnations'][number] | null {
  if (!isList(value, 2)) return null;
  const [incarnation, nonce] = value;
  if (!isCount(incarnation) || !(isBytes(nonce, NONCE_BYTES) || isBytes(nonce, 0))) return null;
  return { incarnation, nonce };
}

/** The durable record, or null for what no device of this rig writes. */
export function decodePaxosRecord(limits: PaxosLimits, bytes: Uint8Array): PaxosRecord | null {
  const decoded = decodeCbor(bytes, maxPaxosBytes(limits));
  if (!decoded.ok || !Array.isArray(decoded.value)) return null;
  const [kind, ...fields] = decoded.value as List;
  const [first, second, third] = fields;
  const { length } = fields;
  switch (kind) {
    case 0:
      if (length !== 2 || !isCount(first) || !isCount(second)) return null;
      return { kind: 'stamp', incarnation: first, since: second };
    case 1:
      return length === 1 && isCount(first) ? { kind: 'promise', ballot: first } : null;
    case 2: {
      const vote = readVote(limits, fields);
      return vote === null ? null : { kind: 'vote', ...vote };
    }
    case 3: {
      const entry = readEntry(limits, second);
      return length === 2 && isCount(first) && entry !== null ? { kind: 'entry', slot: first, entry } : null;
    }
    case 4:
      return length === 1 && isCount(first) ? { kind: 'prefix', slot: first } : null;
    case 5: {
      const snapshot = readSnapshot(limits, first);
      return length === 1 && snapshot !== null ? { kind: 'snapshot', snapshot } : null;
    }
    case 6: {
      const change = third === null ? null : readChange(limits, third);
      if (length !== 3 || !isCount(first) || !isCount(second)) return null;
      if (change === null && third !== null) return null;
      return { kind: 'witness', incarnation: first, promised: second, change };
    }
    default:
      return null;
  }
}

/** Every item of a list of at most `max`, or null if one is none. */
function readAll<T>(
  value: CborValue | undefined,
  max: number,
  read: (item: CborValue) => T | null,
): readonly T[] | null {
  if (!Array.isArray(value) || value.length > max) return null;
  const items: T[] = [];
  for (const one of value as List) {
    const item = read(one);
    if (item === null) return null;
    items.push(item);
  }
  return items;
}

function isClient(value: CborValue | undefined): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_CLIENT_CHARACTERS;
}

function isMembers({ n }: PaxosLimits, value: CborValue | undefined): value is number {
  return isCount(value) && value < 2 ** n;
}
