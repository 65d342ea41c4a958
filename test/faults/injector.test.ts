import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/faults/random.js';
import { Bench, makeRig, makeRound1 } from './support.js';

describe('when faults begin and end', () => {
  test('at its tick, for its ticks, with its count', () => {
    const bench = new Bench();
    expect(bench.injector.handle('lie on c.pitch value=7 at 5 for 3')).toEqual({
      ok: true,
      text: 'c: lie on c.pitch from tick 5 until tick 8',
      startsAtTick: 5,
    });
    const read = [3, 4, 5, 6, 7, 8, 9].map((tick) => {
      bench.injector.onTick(tick);
      return bench.read()[0];
    });
    expect(read).toEqual([1, 1, 7, 7, 7, 1, 1]);
    const spec = 'lie on c.pitch value=7 at 5 for 3';
    expect(bench.events).toEqual([
      { spec, event: 'applied', tick: 5, affected: 0 },
      { spec, event: 'cleared', tick: 8, affected: 3 },
    ]);
    expect(bench.injector.list()).toEqual([]);
  });

  test('at +50 counts from now, and from the start of the run before it', () => {
    const bench = new Bench();
    expect(bench.injector.handle('pause on c at +50')).toMatchObject({ startsAtTick: 50 });
    bench.injector.onTick(10);
    expect(bench.injector.handle('lie on c at +50 for 5')).toMatchObject({ startsAtTick: 60 });
    expect(bench.injector.handle('delay on c at +0 for 5')).toMatchObject({ startsAtTick: 11 });
    expect(bench.injector.list().map(({ endsAtTick }) => endsAtTick)).toEqual([null, 65, 16]);
  });

  test('a tick that has passed: the rest of its time, if there is one', () => {
    const bench = new Bench();
    bench.injector.onTick(10);
    expect(bench.injector.handle('lie on c at 5 for 20')).toEqual({
      ok: true,
      text: 'c: lie on c from tick 11 (tick 5 has passed) until tick 25',
      startsAtTick: 11,
    });
    expect(bench.injector.handle('delay on c at 5 for 6')).toMatchObject({
      ok: false,
      what: 'it would have been over at tick 11, and tick 10 is under way',
    });
  });

  test('ticks may be left out: what is due begins, what is over ends', () => {
    const bench = new Bench();
    bench.injector.handle('lie on c.pitch value=7 at 5 for 10');
    bench.injector.onTick(9);
    expect(bench.read()[0]).toBe(7);
    bench.injector.onTick(40);
    expect(bench.read()[0]).toBe(1);
    expect(bench.events.map(({ event, tick }) => `${event} ${tick}`)).toEqual(['applied 9', 'cleared 40']);
  });

  test('a tick that is told twice, or an older one, changes nothing', () => {
    const bench = new Bench();
    bench.strike('replay on c age=1');
    bench.transport.send('a', 'round', Uint8Array.of(1));
    bench.injector.onTick(0);
    bench.injector.onTick(-5);
    expect(bench.frames).toHaveLength(1);
  });

  test('without an end it lasts until it is cleared', () => {
    const bench = new Bench();
    bench.strike('lie on c.pitch value=7');
    bench.injector.onTick(100_000);
    bench.read();
    expect(bench.injector.handle('clear lie on c')).toMatchObject({
      ok: false,
      what: "no 'lie on c' is waiting or active on 'c'",
      cure: "there are 'lie on c.pitch value=7 at 0'",
    });
    expect(bench.injector.handle('clear lie on c.pitch')).toEqual({
      ok: true,
      text: 'c: lie on c.pitch is cleared; it has altered 1',
      startsAtTick: 100_000,
    });
    expect(bench.read()[0]).toBe(1);
    expect(bench.events.at(-1)).toMatchObject({ event: 'cleared', tick: 100_000, affected: 1 });
  });

  test('a waiting fault can be cleared, and never begins', () => {
    const bench = new Bench();
    bench.injector.handle('crash on c at 5');
    expect(bench.injector.handle('clear crash on c')).toMatchObject({ ok: true });
    bench.injector.onTick(6);
    expect(bench.hostCalls).toEqual([]);
  });

  test('the same words twice are one fault; others of its name at its time are refused', () => {
    const bench = new Bench();
    const first = bench.injector.handle('lie on c at 10 for 10');
    expect(bench.injector.handle('lie on c at 10 for 10')).toEqual(first);
    expect(bench.injector.handle('lie on c value=3 at 19 for 1')).toMatchObject({
      ok: false,
      what: "'lie on c at 10 for 10' is waiting at that time",
      cure: 'clear it first: clear lie on c',
    });
    expect(bench.injector.handle('lie on c value=3 at 20 for 1')).toMatchObject({ ok: true });
    expect(bench.injector.handle('lie on c.pitch at 10')).toMatchObject({ ok: true });
    expect(bench.injector.list()).toHaveLength(3);
  });

  test('the number of faults is bounded', () => {
    const bench = new Bench();
    for (let at = 0; at < 64; at += 1) {
      expect(bench.injector.handle(`lie on c at ${10 * at} for 5`)).toMatchObject({ ok: true });
    }
    expect(bench.injector.handle('lie on c at 5000 for 5')).toMatchObject({ ok: false });
  });

  test('closing ends what is active and says so', () => {
    const bench = new Bench();
    bench.strike('lie on c.pitch value=7');
    bench.read();
    bench.injector.close();
    expect(bench.events.at(-1)).toMatchObject({ event: 'cleared', affected: 1 });
    expect(bench.read()[0]).toBe(1);
  });
});

describe('accounts', () => {
  test('an active fault whose count has grown is told of again, with its first tick', () => {
    const bench = new Bench();
    bench.strike('lie on c.pitch value=7');
    for (let tick = 1; tick <= 25; tick += 1) {
      bench.read();
      bench.injector.onTick(tick);
    }
    expect(bench.events.map(({ event, tick, affected }) => [event, tick, affected])).toEqual([
      ['applied', 0, 0],
      ['applied', 0, 10],
      ['applied', 0, 20],
    ]);
  });

  test('a crash is told of, and counted, before the process dies', () => {
    const bench = new Bench();
    bench.strike('crash on c');
    expect(bench.events).toEqual([{ spec: 'crash on c at 0', event: 'applied', tick: 0, affected: 1 }]);
    expect(bench.hostCalls).toEqual(['kill']);
  });

  test('crash-mid-round: k messages leave, then the count, then the end', () => {
    const bench = new Bench();
    bench.strike('crash-mid-round on c k=2');
    const message = makeRound1();
    for (const to of [0, 1, 3]) bench.peers.send(to, message);
    expect(bench.messages.map(({ to }) => to)).toEqual([0, 1]);
    expect(bench.hostCalls).toEqual(['kill']);
    expect(bench.events.at(-1)).toMatchObject({ event: 'applied', affected: 1 });
  });

  test('pause and broker-kill are over when what they do is over', () => {
    const bench = new Bench();
    bench.strike('pause on c ms=120');
    expect(bench.hostCalls).toEqual(['stall 120']);
    expect(bench.injector.list()[0]?.endsAtTick).toBe(4);
    bench.injector.onTick(4);
    expect(bench.events.at(-1)).toMatchObject({ event: 'cleared', affected: 1 });
    bench.injector.handle('broker-kill on broker:c at 10 for 20');
    bench.injector.onTick(10);
    expect(bench.hostCalls.at(-1)).toBe('killBroker 1000');
    bench.injector.handle('broker-kill on c ms=70 at 20');
    bench.injector.onTick(20);
    expect(bench.hostCalls.at(-1)).toBe('killBroker 70');
    bench.injector.handle('broker-kill on broker:c at 50');
    bench.injector.onTick(50);
    expect(bench.hostCalls.at(-1)).toBe('killBroker 1000');
  });

  test('a host that cannot: failed, with the reason', () => {
    const bench = new Bench(makeRig(), 2, { failingHost: true });
    bench.strike('broker-kill on c');
    expect(bench.events.at(-1)).toMatchObject({ event: 'failed', reason: 'the host says no' });
    expect(bench.injector.list()).toEqual([]);
  });
});

describe('what is refused', () => {
  test('what is another’s to do', () => {
    expect(new Bench().injector.handle('crash on a at 5')).toEqual({
      ok: false,
      what: "'crash on a' is not for replica 'c' to do",
      cure: 'send it to a',
    });
  });

  test('what cannot be read, by column', () => {
    expect(new Bench().injector.handle('crash upon c at 5')).toMatchObject({
      ok: false,
      what: "column 7: 'upon' stands where 'on' belongs",
    });
  });

  test('everything, where the rig does not enable faults', () => {
    const bench = new Bench(makeRig({ faultInjection: false }));
    expect(bench.injector.handle('crash on c at 5')).toMatchObject({
      ok: false,
      cure: expect.stringContaining('faults: enabled'),
    });
  });
});

describe('ports', () => {
  test('without an active fault everything passes: the same objects in the same order', () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('frame' as const),
        to: fc.constantFrom('a', 'b', 'elevator', 'operator'),
      }),
      fc.record({ kind: fc.constant('message' as const), to: fc.constantFrom(0, 1, 3) }),
      fc.record({ kind: fc.constant('command' as const) }),
      fc.record({ kind: fc.constant('arrival' as const), from: fc.constantFrom('a', 'd', 'elevator') }),
      fc.record({ kind: fc.constant('tick' as const) }),
    );
    const faults = fc.subarray([
      'lie on c at 1 for 3',
      'delay on c at 1 for 3',
      'equivocate on c at 2 for 2',
    ]);
    fc.assert(
      fc.property(faults, fc.boolean(), fc.array(step, { maxLength: 40 }), (texts, wait, steps) => {
        const bench = new Bench();
        for (const text of texts) bench.injector.handle(wait ? text.replace(/at \d/, 'at 500') : text);
        if (!wait) for (const tick of [1, 2, 3, 4, 5]) bench.injector.onTick(tick);
        let tick = 10;
        const sent: unknown[] = [];
        for (const one of steps) {
          if (one.kind === 'tick') {
            tick += 1;
            bench.injector.onTick(tick);
          } else if (one.kind === 'frame') {
            const frame = new Uint8Array(4);
            bench.transport.send(one.to, 'round', frame);
            sent.push(frame);
            expect(bench.frames.at(-1)?.frame).toBe(frame);
          } else if (one.kind === 'message') {
            const message = makeRound1();
            bench.peers.send(one.to, message);
            expect(bench.messages.at(-1)?.message).toBe(message);
          } else if (one.kind === 'command') {
            const command = { tick, order: { kind: 'none' as const }, arm: null };
            bench.commandPort.send(0, command);
            expect(bench.commands.at(-1)?.command).toBe(command);
          } else {
            const frame = new Uint8Array(4);
            bench.deliver(one.from, 'round', frame);
            expect(bench.delivered.at(-1)?.frame).toBe(frame);
          }
        }
        expect(bench.frames.map(({ frame }) => frame)).toEqual(sent);
        expect(bench.read()).toBe(bench.readings);
      }),
    );
  });

  test('several faults stand around one port, the oldest first', () => {
    const bench = new Bench();
    bench.strike('sensor-stuck on c.pitch value=10');
    bench.injector.handle('lie on c.pitch offset=5 at 1');
    bench.injector.onTick(1);
    // The sensor fault is outermost: it has the last word.
    expect(bench.read()[0]).toBe(10);
    bench.injector.handle('clear sensor-stuck on c.pitch');
    expect(bench.read()[0]).toBe(6);
  });

  test('a fault goes on where it was when another begins or ends', () => {
    const bench = new Bench();
    bench.strike('sensor-frozen on c.pitch');
    bench.read();
    bench.readings = [30, 2, true];
    bench.injector.handle('delay on c at 1 for 2');
    for (const tick of [1, 2, 3]) {
      bench.injector.onTick(tick);
      expect(bench.read()[0]).toBe(1);
    }
  });
});

describe('chance', () => {
  test('is the same for the same seed, and uniform', () => {
    const [a, b, c] = ['x', 'x', 'y'].map((seed) => {
      const random = new Random(seed);
      return Array.from({ length: 20_000 }, () => random.nextUnit());
    });
    expect(a).toEqual(b);
    expect(a).not.toEqual(c);
    const bins = new Array<number>(10).fill(0);
    for (const unit of a ?? []) {
      expect(unit).toBeGreaterThanOrEqual(0);
      expect(unit).toBeLessThan(1);
      bins[Math.floor(unit * 10)] = (bins[Math.floor(unit * 10)] ?? 0) + 1;
    }
    // 2000 expected in each, standard deviation 42.
    for (const count of bins) expect(Math.abs(count - 2_000)).toBeLessThan(220);
  });
});
