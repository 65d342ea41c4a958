import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SecureLinks, type OpenResult } from '../../src/wire/secure-links.js';
import { deriveLimits } from '../../src/wire/limits.js';
import type { PrincipalKeys } from '../../src/wire/keys.js';
import { DIGESTS, LinkNet, type Wired } from './link-net.js';
import { fakeDigest, makeRig, seededEntropy } from './make-rig.js';

const PAYLOAD = Uint8Array.from([1, 2, 3]);

function startAll(net: LinkNet): LinkNet {
  for (const id of ['a', 'b', 'c', 'd', 'elevator', 'operator', 'watch']) net.start(id);
  return net;
}

describe.each([
  ['HMAC 256/256', makeRig()],
  ['HMAC 256/64', makeRig({ mac: 'hmac-256-64' })],
  ['ChaCha20/Poly1305', makeRig({ confidential: true })],
])('sessions under %s', (_name, rig) => {
  test('all pairs that share a secret come to a session, and frames pass both ways', () => {
    const net = startAll(new LinkNet(rig));
    net.run(1);
    for (const [id, end] of net.ends) expect(end.listPeers('established'), id).toEqual(end.listPeers());
    expect(net.end('a').listPeers()).toEqual(['b', 'c', 'd', 'elevator', 'operator', 'watch']);
    expect(net.end('operator').listPeers()).toEqual(['a', 'b', 'c', 'd', 'elevator']);
    expect(net.pass('a', 'b', 'round', PAYLOAD)).toEqual(PAYLOAD);
    expect(net.pass('b', 'a', 'round', PAYLOAD)).toEqual(PAYLOAD);
    expect(net.pass('a', 'elevator', 'command', PAYLOAD)).toEqual(PAYLOAD);
    expect(net.pass('elevator', 'a', 'status', PAYLOAD)).toEqual(PAYLOAD);
    expect(net.pass('operator', 'a', 'control', PAYLOAD)).toEqual(PAYLOAD);
    expect(net.pass('a', 'operator', 'answer', PAYLOAD)).toEqual(PAYLOAD);
    expect(net.pass('elevator', 'watch', 'report', PAYLOAD)).toEqual(PAYLOAD);
  });

  test('a frame is accepted once, by its receiver, from its sender, for its purpose', () => {
    const net = startAll(new LinkNet(rig));
    net.run(1);
    const frame = net.end('a').seal('b', 'round', PAYLOAD) as Uint8Array;
    expect(net.end('b').open('c', 'round', frame)).toEqual({ ok: false, cause: 'no-session' });
    net.nowUs += 1_000_000;
    net.run(1);
    expect(net.end('b').open('c', 'round', frame)).toEqual({ ok: false, cause: 'bad-authenticator' });
    expect(net.end('b').open('a', 'state', frame)).toEqual({ ok: false, cause: 'bad-authenticator' });
    expect(net.end('c').open('a', 'round', frame)).toEqual({ ok: false, cause: 'bad-authenticator' });
    expect(net.end('a').open('b', 'round', frame)).toEqual({ ok: false, cause: 'bad-authenticator' });
    expect(net.end('b').open('a', 'round', frame)).toEqual({ ok: true, payload: PAYLOAD });
    expect(net.end('b').open('a', 'round', frame)).toEqual({ ok: false, cause: 'replayed' });
    expect(net.end('b').refusals.read('a', 'replayed')).toBe(1);
    expect(net.end('b').refusals.read('c', 'bad-authenticator')).toBe(1);
  });

  test('what was sealed ahead is the frame that would have been sealed then', () => {
    const net = startAll(new LinkNet(rig));
    net.run(1);
    const end = net.end('a');
    end.sealAhead('b', 'round', PAYLOAD);
    const frame = end.seal('b', 'round', PAYLOAD) as Uint8Array;
    expect(net.end('b').open('a', 'round', frame)).toEqual({ ok: true, payload: PAYLOAD });
    // It is spent: the same payload again is another frame.
    const next = end.seal('b', 'round', PAYLOAD) as Uint8Array;
    expect(next).not.toEqual(frame);
    expect(net.end('b').open('a', 'round', next)).toEqual({ ok: true, payload: PAYLOAD });
  });

  test('what was sealed ahead and has lost its turn, its purpose or its payload is dropped', () => {
    const net = startAll(new LinkNet(rig));
    net.run(1);
    const end = net.end('a');
    const opened = (purpose: 'round' | 'state', payload: Uint8Array) =>
      net.end('b').open('a', purpose, end.seal('b', purpose, payload) as Uint8Array);
    const other = Uint8Array.of(9);
    end.sealAhead('b', 'round', PAYLOAD);
    expect(opened('round', other)).toEqual({ ok: true, payload: other });
    expect(opened('round', PAYLOAD)).toEqual({ ok: true, payload: PAYLOAD });
    end.sealAhead('b', 'round', PAYLOAD);
    expect(opened('state', PAYLOAD)).toEqual({ ok: true, payload: PAYLOAD });
    end.sealAhead('b', 'round', PAYLOAD);
    expect(opened('state', other)).toEqual({ ok: true, payload: other });
    expect(opened('round', PAYLOAD)).toEqual({ ok: true, payload: PAYLOAD });
    expect(() => end.sealAhead('b', 'command', PAYLOAD)).toThrow(/nothing to say/);
  });

  test('what was sealed ahead of a new session is dropped', () => {
    const net = startAll(new LinkNet(rig));
    net.run(1);
    net.end('a').sealAhead('b', 'round', PAYLOAD);
    net.start('b');
    net.nowUs += 1_000_000;
    net.run(20);
    expect(net.pass('a', 'b', 'round', PAYLOAD)).toEqual(PAYLOAD);
  });

  test('every altered, shortened or lengthened frame is refused, and the untouched one still passes', () => {
    const net = startAll(new LinkNet(rig));
    net.run(1);
    expect(net.pass('a', 'b', 'round', PAYLOAD)).toEqual(PAYLOAD);
    const frame = net.end('a').seal('b', 'round', PAYLOAD) as Uint8Array;
    for (let at = 0; at < frame.length; at += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const altered = Uint8Array.from(frame);
        altered[at] = (altered[at] as number) ^ (1 << bit);
        expect(net.end('b').open('a', 'round', altered).ok, `byte ${at} bit ${bit}`).toBe(false);
      }
      expect(net.end('b').open('a', 'round', frame.subarray(0, at)).ok).toBe(false);
    }
    expect(net.end('b').open('a', 'round', Uint8Array.from([...frame, 0])).ok).toBe(false);
    expect(net.end('b').open('a', 'round', frame).ok).toBe(true);
  });

  test('frames out of order pass within 64 counters, and not behind them', () => {
    const net = startAll(new LinkNet(rig));
    net.run(1);
    const frames = Array.from({ length: 66 }, () => net.end('a').seal('b', 'round', PAYLOAD) as Uint8Array);
    const open = (i: number) => net.end('b').open('a', 'round', frames[i] as Uint8Array);
    expect(open(65).ok).toBe(true);
    expect(open(2).ok).toBe(true);
    expect(open(1)).toEqual({ ok: false, cause: 'replayed' });
    expect(open(2)).toEqual({ ok: false, cause: 'replayed' });
    expect(open(64).ok).toBe(true);
  });
});

describe('who may speak', () => {
  test('an unknown sender and a purpose without business are refused before anything is computed', () => {
    const net = startAll(new LinkNet(makeRig()));
    net.run(1);
    const a = net.end('a');
    expect(a.open('mallory', 'round', PAYLOAD)).toEqual({ ok: false, cause: 'unknown-sender' });
    expect(a.open('operator', 'round', PAYLOAD)).toEqual({ ok: false, cause: 'wrong-purpose' });
    expect(a.open('elevator', 'command', PAYLOAD)).toEqual({ ok: false, cause: 'wrong-purpose' });
    expect(a.open('watch', 'control', PAYLOAD)).toEqual({ ok: false, cause: 'wrong-purpose' });
    expect(a.open('b', 'hello', PAYLOAD)).toEqual({ ok: false, cause: 'wrong-purpose' });
    expect(a.receiveHello('mallory', PAYLOAD, 0)).toEqual([]);
    expect(a.refusals.list()['?']).toEqual({ 'unknown-sender': 2 });
    expect(() => net.end('watch').seal('a', 'control', PAYLOAD)).toThrow(/nothing to say/);
  });

  test('before the handshake nothing is sealed and nothing opened', () => {
    const net = new LinkNet(makeRig());
    net.start('a');
    net.start('b');
    expect(net.end('a').seal('b', 'round', PAYLOAD)).toBeNull();
    expect(net.end('b').open('a', 'round', PAYLOAD)).toEqual({ ok: false, cause: 'no-session' });
  });

  test('names that a hostile sender invents take no memory', () => {
    const net = new LinkNet(makeRig());
    const a = net.start('a');
    for (let i = 0; i < 1000; i += 1) a.open(`ghost${i}`, 'round', PAYLOAD);
    expect(Object.keys(a.refusals.list())).toEqual(['?']);
  });
});

describe('handshake', () => {
  test('survives the loss of any single hello', () => {
    for (let lost = 0; lost < 8; lost += 1) {
      const net = new LinkNet(makeRig());
      net.start('a');
      net.start('b');
      let sent = 0;
      for (let interval = 0; interval < 5; interval += 1) {
        net.tick();
        while (net.queue.length > 0) {
          const wired = net.queue.shift() as Wired;
          if (wired.to.length === 1 && 'ab'.includes(wired.to)) {
            if (sent !== lost) net.deliver(wired);
            sent += 1;
          }
        }
      }
      expect(net.pass('a', 'b', 'round', PAYLOAD), `loss ${lost}`).toEqual(PAYLOAD);
      expect(net.pass('b', 'a', 'round', PAYLOAD), `loss ${lost}`).toEqual(PAYLOAD);
    }
  });

  test('whatever was lost, delayed, played again or restarted before: a quiet second later both ends talk, and nothing old counts', () => {
    const action = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant('tick' as const) }) },
      { weight: 8, arbitrary: fc.record({ do: fc.constant('deliver' as const), pick: fc.nat(1000) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('drop' as const), pick: fc.nat(1000) }) },
      { weight: 4, arbitrary: fc.record({ do: fc.constant('replay' as const), pick: fc.nat(1000) }) },
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constant('restart' as const), who: fc.constantFrom('a', 'b') }),
      },
      {
        weight: 3,
        arbitrary: fc.record({ do: fc.constant('say' as const), who: fc.constantFrom('a', 'b') }),
      },
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
        const net = new LinkNet(makeRig({ replicas: 2, hypothesis: { kind: 'crash', f: 0 }, actuators: 0 }));
        net.start('a');
        net.start('b');
        const said: Wired[] = [];
        const pick = (from: Wired[], at: number): number => at % Math.max(1, from.length);
        for (const one of actions) {
          if (one.do === 'tick') net.tick();
          else if (one.do === 'restart') net.start(one.who);
          else if (one.do === 'say') {
            const to = one.who === 'a' ? 'b' : 'a';
            const frame = net.end(one.who).seal(to, 'round', PAYLOAD);
            if (frame !== null) said.push({ from: one.who, to, frame });
          } else if (one.do === 'replay') {
            const wired = net.recorded[pick(net.recorded, one.pick)];
            if (wired !== undefined) net.deliver(wired);
          } else {
            const [wired] = net.queue.splice(pick(net.queue, one.pick), 1);
            if (one.do === 'deliver' && wired !== undefined) net.deliver(wired);
          }
        }
        net.start('b');
        net.run(30);
        expect(net.pass('a', 'b', 'round', PAYLOAD)).toEqual(PAYLOAD);
        expect(net.pass('b', 'a', 'round', PAYLOAD)).toEqual(PAYLOAD);
        for (const { from, to, frame } of said) expect(net.end(to).open(from, 'round', frame).ok).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  test('falls silent once both ends know', () => {
    const net = startAll(new LinkNet(makeRig()));
    net.run(3);
    const before = net.recorded.length;
    net.run(20);
    expect(net.recorded.length).toBe(before);
  });

  test('a replica waits for operators and observers to come', () => {
    const net = new LinkNet(makeRig());
    net.start('a');
    net.run(3);
    expect(net.recorded.map(({ to }) => to)).not.toContain('operator');
    expect(net.recorded.map(({ to }) => to)).not.toContain('watch');
    expect(net.recorded.map(({ to }) => to)).toContain('elevator');
  });

  test('a restarted peer gets a new session; the frames of its earlier life are worthless', () => {
    const net = startAll(new LinkNet(makeRig()));
    net.run(2);
    const old = net.end('b').seal('a', 'round', PAYLOAD) as Uint8Array;
    expect(net.end('a').open('b', 'round', old).ok).toBe(true);
    const withheld = net.end('b').seal('a', 'round', PAYLOAD) as Uint8Array;
    net.start('b');
    net.run(2);
    expect(net.pass('b', 'a', 'round', PAYLOAD)).toEqual(PAYLOAD);
    expect(net.pass('a', 'b', 'round', PAYLOAD)).toEqual(PAYLOAD);
    expect(net.end('a').open('b', 'round', old).ok).toBe(false);
    expect(net.end('a').open('b', 'round', withheld).ok).toBe(false);
  });

  test('while a restarted peer has not answered, the session before goes on', () => {
    const net = startAll(new LinkNet(makeRig()));
    net.run(2);
    const oldB = net.end('b');
    const newB = net.start('b');
    net.nowUs += 100_000;
    const hello = newB.tick(net.nowUs).find((event) => event.kind === 'send' && event.to === 'a');
    if (hello?.kind !== 'send') throw new Error('b greets a');
    net.take('a', net.end('a').receiveHello('b', hello.frame, net.nowUs));
    net.queue = [];
    const frame = oldB.seal('a', 'round', PAYLOAD) as Uint8Array;
    expect(net.end('a').open('b', 'round', frame).ok).toBe(true);
  });

  test('the session before ends a second after its successor, also when the new one stays silent', () => {
    const net = startAll(new LinkNet(makeRig()));
    net.run(2);
    const oldB = net.end('b');
    net.start('b');
    net.run(1);
    const [soon, late] = [oldB.seal('a', 'round', PAYLOAD), oldB.seal('a', 'round', PAYLOAD)];
    if (soon === null || late === null) throw new Error('the earlier life had a session');
    expect(net.end('a').open('b', 'round', soon).ok).toBe(true);
    for (let interval = 0; interval < 10; interval += 1) net.tick();
    expect(net.end('a').open('b', 'round', late)).toEqual({ ok: false, cause: 'bad-authenticator' });
  });

  test('a session that the peer never confirms is given up, and both come to another', () => {
    const net = new LinkNet(makeRig());
    net.start('a');
    net.start('b');
    // a settles; then b is away until a has said often enough that it waits.
    for (let interval = 0; interval < 3 && !net.end('a').isEstablished('b'); interval += 1) {
      net.tick();
      while (net.queue.length > 0 && !net.end('a').isEstablished('b'))
        net.deliver(net.queue.shift() as Wired);
    }
    expect(net.end('a').isEstablished('b')).toBe(true);
    for (let interval = 0; interval < 12; interval += 1) {
      net.nowUs += 100_000;
      net.queue = [];
      net.take('a', net.end('a').tick(net.nowUs));
    }
    expect(net.events.filter(({ at, event }) => at === 'a' && event.kind === 'lost')).toHaveLength(1);
    net.start('b');
    net.run(5);
    expect(net.pass('a', 'b', 'round', PAYLOAD)).toEqual(PAYLOAD);
    expect(net.pass('b', 'a', 'round', PAYLOAD)).toEqual(PAYLOAD);
  });

  test('all hellos of all earlier lives, played again in any order, change nothing', () => {
    const net = startAll(new LinkNet(makeRig()));
    net.run(2);
    for (const id of ['b', 'a', 'b', 'c']) {
      net.start(id);
      net.run(2);
    }
    expect(net.pass('a', 'b', 'round', PAYLOAD)).toEqual(PAYLOAD);
    expect(net.pass('b', 'a', 'round', PAYLOAD)).toEqual(PAYLOAD);
    const established = net.events.filter(({ event }) => event.kind === 'established').length;
    const recordings = [...net.recorded, ...[...net.recorded].reverse()];
    for (const [i, wired] of recordings.entries()) {
      net.deliver(wired);
      net.settle();
      if (i % 8 === 0) net.tick();
      net.settle();
    }
    net.run(20);
    expect(net.events.filter(({ event }) => event.kind === 'established').length).toBe(established);
    expect(net.pass('a', 'b', 'round', PAYLOAD)).toEqual(PAYLOAD);
    expect(net.pass('b', 'a', 'round', PAYLOAD)).toEqual(PAYLOAD);
  });

  test('a hello withheld from an earlier life of the peer cannot lock the next life out', () => {
    const net = new LinkNet(makeRig());
    net.start('a');
    net.start('b');
    net.run(2);
    // b restarts; its last hello, which would settle the new session, is held back.
    net.start('b');
    net.tick();
    const withheld: typeof net.queue = [];
    while (net.queue.length > 0) {
      const wired = net.queue.shift();
      if (wired === undefined) break;
      if (wired.from === 'b' && net.recorded.indexOf(wired) > 0 && net.end('b').isEstablished('a'))
        withheld.push(wired);
      else net.deliver(wired);
    }
    expect(withheld.length).toBeGreaterThan(0);
    // b restarts again, and only now the held one arrives.
    net.start('b');
    for (const wired of withheld) net.deliver(wired);
    net.run(30);
    expect(net.pass('a', 'b', 'round', PAYLOAD)).toEqual(PAYLOAD);
    expect(net.pass('b', 'a', 'round', PAYLOAD)).toEqual(PAYLOAD);
  });

  test('a peer whose sessions a second process with its identity took over finds back when that is gone', () => {
    const net = new LinkNet(makeRig());
    for (const id of ['a', 'b']) net.start(id);
    net.run();
    const talk = (): readonly (Uint8Array | string)[] => [
      net.pass('a', 'b', 'round', Uint8Array.of(1)),
      net.pass('b', 'a', 'round', Uint8Array.of(2)),
    ];
    const heard = [Uint8Array.of(1), Uint8Array.of(2)];
    expect(talk()).toEqual(heard);
    const original = net.end('a');
    net.start('a');
    net.run();
    expect(talk()).toEqual(heard);
    // The second process is gone without a word; b holds its session, and a the one before.
    net.adopt('a', original);
    expect(talk()).toEqual(['bad-authenticator', 'bad-authenticator']);
    for (let tenths = 0; tenths < 30; tenths += 1) {
      talk();
      net.run(1);
    }
    expect(talk()).toEqual(heard);
  });

  test('forged frames beside true ones bring no session into doubt', () => {
    const net = new LinkNet(makeRig());
    for (const id of ['a', 'b']) net.start(id);
    net.run();
    const countGreetings = (): number =>
      net.recorded.filter(({ from, to }) => `${from}${to}` === 'ab' || `${from}${to}` === 'ba').length;
    const greeted = countGreetings();
    for (let tenths = 0; tenths < 50; tenths += 1) {
      net.end('b').open('a', 'round', new Uint8Array(80));
      expect(net.pass('a', 'b', 'round', Uint8Array.of(1))).toEqual(Uint8Array.of(1));
      const forged = net.end('a').seal('b', 'round', Uint8Array.of(1)) as Uint8Array;
      forged[forged.length - 1] = (forged.at(-1) as number) ^ 1;
      net.end('b').open('a', 'round', forged);
      net.run(1);
    }
    expect(countGreetings()).toBe(greeted);
  });

  test('a flood of hellos is looked at only so often', () => {
    const net = new LinkNet(makeRig());
    net.start('a');
    net.start('b');
    net.tick();
    const hello = net.recorded.find(({ from, to }) => from === 'b' && to === 'a');
    if (hello === undefined) throw new Error('b greets a');
    let answers = 0;
    for (let i = 0; i < 1000; i += 1)
      answers += net.end('a').receiveHello('b', hello.frame, net.nowUs).length;
    expect(answers).toBeLessThanOrEqual(16);
    expect(net.end('a').refusals.read('b', 'hello-flood')).toBe(1000 - 16);
  });
});

describe('mismatches are named', () => {
  test.each([
    ['rig file', { ...DIGESTS, rig: fakeDigest('other') }],
    ['control law', { ...DIGESTS, law: fakeDigest('other') }],
    ['machine arithmetic', { ...DIGESTS, arithmetic: fakeDigest('other') }],
  ])('a different %s is refused by both ends, once, with the cure', (part, digests) => {
    const net = new LinkNet(makeRig());
    net.start('a');
    net.start('b', digests);
    net.run(30);
    expect(net.end('a').isEstablished('b')).toBe(false);
    expect(net.end('b').isEstablished('a')).toBe(false);
    for (const at of ['a', 'b']) {
      const told = net.events.flatMap(({ at: where, event }) =>
        where === at && event.kind === 'refused' ? [event] : [],
      );
      expect(told).toHaveLength(1);
      expect(told[0]).toMatchObject({ cause: 'config-mismatch' });
      expect(told[0]?.detail).toContain(part);
      expect(told[0]?.detail).toContain('copy the same rig folder');
    }
    expect(net.end('a').refusals.read('b', 'config-mismatch')).toBeGreaterThan(0);
  });

  test('a peer that has no use for a digest is not compared on it', () => {
    const net = new LinkNet(makeRig());
    net.start('a');
    net.start('elevator', { ...DIGESTS, law: null, arithmetic: null });
    net.run(2);
    expect(net.pass('a', 'elevator', 'command', PAYLOAD)).toEqual(PAYLOAD);
    expect(net.pass('elevator', 'a', 'status', PAYLOAD)).toEqual(PAYLOAD);
  });

  test('another protocol version is refused by name, at both ends', () => {
    const rig = makeRig();
    const net = new LinkNet(rig);
    net.start('a');
    const keys = net.keys.get('b') as PrincipalKeys;
    net.adopt(
      'b',
      new SecureLinks({
        rigId: rig.id,
        self: 'b',
        selfKind: 'replica',
        peers: [
          {
            id: 'a',
            kind: 'replica',
            epochs: [{ keyEpoch: 1, secret: keys.rows.get('a') as Uint8Array }],
          },
        ],
        digests: DIGESTS,
        algorithm: 'hmac-256',
        limits: deriveLimits(rig),
        entropy: seededEntropy('newer'),
        version: 2,
      }),
    );
    net.run(5);
    expect(net.end('a').isEstablished('b')).toBe(false);
    for (const at of ['a', 'b']) {
      const told = net.events.find(({ at: where, event }) => where === at && event.kind === 'refused');
      expect(told?.event).toMatchObject({ cause: 'version-mismatch' });
    }
  });

  test('a recorded mismatch does not disturb a standing session', () => {
    const net = new LinkNet(makeRig());
    net.start('a');
    net.start('b', { ...DIGESTS, law: fakeDigest('old law') });
    net.run(1);
    const old = net.recorded.filter(({ from, to }) => from === 'b' && to === 'a');
    net.start('b');
    net.run(3);
    expect(net.pass('a', 'b', 'round', PAYLOAD)).toEqual(PAYLOAD);
    for (const wired of old) net.deliver(wired);
    net.settle();
    expect(net.pass('a', 'b', 'round', PAYLOAD)).toEqual(PAYLOAD);
    expect(net.pass('b', 'a', 'round', PAYLOAD)).toEqual(PAYLOAD);
  });
});

describe('a second process with the keys of a peer', () => {
  /** b has been started again, and a talks to the second; the first lives on. */
  function startTwin(): { net: LinkNet; speak: () => OpenResult } {
    const net = new LinkNet(makeRig());
    net.start('a');
    net.start('b');
    net.run(1);
    const first = net.end('b');
    net.start('b');
    net.run(1);
    expect(net.pass('b', 'a', 'round', PAYLOAD)).toEqual(PAYLOAD);
    const speak = (): OpenResult =>
      net.end('a').open('b', 'round', first.seal('a', 'round', PAYLOAD) as Uint8Array);
    return { net, speak };
  }
  const listTold = (net: LinkNet): unknown[] =>
    net.events.flatMap(({ at, event }) => (at === 'a' && event.kind === 'refused' ? [event] : []));

  test('is told when the first speaks on in the session that the second has ended', () => {
    const { net, speak } = startTwin();
    // What was under way when b was started again proves nothing.
    expect(speak()).toEqual({ ok: false, cause: 'bad-authenticator' });
    net.tick(600_000);
    for (let count = 1; count < 8; count += 1)
      expect(speak()).toEqual({ ok: false, cause: 'bad-authenticator' });
    net.run(1);
    expect(listTold(net)).toEqual([]);
    for (let count = 8; count < 28; count += 1) expect(speak()).toEqual({ ok: false, cause: 'twin' });
    net.run(1);
    expect(listTold(net)).toEqual([
      {
        kind: 'refused',
        peer: 'b',
        cause: 'twin',
        detail:
          'two processes speak as b, and a listens to the one that greeted it last; ' +
          'end one of the two, or give one an id and keys of its own',
      },
    ]);
    expect(net.pass('b', 'a', 'round', PAYLOAD)).toEqual(PAYLOAD);
  });

  test('is not told for a few frames now and then, nor for what comes long after', () => {
    const { net, speak } = startTwin();
    net.tick(600_000);
    for (let count = 1; count < 8; count += 1) speak();
    net.tick(10_000_000);
    for (let count = 0; count < 8; count += 1)
      expect(speak()).toEqual({ ok: false, cause: 'bad-authenticator' });
    net.run(1);
    expect(listTold(net)).toEqual([]);
  });
});
