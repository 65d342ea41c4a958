/** What a replica makes of an operator's request before anybody proposes it: every refusal has its code, reason and cure. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CommandDesk } from '../../src/process/command-desk.js';
import { buildCommandRules, checkRequest } from '../../src/process/command-rules.js';
import type { ComposedLaw } from '../../src/rig/compose-law.js';
import type { Rig } from '../../src/rig/rig.js';
import {
  decodeContent,
  digestContent,
  encodeContent,
  type OperatorReply,
  type RequestContent,
} from '../../src/wire/request-codec.js';
import { fakeDigest, makeRig } from '../wire/make-rig.js';

const RIG: Rig = {
  ...makeRig(),
  operators: ['operator', 'pilot'],
  commands: [
    {
      id: 'set-target',
      by: ['pilot'],
      effect: 'law',
      arguments: [
        { id: 'pitch', type: 'quantity', unit: 'deg', min: -5, max: 5 },
        { id: 'steps', type: 'integer', min: 0, max: 3 },
        { id: 'mode', type: 'choice', choices: ['hold', 'track'] },
        { id: 'gear', type: 'boolean' },
      ],
    },
    {
      id: 'disarm',
      by: ['pilot'],
      effect: 'disarm',
      arguments: [{ id: 'actuator', type: 'choice', choices: ['elevator'] }],
    },
    ...(['retire', 'admit'] as const).map((id) => ({
      id,
      by: ['pilot'],
      effect: id,
      arguments: [{ id: 'replica', type: 'choice' as const, choices: ['a', 'b'] }],
    })),
  ],
};
const DIGEST = fakeDigest('rig');
const SOUND: RequestContent = {
  client: 'pilot',
  sequence: 7,
  command: 'set-target',
  values: [2.5, 1, 'track', true],
  rigDigest: DIGEST,
};

function check(changes: Partial<RequestContent>, from = 'pilot') {
  return checkRequest(RIG, DIGEST, from, encodeContent({ ...SOUND, ...changes }));
}

describe('a request', () => {
  test('that is sound is named by its operator, number and digest', () => {
    expect(check({})).toEqual({
      ok: true,
      name: { client: 1, sequence: 7, digest: digestContent(encodeContent(SOUND)) },
    });
  });

  test.each([
    [
      'of nobody who may',
      { client: 'operator' },
      'operator',
      'unauthorised',
      /operator may not give set-target; let pilot/,
    ],
    ['in the name of another', {}, 'operator', 'unauthorised', /in the name of another/],
    ['for another rig', { rigDigest: fakeDigest('other') }, 'pilot', 'rig', /another rig file; copy/],
    [
      'for a command that there is not',
      { command: 'set-targt' },
      'pilot',
      'unknown',
      /did you mean "set-target"/,
    ],
    ['with too few arguments', { values: [1] }, 'pilot', 'range', /has 4 arguments, and 1 were given/],
    ['with too many', { values: [1, 1, 'hold', true, 1] }, 'pilot', 'range', /and 5 were given/],
    [
      'out of range',
      { values: [5.1, 1, 'hold', true] },
      'pilot',
      'range',
      /pitch is 5.1, out of range; give --pitch from -5 to 5 deg/,
    ],
    ['with a broken integer', { values: [1, 1.5, 'hold', true] }, 'pilot', 'range', /no whole number/],
    [
      'with a text for a number',
      { values: ['hold', 1, 'hold', true] },
      'pilot',
      'range',
      /pitch is no number/,
    ],
    ['with another choice', { values: [1, 1, 'held', true] }, 'pilot', 'range', /did you mean "hold"/],
    ['with a number for a choice', { values: [1, 1, 1, true] }, 'pilot', 'range', /mode is no choice/],
    [
      'with a number for a boolean',
      { values: [1, 1, 'hold', 1] },
      'pilot',
      'range',
      /gear is neither true nor false/,
    ],
  ] as const)('%s is refused', (_, changes, from, code, text) => {
    const checked = check(changes, from);
    if (checked.ok) throw new Error('it was taken on');
    expect(checked.verdict.code).toBe(code);
    expect(checked.verdict.text).toMatch(text);
    expect(checked.sequence).toBe(7);
  });

  test('of any bytes is refused as malformed, and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
        const checked = checkRequest(RIG, DIGEST, 'pilot', noise);
        if (checked.ok || decodeContent(noise) !== null) return;
        expect(checked.verdict.code).toBe('malformed');
      }),
    );
  });
});

describe('what is agreed on', () => {
  const law = (outcome: ReturnType<ComposedLaw['command']>): ComposedLaw => ({
    digest: new Uint8Array(32),
    initialState: new Uint8Array(),
    step: () => {
      throw new Error('no step is taken here');
    },
    prepare: () => {},
    command: () => outcome,
  });
  const done = law({ ok: true, state: Uint8Array.of(9) });
  const effect = (changes: Partial<RequestContent>, made = done) =>
    buildCommandRules(RIG, made).effect(encodeContent({ ...SOUND, ...changes }), new Uint8Array(), 3);

  test('is for the law, or sets a posture', () => {
    expect(effect({})).toEqual({ kind: 'law', law: Uint8Array.of(9) });
    expect(effect({ command: 'disarm', values: ['elevator'] })).toEqual({
      kind: 'posture',
      actuator: 0,
      armed: false,
    });
  });

  test.each([
    ['retire', 'b', 1, false],
    ['admit', 'a', 0, true],
  ])('says whom operators want: %s %s', (command, id, replica, isWanted) => {
    expect(effect({ command, values: [id] })).toEqual({ kind: 'wanted', replica, isWanted });
    expect(effect({ command, values: ['w'] })).toMatchObject({ kind: 'refused' });
  });

  test('is refused by the law in words of at most 160 bytes', () => {
    const refusing = effect({}, law({ ok: false, reason: 'ü'.repeat(300), mistake: null }));
    if (refusing.kind !== 'refused') throw new Error('it was done');
    expect(Buffer.byteLength(refusing.reason)).toBeLessThanOrEqual(160);
    expect(refusing.reason).toMatch(/^ü+$/);
  });

  test('is nothing where f+1 replicas lied about it: whatever it holds, it does not throw', () => {
    expect(effect({ command: 'no-such' })).toMatchObject({ kind: 'refused' });
    expect(effect({ values: [99, 1, 'hold', true] })).toMatchObject({ kind: 'refused' });
    expect(buildCommandRules(RIG, done).effect(Uint8Array.of(1, 2), new Uint8Array(), 3)).toMatchObject({
      kind: 'refused',
    });
  });
});

describe('the desk', () => {
  test('answers in the same words at every replica, and keeps contents of a few requests only', () => {
    const replies: OperatorReply[] = [];
    const ordered: number[] = [];
    const desk = new CommandDesk({
      rig: RIG,
      rigDigest: DIGEST,
      devices: null,
      readLeader: () => null,
      order: ({ sequence }) => ordered.push(sequence),
      readOrdered: () => ({
        book: {
          clients: [
            { floor: -1, applied: [] },
            {
              floor: -1,
              applied: [1, 50].map((sequence) => ({
                client: 1,
                sequence,
                digest: digestContent(encodeContent({ ...SOUND, sequence })),
                tick: 100 + sequence,
                outcome: { kind: 'done' as const },
              })),
            },
          ],
          pending: [],
          postures: [],
        },
        startTick: 100,
      }),
      send: (_, reply) => replies.push(reply),
    });
    for (let sequence = 1; sequence <= 50; sequence += 1)
      desk.receive('pilot', { kind: 'submit', content: encodeContent({ ...SOUND, sequence }) });
    expect(ordered).toHaveLength(50);
    desk.receive('pilot', { kind: 'log', sequence: 3 });
    const log = replies.at(-1);
    if (log?.kind !== 'log') throw new Error('no log was sent');
    expect(log.items.map(({ effect, content }) => [effect?.tick, content !== null])).toEqual([
      [1, false],
      [50, true],
    ]);
    const name = { client: 1, sequence: 7, digest: fakeDigest('x') };
    for (const cause of ['used', 'old', 'full', 'away'] as const)
      desk.answer(name, { kind: 'refused', cause });
    expect(
      replies
        .slice(-4)
        .map((reply) =>
          reply.kind === 'verdict' && reply.verdict.kind === 'refused' ? reply.verdict.code : null,
        ),
    ).toEqual(['used', 'old', 'busy', 'busy']);
    expect(JSON.stringify(replies.slice(-4))).not.toMatch(/replica [a-d]\b/);
  });
});
