/**
 * A witness between the two replicas of a rig, whose messages and flushes a test carries by hand: when it votes, what it says,
 * and what it says of it.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import type { PaxosMessage, PaxosStatus } from '../../src/core/paxos/types.js';
import type { Log } from '../../src/ports.js';
import type { MessengerEvents, RigMessage } from '../../src/process/messenger.js';
import { buildOrderConfig } from '../../src/process/order-config.js';
import { OrderDrive } from '../../src/process/order-drive.js';
import { recordCodec } from '../../src/process/order-records.js';
import type { Telemetry } from '../../src/process/telemetry.js';
import { WitnessProcess } from '../../src/process/witness-process.js';
import { loadRig } from '../../src/rig/load-rig.js';
import { decodeWitness, encodeWitness } from '../../src/store/witness-codec.js';
import { generateKeys, type PrincipalKeys } from '../../src/wire/keys.js';
import { deriveOrderLimits } from '../../src/wire/limits.js';
import { encodePaxosRecord, type PaxosLimits } from '../../src/wire/paxos-codec.js';
import { HandClock } from '../support/hand-clock.js';
import { HandStore } from '../support/hand-store.js';
import { seededEntropy } from '../wire/make-rig.js';

const { rig } = await loadRig('hardware/rigs/valve-witness');
const LIMITS = deriveOrderLimits(rig) as PaxosLimits;
const IDS = ['a', 'b', 'w'] as const;
type Id = (typeof IDS)[number];

const STAMP = new Map([['stamp', encodePaxosRecord({ kind: 'stamp', incarnation: 1, since: 0 })]]);
const FRESH = new Map([
  ['witness', encodeWitness({ kind: 'witness', incarnation: 1, promised: 0, change: null })],
]);

interface Letter {
  readonly from: Id;
  readonly to: Id;
  readonly messages: readonly PaxosMessage[];
}

let clock: HandClock;
let letters: Letter[];
let told: Telemetry[];
let stores: Record<Id, HandStore>;
let replicas: Map<Id, OrderDrive>;
let statuses: Map<Id, PaxosStatus>;
let witness: WitnessProcess;
let arrive: MessengerEvents['onMessage'];
let refusals: string[];
let turns: string[];
/** Devices of which nothing comes and to which nothing goes. */
let cut: Set<Id>;

function startReplica(id: 'a' | 'b'): void {
  const drive = new OrderDrive({
    config: buildOrderConfig(rig, IDS.indexOf(id), new Uint8Array(16).fill(1)),
    clock,
    store: stores[id],
    records: recordCodec(LIMITS),
    send: (to, messages) => letters.push({ from: id, to: IDS[to] as Id, messages }),
    onChosen: () => {},
    onInstall: () => {},
    canRead: () => true,
    takeSnapshot: () => new Uint8Array(0),
    onAnswer: () => {},
    onStatus: (status) => statuses.set(id, status),
    onStoreRefusal: ({ message }) => {
      throw new Error(message);
    },
  });
  replicas.set(id, drive);
  drive.start();
}

const LOG: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function startWitness(): void {
  const keys = generateKeys(rig, seededEntropy('keys')).find(({ principal }) => principal === 'w');
  witness = new WitnessProcess({
    rig,
    id: 'w',
    keys: keys as PrincipalKeys,
    digests: { rig: new Uint8Array(32), law: new Uint8Array(32), arithmetic: new Uint8Array(32) },
    transport: {
      send: () => {},
      onFrame: () => {},
      onLink: () => {},
      close: () => Promise.resolve(),
    },
    store: stores.w,
    records: { encode: encodeWitness, decode: decodeWitness },
    clock,
    entropy: seededEntropy('witness'),
    log: LOG,
    channel: { send: (message) => told.push(message) },
    openMessenger: ({ events }) => {
      arrive = events.onMessage;
      return {
        start: () => {},
        stop: () => {},
        send: (to, message: RigMessage) => {
          if (message.kind !== 'order') throw new Error(`a witness says no ${message.kind}`);
          letters.push({ from: 'w', to: to as Id, messages: message.messages });
          return true;
        },
        prepare: () => {},
        sendPayload: () => true,
        isEstablished: () => true,
        renewKeys: () => {},
        countRefused: (from, cause) => refusals.push(`${from} ${cause}`),
        readRefused: () => ({}),
      };
    },
    onTurn: (doing) => turns.push(doing),
  });
  witness.start();
}

function deliver(): void {
  for (const { from, to, messages } of letters.splice(0)) {
    if (cut.has(from) || cut.has(to)) continue;
    if (to === 'w') arrive(from, { kind: 'order', messages }, clock.nowUs());
    else replicas.get(to)?.receive(IDS.indexOf(from), messages, clock.nowUs());
  }
}

/** Lets time pass in steps of 5 ms; disks flush and messages arrive in each. */
function pass(us: number, isFlushing: (id: Id) => boolean = () => true): void {
  for (const endUs = clock.nowUs() + us; clock.nowUs() < endUs;) {
    clock.moveTo(Math.min(endUs, clock.nowUs() + 5_000));
    for (let round = 0; round < 4; round += 1) {
      for (const id of IDS) if (isFlushing(id)) stores[id].flush();
      deliver();
    }
  }
}

function texts(kind: 'event' | 'quorum'): string[] {
  return told.flatMap((one) => (one.kind === kind ? [one.text] : []));
}

function start(loaded: ReadonlyMap<string, Uint8Array> | null = FRESH): void {
  stores = { a: new HandStore(STAMP), b: new HandStore(STAMP), w: new HandStore(loaded) };
  startReplica('a');
  startReplica('b');
  startWitness();
}

beforeEach(() => {
  clock = new HandClock();
  letters = [];
  told = [];
  replicas = new Map();
  statuses = new Map();
  refusals = [];
  turns = [];
  cut = new Set();
});

describe('a witness', () => {
  test('is asked nothing while both replicas are there, but for the promise of the first leader', () => {
    start();
    pass(1_000_000);
    expect(statuses.get('a')?.role).toBe('leads');
    const { writes } = stores.w;
    pass(5_000_000);
    expect(stores.w.writes).toBe(writes);
    expect(texts('quorum')).toEqual([]);
    expect(texts('event')).toEqual(['witness w hears a', 'witness w hears b']);
    expect(turns.at(-1)).toBe('votes, as incarnation 1');
  });

  test.each([
    ['a', 'b', 2],
    ['b', 'a', 1],
  ] as const)(
    'when %s is gone it votes for the other alone, within the time that check promises, and for both when it is back',
    (gone, left, members) => {
      start();
      pass(1_000_000);
      cut.add(gone);
      const before = stores.w.writes;
      pass(305_000);
      expect(statuses.get(left)?.quorum).toBe(members);
      expect(texts('quorum')).toEqual([
        expect.stringMatching(
          new RegExp(`^${left} alone is the operational quorum from slot \\d+ on, without ${gone}$`),
        ),
      ]);
      // The change, and where the leader is gone the promise to the next one.
      expect(stores.w.writes - before).toBe(gone === 'a' ? 2 : 1);
      pass(1_000_000);
      expect(texts('event').at(-1)).toBe(`witness w hears nothing of ${gone} any more`);
      cut.delete(gone);
      pass(1_000_000);
      expect(statuses.get(left)?.quorum).toBe(3);
      expect(texts('quorum').at(-1)).toMatch(/^a and b are the operational quorum from slot \d+ on$/);
      expect(told.findLast((one) => one.kind === 'quorum')).toMatchObject({ id: 'w', quorum: ['a', 'b'] });
    },
  );

  test('says nothing of a vote, to anybody, before its disk has it', () => {
    start();
    pass(1_000_000);
    cut.add('b');
    pass(2_000_000, (id) => id !== 'w');
    expect(stores.w.waiting).toHaveLength(1);
    expect(statuses.get('a')?.quorum).toBe(3);
    expect(texts('quorum')).toEqual([]);
    pass(50_000);
    expect(statuses.get('a')?.quorum).toBe(1);
    expect(texts('quorum')).toHaveLength(1);
  });

  test('remembers its vote: the one that was left out waits for the one that went on alone (Fig. 13)', async () => {
    start();
    pass(1_000_000);
    cut.add('a');
    pass(1_000_000);
    expect(statuses.get('b')?.quorum).toBe(2);
    cut.add('b');
    await witness.stop();
    stores.w = new HandStore(stores.w.durable);
    startWitness();
    cut.delete('a');
    pass(2_000_000);
    expect(statuses.get('a')?.waits).toEqual({ for: 2, why: 'operational-quorum' });
    cut.delete('b');
    pass(1_000_000);
    expect(statuses.get('a')?.waits).toBeNull();
    expect(statuses.get('b')?.quorum).toBe(3);
  });

  test('of a new rig votes as soon as its replicas are new as well', () => {
    start(null);
    pass(100_000);
    expect(texts('event')).toContainEqual(expect.stringMatching(/^witness w: this rig is new/));
    expect(stores.w.provisioned).toBe(1);
    expect(turns.at(-1)).toBe('votes, as incarnation 1');
  });

  test('that has lost its memory says so, and votes again when the others have chosen it anew', async () => {
    start();
    pass(1_000_000);
    await witness.stop();
    stores.w = new HandStore(null);
    startWitness();
    expect(turns.at(-1)).toBe('waits for its replicas');
    pass(50_000);
    expect(turns.at(-1)).toBe('remembers nothing, and waits');
    pass(1_000_000);
    expect(texts('event').at(-1)).toMatch(
      /^witness w: its store in hand was empty, and the others have admitted it as incarnation 2/,
    );
    expect(turns.at(-1)).toBe('votes, as incarnation 2');
    // The next leader's ballot is of another range, and the record holds it.
    cut.add('a');
    pass(1_000_000);
    const ballot = statuses.get('b')?.ballot;
    expect(ballot).toBeGreaterThan(2 ** 32);
    expect(statuses.get('b')?.quorum).toBe(2);
    const record = decodeWitness(stores.w.durable.get('witness') as Uint8Array);
    expect(record).toMatchObject({ incarnation: 2, promised: ballot, change: { ballot, quorum: 2 } });
  });

  test('whose disk takes nothing says so and votes no more', () => {
    start();
    pass(1_000_000);
    stores.w.refusal = { code: 'disk-full', message: '/state: the disk is full; make room' };
    cut.add('b');
    pass(1_000_000);
    expect(texts('event')).toContainEqual(
      expect.stringMatching(/^witness w: its store takes nothing more: \/state: the disk is full; make room/),
    );
    expect(texts('quorum')).toEqual([]);
    expect(statuses.get('a')?.quorum).toBe(3);
    expect(turns.at(-1)).toBe('votes no more: its store takes nothing');
  });

  test('has nothing to do with what replicas say to others', () => {
    start();
    arrive('valve', { kind: 'order', messages: [] }, 0);
    arrive('a', { kind: 'control', request: { sequence: 1, text: 'crash' } }, 0);
    expect(refusals).toEqual(['valve wrong-purpose', 'a wrong-purpose']);
  });
});
