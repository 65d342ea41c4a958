/** The drive loop of Simplified Paxos: what it holds back, what it lets go, and what becomes of requests meanwhile. */
import { beforeEach, describe, expect, test } from 'vitest';
import { PAXOS_DEFAULTS } from '../../src/core/paxos/defaults.js';
import type {
  Entry,
  Outcome,
  PaxosConfig,
  PaxosMessage,
  PaxosStatus,
  Request,
  Slot,
} from '../../src/core/paxos/types.js';
import type { StoreRefusal } from '../../src/ports.js';
import { OrderDrive, type OrderDriveParts } from '../../src/process/order-drive.js';
import { OrderStoreError, recordCodec } from '../../src/process/order-records.js';
import { KEPT_REQUESTS, REQUEST_AGE_US } from '../../src/process/open-requests.js';
import { encodePaxosRecord, type PaxosLimits } from '../../src/wire/paxos-codec.js';
import { HandClock } from '../support/hand-clock.js';
import { HandStore } from '../support/hand-store.js';

const LIMITS: PaxosLimits = {
  n: 3,
  windowSlots: 8,
  batchSlots: 8,
  maxValueBytes: 64,
  maxClients: 4,
  answersPerClient: 8,
  maxStateBytes: 256,
};

const STAMP = new Map([['stamp', encodePaxosRecord({ kind: 'stamp', incarnation: 1, since: 0 })]]);
const REFUSAL: StoreRefusal = { code: 'io-error', message: 'the disk answers EIO' };

interface Sent {
  readonly to: number;
  readonly message: PaxosMessage;
}

interface Told {
  readonly client: string;
  readonly sequence: number;
  readonly outcome: Outcome;
}

/** One device, whose messages a test carries by hand. */
class Device {
  readonly sent: Sent[] = [];
  /** How often messages left. */
  frames = 0;
  /** Kinds of all that it ever sent. */
  readonly said = new Set<PaxosMessage['kind']>();
  readonly chosen: { readonly slot: Slot; readonly entry: Entry; readonly executes: boolean }[] = [];
  readonly told: Told[] = [];
  readonly statuses: PaxosStatus[] = [];
  readonly refusals: StoreRefusal[] = [];
  readonly installed: Slot[] = [];
  /** How many had been told whenever all that could leave had left. */
  readonly toldBy: number[] = [];
  readonly drive: OrderDrive;

  constructor(
    readonly self: number,
    readonly clock: HandClock,
    readonly store: HandStore,
    overrides: Partial<PaxosConfig> = {},
    more: Partial<OrderDriveParts> = {},
  ) {
    const config: PaxosConfig = {
      ...PAXOS_DEFAULTS,
      ...LIMITS,
      self,
      witness: null,
      nonce: new Uint8Array(16).fill(self + 1),
      beatUs: 20_000,
      digestEntries: () => new Uint8Array(0),
      ...overrides,
    };
    this.drive = new OrderDrive({
      config,
      clock,
      store,
      records: recordCodec(LIMITS),
      send: (to, messages) => {
        this.frames += 1;
        for (const message of messages) {
          this.sent.push({ to, message });
          this.said.add(message.kind);
        }
      },
      onChosen: (slot, entry, executes) => this.chosen.push({ slot, entry, executes }),
      onInstall: ({ slot }) => this.installed.push(slot),
      canRead: () => true,
      takeSnapshot: (slot) => Uint8Array.of(slot),
      onAnswer: (client, sequence, outcome) => this.told.push({ client, sequence, outcome }),
      onReleased: () => this.toldBy.push(this.told.length),
      onStatus: (status) => this.statuses.push(status),
      onStoreRefusal: (refusal) => this.refusals.push(refusal),
      ...more,
    });
  }

  get role(): string | undefined {
    return this.statuses.at(-1)?.role;
  }

  take(kind: PaxosMessage['kind']): Sent[] {
    return this.sent.filter(({ message }) => message.kind === kind);
  }
}

let clock: HandClock;
let devices: Device[];
/** Devices whose messages are lost. */
let dead: Set<number>;

const request = (sequence: number, client = 'op'): Request => ({
  client,
  sequence,
  value: Uint8Array.of(sequence),
});

function boot(self: number, loaded: ReadonlyMap<string, Uint8Array> | null = STAMP): Device {
  const device = new Device(self, clock, new HandStore(loaded));
  devices[self] = device;
  device.drive.start();
  return device;
}

/** Delivers and flushes until nothing is left to. */
function settle(): void {
  for (;;) {
    for (const device of devices) if (!dead.has(device.self)) device.store.flush();
    const sent = devices.flatMap(({ self, sent }) => sent.splice(0).map((one) => ({ from: self, ...one })));
    if (sent.length === 0) return;
    for (const { from, to, message } of sent)
      if (!dead.has(from) && !dead.has(to)) devices[to]?.drive.receive(from, [message], clock.nowUs());
  }
}

/** Lets time pass in steps of 5 ms. */
function pass(us: number): void {
  const endUs = clock.nowUs() + us;
  while (clock.nowUs() < endUs) {
    clock.moveTo(Math.min(endUs, clock.nowUs() + 5_000));
    settle();
  }
}

function untilLeader(): Device {
  for (let tries = 0; tries < 200; tries += 1) {
    const leader = devices.find((device) => !dead.has(device.self) && device.role === 'leads');
    if (leader !== undefined) return leader;
    pass(5_000);
  }
  throw new Error('nobody leads');
}

beforeEach(() => {
  clock = new HandClock();
  devices = [];
  dead = new Set();
});

describe('with three devices', () => {
  beforeEach(() => {
    for (const self of [0, 1, 2]) boot(self);
  });

  test('a proposal leaves while the store writes; the vote for it follows when it is durable, and not before', () => {
    const leader = untilLeader();
    settle();
    leader.drive.request(request(1));
    expect(leader.take('propose')).toMatchObject([
      { to: 1, message: { slot: 1, hasVote: false } },
      { to: 2, message: { slot: 1, hasVote: false } },
    ]);
    expect(leader.take('vote')).toEqual([]);
    expect(leader.store.waiting).toHaveLength(1);
    leader.store.flush();
    expect(leader.take('vote')).toMatchObject([
      { to: 1, message: { from: 1, slot: 1 } },
      { to: 2, message: { from: 1, slot: 1 } },
    ]);
  });

  test('what comes while the store writes is taken, written together next, and leaves together and in order', () => {
    const leader = untilLeader();
    settle();
    leader.frames = 0;
    for (const sequence of [1, 2, 3]) leader.drive.request(request(sequence));
    const votesTo = (peer: number): readonly Slot[] =>
      leader
        .take('vote')
        .flatMap(({ to, message }) => (to === peer && message.kind === 'vote' ? [message.slot] : []));
    expect(leader.take('propose')).toHaveLength(6);
    leader.frames = 0;
    expect(leader.store.waiting).toHaveLength(1);
    leader.store.flush();
    expect(votesTo(1)).toEqual([1]);
    expect(leader.store.waiting).toHaveLength(1);
    leader.store.flush();
    expect(votesTo(1)).toEqual([1, 2, 3]);
    expect(votesTo(2)).toEqual([1, 2, 3]);
    expect(leader.frames).toBe(4);
    expect(leader.store.waiting).toEqual([]);
  });

  test('the follower whose vote completes the pair answers, when its own vote is durable', () => {
    const leader = untilLeader();
    settle();
    leader.drive.request(request(1));
    leader.store.flush();
    const [proposal] = leader.take('propose');
    const [vote] = leader.take('vote');
    const follower = devices[1];
    if (proposal === undefined || vote === undefined || follower === undefined)
      throw new Error('nothing was proposed');
    follower.drive.receive(leader.self, [proposal.message, vote.message], clock.nowUs());
    expect(follower.told).toEqual([]);
    expect(follower.chosen).toEqual([]);
    expect(follower.drive.readPrefix()).toBe(0);
    expect(follower.toldBy.at(-1)).toBe(0);
    follower.store.flush();
    expect(follower.toldBy.at(-1)).toBe(1);
    expect(follower.told).toEqual([{ client: 'op', sequence: 1, outcome: { kind: 'chosen', slot: 1 } }]);
    expect(follower.chosen.map(({ slot, executes }) => ({ slot, executes }))).toEqual([
      { slot: 1, executes: true },
    ]);
    expect(follower.drive.readPrefix()).toBe(1);
  });

  test('what only the dead leader was to order is ordered by the next, from what clients gave it', () => {
    const leader = untilLeader();
    settle();
    dead.add(leader.self);
    for (const device of devices) device.drive.request(request(1));
    const before = clock.nowUs();
    const survivors = devices.filter(({ self }) => self !== leader.self);
    while (!survivors.some(({ told }) => told.length > 0)) pass(5_000);
    expect(clock.nowUs() - before).toBeLessThan(300_000);
    pass(100_000);
    for (const { told, chosen } of survivors) {
      expect(
        chosen.flatMap(({ entry }) => (entry.kind === 'command' ? [entry.request.sequence] : [])),
      ).toEqual([1]);
      for (const { outcome } of told) expect(outcome.kind).toBe('chosen');
    }
  });

  test.each([
    ['an order that nobody asks for any more is not', REQUEST_AGE_US + 100_000, []],
    ['an order that was asked for a moment ago is', REQUEST_AGE_US - 500_000, [1]],
  ])('%s carried out when somebody leads at last', (_, waitedUs, expected) => {
    const leader = untilLeader();
    for (const { self } of devices) if (self !== leader.self) dead.add(self);
    pass(500_000);
    expect(leader.role).not.toBe('leads');
    leader.drive.request(request(1));
    pass(waitedUs);
    dead.clear();
    expect(untilLeader().self).toBe(leader.self);
    pass(400_000);
    const sequences = leader.chosen.flatMap(({ entry }) =>
      entry.kind === 'command' ? [entry.request.sequence] : [],
    );
    expect(sequences).toEqual(expected);
  });

  test('a client with as many open requests as it may have is told to wait with the next', () => {
    for (const { self } of devices) if (self !== 2) dead.add(self);
    pass(500_000);
    const [, , alone] = devices;
    alone?.told.splice(0);
    for (let sequence = 1; sequence <= KEPT_REQUESTS + 1; sequence += 1)
      alone?.drive.request(request(sequence));
    expect(alone?.told.at(-1)).toEqual({
      client: 'op',
      sequence: KEPT_REQUESTS + 1,
      outcome: { kind: 'busy' },
    });
    // The others hear for whom the order of commands waits.
    expect(alone?.told.slice(0, -1).map(({ outcome }) => outcome)).toEqual(
      Array.from({ length: KEPT_REQUESTS }, () => ({ kind: 'waits', for: 0b011 })),
    );
  });

  test('a device whose store refuses says nothing that rests on it, and learns on without a voice', () => {
    const leader = untilLeader();
    settle();
    const muted = devices[1] as Device;
    leader.drive.request(request(1));
    leader.store.flush();
    for (const { to, message } of leader.sent.splice(0))
      devices[to]?.drive.receive(leader.self, [message], clock.nowUs());
    muted.sent.splice(0);
    muted.said.clear();
    muted.store.refusal = REFUSAL;
    muted.store.flush();
    expect(muted.refusals).toEqual([REFUSAL]);
    expect(muted.told).toEqual([]);
    const { writes } = muted.store;
    pass(200_000);
    leader.drive.request(request(2));
    pass(200_000);
    expect(muted.said).toEqual(new Set(['fetch']));
    expect(muted.chosen.map(({ slot }) => slot)).toEqual([1, 2]);
    expect(muted.store.writes).toBe(writes);
    expect(muted.refusals).toHaveLength(1);
  });

  test('with a device whose store refuses the others go on, and are no fewer than they must be', () => {
    const [first] = devices as [Device];
    first.store.refusal = REFUSAL;
    const leader = untilLeader();
    expect(leader.self).toBe(1);
    leader.drive.request(request(1));
    pass(200_000);
    expect(leader.drive.readPrefix()).toBe(1);
    dead.add(2);
    pass(500_000);
    leader.drive.request(request(2));
    pass(500_000);
    expect(leader.drive.readPrefix()).toBe(1);
    expect(leader.told.at(-1)?.outcome).toEqual({ kind: 'waits', for: 0b101 });
  });

  test('an empty store asks for admission, and is made when the others have chosen it anew', () => {
    const leader = untilLeader();
    leader.drive.request(request(1));
    pass(100_000);
    devices[2]?.drive.halt();
    const again = boot(2, null);
    pass(20_000);
    expect(again.role).toBe('amnesiac');
    pass(500_000);
    expect(again.store.provisioned).toBe(1);
    expect(again.role).toBe('follows');
    expect(again.statuses.at(-1)?.incarnation).toBe(2);
    expect(again.store.durable.has('stamp')).toBe(true);
    // What it begins with is whole: it recovers from it as what it was admitted as.
    again.drive.halt();
    const third = boot(2, new Map(again.store.durable));
    pass(20_000);
    expect(third.statuses.at(-1)?.incarnation).toBe(2);
    expect(third.chosen.map(({ slot }) => slot)).toEqual([1, 2]);
  });
});

test('records that a snapshot holds are forgotten in the write that brings it', () => {
  for (const self of [0, 1, 2]) {
    const device = new Device(self, clock, new HandStore(STAMP), { snapshotSlots: 3 });
    devices[self] = device;
    device.drive.start();
  }
  const leader = untilLeader();
  for (const sequence of [1, 2, 3, 4]) {
    leader.drive.request(request(sequence));
    pass(30_000);
  }
  pass(600_000);
  const keys = [...leader.store.durable.keys()].filter((key) => key.startsWith('slot'));
  expect(leader.store.durable.has('snapshot')).toBe(true);
  expect(keys).toEqual(['slot-4']);
});

test('a halted device takes nothing in and lets nothing out', () => {
  for (const self of [0, 1, 2]) boot(self);
  const leader = untilLeader();
  settle();
  leader.drive.request(request(1));
  const before = leader.sent.length;
  leader.drive.halt();
  leader.store.flush();
  leader.drive.request(request(2));
  clock.moveTo(clock.nowUs() + 100_000);
  expect(leader.sent).toHaveLength(before);
  expect(leader.store.waiting).toEqual([]);
});

test('to stop is to have written what is known', async () => {
  for (const self of [0, 1, 2]) boot(self);
  const leader = untilLeader();
  leader.drive.request(request(1));
  pass(100_000);
  expect(leader.drive.readPrefix()).toBe(1);
  expect(leader.store.durable.has('prefix')).toBe(false);
  let isOver = false;
  const stopped = leader.drive.stop().then(() => {
    isOver = true;
  });
  await Promise.resolve();
  expect(isOver).toBe(false);
  leader.store.flush();
  await stopped;
  expect(leader.store.durable.get('prefix')).toEqual(encodePaxosRecord({ kind: 'prefix', slot: 1 }));
});

test('nothing is said in a store that is opened again before what an earlier life wrote is durable', () => {
  const store = new HandStore(STAMP);
  const device = new Device(0, clock, store, {}, { isReopened: true });
  device.drive.start();
  clock.moveTo(25_000);
  expect(device.sent).toEqual([]);
  store.flush();
  expect(device.take('beat').map(({ to }) => to)).toEqual([1, 2]);
});

test('a vote for another operational quorum is told before it leaves, and again by whoever remembers it alone', () => {
  const voted: Slot[] = [];
  const witnessed = { witness: 2 };
  const more = { onVotedForQuorum: (slot: Slot) => void voted.push(slot) };
  const store = new HandStore(STAMP);
  const device = new Device(1, clock, store, witnessed, more);
  device.drive.start();
  const entry: Entry = { kind: 'quorum', members: 0b01 };
  device.drive.receive(
    0,
    [{ kind: 'propose', incarnation: 1, ballot: 3, slot: 2, entry, prefix: 1, hasVote: true }],
    clock.nowUs(),
  );
  expect(voted).toEqual([2]);
  expect(store.waiting).toHaveLength(1);
  store.flush();
  device.drive.halt();
  const again = new Device(1, clock, new HandStore(new Map(store.durable)), witnessed, more);
  again.drive.start();
  expect(voted).toEqual([2, 2]);
});

test('a record that cannot be read is refused, with the place and what to do', () => {
  const store = new HandStore(new Map([...STAMP, ['slot-1', Uint8Array.of(0xff)]]));
  expect(() => new Device(0, clock, store)).toThrow(OrderStoreError);
  expect(() => new Device(0, clock, store)).toThrow(/^hand: the record "slot-1" .*move the folder away/);
});
