/**
 * The two replicas and the witness of a rig, whole but for the wire, while operators retire one of them and admit it again: messages
 * and flushes are carried by hand.
 */
import { beforeEach, expect, test } from 'vitest';
import { recordKey } from '../../src/core/paxos/durable-records.js';
import type { Members, PaxosRecord, Snapshot } from '../../src/core/paxos/types.js';
import type { Log } from '../../src/ports.js';
import type { MessengerParts, OpenMessenger, RigMessage } from '../../src/process/messenger.js';
import { ReplicaProcess } from '../../src/process/replica-process.js';
import { WitnessProcess } from '../../src/process/witness-process.js';
import { composeLaw } from '../../src/rig/compose-law.js';
import { loadRig } from '../../src/rig/load-rig.js';
import { decodeWitness, encodeWitness } from '../../src/store/witness-codec.js';
import { encodeFold } from '../../src/wire/folded-log-codec.js';
import { generateKeys, type PrincipalKeys } from '../../src/wire/keys.js';
import { lawStateCodec } from '../../src/wire/law-state-codec.js';
import { encodePaxosRecord } from '../../src/wire/paxos-codec.js';
import { encodeContent, type RequestVerdict } from '../../src/wire/request-codec.js';
import { HandClock } from '../support/hand-clock.js';
import { HandStore } from '../support/hand-store.js';
import { seededEntropy } from '../wire/make-rig.js';

const loaded = await loadRig('hardware/rigs/valve-witness');
const { rig } = loaded;
const DIGESTS = { ...loaded.digests, arithmetic: new Uint8Array(32) };
const KEYS = generateKeys(rig, seededEntropy('keys'));
const IDS = ['a', 'b', 'w'] as const;
type Id = (typeof IDS)[number];
const STAMP = new Map([['stamp', encodePaxosRecord({ kind: 'stamp', incarnation: 1, since: 0 })]]);
const LOG: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const REMEMBERED_SLOT = 3;

/** What a replica remembers that has a snapshot in which operators want `wanted`, and nothing was made of it. */
function remember(wanted: Members, madeBy: Uint8Array | null = null): ReadonlyMap<string, Uint8Array> {
  const clients = rig.operators.map(() => ({ floor: -1, applied: [] }));
  const postures = rig.actuators.map(() => ({ disarmed: false, armUntil: -1 }));
  const book = { clients, pending: [], postures, prefix: REMEMBERED_SLOT, wanted };
  const { initialState: law, digest } = composeLaw(loaded, lawStateCodec);
  const snapshot: Snapshot = {
    slot: REMEMBERED_SLOT,
    state: encodeFold({ law, book }, madeBy ?? digest),
    clients: [],
    quorum: 0b11,
    quorumSlot: 0,
    incarnations: IDS.map(() => ({ incarnation: 1, nonce: new Uint8Array(16) })),
  };
  const records: readonly PaxosRecord[] = [
    { kind: 'stamp', incarnation: 1, since: 0 },
    { kind: 'snapshot', snapshot },
    { kind: 'prefix', slot: REMEMBERED_SLOT },
  ];
  return new Map(records.map((one) => [recordKey(one), encodePaxosRecord(one)]));
}

let clock: HandClock;
let letters: { readonly from: Id; readonly to: string; readonly message: RigMessage }[];
let seats: Map<Id, MessengerParts>;
let stores: Record<Id, HandStore>;
let processes: Map<Id, ReplicaProcess | WitnessProcess>;
let lives: number;
/** The last that each replica has learnt. */
let quorums: Map<string, Members>;
/** Ticks for which the valve has an output, and whose. */
let outputs: Map<number, string>;
let verdicts: RequestVerdict[];

/** A session with everybody stands at once. */
const openMessenger: OpenMessenger = (parts) => {
  const from = parts.id as Id;
  seats.set(from, parts);
  return {
    start: () => {
      for (const peer of IDS) if (peer !== from) parts.events.onEstablished?.(peer);
    },
    stop: () => {},
    send: (to, message) => letters.push({ from, to, message }) > 0,
    prepare: () => {},
    sendPayload: () => true,
    isEstablished: () => true,
    renewKeys: () => {},
    countRefused: () => {},
    readRefused: () => ({}),
  };
};

function start(id: Id): void {
  lives += 1;
  const common = {
    rig,
    id,
    keys: KEYS.find(({ principal }) => principal === id) as PrincipalKeys,
    digests: DIGESTS,
    transport: { send: () => {}, onFrame: () => {}, onLink: () => {}, close: () => Promise.resolve() },
    store: stores[id],
    clock,
    entropy: seededEntropy(`${id} ${lives}`),
    log: LOG,
    openMessenger,
  };
  const process =
    id === 'w'
      ? new WitnessProcess({
          ...common,
          records: { encode: encodeWitness, decode: decodeWitness },
          channel: { send: () => {} },
        })
      : new ReplicaProcess({
          ...common,
          law: composeLaw(loaded, lawStateCodec),
          sensors: {
            request: () => {},
            read: () => rig.sensors.map(() => 1),
            close: () => Promise.resolve(),
          },
          channel: { send: () => {}, sendTick: () => {} },
          onOrdered: (report) => {
            if (report.kind === 'status') quorums.set(id, report.status.quorum);
          },
        });
  processes.set(id, process);
  process.start();
}

function stop(id: 'a' | 'b'): void {
  (processes.get(id) as ReplicaProcess).halt();
  processes.delete(id);
  stores[id] = new HandStore(new Map(stores[id].durable));
}

function deliver(): void {
  for (const { from, to, message } of letters.splice(0)) {
    if (message.kind === 'command' && message.command.order.kind === 'output') {
      const { tick } = message.command;
      outputs.set(tick, [...(outputs.get(tick) ?? ''), from].sort().join(''));
    }
    if (message.kind === 'reply' && message.reply.kind === 'verdict') verdicts.push(message.reply.verdict);
    if (message.kind === 'answer' || message.kind === 'reply' || !processes.has(to as Id)) continue;
    seats.get(to as Id)?.events.onMessage(from, message, clock.nowUs());
  }
}

/** Lets time pass in steps of 2 ms; disks flush and messages arrive in each. */
function pass(us: number): void {
  for (const endUs = clock.nowUs() + us; clock.nowUs() < endUs;) {
    clock.moveTo(clock.nowUs() + 2_000);
    for (let turn = 0; turn < 4; turn += 1) {
      for (const id of IDS) stores[id].flush();
      deliver();
    }
  }
}

/** Asks every replica that is there, and tells what took effect. */
function submit(sequence: number, command: string, value: string): unknown {
  verdicts = [];
  const content = encodeContent({
    client: 'keeper',
    sequence,
    command,
    values: [value],
    rigDigest: DIGESTS.rig,
  });
  for (const id of ['a', 'b'] as const)
    if (processes.has(id))
      (processes.get(id) as ReplicaProcess).takeRequest('keeper', { kind: 'submit', content });
  pass(1_000_000);
  return verdicts.flatMap((one) => (one.kind === 'applied' ? [one.outcome] : []))[0];
}

/** Whose outputs the last ticks had, from the oldest on; empty for one without. */
function lastOutputs(count: number): string[] {
  const newest = Math.max(...outputs.keys());
  return Array.from({ length: count }, (_, at) => outputs.get(newest - count + 1 + at) ?? '');
}

const DONE = { kind: 'done' };

/** All three are started, both replicas with these records. */
function begin(records: ReadonlyMap<string, Uint8Array> = STAMP): void {
  const witness = encodeWitness({ kind: 'witness', incarnation: 1, promised: 0, change: null });
  stores = {
    a: new HandStore(records),
    b: new HandStore(records),
    w: new HandStore(new Map([['witness', witness]])),
  };
  for (const id of IDS) start(id);
  pass(3_000_000);
}

beforeEach(() => {
  clock = new HandClock();
  letters = [];
  seats = new Map();
  processes = new Map();
  quorums = new Map();
  outputs = new Map();
  verdicts = [];
  lives = 0;
});

test.each([
  ['b', 'a', 0b01],
  ['a', 'b', 0b10],
] as const)(
  '%s is retired, stopped and admitted again: the other orders in every tick',
  (retired, left, alone) => {
    begin();
    expect(quorums.get(left)).toBe(0b11);
    expect(lastOutputs(10)).toEqual(new Array(10).fill('ab'));
    const first = Math.max(...outputs.keys());
    expect(submit(1, 'retire', retired)).toEqual(DONE);
    expect(quorums.get(left)).toBe(alone);
    expect(lastOutputs(10)).toEqual(new Array(10).fill(left));
    stop(retired);
    pass(1_000_000);
    // Back, and of no more weight than before.
    start(retired);
    pass(2_000_000);
    expect(quorums.get(left)).toBe(alone);
    expect(lastOutputs(10)).toEqual(new Array(10).fill(left));
    expect(submit(2, 'admit', retired)).toEqual(DONE);
    pass(1_000_000);
    expect(quorums.get(left)).toBe(0b11);
    expect(lastOutputs(10)).toEqual(new Array(10).fill('ab'));
    const newest = Math.max(...outputs.keys());
    const missed = Array.from({ length: newest - first }, (_, at) => first + 1 + at).filter(
      (tick) => !outputs.has(tick),
    );
    expect(missed).toEqual([]);
  },
);

test('the last one is not retired, and the refusal says what to do', () => {
  begin();
  expect(submit(1, 'retire', 'b')).toEqual(DONE);
  expect(submit(2, 'retire', 'a')).toEqual({
    kind: 'refused',
    reason: 'every other replica is retired; admit one of them first',
  });
  expect(quorums.get('a')).toBe(0b01);
});

test('who is retired stays so when both have been started anew', () => {
  begin();
  expect(submit(1, 'retire', 'b')).toEqual(DONE);
  for (const id of ['a', 'b'] as const) stop(id);
  pass(500_000);
  for (const id of ['a', 'b'] as const) start(id);
  pass(5_000_000);
  expect(quorums.get('a')).toBe(0b01);
  expect(lastOutputs(10)).toEqual(new Array(10).fill('a'));
});

test('a snapshot tells who is retired', () => {
  begin(remember(0b10));
  expect(quorums.get('b')).toBe(0b10);
  expect(lastOutputs(10)).toEqual(new Array(10).fill('b'));
});

test('what commands have come to under another control law is refused, with what to do', () => {
  expect(() => begin(remember(0b11, new Uint8Array(32)))).toThrow(
    /^hand: it holds what commands have come to under another control law or rig file; run .* move the state folders of all/,
  );
});

test('who is retired does not stand in for the one that dies; that one goes on when it is back', () => {
  begin();
  expect(submit(1, 'retire', 'b')).toEqual(DONE);
  stop('a');
  pass(10_000);
  outputs.clear();
  pass(3_000_000);
  expect([...outputs]).toEqual([]);
  start('a');
  pass(3_000_000);
  expect(lastOutputs(10)).toEqual(new Array(10).fill('a'));
});
