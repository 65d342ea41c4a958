/** What operators ask of replicas about their links, and what is answered. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ANSWER_TEXT_MAX_BYTES } from '../../src/wire/limits.js';
import {
  formatCounters,
  formatMeasureRequest,
  isMeasureText,
  parseCounters,
  parseDurations,
  parseMeasureRequest,
  type MeasureRequest,
  type ReplicaCounters,
} from '../../src/wire/measure-codec.js';

describe('requests', () => {
  test.each<[MeasureRequest, string]>([
    [{ kind: 'counters' }, 'measure 1 counters'],
    [{ kind: 'start' }, 'measure 1 start'],
    [{ kind: 'skew' }, 'measure 1 skew'],
    [{ kind: 'delay', from: 'b' }, 'measure 1 delay b'],
    [{ kind: 'arrival', from: 'left' }, 'measure 1 arrival left'],
  ])('%j', (request, text) => {
    expect(formatMeasureRequest(request)).toBe(text);
    expect(parseMeasureRequest(text)).toEqual(request);
  });

  test('another version is refused with its cure', () => {
    expect(parseMeasureRequest('measure 2 counters')).toEqual({
      kind: 'refused',
      why: 'measurements are asked for in version 1 here; use a voteplane of the same version',
    });
  });

  test.each(['measure 1', 'measure 1 delay', 'measure 1 start b', 'measure 1 delay b c', 'measure 1 mood'])(
    '%s is refused with what there is',
    (text) =>
      expect(parseMeasureRequest(text)).toEqual({
        kind: 'refused',
        why: 'there is no such measurement; ask for counters, start, processing, offset, skew, delay REPLICA, arrival REPLICA',
      }),
  );

  test('faults are none', () => {
    expect(isMeasureText('measure 1 counters')).toBe(true);
    expect(isMeasureText('measured on c at +1')).toBe(false);
    expect(isMeasureText('lie on c at +1')).toBe(false);
  });
});

describe('counters', () => {
  const count = fc.nat(Number.MAX_SAFE_INTEGER);
  const link = fc.record({
    expected: count,
    heard: count,
    late: count,
    tripUs: fc.option(fc.nat(10_000_000)),
  });
  const counters: fc.Arbitrary<ReplicaCounters> = fc.record({
    mode: fc.constantFrom('listening', 'waiting', 'joining', 'running'),
    bornUs: fc.option(count),
    ticks: count,
    unspoken: count,
    overruns: count,
    links: fc.array(fc.option(link), { minLength: 7, maxLength: 7 }),
  });

  test('come as they were sent, and fit into an answer', () => {
    fc.assert(
      fc.property(counters, (one) => {
        const text = formatCounters(one);
        expect(text.length).toBeLessThanOrEqual(ANSWER_TEXT_MAX_BYTES);
        expect(parseCounters(text, 7)).toEqual(one);
        expect(parseCounters(text, 4)).toBeNull();
      }),
    );
  });

  test('in plain text', () => {
    const text = '1 running 5000 100 2 1 ;100,99,1,850;100,100,0,';
    expect(parseCounters(text, 3)).toEqual({
      mode: 'running',
      bornUs: 5000,
      ticks: 100,
      unspoken: 2,
      overruns: 1,
      links: [
        null,
        { expected: 100, heard: 99, late: 1, tripUs: 850 },
        { expected: 100, heard: 100, late: 0, tripUs: null },
      ],
    });
  });

  test.each([
    '',
    '2 running 5000 100 2 1 ;1,1,0,;1,1,0,',
    '1 flying 5000 100 2 1 ;1,1,0,;1,1,0,',
    '1 running 5000 -1 2 1 ;1,1,0,;1,1,0,',
    '1 running 5000 100 2 1 ;1,1,0,5,6;1,1,0,',
    '1 running 5000 100 2 1 ;,1,0,;1,1,0,',
    '1 running 5000 100 2 1 ;1,1,0,;1,1,0, more',
    '1 running 5000 1e9 2 1 ;1,1,0,;1,1,0,',
  ])('%s are none', (text) => expect(parseCounters(text, 3)).toBeNull());

  test('whatever a replica says is refused and never thrown', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(parseCounters(text, 3)).toBeNull();
        expect(parseDurations(`2 ${text}`)).toBeNull();
      }),
    );
  });
});
