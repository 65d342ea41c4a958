import { describe, expect, test } from 'vitest';
import { Bench, makeRig } from './support.js';

const FRAME = Uint8Array.from({ length: 60 }, (_, at) => at);
const RECEIVERS = ['a', 'b', 'd', 'elevator'];

function sendAll(bench: Bench, frame = FRAME): void {
  for (const to of RECEIVERS) bench.transport.send(to, to === 'elevator' ? 'command' : 'round', frame);
}

const listReceivers = (bench: Bench): string[] => bench.frames.map(({ to }) => to);

describe('omission', () => {
  test('omit-send loses what goes to the peers named', () => {
    const bench = new Bench();
    bench.strike('omit-send on c peers=a,elevator');
    sendAll(bench);
    expect(listReceivers(bench)).toEqual(['b', 'd']);
    expect(bench.affected).toBe(2);
  });

  test('on a link it loses that link alone', () => {
    const bench = new Bench();
    bench.strike('omit-send on c>b');
    sendAll(bench);
    expect(listReceivers(bench)).toEqual(['a', 'd', 'elevator']);
  });

  test('p and burst: about p · burst of the frames, in runs', () => {
    const bench = new Bench();
    bench.strike('omit-send on c>b p=0.1 burst=3');
    for (let at = 0; at < 2_000; at += 1)
      bench.transport.send('b', 'round', Uint8Array.of(at >> 8, at & 255));
    // Each frame outside a burst begins one with probability 0.1: 3 of every 12 or so are lost.
    expect(bench.affected).toBeGreaterThan(300);
    expect(bench.affected).toBeLessThan(700);
    expect(bench.frames.length).toBe(2_000 - bench.affected);
  });

  test('omit-receive loses what comes', () => {
    const bench = new Bench();
    bench.strike('omit-receive on a>c');
    bench.deliver('a', 'round', FRAME);
    bench.deliver('b', 'round', FRAME);
    expect(bench.delivered.map(({ from }) => from)).toEqual(['b']);
    expect(bench.affected).toBe(1);
  });

  test('control and answers pass every fault of a link', () => {
    const bench = new Bench();
    for (const fault of ['omit-send', 'omit-receive', 'corrupt', 'broker-half-open', 'delay', 'truncate']) {
      expect(bench.injector.handle(`${fault} on c at 0`)).toMatchObject({ ok: true });
    }
    bench.injector.onTick(0);
    bench.deliver('operator', 'control', FRAME);
    bench.deliver('a', 'control', FRAME);
    bench.transport.send('operator', 'answer', FRAME);
    bench.transport.send('a', 'report', FRAME);
    expect(bench.delivered).toHaveLength(2);
    expect(bench.frames.map(({ frame }) => frame)).toEqual([FRAME, FRAME]);
  });
});

describe('time and order', () => {
  test('delay: frames leave later, in their order', () => {
    const bench = new Bench();
    bench.strike('delay on c ms=30');
    sendAll(bench);
    expect(bench.frames).toEqual([]);
    bench.clock.advance(29_000);
    expect(bench.frames).toEqual([]);
    bench.clock.advance(1_000);
    expect(listReceivers(bench)).toEqual(RECEIVERS);
    expect(bench.affected).toBe(4);
  });

  test('delay keeps a bounded number of frames; those beyond are lost', () => {
    const bench = new Bench();
    bench.strike('delay on c ms=60000');
    for (let at = 0; at < 10_000; at += 1) bench.transport.send('a', 'round', FRAME);
    expect(bench.clock.waiting).toBe(8_192);
    bench.injector.close();
    expect(bench.clock.waiting).toBe(0);
  });

  test('reorder holds a frame back for k others, and gives it free at the end', () => {
    const bench = new Bench();
    bench.strike('reorder on c>a p=1 k=2');
    const send = (mark: number): void => bench.transport.send('a', 'round', Uint8Array.of(mark));
    for (let mark = 0; mark < 4; mark += 1) send(mark);
    expect(bench.frames.map(({ frame }) => frame[0])).toEqual([1, 2, 0]);
    bench.injector.handle('clear reorder on c>a');
    expect(bench.frames.map(({ frame }) => frame[0])).toEqual([1, 2, 0, 3]);
  });

  test('duplicate', () => {
    const bench = new Bench();
    bench.strike('duplicate on c>a k=2');
    sendAll(bench);
    expect(listReceivers(bench)).toEqual(['a', 'a', 'a', 'b', 'd', 'elevator']);
    expect(bench.affected).toBe(2);
  });
});

describe('partition', () => {
  test('nothing passes between the sets, both ways', () => {
    const bench = new Bench();
    bench.strike('partition on world sets=a,b,elevator/c');
    sendAll(bench);
    for (const from of RECEIVERS) bench.deliver(from, 'round', FRAME);
    expect(listReceivers(bench)).toEqual(['d']);
    expect(bench.delivered.map(({ from }) => from)).toEqual(['d']);
    expect(bench.affected).toBe(6);
  });

  test('one way, and flapping', () => {
    const bench = new Bench();
    bench.strike('partition on world sets=a/c way=one flap=1');
    sendAll(bench);
    expect(listReceivers(bench)).toEqual(RECEIVERS);
    bench.deliver('a', 'round', FRAME);
    expect(bench.delivered).toEqual([]);
    bench.injector.onTick(1);
    bench.deliver('a', 'round', FRAME);
    expect(bench.delivered).toHaveLength(1);
    bench.injector.onTick(2);
    bench.deliver('a', 'round', FRAME);
    expect(bench.delivered).toHaveLength(1);
  });

  test('without sets the last replica is alone', () => {
    const bench = new Bench(makeRig(), 3);
    bench.strike('partition on world');
    sendAll(bench);
    expect(listReceivers(bench)).toEqual(['d']);
  });
});

describe('damage', () => {
  test('corrupt flips as many bits as it says and leaves the original alone', () => {
    const bench = new Bench();
    bench.strike('corrupt on c>a bits=3');
    sendAll(bench);
    let flipped = 0;
    bench.frames[0]?.frame.forEach((byte, at) => {
      for (let difference = byte ^ (FRAME[at] as number); difference > 0; difference >>= 1)
        flipped += difference & 1;
    });
    expect(flipped).toBe(3);
    expect(bench.frames[1]?.frame).toBe(FRAME);
    expect(FRAME[5]).toBe(5);
  });

  test('truncate, more than there is included', () => {
    const bench = new Bench();
    bench.strike('truncate on c>a bytes=8');
    sendAll(bench);
    bench.transport.send('a', 'round', Uint8Array.of(1, 2));
    expect(bench.frames[0]?.frame).toEqual(FRAME.slice(0, 52));
    expect(bench.frames[4]?.frame).toEqual(new Uint8Array());
  });

  test('half-authenticator: the end of the frame is wrong for the first half of the replicas', () => {
    const bench = new Bench();
    bench.strike('half-authenticator on c');
    sendAll(bench);
    const bad = bench.frames.filter(({ frame }) => frame.at(-1) !== FRAME.at(-1)).map(({ to }) => to);
    expect(bad).toEqual(['a', 'b']);
    expect(bench.frames[0]?.frame.slice(0, -1)).toEqual(FRAME.slice(0, -1));
    const named = new Bench();
    named.strike('half-authenticator on c to=elevator');
    sendAll(named);
    expect(named.frames.filter(({ frame }) => frame !== FRAME).map(({ to }) => to)).toEqual(['elevator']);
  });
});

describe('babble', () => {
  test('noise at its rate and size to everybody, until it ends', () => {
    const bench = new Bench();
    bench.strike('babble on c rate=1000 size=99');
    bench.clock.advance(1_000_000);
    expect(bench.frames.length).toBeGreaterThanOrEqual(4 * 990);
    expect(bench.frames.length).toBeLessThanOrEqual(4 * 1_020);
    expect(bench.frames.every(({ frame }) => frame.length === 99)).toBe(true);
    expect(new Set(listReceivers(bench))).toEqual(new Set(RECEIVERS));
    expect(bench.affected).toBe(bench.frames.length);
    const before = bench.frames.length;
    bench.injector.handle('clear babble on c');
    bench.clock.advance(1_000_000);
    expect(bench.frames.length).toBe(before);
    expect(bench.clock.waiting).toBe(0);
  });

  test('own frames still leave', () => {
    const bench = new Bench();
    bench.strike('babble on c>a rate=1');
    sendAll(bench);
    expect(bench.frames.map(({ frame }) => frame)).toEqual(Array(4).fill(FRAME));
  });
});

describe('names and recordings of others', () => {
  test('forge: one more frame under the next replica’s name, which no key fits', () => {
    const bench = new Bench(makeRig(), 2, { canForge: true });
    bench.strike('forge on c');
    sendAll(bench);
    expect(listReceivers(bench)).toEqual(RECEIVERS);
    expect(bench.forged.map(({ claimed, to, purpose }) => `${claimed} ${to} ${purpose}`)).toEqual([
      'd a round',
      'd b round',
      'd elevator command',
    ]);
    for (const { frame } of bench.forged) {
      expect(frame).not.toEqual(FRAME);
      expect(frame).toHaveLength(FRAME.length);
    }
    expect(bench.affected).toBe(3);
  });

  test('forge without a transport that lies goes out over the own links', () => {
    const bench = new Bench();
    bench.strike('forge on c as=b to=a');
    sendAll(bench);
    expect(listReceivers(bench)).toEqual(['a', 'a', 'b', 'd', 'elevator']);
  });

  test('masquerade hands on what another sent, as that one', () => {
    const bench = new Bench(makeRig(), 2, { canForge: true });
    bench.strike('masquerade on c as=a');
    bench.deliver('a', 'round', FRAME);
    bench.deliver('b', 'round', FRAME);
    expect(bench.delivered).toHaveLength(2);
    expect(bench.forged.map(({ claimed, to }) => `${claimed} ${to}`)).toEqual(['a b', 'a d']);
  });

  test('replay: own frames come again when they are age ticks old', () => {
    const bench = new Bench();
    bench.strike('replay on c age=2');
    for (let tick = 0; tick < 5; tick += 1) {
      if (tick > 0) bench.injector.onTick(tick);
      bench.transport.send('a', 'round', Uint8Array.of(tick));
    }
    expect(bench.frames.map(({ frame }) => frame[0])).toEqual([0, 1, 0, 2, 1, 3, 2, 4]);
    expect(bench.affected).toBe(3);
  });

  test('replay on a broker: its owner gets old frames again', () => {
    const bench = new Bench();
    bench.strike('replay on broker:c age=1');
    bench.deliver('a', 'round', Uint8Array.of(7));
    bench.injector.onTick(1);
    expect(bench.delivered).toHaveLength(1);
    bench.clock.advance(0);
    expect(bench.delivered.map(({ from, frame }) => `${from}${frame[0]}`)).toEqual(['a7', 'a7']);
    expect(bench.affected).toBe(1);
  });

  test('broker-slow and broker-half-open', () => {
    const slow = new Bench();
    slow.strike('broker-slow on broker:c ms=40');
    slow.deliver('a', 'round', FRAME);
    expect(slow.delivered).toEqual([]);
    slow.clock.advance(40_000);
    expect(slow.delivered).toHaveLength(1);
    const deaf = new Bench();
    deaf.strike('broker-half-open on c');
    deaf.deliver('a', 'round', FRAME);
    deaf.clock.advance(1_000_000);
    expect(deaf.delivered).toEqual([]);
    expect(deaf.affected).toBe(1);
  });
});
