/** What `voteplane submit` says of each end that a request may come to, and its exit code. */
import { describe, expect, test } from 'vitest';
import { describeSubmitted } from '../../src/cli/submit-command.js';
import type { Submitted } from '../../src/client/open-client.js';

const ASKED = { asked: 'set-target level=1.2 m', sequence: 7, isRepeat: false } as const;
const SAID = [{ replica: 'a', text: 'no answer' }] as const;

describe('a request', () => {
  test.each<[string, Submitted, number, RegExp]>([
    [
      'in force, ordered by a log',
      { ...ASKED, kind: 'applied', tick: 40, outcome: { kind: 'done' }, slot: 9 },
      0,
      /^set-target level=1\.2 m: in force from tick 40 on \(slot 9, request 7\)$/,
    ],
    [
      'in force, ordered by the vector',
      { ...ASKED, kind: 'applied', tick: 40, outcome: { kind: 'done' }, slot: null },
      0,
      /: in force from tick 40 on \(request 7\)$/,
    ],
    [
      'refused by the law',
      { ...ASKED, kind: 'applied', tick: 40, outcome: { kind: 'refused', reason: 'manual mode' }, slot: 9 },
      1,
      /refused by the rig at tick 40: manual mode \(slot 9, request 7\)$/,
    ],
    [
      'lapsed',
      { ...ASKED, kind: 'applied', tick: 40, outcome: { kind: 'lapsed' }, slot: null },
      1,
      /lapsed at tick 40.*; ask again/,
    ],
    ['not taken on', { ...ASKED, kind: 'refused', code: 'range', text: 'too far' }, 1, /\(range\): too far$/],
    [
      'without enough answers',
      { ...ASKED, kind: 'unanswered', said: SAID },
      3,
      /may still take effect.*\n {2}a: no answer$/,
    ],
    [
      'chosen, and not in force in time',
      { ...ASKED, kind: 'chosen', slot: 9, said: SAID },
      4,
      /chosen at slot 9 and not in force in time; it cannot be lost.*voteplane log.*\n {2}a: no answer$/,
    ],
  ])('%s', (_, submitted, exitCode, words) => {
    const report = describeSubmitted(submitted);
    expect(report.exitCode).toBe(exitCode);
    const [said, silent] = exitCode === 0 ? [report.out, report.err] : [report.err, report.out];
    expect(said.join('\n')).toMatch(words);
    expect(silent).toEqual([]);
  });

  test('that is the one of before is said to be, whatever its end', () => {
    const submitted: Submitted = { ...ASKED, isRepeat: true, kind: 'unanswered', said: [] };
    expect(describeSubmitted(submitted).err[0]).toMatch(/asked for before.*the same request 7$/);
  });
});
