import { describe, expect, test } from 'vitest';
import type { RoundMessage } from '../../src/core/types.js';
import { Bench, makeRig, makeRound1, makeRound2 } from './support.js';

const MS_US = 1_000;

/** Round 1 as it leaves so long after the start of its tick. */
const leaving = (lagUs: number): RoundMessage => ({ ...makeRound1(), stamp: { lagUs, heldUs: [] } });

/** Sends round 1 of tick 20 to everybody at its start. */
function sendRound(bench: Bench): number {
  const tick = 1_000_000 / bench.rig.periodUs;
  for (const to of [0, 1, 3]) bench.peers.send(to, { ...leaving(0), tick });
  return tick * bench.rig.periodUs;
}

const receiversAfter = (bench: Bench, us: number): number[] => {
  bench.clock.advance(us);
  return bench.messages.map(({ to }) => to);
};

describe('sos-timing', () => {
  test('round messages leave at the deadline: early for every second receiver, late for the others', () => {
    const bench = new Bench();
    bench.strike('sos-timing on c ms=2');
    expect(sendRound(bench)).toBe(bench.clock.nowUs());
    const deadlineUs = bench.rig.roundUs;
    expect(receiversAfter(bench, deadlineUs - 2 * MS_US - 1)).toEqual([]);
    expect(receiversAfter(bench, 1)).toEqual([0, 3]);
    expect(receiversAfter(bench, 4 * MS_US - 1)).toEqual([0, 3]);
    expect(receiversAfter(bench, 1)).toEqual([0, 3, 1]);
    expect(bench.affected).toBe(3);
  });

  test('each round has its own deadline; who is early can be said', () => {
    const bench = new Bench();
    bench.strike('sos-timing on c early=b');
    for (const to of [0, 1]) bench.peers.send(to, { ...leaving(300), tick: 20 });
    for (const to of [0, 1]) bench.peers.send(to, { ...makeRound2(to), tick: 20 });
    expect(receiversAfter(bench, bench.rig.roundUs - 300 - MS_US)).toEqual([1]);
    expect(receiversAfter(bench, 2 * MS_US)).toEqual([1, 0]);
    expect(receiversAfter(bench, bench.rig.roundUs - 2 * MS_US)).toEqual([1, 0, 1]);
    expect(receiversAfter(bench, 2 * MS_US)).toEqual([1, 0, 1, 0]);
  });

  test('on a link that one receiver is late, and nobody else is touched', () => {
    const bench = new Bench();
    bench.strike('sos-timing on c>b');
    sendRound(bench);
    expect(receiversAfter(bench, 0)).toEqual([0, 3]);
    expect(receiversAfter(bench, bench.rig.roundUs)).toEqual([0, 3]);
    expect(receiversAfter(bench, MS_US)).toEqual([0, 3, 1]);
  });

  test('what is late already, and what belongs to no round, leaves at once', () => {
    const bench = new Bench();
    bench.strike('sos-timing on c');
    bench.peers.send(0, { ...leaving(bench.rig.roundUs + MS_US), tick: 9 });
    bench.peers.send(1, { kind: 'state-request', digest: new Uint8Array(16), offset: 0 });
    expect(receiversAfter(bench, 0)).toEqual([0, 1]);
    expect(bench.affected).toBe(0);
  });

  test('works in a rig of one round', () => {
    const bench = new Bench(makeRig({ hypothesis: { kind: 'none' } }));
    bench.strike('sos-timing on c');
    sendRound(bench);
    expect(receiversAfter(bench, bench.rig.roundUs + MS_US)).toEqual([0, 3, 1]);
  });
});
