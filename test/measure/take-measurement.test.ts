/** A measurement of meters that answer as replicas do, in virtual time. */
import { beforeEach, expect, test } from 'vitest';
import { takeMeasurement, type Measurement } from '../../src/measure/take-measurement.js';
import { LinkMeter } from '../../src/process/link-meter.js';
import { makeRecord } from '../demo/flight-maker.js';
import type { TickRecord } from '../../src/process/telemetry.js';

const PERIOD = 50_000;
const IDS = ['a', 'b', 'c'] as const;

/** What differs from the record of an ordinary tick. */
const CHANGES: Partial<TickRecord> = {
  firstSendUs: null,
  agreedUs: null,
  foreseenUs: null,
  foreseen: null,
  startUs: null,
  startLatenessUs: 300,
  clockOffsetUs: 40,
  skewBoundUs: 500,
};

let meters: LinkMeter[];
let tick: number;
/** Whether this replica says something in this tick, and whether that comes to another. */
let speaks: (id: number, tick: number) => boolean;
let comes: (from: number, to: number, tick: number) => boolean;
let delayUs: (from: number, to: number) => number;
/** Replicas that do not answer, and what they say in place of an answer. */
let silent: Set<string>;
let asked: string[];

function boot(self: number): LinkMeter {
  return new LinkMeter({
    rig: { replicas: IDS.map((id) => ({ id })) as never, periodUs: PERIOD },
    self,
    readTrips: () => null,
  });
}

beforeEach(() => {
  meters = IDS.map((_, self) => boot(self));
  tick = 0;
  speaks = () => true;
  comes = () => true;
  delayUs = () => 700;
  silent = new Set();
  asked = [];
  live(40);
});

function live(ticks: number): void {
  for (const end = tick + ticks; tick < end; tick += 1) {
    meters.forEach((meter, from) => {
      if (!speaks(from, tick)) return;
      meter.noteSent(tick);
      meters.forEach((other, to) => {
        if (from === to || !comes(from, to, tick)) return;
        const atUs = tick * PERIOD + 300 + delayUs(from, to);
        other.noteArrival(from, tick, 300, atUs, atUs);
      });
    });
    meters.forEach((meter) => {
      meter.noteCommanded(tick * PERIOD + 3_000);
      meter.noteRecord(makeRecord(tick, { ...CHANGES, agreedUs: tick * PERIOD + 2_500 }));
    });
  }
}

function measure(onWait: (waits: number) => void = () => {}): Promise<Measurement> {
  let waits = 0;
  return takeMeasurement({
    replicas: IDS,
    periodUs: PERIOD,
    forUs: 5_000_000,
    ask: (id, text) => {
      asked.push(`${id}: ${text}`);
      return Promise.resolve(
        silent.has(id)
          ? { ok: false, text: `no answer from replica ${id}` }
          : (meters[IDS.indexOf(id as 'a')] as LinkMeter).answer(text),
      );
    },
    wait: (us) => {
      waits += 1;
      live(us / PERIOD);
      onWait(waits);
      return Promise.resolve();
    },
  });
}

test('every link and replica, by what came while it was measured', async () => {
  delayUs = (from, to) => (from === 0 && to === 2 ? 9_000 : 700);
  const { replicas, links, unanswered } = await measure();
  expect(unanswered).toEqual([]);
  expect(replicas.map(({ id, ticks, mode }) => [id, ticks, mode])).toEqual(
    IDS.map((id) => [id, 100, 'running']),
  );
  expect(replicas[0]).toMatchObject({
    start: { count: 100, p50Us: 320 },
    processing: { count: 100, p50Us: 512 },
    offset: { p99Us: 48 },
    skew: { p99Us: 512 },
  });
  expect(links.map(({ from, to, delay }) => `${from}>${to} ${delay.count} ${delay.maxUs}`)).toEqual([
    ...['b>a 100 704', 'c>a 100 704'],
    ...['a>b 100 704', 'c>b 100 704'],
    ...['a>c 100 9216', 'b>c 100 704'],
  ]);
  expect(links[4]?.arrival).toMatchObject({ count: 100, maxUs: 10_240 });
});

test('what was lost is counted, and not what its sender kept to itself', async () => {
  speaks = (id, now) => id !== 1 || now % 10 !== 0;
  comes = (from, to, now) => from !== 0 || to !== 1 || now % 25 !== 3;
  const { replicas, links } = await measure();
  expect(replicas[1]).toMatchObject({ ticks: 100, unspoken: 10 });
  const lost = links.filter(({ lost: many }) => many > 0);
  expect(lost).toMatchObject([{ from: 'a', to: 'b', expected: 100, lost: 4 }]);
});

test('senders are asked around receivers: a silence at the edge is not lost', async () => {
  // The last tick before the receivers are first asked: its gap shows in the next.
  speaks = (id, now) => id !== 1 || now !== 45;
  const { links } = await measure();
  expect(links.filter(({ from }) => from === 'b')).toMatchObject([{ lost: 0 }, { lost: 0 }]);
});

test('who does not answer is told, at whatever point, and asked no more', async () => {
  silent.add('a');
  const { replicas, links, unanswered } = await measure((waits) => {
    if (waits === 2) silent.add('c');
  });
  expect(unanswered).toEqual([
    { id: 'a', why: 'no answer from replica a' },
    { id: 'c', why: 'no answer from replica c' },
  ]);
  expect(replicas.map(({ id }) => id)).toEqual(['b']);
  expect(links.map(({ from, to }) => `${from}>${to}`)).toEqual(['a>b', 'c>b']);
  expect(asked.filter((text) => text.startsWith('a'))).toEqual(['a: measure 1 counters']);
});

test('nobody answers: nobody is waited for', async () => {
  for (const id of IDS) silent.add(id);
  let waited = false;
  const { unanswered } = await measure(() => {
    waited = true;
  });
  expect(unanswered.map(({ id }) => id)).toEqual([...IDS]);
  expect(waited).toBe(false);
});

test('a replica that was started anew meanwhile has counted another time', async () => {
  const { unanswered } = await measure((waits) => {
    if (waits !== 2) return;
    meters[2] = boot(2);
    live(60);
  });
  expect(unanswered).toEqual([{ id: 'c', why: 'it was started anew meanwhile; measure again' }]);
});

test('what makes no sense is no answer', async () => {
  (meters[1] as LinkMeter).answer = () => ({ ok: true, text: 'b: lie on b from tick 7' });
  const { unanswered } = await measure();
  expect(unanswered).toEqual([{ id: 'b', why: 'its answer makes no sense; see that it runs this version' }]);
});
