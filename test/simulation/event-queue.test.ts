/** The order in which things happen in a simulated world. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventQueue, ScheduledCall, type ScheduledEvent } from '../../src/simulation/event-queue.js';

const drain = (queue: EventQueue): void => {
  for (let next = queue.take(); next !== null; next = queue.take()) next.run();
};

const plan = (queue: EventQueue, atUs: number, rank: number, call: () => void): ScheduledEvent => {
  const event = new ScheduledCall(call);
  queue.add(atUs, rank, event);
  return event;
};

describe('the event queue', () => {
  it('hands out by time, then rank, then who asked first; what was cancelled never comes', () => {
    const planned = fc.array(fc.record({ atUs: fc.nat(20), rank: fc.nat(1), cancelled: fc.boolean() }), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(planned, (plans) => {
        const queue = new EventQueue();
        const happened: number[] = [];
        const events = plans.map(({ atUs, rank }, at) => plan(queue, atUs, rank, () => happened.push(at)));
        plans.forEach(({ cancelled }, at) => {
          if (cancelled) queue.cancel(events[at] as ScheduledEvent);
        });
        const expected = plans
          .map((one, at) => ({ ...one, at }))
          .filter(({ cancelled }) => !cancelled)
          .sort((a, b) => a.atUs - b.atUs || a.rank - b.rank || a.at - b.at)
          .map(({ at }) => at);
        expect(queue.size).toBe(expected.length);
        drain(queue);
        expect(happened).toEqual(expected);
        expect(queue.size).toBe(0);
      }),
    );
  });

  it('keeps no room for what was cancelled long before its time', () => {
    const queue = new EventQueue();
    let happened = 0;
    for (let i = 0; i < 100_000; i += 1) queue.cancel(plan(queue, 1e9 + i, 0, () => (happened += 1)));
    plan(queue, 1, 0, () => (happened += 1));
    expect(queue.size).toBe(1);
    expect((queue as unknown as { events: unknown[] }).events.length).toBeLessThan(5_000);
    drain(queue);
    expect(happened).toBe(1);
  });

  it('keeps the order, and nothing of what is over, while most of what is planned is cancelled', () => {
    const queue = new EventQueue();
    const happened: number[] = [];
    const expected: number[] = [];
    for (let i = 0; i < 20_000; i += 1) {
      // Scattered over the times to come, so that what is swept out lies between what stays.
      const atUs = i + ((i * 7_919) % 10_007);
      const event = plan(queue, atUs, 0, () => happened.push(atUs));
      if (i % 8 === 0) expected.push(atUs);
      else queue.cancel(event);
    }
    expect(queue.size).toBe(expected.length);
    drain(queue);
    expect(happened).toEqual(expected.sort((a, b) => a - b));
    const { events } = queue as unknown as { events: unknown[] };
    expect(events.every((event) => event === null)).toBe(true);
  });

  it('takes a cancellation of what has happened for nothing', () => {
    const queue = new EventQueue();
    const event = plan(queue, 1, 0, () => {});
    drain(queue);
    queue.cancel(event);
    expect(queue.size).toBe(0);
  });
});
