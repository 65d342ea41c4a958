/** The drive loop: what it does first when several things are due at once. */
import { beforeEach, expect, test } from 'vitest';
import type { ReplicaState, Report } from '../../src/core/replica.js';
import type { RoundMessage } from '../../src/core/types.js';
import type { Clock } from '../../src/ports.js';
import { ReplicaDrive, type ReplicaDriveParts } from '../../src/process/replica-drive.js';
import { decodeEntry, decodeState, digest, encodeEntry, encodeState, toBytes } from '../support/toy-codec.js';

const PERIOD = 50_000;
const ROUND = 20_000;
const GRACE = 10_000;

let nowUs: number;
let timers: { atUs: number; callback: () => void }[];
let drive: ReplicaDrive;
let begun: number[];
/** When each of them began, as was told. */
let begunUs: number[];
/** How long whoever is told of a report takes. */
let tellingUs: number;
let reports: Report[];
let sent: number;
/** Tick at whose beginning the replica is halted. */
let haltAt: number;

/** A clock whose timers fire only when a test says so: late, as timers are. */
const clock: Clock = {
  nowUs: () => nowUs,
  schedule: (atUs, callback) => {
    const timer = { atUs, callback };
    timers.push(timer);
    return () => {
      timers = timers.filter((one) => one !== timer);
    };
  },
};

function fireDue(): void {
  for (const timer of [...timers]) {
    if (timer.atUs > nowUs || !timers.includes(timer)) continue;
    timers = timers.filter((one) => one !== timer);
    timer.callback();
  }
}

function makeParts(): ReplicaDriveParts {
  return {
    config: {
      n: 4,
      self: 0,
      hypothesis: { kind: 'byzantine', f: 1, authenticators: 'mac' },
      periodUs: PERIOD,
      roundUs: ROUND,
      graceUs: GRACE,
      epochUs: 0,
      sensors: [],
      actuators: [],
      patienceTicks: 40,
      excludeAfterTicks: 5,
      maxSlewPpm: 1_000,
      nonce: new Uint8Array(16),
      initialLawState: toBytes('null'),
      encodeEntry,
      decodeEntry,
      encodeState,
      decodeState,
      digest,
      digestVector: () => new Uint8Array(16),
      law: (state) => ({ ok: true, state, counts: [] }),
    },
    clock,
    peers: {
      send: () => {
        sent += 1;
      },
    },
    commands: { send: () => {} },
    sensors: { request: () => {}, read: () => [], close: () => Promise.resolve() },
    readStatuses: () => [],
    onTick: (tick, _startTick, ownUs) => {
      begun.push(tick);
      begunUs.push(ownUs);
      if (tick === haltAt) drive.halt();
    },
    onReport: (report) => {
      reports.push(report);
      nowUs += tellingUs;
    },
  };
}

/** A drive whose replica knows the ticks of the others from birth: tick k starts at k·P. */
function alignedDrive(parts: ReplicaDriveParts): ReplicaDrive {
  const made = new ReplicaDrive(parts);
  (made as unknown as { state: ReplicaState }).state.aligned = true;
  return made;
}

beforeEach(() => {
  nowUs = 10;
  timers = [];
  begun = [];
  begunUs = [];
  tellingUs = 0;
  reports = [];
  sent = 0;
  haltAt = -1;
  drive = alignedDrive(makeParts());
  drive.start();
  // Tick 0 passes: nobody has been heard by the end of its first round.
  fireDue();
  nowUs = ROUND;
  fireDue();
  begun = [];
  begunUs = [];
  reports = [];
});

const say = (tick: number, round: number): RoundMessage => ({
  kind: 'round',
  tick,
  round,
  run: new Uint8Array(16),
  items: [],
});

test('a tick that is due begins before a message of it is looked at', () => {
  nowUs = PERIOD - 1;
  drive.receive(1, say(1, 1), nowUs);
  expect(begun).toEqual([]);
  nowUs = PERIOD + 300;
  drive.receive(2, say(1, 1), nowUs);
  expect(begun).toEqual([1]);
  fireDue();
  expect(begun).toEqual([1]);
});

test('a deadline that is due is noticed after a message that arrived within the grace', () => {
  nowUs = PERIOD;
  fireDue();
  for (const peer of [1, 2]) drive.receive(peer, say(1, 1), nowUs + 100);
  nowUs = PERIOD + ROUND + GRACE;
  drive.receive(3, say(1, 1), nowUs);
  fireDue();
  for (const peer of [1, 2]) drive.receive(peer, say(1, 2), nowUs + 100);
  nowUs = 2 * PERIOD;
  fireDue();
  expect(begun).toEqual([1, 2]);
  expect(reports.filter((report) => report.kind === 'absent' && report.tick === 1)).toEqual([
    { kind: 'absent', tick: 1, round: 2, peer: 3 },
  ]);
});

test('reports wait until the samples of the next tick are asked for, or for so many more', async () => {
  const lateOnes = (): number => reports.filter(({ kind }) => kind === 'late').length;
  nowUs = PERIOD + 1;
  fireDue();
  drive.receive(1, say(0, 1), nowUs);
  expect(lateOnes()).toBe(0);
  nowUs = 2 * PERIOD - 5_000;
  fireDue();
  expect(lateOnes()).toBe(1);
  for (let i = 0; i < 100; i += 1) drive.receive(1, say(0, 1), nowUs);
  expect(lateOnes()).toBeGreaterThan(30);
  await drive.stop();
  expect(lateOnes()).toBe(101);
});

test('what arrives from inside a send waits until everything of its input has been sent', () => {
  const rounds: number[] = [];
  const parts = makeParts();
  // A transport that hands over all that has come as soon as anything leaves.
  const eager: ReplicaDrive = alignedDrive({
    ...parts,
    peers: {
      send: (_, message) => {
        if (message.kind !== 'round') return;
        rounds.push(message.round);
        for (const peer of [1, 2, 3]) eager.receive(peer, say(message.tick, message.round), nowUs);
      },
    },
  });
  eager.reportLinked(1);
  eager.start();
  // Silent for some ticks, then it speaks.
  for (let tick = 1; rounds.length === 0 && tick < 10; tick += 1) {
    nowUs = tick * PERIOD;
    fireDue();
  }
  expect(rounds).toEqual([1, 1, 1, 2, 2, 2]);
});

test('a replica that stops begins no tick any more', async () => {
  await drive.stop();
  nowUs = PERIOD + 300;
  drive.receive(2, say(1, 1), nowUs);
  fireDue();
  expect(begun).toEqual([]);
});

test('a replica that is halted in the middle of a tick does nothing more, whatever comes', () => {
  nowUs = PERIOD;
  haltAt = 1;
  fireDue();
  expect(begun).toEqual([1]);
  expect(sent).toBe(0);
  expect(timers).toEqual([]);
  nowUs = 5 * PERIOD;
  drive.receive(1, say(5, 1), nowUs);
  drive.notice(1, 'malformed');
  drive.reportLinked(1);
  expect(begun).toEqual([1]);
  expect(timers).toEqual([]);
});

test('a tick begins when the drive woke for it, however long it takes to tell of the one before', () => {
  nowUs = PERIOD;
  fireDue();
  tellingUs = 700;
  reports = [];
  nowUs = 2 * PERIOD;
  fireDue();
  expect(reports.length).toBeGreaterThan(0);
  expect(nowUs).toBeGreaterThan(2 * PERIOD);
  expect(begunUs).toEqual([PERIOD, 2 * PERIOD]);
});
