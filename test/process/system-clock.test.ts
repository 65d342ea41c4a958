/** The machine's clock as a port: never early, in order with what arrives, and cancelled for good. */
import { describe, expect, test } from 'vitest';
import { createSystemClock } from '../../src/process/system-clock.js';

const clock = createSystemClock();

describe.each([
  { name: 'exact', slackUs: 0 },
  { name: 'with slack', slackUs: 1_000 },
])('$name', ({ slackUs }) => {
  test.each([0, 300, 999, 1_000, 2_500, 7_001])('%i µs ahead: not before its time', async (us) => {
    const atUs = clock.nowUs() + us;
    const firedUs = await new Promise<number>((resolve) => {
      clock.schedule(atUs, () => resolve(clock.nowUs()), slackUs);
    });
    expect(firedUs).toBeGreaterThanOrEqual(atUs);
  });

  test('never from inside the call, even when it is due already', async () => {
    let inside = true;
    const fired = new Promise<boolean>((resolve) => {
      clock.schedule(clock.nowUs() - 5_000, () => resolve(inside), slackUs);
    });
    inside = false;
    expect(await fired).toBe(false);
  });

  test('cancelled: never, however often', async () => {
    let fired = 0;
    const cancels = [0, 500, 3_000].map((us) =>
      clock.schedule(clock.nowUs() + us, () => (fired += 1), slackUs),
    );
    for (const cancel of [...cancels, ...cancels]) cancel();
    await new Promise<void>((resolve) => clock.schedule(clock.nowUs() + 6_000, resolve, slackUs));
    expect(fired).toBe(0);
  });
});

test('time is whole microseconds and never runs backwards', () => {
  let before = clock.nowUs();
  for (let i = 0; i < 10_000; i += 1) {
    const now = clock.nowUs();
    expect(Number.isInteger(now) && now >= before).toBe(true);
    before = now;
  }
});

test('an exact wait takes little of the processor', async () => {
  // Forty waits that end just before a timer's next millisecond, so that most of each is dozed.
  const before = process.cpuUsage();
  const beganUs = clock.nowUs();
  for (let i = 0; i < 40; i += 1) {
    await new Promise<void>((resolve) => clock.schedule(clock.nowUs() + 950, resolve));
  }
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / (clock.nowUs() - beganUs)).toBeLessThan(0.8);
});

test('a wait under way lets arrivals in', async () => {
  let turns = 0;
  let waiting = true;
  const turn = (): void => {
    turns += 1;
    if (waiting) setImmediate(turn);
  };
  setImmediate(turn);
  // On a busy machine a wait of less than a millisecond may be over before the loop has turned at all.
  let most = 0;
  for (let tries = 0; tries < 100 && most <= 2; tries += 1) {
    turns = 0;
    await new Promise<void>((resolve) => clock.schedule(clock.nowUs() + 990, resolve));
    most = Math.max(most, turns);
  }
  waiting = false;
  expect(most).toBeGreaterThan(2);
});

/** In which order a wait of 60 µs and an arrival meanwhile are seen: the loop reads its sockets before such an immediate. */
async function orderOf(atOnce: boolean): Promise<string> {
  const order: string[] = [];
  await Promise.all([
    new Promise<void>((resolve) => {
      const note = (): void => {
        order.push('time');
        resolve();
      };
      clock.schedule(clock.nowUs() + 60, note, 0, atOnce);
    }),
    new Promise<void>((resolve) => {
      setImmediate(() => {
        order.push('arrival');
        resolve();
      });
    }),
  ]);
  return order.join();
}

test('at once: time comes before what has arrived in a wait, and else after it', async () => {
  for (let tries = 0; tries < 20; tries += 1) expect(await orderOf(true)).toBe('time,arrival');
  // On a busy machine a wait may be over before it has begun.
  let order = '';
  for (let tries = 0; tries < 100 && order !== 'arrival,time'; tries += 1) order = await orderOf(false);
  expect(order).toBe('arrival,time');
});
