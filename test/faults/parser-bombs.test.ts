import { describe, expect, test } from 'vitest';
import { BOMB_KINDS, makeBomb } from '../../src/faults/parser-bombs.js';
import { decodeCbor, DEFAULT_MAX_BYTES } from '../../src/wire/cbor.js';
import { deriveLimits } from '../../src/wire/limits.js';
import { PeerCodec } from '../../src/wire/peer-codec.js';
import { Bench, makeBareInjector, makeRound1, makeRound2 } from './support.js';

/** Middle of the times of many runs, microseconds: what else the machine does shows in few of them. */
function measureUs(run: () => void): number {
  for (let warm = 0; warm < 200; warm += 1) run();
  const times = Array.from({ length: 301 }, () => {
    const start = process.hrtime.bigint();
    run();
    return Number(process.hrtime.bigint() - start) / 1_000;
  });
  times.sort((a, b) => a - b);
  return times[150] as number;
}

describe('parser-bomb', () => {
  test('a bomb follows each message of a round, to its receiver, of each kind in turn', () => {
    const bench = new Bench();
    bench.strike('parser-bomb on c');
    for (let round = 0; round < 2; round += 1) {
      for (const to of [0, 1, 3]) bench.peers.send(to, makeRound1());
    }
    bench.peers.send(0, { kind: 'state-request', digest: new Uint8Array(16), offset: 0 });
    expect(bench.messages).toHaveLength(7);
    expect(bench.sealed.map(({ to, purpose }) => `${to} ${purpose}`)).toEqual(
      ['a', 'b', 'd', 'a', 'b', 'd'].map((to) => `${to} round`),
    );
    expect(new Set(bench.sealed.map(({ payload }) => payload)).size).toBe(BOMB_KINDS.length);
    expect(bench.affected).toBe(6);
  });

  test('one kind, on one link; what could not be sealed does not count', () => {
    const bench = new Bench();
    bench.strike('parser-bomb on c>b kind=keys');
    for (const to of [0, 1, 3]) bench.peers.send(to, makeRound1());
    expect(bench.sealed.map(({ to }) => to)).toEqual(['b']);
    expect(bench.affected).toBe(1);
    bench.canSeal = false;
    bench.peers.send(1, makeRound1());
    expect(bench.affected).toBe(1);
  });

  test('a process that cannot seal at will refuses by name', () => {
    expect(makeBareInjector().handle('parser-bomb on c at 1')).toMatchObject({
      ok: false,
      what: "'parser-bomb' needs a way to seal any payload, which 'c' does not offer",
    });
  });
});

describe('each bomb', () => {
  const rig = new Bench().rig;
  const limits = deriveLimits(rig);
  const longest = limits.payloadBytes.round;
  const codec = new PeerCodec(limits, null);
  const normal = codec.encode(makeRound2(0));

  test.each(BOMB_KINDS)('%s fits the wire, is refused, and costs no more than a few messages', (kind) => {
    const bomb = makeBomb(kind, longest);
    expect(bomb.length).toBeLessThanOrEqual(longest);
    expect(bomb.length).toBeGreaterThan(longest - 8);
    expect(codec.decode(2, 'round', bomb)).toEqual({ ok: false, cause: 'malformed-payload' });
    expect(codec.decode(2, 'round', normal)).toMatchObject({ ok: true });
    const bombUs = measureUs(() => codec.decode(2, 'round', bomb));
    const normalUs = measureUs(() => codec.decode(2, 'round', normal));
    expect(bombUs).toBeLessThan(1_000);
    expect(bombUs).toBeLessThan(50 * normalUs + 50);
  });

  test.each(BOMB_KINDS)(
    '%s as long as any rig lets it be: refused or read within the bounds of the reader',
    (kind) => {
      const bomb = makeBomb(kind, DEFAULT_MAX_BYTES - 1);
      const read = decodeCbor(bomb);
      // Whoever reads it has 64 KiB of it: keys beyond those that there are names for are missing.
      expect(read.ok ? 'read' : read.fault).toMatch(
        /^(too-deep|too-many-items|truncated|tag|trailing-bytes)$/,
      );
    },
  );
});
