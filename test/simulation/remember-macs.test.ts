/** Authenticators that are remembered are those that would have been worked out. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rememberMacs } from '../../src/simulation/remember-macs.js';
import { nodeMacEngine, type MacEngine } from '../../src/wire/mac-engine.js';

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
/** Few different ones, so that some come again; some longer than what is kept at first. */
const message = fc
  .tuple(fc.constantFrom(0, 1, 40, 384, 385, 900), fc.nat(2), fc.nat(2))
  .map(([length, first, last]) => {
    const bytes = new Uint8Array(length);
    bytes.fill(first, 0, 1);
    bytes.fill(last, -1);
    return bytes;
  });

describe('a MAC engine with a memory', () => {
  it('says what the engine says, whatever was asked before and by whom', () => {
    fc.assert(
      fc.property(
        fc.array(key, { minLength: 1, maxLength: 3 }),
        fc.array(fc.tuple(fc.nat(2), fc.boolean(), message), { maxLength: 40 }),
        (keys, questions) => {
          const engine = rememberMacs(nodeMacEngine);
          const ends = keys.map((one) => [engine.prepareKey(one), engine.prepareKey(one.slice())] as const);
          for (const [at, second, asked] of questions) {
            const which = at % keys.length;
            const [first, other] = ends[which] as (typeof ends)[number];
            expect((second ? other : first)(asked)).toEqual(
              nodeMacEngine.prepareKey(keys[which] as Uint8Array)(asked),
            );
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it('works out once what both ends of a link ask, and again what was altered in between', () => {
    let asked = 0;
    const counting: MacEngine = {
      name: 'node',
      prepareKey: (secret) => {
        const compute = nodeMacEngine.prepareKey(secret);
        return (bytes) => {
          asked += 1;
          return compute(bytes);
        };
      },
    };
    const engine = rememberMacs(counting);
    const seal = engine.prepareKey(new Uint8Array(32).fill(7));
    const open = engine.prepareKey(new Uint8Array(32).fill(7));
    const frame = new Uint8Array(200).fill(1);
    const mac = seal(frame);
    expect(open(frame.slice())).toEqual(mac);
    expect(asked).toBe(1);
    frame[199] = 2;
    expect(open(frame)).not.toEqual(mac);
    expect(asked).toBe(2);
  });
});
