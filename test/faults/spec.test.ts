import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatFault, MAX_SPEC_LENGTH, parseFault, type FaultSpec } from '../../src/faults/spec.js';

const id = fc.stringMatching(/^[a-z][a-z0-9-]{0,15}$/).filter((text) => text !== 'world');
const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,19}$/).filter((text) => text !== 'clear');
const target = fc.oneof(
  fc.record({ kind: fc.constant('part' as const), id }),
  fc.record({ kind: fc.constant('channel' as const), replica: id, sensor: id }),
  fc.record({ kind: fc.constant('link' as const), from: id, to: id }),
  fc.record({ kind: fc.constant('broker' as const), owner: id }),
  fc.constant({ kind: 'world' as const }),
);
const tick = fc.nat({ max: 1_000_000_000 });
const parameters = fc.uniqueArray(
  fc.record({
    key: fc.stringMatching(/^[a-z][a-z0-9-]{0,7}$/),
    value: fc.stringMatching(/^[!-<>-~]{1,12}$/),
  }),
  { maxLength: 8, selector: ({ key }) => key },
);
const spec: fc.Arbitrary<FaultSpec> = fc.oneof(
  fc.record({
    kind: fc.constant('inject' as const),
    name,
    target,
    parameters,
    at: fc.record({ relative: fc.boolean(), tick }),
    forTicks: fc.option(tick.filter((ticks) => ticks > 0)),
  }),
  fc.record({ kind: fc.constant('clear' as const), name, target }),
);

describe('grammar of faults (faults.md)', () => {
  test('what is written is read back, whatever it is', () => {
    fc.assert(
      fc.property(spec, (one) => {
        expect(parseFault(formatFault(one))).toEqual({ ok: true, spec: one });
      }),
    );
  });

  test('any text gives a spec or a complaint inside the text, and never throws', () => {
    const word = fc.constantFrom(
      'lie',
      'on',
      'c',
      'c.pitch',
      'a>c',
      'at',
      '+50',
      'for',
      '10',
      'p=',
      '=',
      'clear',
    );
    const texts = fc.oneof(
      fc.string({ maxLength: 600 }),
      fc.array(word).map((words) => words.join(' ')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const parsed = parseFault(text);
        if (parsed.ok) expect(parseFault(formatFault(parsed.spec))).toEqual(parsed);
        else {
          expect(parsed.column).toBeGreaterThanOrEqual(1);
          expect(parsed.column).toBeLessThanOrEqual(Math.min(text.length, MAX_SPEC_LENGTH) + 1);
          expect(parsed.what).not.toBe('');
          expect(parsed.cure).not.toBe('');
        }
      }),
    );
  });

  test('the example of the command line', () => {
    expect(parseFault('equivocate on c at +50 for 100')).toEqual({
      ok: true,
      spec: {
        kind: 'inject',
        name: 'equivocate',
        target: { kind: 'part', id: 'c' },
        parameters: [],
        at: { relative: true, tick: 50 },
        forTicks: 100,
      },
    });
  });

  test('each kind of target', () => {
    const read = (text: string) => {
      const parsed = parseFault(`x on ${text} at 1`);
      return parsed.ok ? parsed.spec.target : null;
    };
    expect(read('elevator')).toEqual({ kind: 'part', id: 'elevator' });
    expect(read('c.pitch')).toEqual({ kind: 'channel', replica: 'c', sensor: 'pitch' });
    expect(read('a>c')).toEqual({ kind: 'link', from: 'a', to: 'c' });
    expect(read('broker:c')).toEqual({ kind: 'broker', owner: 'c' });
    expect(read('world')).toEqual({ kind: 'world' });
    for (const wrong of ['C', 'c.', '.c', 'a>b>c', 'link:c', 'c:d', 'c!', '9', '>'])
      expect(read(wrong)).toBeNull();
  });

  test.each([
    ['', 1, 'missing'],
    ['Lie on c at 1', 1, 'no name'],
    ['lie in c at 1', 5, "stands where 'on' belongs"],
    ['lie on', 7, 'missing'],
    ['lie on C at 1', 8, 'no target'],
    ['lie on c value at 1', 10, "stands where 'at' belongs"],
    ['lie on c', 9, 'not said when'],
    ['lie on c at', 12, 'missing'],
    ['lie on c at -1', 13, 'no tick'],
    ['lie on c at 1.5', 13, 'no tick'],
    ['lie on c at 9999999999', 13, 'no tick'],
    ['lie on c value= at 1', 16, 'has no value'],
    ['lie on c =5 at 1', 10, 'no parameter'],
    ['lie on c p=1 p=2 at 1', 14, 'twice'],
    ['lie on c at 1 value=5', 15, 'follows the start'],
    ['lie on c at 1 for', 18, 'missing'],
    ['lie on c at 1 for 0', 19, 'no number of ticks'],
    ['lie on c at 1 for 5 x', 21, 'follows the end'],
    ['clear lie on c at 5', 16, 'follows the target'],
    ['clear lie', 10, "'on TARGET' is missing"],
  ])('%j is refused at column %i', (text, column, what) => {
    const parsed = parseFault(text);
    expect(parsed).toMatchObject({ ok: false, column });
    if (!parsed.ok) expect(parsed.what).toContain(what);
  });

  test('length and number of parameters are bounded', () => {
    expect(parseFault('x'.repeat(MAX_SPEC_LENGTH + 1))).toMatchObject({ ok: false });
    const many = Array.from({ length: 17 }, (_, at) => `k${at}=1`).join(' ');
    expect(parseFault(`lie on c ${many} at 1`)).toMatchObject({ ok: false, what: 'too many parameters' });
  });
});
