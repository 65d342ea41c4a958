/** What an operator writes: as words of a command line, as values of a program, as a line of a scenario. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { readGiven } from '../../src/cli/submit-command.js';
import type { LogEntry } from '../../src/client/command-client.js';
import { formatEntry } from '../../src/cli/log-command.js';
import { readCommand } from '../../src/client/open-client.js';
import { loadRig } from '../../src/rig/load-rig.js';
import type { Rig } from '../../src/rig/rig.js';
import { parseSubmission } from '../../src/rig/submission.js';

const PITCH = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../hardware/rigs/pitch');

let rig: Rig;
beforeAll(async () => {
  ({ rig } = await loadRig(PITCH));
});

describe('words of a command line', () => {
  test('are arguments with their values', () => {
    expect(readGiven(['--pitch', '-5deg', '--mode=hold', '--note', ''])).toEqual({
      pitch: '-5deg',
      mode: 'hold',
      note: '',
    });
  });

  test.each([
    [['pitch'], /"pitch" is no argument/],
    [['--pitch'], /--pitch has no value/],
    [['--pitch', '1', '--pitch', '2'], /--pitch is given twice/],
    [['--timeout', '1', '2'], /--timeout lacks a value, or has one too many/],
  ])('%j are refused', (words, text) => {
    expect(() => readGiven(words)).toThrow(text);
  });
});

describe('a command', () => {
  test.each([[{ pitch: '2.5deg' }], [{ pitch: '2.5 deg' }], [{ pitch: 2.5 }]])('takes %j', (given) => {
    expect(readCommand(rig, 'pilot', 'set-target', given).values).toEqual([2.5]);
  });

  test.each([0.1 + 0.2, 1 / 3, 1e-7 / 3, 2e-5 / 3, -4.000000000000001])('takes %d as it is', (pitch) => {
    expect(readCommand(rig, 'pilot', 'set-target', { pitch }).values).toEqual([pitch]);
  });

  test.each([
    ['set-target', { pitch: '9deg' }, /pitch is 9, out of range; give --pitch from -5 to 5 deg/],
    ['set-target', { pitch: '1rad' }, /pitch is given in rad; give it in deg/],
    ['set-target', { pitch: 'much' }, /pitch is "much", no number with a unit/],
    ['set-target', {}, /set-target needs pitch; give --pitch/],
    ['set-targt', { pitch: 1 }, /did you mean "set-target"/],
    ['set-target', { pich: 1 }, /has no argument pich; its arguments: pitch; did you mean "pitch"/],
    ['disarm', { actuator: 'elevatr' }, /did you mean "elevator"/],
  ] as const)('%s %j is refused with the cure', (id, given, text) => {
    expect(() => readCommand(rig, 'pilot', id, given)).toThrow(text);
  });

  test('is refused to whom it is not for', () => {
    expect(() => readCommand(rig, 'nobody', 'arm', { actuator: 'elevator' })).toThrow(
      /nobody may not give arm/,
    );
  });
});

describe('a line of a scenario', () => {
  test('has one form, whatever it was written like', () => {
    const parsed = parseSubmission(' submit  set-target pitch=2deg at 40 ', rig);
    expect(parsed).toEqual({
      ok: true,
      submission: {
        text: 'submit set-target pitch=2deg by pilot at 40',
        operator: 'pilot',
        command: 'set-target',
        values: [2],
        tick: 40,
      },
    });
    if (parsed.ok) expect(parseSubmission(parsed.submission.text, rig)).toEqual(parsed);
  });

  test.each([
    ['submit', /names no command/],
    ['submit set-target pitch=2deg', /does not say when/],
    ['submit set-target pitch=2deg at soon', /"soon" is no tick/],
    ['submit set-target 2deg at 4', /"2deg" is no argument=value/],
    ['submit set-target pitch=2deg pitch=3deg at 4', /pitch is given twice/],
    ['submit set-target pitch=2deg by watch at 4', /watch may not give set-target/],
    ['submit set-target pitch=20deg at 4', /out of range/],
    ['submit fly at 4', /has no command "fly"/],
    [`submit ${'x'.repeat(400)}`, /longer than 300/],
  ])('%s is refused', (text, what) => {
    const parsed = parseSubmission(text, rig);
    expect(parsed).toMatchObject({ ok: false });
    if (!parsed.ok) expect(parsed.what).toMatch(what);
  });
});

test('a line of the log says who, what and what came of it', () => {
  const entry: LogEntry = {
    slot: null,
    client: 'pilot',
    sequence: 7,
    tick: 40,
    outcome: { kind: 'done' },
    asked: null,
  };
  expect(formatEntry(rig, { ...entry, asked: { command: 'set-target', values: [2] } })).toBe(
    'tick 40  pilot  set-target pitch=2 deg  done  (request 7)',
  );
  expect(formatEntry(rig, entry)).toMatch(/content no replica has any more {2}done/);
  expect(formatEntry(rig, { ...entry, outcome: { kind: 'refused', reason: 'landed' } })).toMatch(
    /refused: landed/,
  );
  expect(formatEntry(rig, { ...entry, slot: 9 })).toMatch(/^slot 9 {2}tick 40 {2}pilot/);
  expect(formatEntry(rig, { ...entry, slot: 9, tick: null, outcome: null })).toMatch(
    /^slot 9 {2}tick - .* {2}chosen, not in force yet/,
  );
});
