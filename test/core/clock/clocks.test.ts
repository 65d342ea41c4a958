/** The parts of the round clock (protocol.md §6), each by itself; cases T1 to T4. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chooseMidpoint } from '../../../src/core/clock/midpoint.js';
import { exchangeReading, PeerClocks, readingErrorUs } from '../../../src/core/clock/peer-clocks.js';
import { acceptanceTarget, SignedStarts } from '../../../src/core/clock/signed-starts.js';
import { SlewedClock } from '../../../src/core/clock/slewed-clock.js';
import { boundSkewUs } from '../../../src/core/clock/skew-bound.js';

const reading = (offsetUs: number, errorUs = 0): { offsetUs: number; errorUs: number } => ({
  offsetUs,
  errorUs,
});

/** Times of day in µs. */
const time = (hours: number, minutes: number, seconds: number): number =>
  ((hours * 60 + minutes) * 60 + seconds) * 1_000_000;

describe('reading clocks', () => {
  test('T1: of three answers the one with the shortest round trip is used, ±10 ms (coulouris ex. 14.4)', () => {
    const clocks = new PeerClocks(2, 1_000_000);
    const server = [time(10, 54, 23.674), time(10, 54, 25.45), time(10, 54, 28.342)];
    // The client's clock shows so much less; questions and answers take as long, and the server answers at once.
    const aheadUs = time(10, 54, 0);
    [22_000, 25_000, 20_000].forEach((tripUs, at) => {
      const shownUs = server[at] as number;
      clocks.note(1, shownUs - aheadUs - tripUs / 2, shownUs, 0, shownUs - aheadUs + tripUs / 2);
    });
    const cameUs = 28_352_000;
    const read = clocks.read(1, cameUs);
    // The time that the client sets: the answer plus half the trip. What clocks drift in 20 ms comes to the error.
    expect(Math.abs((read?.offsetUs ?? 0) + cameUs - time(10, 54, 28.352))).toBeLessThan(1);
    expect(Math.abs((read?.errorUs ?? 0) - 10_000)).toBeLessThan(10);
    // With 8 ms at least one way, ±2 ms.
    expect(readingErrorUs(20_000, 8_000)).toBe(2_000);
  });

  test('T2: an NTP pair: offset +10.0125 s, delay 0.075 s (coulouris ex. 14.7)', () => {
    // i−3 … i: sent by B at 16:34:13.430 …; the message from A: 15.725 → 25.700.
    const { offsetUs, tripUs } = exchangeReading(13.43e6, 23.48e6, 25.7e6, 15.725e6);
    expect(offsetUs / 1e6).toBeCloseTo(10.0125, 6);
    expect(tripUs / 1e6).toBeCloseTo(0.075, 6);
    expect(tripUs / 2e6).toBeCloseTo(0.0375, 6);
  });

  test('the quickest message each way is believed, until it is too old', () => {
    const clocks = new PeerClocks(2, 10_000);
    // The peer is 1 s ahead. First there in 100 µs and back in 900, then the other way round.
    clocks.note(1, 0, 1_000_000 + 100, 0, 1_000);
    expect(clocks.read(1, 1_000)?.offsetUs).toBeCloseTo(1_000_000 - 400, 0);
    clocks.note(1, 10_000, 1_010_000 + 900, 0, 11_000);
    expect(clocks.read(1, 11_000)?.offsetUs).toBeCloseTo(1_000_000, 0);
    // As the first was sent 11 ms ago and the second has just come.
    expect(clocks.read(1, 11_000)?.errorUs).toBeCloseTo(100 + 11_000 * 400e-6, 6);
    expect(clocks.read(1, 645_000)?.errorUs).toBeGreaterThan(500);
    expect(clocks.read(1, 10_000_000)).toBeNull();
    expect(clocks.shortestTripUs(11_000)).toBe(1_000);
    expect(clocks.shortestTripUs(10_000_000)).toBe(0);
    expect(clocks.account(1)).toEqual({ shortestTripUs: 1_000, medianTripUs: 1_000, longestTripUs: 1_000 });
    expect(clocks.account(0)).toBeNull();
  });

  test('a reading is off by no more than it says, whatever messages take and however clocks drift', () => {
    const delays = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 0, max: 5_000 })),
      {
        minLength: 1,
        maxLength: 40,
      },
    );
    fc.assert(
      fc.property(delays, fc.integer({ min: -390, max: 390 }), (trips, ppm) => {
        const clocks = new PeerClocks(2, 10_000);
        const show = (ownUs: number): number => 5_000_000 + ownUs * (1 + ppm / 1e6);
        trips.forEach(([thereUs, backUs], at) => {
          const sentUs = at * 10_000;
          const gotUs = sentUs + thereUs;
          clocks.note(1, sentUs, show(gotUs), 0, gotUs + backUs);
        });
        const nowUs = trips.length * 10_000 + 3_000;
        const read = clocks.read(1, nowUs);
        expect(read).not.toBeNull();
        const offUs = Math.abs((read?.offsetUs ?? 0) - (show(nowUs) - nowUs));
        expect(offUs).toBeLessThanOrEqual((read?.errorUs ?? 0) + 1);
      }),
    );
  });

  test('of a clock that was set since, what it showed before is worth nothing', () => {
    const clocks = new PeerClocks(2, 10_000);
    clocks.note(1, 0, 1_000_000 + 100, 0, 200);
    clocks.note(1, 10_000, 1_510_000 + 300, 0, 10_600);
    expect(clocks.read(1, 10_600)?.offsetUs).toBeCloseTo(1_500_000, 0);
    clocks.note(1, 20_000, 1_020_000 + 300, 0, 20_600);
    expect(clocks.read(1, 20_600)?.offsetUs).toBeCloseTo(1_000_000, 0);
  });

  test('one way only says little, and says so', () => {
    const clocks = new PeerClocks(2, 10_000);
    clocks.noteOneWay(1, 5_000_000, 400);
    expect(clocks.read(1, 400)).toEqual({ offsetUs: 4_999_600, errorUs: 1_000_000 });
  });

  test('what no message can have brought about is refused; nothing throws, nothing becomes NaN', () => {
    const odd = fc.oneof(fc.constantFrom(NaN, Infinity, -Infinity, -1, 2 ** 60), fc.double(), fc.integer());
    const clocks = new PeerClocks(3, 10_000);
    fc.assert(
      fc.property(fc.integer({ min: -1, max: 4 }), odd, odd, odd, odd, (peer, sent, shown, held, came) => {
        clocks.note(peer, sent, shown, held, came);
        clocks.noteOneWay(peer, shown, came);
        for (const one of [0, 1, 2]) {
          const read = clocks.read(one, 0);
          if (read !== null) expect(Number.isNaN(read.offsetUs)).toBe(false);
        }
      }),
    );
    expect(clocks.refused).toBeGreaterThan(0);
  });
});

describe('slewing', () => {
  test('T3: a clock 4 s fast is corrected over 8 s and never runs back (coulouris ex. 14.2)', () => {
    const clock = new SlewedClock({ maxSlewPpm: 500_000, horizonUs: 8_000_000 });
    clock.set(0, 4_000_000);
    clock.steer(0, 0);
    let before = clock.read(0);
    for (let us = 10_000; us <= 8_000_000; us += 10_000) {
      const now = clock.read(us);
      expect(now).toBeGreaterThan(before);
      before = now;
    }
    expect(clock.read(8_000_000)).toBe(8_000_000);
  });

  test('it is strictly monotone and within its rate, however it is steered', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 50_000 }), fc.integer({ min: -1e9, max: 1e9 })), {
          maxLength: 50,
        }),
        (steps) => {
          const clock = new SlewedClock({ maxSlewPpm: 1_000, horizonUs: 100_000 });
          clock.set(0, 5_000_000);
          let ownUs = 0;
          for (const [waitUs, offsetUs] of steps) {
            const before = clock.read(ownUs);
            const later = clock.read(ownUs + waitUs);
            expect(later - before).toBeGreaterThanOrEqual(Math.floor(waitUs * 0.999) - 1);
            expect(later - before).toBeLessThanOrEqual(Math.ceil(waitUs * 1.001) + 1);
            ownUs += waitUs;
            clock.steer(ownUs, offsetUs);
            expect(Math.abs(clock.read(ownUs) - later)).toBeLessThanOrEqual(1);
            const dueUs = clock.ownAt(later + 12_345);
            expect(clock.read(dueUs)).toBeGreaterThanOrEqual(later + 12_345);
            expect(clock.read(dueUs - 2)).toBeLessThan(later + 12_345);
          }
        },
      ),
    );
  });
});

describe('the fault-tolerant midpoint', () => {
  test('without the f lowest and the f highest; an absent one is one of the f', () => {
    expect(chooseMidpoint([reading(0), reading(10), reading(20), reading(9_999)], 1)?.offsetUs).toBe(15);
    expect(chooseMidpoint([reading(0), reading(10), null, reading(20)], 1)?.offsetUs).toBe(10);
    expect(chooseMidpoint([reading(0), null, null, reading(20)], 1)).toBeNull();
    expect(chooseMidpoint([null, null], 0)).toBeNull();
  });

  test('crash rigs: of those present', () => {
    expect(chooseMidpoint([reading(0), null, reading(30)], 0)?.offsetUs).toBe(15);
  });

  test('it lies between readings of correct clocks, whatever f others say', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 }),
        fc.array(fc.integer({ min: -1_000, max: 1_000 }), { minLength: 5, maxLength: 5 }),
        fc.array(fc.integer(), { minLength: 2, maxLength: 2 }),
        (f, correct, lies) => {
          const honest = correct.slice(0, 2 * f + 1);
          const all = [...honest, ...lies.slice(0, f)].map((offsetUs) => reading(offsetUs));
          const { offsetUs } = chooseMidpoint(all, f) ?? { offsetUs: NaN };
          expect(offsetUs).toBeGreaterThanOrEqual(Math.min(...honest));
          expect(offsetUs).toBeLessThanOrEqual(Math.max(...honest));
        },
      ),
    );
  });
});

describe('signed starts', () => {
  test('f+1 distinct signers, the time of the last of them, once', () => {
    const starts = new SignedStarts(3, 1);
    expect(starts.note(7, 2, 100)).toBeNull();
    expect(starts.note(7, 2, 110)).toBeNull();
    expect(starts.note(7, 0, 120)).toBe(120);
    expect(starts.note(7, 1, 130)).toBeNull();
    expect(acceptanceTarget(7_000, 120, 30)).toBe(6_910);
  });

  test('ticks that are over, and signers that there are not, are nobody’s', () => {
    const starts = new SignedStarts(3, 1);
    starts.note(9, 0, 1);
    expect(starts.note(5, 1, 2)).toBeNull();
    expect(starts.note(9, 3, 3)).toBeNull();
    expect(starts.note(NaN, 1, 3)).toBeNull();
    expect(starts.note(9, 1, 4)).toBe(4);
  });
});

/**
 * Clocks alone, without replicas: each reads the others with an error of up to `errorUs` and makes for the midpoint. A
 * liar shows each of the others whatever draws it furthest away from the others.
 */
function simulateClocks(options: {
  readonly n: number;
  readonly f: number;
  readonly dropped: number;
  readonly ticks: number;
}): number {
  const { n, f, dropped, ticks } = options;
  const periodUs = 20_000;
  let seed = 7;
  const random = (): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  const correct = Array.from({ length: n - f }, (_, id) => ({
    clock: new SlewedClock({ maxSlewPpm: 1_000, horizonUs: 16 * periodUs }),
    rate: 1 + (id % 2 === 0 ? 200 : -200) / 1e6,
  }));
  const ownUs = (id: number, worldUs: number): number => worldUs * (correct[id]?.rate ?? 1);
  correct.forEach(({ clock }, id) => clock.set(0, id * 300));
  let largest = 0;
  for (let tick = 1; tick <= ticks; tick += 1) {
    const worldUs = tick * periodUs;
    const shown = correct.map(({ clock }, id) => clock.read(ownUs(id, worldUs)));
    const highest = Math.max(...shown);
    const lowest = Math.min(...shown);
    if (tick > 400) largest = Math.max(largest, highest - lowest);
    const middle = (highest + lowest) / 2;
    correct.forEach(({ clock }, id) => {
      const own = ownUs(id, worldUs);
      const readings = shown.map((us, other) =>
        reading(us - own + (other === id ? 0 : (random() - 0.5) * 2 * ERROR_US)),
      );
      // Whoever is ahead is drawn further ahead, and the others are held back.
      for (let liar = 0; liar < f; liar += 1)
        readings.push(reading((shown[id] as number) > middle ? highest + 1e6 - own : lowest - 1e6 - own));
      const midpoint = chooseMidpoint(readings, dropped);
      if (midpoint !== null) clock.steer(own, midpoint.offsetUs);
    });
  }
  return largest;
}

const ERROR_US = 200;

describe('T4: clocks with two-faced ones among them', () => {
  const boundUs = boundSkewUs({
    shortestDelayUs: 0,
    longestDelayUs: ERROR_US,
    driftPpm: 200,
    horizonUs: 16 * 20_000,
    method: 'midpoint',
  });

  test.each([
    [4, 1],
    [7, 2],
  ])('n = %d with %d of them: the skew of the others stays within the bound', (n, f) => {
    expect(simulateClocks({ n, f, dropped: f, ticks: 20_000 })).toBeLessThanOrEqual(boundUs);
  });

  test('n = 3 with one of them, and no signatures: nothing bounds it', () => {
    expect(simulateClocks({ n: 3, f: 1, dropped: 1, ticks: 20_000 })).toBeGreaterThan(10 * boundUs);
  });
});
