/** Every mistake code of a scenario file: what raises it, and the place it names. */
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { formatMistake } from '../../src/rig/mistake.js';
import { loadScenario } from '../../src/scenario/load-scenario.js';
import { SCENARIO_MISTAKE_CODES, type ScenarioMistakeCode } from '../../src/scenario/mistake.js';
import { outlineScenario } from '../../src/scenario/parse-scenario.js';
import { removeRigFolders, SOUND_RIG, type FolderFiles } from '../rig/rig-folder.js';
import { findMistakes, PROFILED_RIG, SOUND_SCENARIO, writeScenario } from './scenario-maker.js';

afterAll(removeRigFolders);

interface Case {
  readonly code: ScenarioMistakeCode;
  readonly about: string;
  /** Replaces in the sound scenario. */
  readonly change?: readonly [from: string, to: string];
  readonly text?: string | Uint8Array;
  readonly files?: FolderFiles;
  /** Text that the mistake points at; default: the file's first character. */
  readonly at?: string;
  readonly what: RegExp;
  readonly cure?: RegExp;
}

const inFault = (to: string): readonly [string, string] => ['lie on c at 30 for 40', to];
const inExpect = (to: string): readonly [string, string] => ['suspects: [c]', to];

const CASES: readonly Case[] = [
  {
    code: 'VP-SCN-SIZE',
    about: 'a long file',
    text: `${SOUND_SCENARIO}${'#'.repeat(40_000)}\n`,
    what: /characters/,
    cure: /one scenario per file/,
  },
  {
    code: 'VP-SCN-YAML',
    about: 'no YAML',
    change: ['suspects: [c]', 'suspects: [c'],
    at: '- plant-error',
    what: /not YAML that a scenario can hold/,
  },
  { code: 'VP-SCN-YAML', about: 'no UTF-8', text: new Uint8Array([0x72, 0xff, 0xfe]), what: /UTF-8/ },
  {
    code: 'VP-SCN-KEY',
    about: 'an unknown key',
    change: ['timeline:', 'time-line:'],
    at: 'time-line:',
    what: /"time-line" is no key of a scenario/,
    cure: /did you mean "timeline"/,
  },
  {
    code: 'VP-SCN-KEY',
    about: 'an unknown key of a fault',
    change: ['say: d is gone', 'tell: d is gone'],
    at: 'tell:',
    what: /"tell" is no key of a fault/,
  },
  {
    code: 'VP-SCN-KEY',
    about: 'an unknown key of an expectation',
    change: ['{ max: 0.5 deg }', '{ max: 0.5 deg, min: 0.1 deg }'],
    at: 'min:',
    what: /"min" is no key of plant-error/,
    cure: /plant-error: \{ max: 0\.5 deg \}/,
  },
  { code: 'VP-SCN-REQUIRED', about: 'no title', change: ['title: A liar\n', ''], what: /has no title/ },
  { code: 'VP-SCN-REQUIRED', about: 'no ticks', change: ['ticks: 100\n', ''], what: /has no ticks/ },
  {
    code: 'VP-SCN-REQUIRED',
    about: 'an empty value',
    change: ['seed: 7', 'seed:'],
    at: 'seed:',
    what: /seed has no value/,
  },
  {
    code: 'VP-SCN-REQUIRED',
    about: 'a stop without a fault',
    change: ['fault: "crash on d at 80", ', ''],
    at: '{ say',
    what: /has no fault/,
  },
  {
    code: 'VP-SCN-REQUIRED',
    about: 'a bound without its value',
    change: ['{ max: 0.5 deg }', '{}'],
    at: 'plant-error: {}',
    what: /plant-error\.max has no value/,
  },
  { code: 'VP-SCN-TYPE', about: 'a text', text: 'hello\n', what: /the file is "hello"/ },
  { code: 'VP-SCN-TYPE', about: 'nothing', text: '', what: /the file is empty/ },
  {
    code: 'VP-SCN-TYPE',
    about: 'ticks in words',
    change: ['ticks: 100', 'ticks: many'],
    at: 'many',
    what: /ticks is "many"/,
  },
  {
    code: 'VP-SCN-TYPE',
    about: 'a fault that is a number',
    change: inFault('30'),
    at: '30',
    what: /a fault is 30/,
  },
  {
    code: 'VP-SCN-TYPE',
    about: 'an expectation that is a list',
    change: inExpect('[masked]'),
    at: '[masked]',
    what: /is a list/,
  },
  {
    code: 'VP-SCN-TYPE',
    about: 'a suspect that is no list',
    change: inExpect('suspects: c'),
    at: 'c\n  - plant',
    what: /suspects is "c"/,
  },
  {
    code: 'VP-SCN-TYPE',
    about: 'a rig that is a number',
    change: ['seed: 7', 'rig: 7'],
    at: '7',
    what: /rig is 7/,
  },
  {
    code: 'VP-SCN-RANGE',
    about: 'no tick',
    change: ['ticks: 100', 'ticks: 0'],
    at: '0\ntimeline',
    what: /ticks is 0/,
  },
  {
    code: 'VP-SCN-RANGE',
    about: 'a huge seed',
    change: ['seed: 7', 'seed: 4294967296'],
    at: '4294967296',
    what: /seed is/,
  },
  {
    code: 'VP-SCN-RANGE',
    about: 'missed ticks below none',
    change: inExpect('missed-ticks: { max: -1 }'),
    at: '-1',
    what: /missed-ticks\.max is -1/,
  },
  {
    code: 'VP-SCN-QUANTITY',
    about: 'an angle without a unit',
    change: ['0.5 deg', '0.5'],
    at: '0.5 }',
    what: /plant-error\.max is 0\.5/,
  },
  {
    code: 'VP-SCN-QUANTITY',
    about: 'an angle in rad',
    change: ['0.5 deg', '0.5 rad'],
    at: '0.5 rad',
    what: /"0\.5 rad", and the pitch of the plant of \S+ is in deg/,
    cure: /Give it in deg/,
  },
  {
    code: 'VP-SCN-QUANTITY',
    about: 'half a tick',
    change: ['masked', 'fail-safe: { within: 0.5 ticks }'],
    at: '0.5 ticks',
    what: /fail-safe\.within is "0\.5 ticks"/,
    cure: /within: 3 ticks/,
  },
  {
    code: 'VP-SCN-RIG',
    about: 'a rig that is not there',
    change: ['seed: 7', 'rig: ../../nowhere'],
    at: 'rig:',
    what: /nowhere cannot be used/,
  },
  {
    code: 'VP-SCN-RIG',
    about: 'a rig without a plant',
    files: { 'rig.yaml': SOUND_RIG.replace('plant: { model: pitch }\n', '') },
    what: /names no plant/,
  },
  {
    code: 'VP-SCN-RIG',
    about: 'a rig without faults',
    files: {
      'rig.yaml': PROFILED_RIG.replace('faults: enabled', 'faults: disabled').replace(/tour:\n.*\n/, ''),
    },
    what: /does not let faults/,
  },
  {
    code: 'VP-SCN-FAULT',
    about: 'a fault that cannot be read',
    change: inFault('lie c at 30'),
    at: 'c at 30',
    what: /'c' stands where 'on' belongs/,
    cure: /^Write: NAME on TARGET/,
  },
  {
    code: 'VP-SCN-FAULT',
    about: 'one in quotation marks',
    change: ['"crash on d at 80"', '"crash on d at noon"'],
    at: 'noon',
    what: /'noon' is no tick/,
  },
  {
    code: 'VP-SCN-FAULT-RIG',
    about: 'no such fault',
    change: inFault('lye on c at 30'),
    at: 'lye',
    what: /there is no fault 'lye'/,
  },
  {
    code: 'VP-SCN-FAULT-RIG',
    about: 'no such replica',
    change: inFault('lie on x at 30'),
    at: 'lie on x',
    what: /no replica or actuator 'x'/,
  },
  {
    code: 'VP-SCN-FAULT-RIG',
    about: 'a parameter that it does not take',
    change: inFault('lie on c vlaue=3 at 30'),
    at: 'lie on c',
    what: /lie: .*vlaue/,
  },
  {
    code: 'VP-SCN-FAULT-RIG',
    about: 'a fault of what the rig does not have',
    change: inFault('disk-full on c at 30'),
    at: 'disk-full',
    what: /keeps no command log/,
  },
  {
    code: 'VP-SCN-FAULT-TIME',
    about: 'from now',
    change: inFault('lie on c at +30'),
    at: 'lie on c',
    what: /no now to count from/,
  },
  {
    code: 'VP-SCN-FAULT-TIME',
    about: 'an end',
    change: inFault('clear lie on c'),
    at: 'clear',
    what: /this ends one/,
  },
  {
    code: 'VP-SCN-FAULT-TIME',
    about: 'after the flight',
    change: inFault('lie on c at 100'),
    at: 'lie on c',
    what: /the flight has 100/,
  },
  {
    code: 'VP-SCN-FAULT-TWICE',
    about: 'the same, written otherwise',
    change: ['"crash on d at 80"', '"lie  on c at 30 for 40"'],
    at: '"lie  on c',
    what: /stands twice/,
  },
  {
    code: 'VP-SCN-COMMAND',
    about: 'that the rig has not',
    change: ['"crash on d at 80"', 'submit fly at 80'],
    at: 'submit fly',
    what: /has no command "fly"/,
  },
  {
    code: 'VP-SCN-EXPECT',
    about: 'a word that is none',
    change: inExpect('maskt'),
    at: 'maskt',
    what: /"maskt"/,
    cure: /did you mean "masked"/,
  },
  {
    code: 'VP-SCN-EXPECT',
    about: 'a key that is none',
    change: inExpect('blames: [c]'),
    at: 'blames',
    what: /"blames"/,
    cure: /Known are agree/,
  },
  {
    code: 'VP-SCN-EXPECT',
    about: 'a key without value',
    change: inExpect('suspects'),
    at: 'suspects',
    what: /has no value/,
  },
  {
    code: 'VP-SCN-EXPECT',
    about: 'a word with a value',
    change: ['masked', 'masked: true'],
    at: 'masked',
    what: /takes no value/,
  },
  {
    code: 'VP-SCN-EXPECT',
    about: 'two in one',
    change: inExpect('{ suspects: [c], outside: false }'),
    at: '{ suspects',
    what: /holds 2 expectations/,
  },
  {
    code: 'VP-SCN-EXPECT',
    about: 'a cause that there is not',
    change: inExpect('rejected: [bad-authenticater]'),
    at: 'bad-authenticater',
    what: /rejected\.0/,
    cure: /did you mean "bad-authenticator"/,
  },
  {
    code: 'VP-SCN-EXPECT-TWICE',
    about: 'suspects',
    change: inExpect('suspects: [c]\n  - suspects: [d]'),
    at: 'suspects: [d]',
    what: /expected twice/,
  },
  { code: 'VP-SCN-OUTCOME', about: 'none', change: ['  - masked\n', ''], at: 'expect:', what: /no outcome/ },
  {
    code: 'VP-SCN-OUTCOME',
    about: 'two',
    change: inExpect('plant: lost'),
    at: 'expect:',
    what: /masked and plant: lost cannot both hold/,
  },
  {
    code: 'VP-SCN-ID',
    about: 'no such replica',
    change: inExpect('suspects: [c, x]'),
    at: 'x]',
    what: /no replica "x"/,
  },
  {
    code: 'VP-SCN-ID',
    about: 'no such actuator',
    change: inExpect('alarms: [c]'),
    at: 'c]',
    what: /no actuator "c"/,
    cure: /Choose from elevator/,
  },
  {
    code: 'VP-SCN-ID',
    about: 'one twice',
    change: inExpect('suspects: [c, c]'),
    at: 'c]',
    what: /c is named twice/,
  },
  {
    code: 'VP-SCN-PLANT',
    about: 'no profile',
    files: { 'rig.yaml': SOUND_RIG },
    at: 'plant-error',
    what: /follows no profile/,
  },
];

describe('every mistake code', () => {
  test.each(CASES.map((one) => [`${one.code}, ${one.about}`, one] as const))('%s', async (_name, one) => {
    let text = one.text ?? SOUND_SCENARIO;
    if (one.change !== undefined && typeof text === 'string') {
      const [from, to] = one.change;
      expect(text).toContain(from);
      text = text.replace(from, () => to);
    }
    const file = writeScenario(text, one.files);
    const found = await findMistakes(file);
    const mistake = found.find(({ code, what }) => code === one.code && one.what.test(what));
    expect(mistake, found.map(formatMistake).join('\n')).toBeDefined();
    if (mistake === undefined) return;
    expect(mistake.file).toBe(file);
    const at = typeof text === 'string' && one.at !== undefined ? text.lastIndexOf(one.at) : 0;
    expect(at).toBeGreaterThanOrEqual(0);
    const before = typeof text === 'string' ? text.slice(0, at).split('\n') : [''];
    expect([mistake.line, mistake.column]).toEqual([before.length, (before.at(-1) ?? '').length + 1]);
    expect(mistake.cure).toMatch(one.cure ?? /^['A-Z].{3,}/);
    expect(formatMistake(mistake)).toMatch(/one\.yaml:\d+:\d+ VP-SCN-/);
  });

  test('VP-SCN-FILE, a file that is not there', async () => {
    const found = await findMistakes('/nowhere/x.yaml');
    expect(found.map(formatMistake)).toEqual([
      '/nowhere/x.yaml:1:1 VP-SCN-FILE there is no such file or folder. Name a scenario file, such as ' +
        'hardware/rigs/pitch/scenarios/liar.yaml',
    ]);
  });

  test('no code is without a case', () => {
    const untested = Object.keys(SCENARIO_MISTAKE_CODES).filter(
      (code) => code !== 'VP-SCN-FILE' && !CASES.some((one) => one.code === code),
    );
    expect(untested).toEqual([]);
  });
});

test('the sound scenario has no mistake, and is read whole', async () => {
  const file = writeScenario(SOUND_SCENARIO);
  const { scenario, loaded } = await loadScenario(file);
  expect(scenario).toMatchObject({
    file,
    title: 'A liar',
    why: 'To show that nothing happens.',
    rigPath: path.dirname(path.dirname(file)),
    seed: 7,
    ticks: 100,
    faults: [
      { text: 'lie on c at 30 for 40', say: '' },
      { text: 'crash on d at 80', say: 'd is gone' },
    ],
    expectations: [
      { claim: { kind: 'masked' }, text: 'masked', line: 10 },
      { claim: { kind: 'suspects', ids: ['c'] }, text: 'suspects: [c]', line: 11 },
      {
        claim: { kind: 'plant-error', max: 0.5, unit: 'deg' },
        text: 'plant-error: { max: 0.5 deg }',
        line: 12,
      },
    ],
  });
  expect(scenario.rig).toBe(loaded.rig);
});

test('seed, timeline and rig may be left out', async () => {
  const file = writeScenario('title: t\nwhy: w\nticks: 5\nexpect: [agree]\n');
  const { scenario } = await loadScenario(file);
  expect(scenario).toMatchObject({ seed: 1, faults: [], rigPath: path.dirname(path.dirname(file)) });
});

test('every form of an expectation', async () => {
  const forms = [
    'agree',
    'fail-safe: { within: 3 ticks }',
    'suspects: []',
    'suspects-include: [a, b]',
    'plant-error: { max: 0.25 deg }',
    'plant: lost',
    'missed-ticks: { max: 4 }',
    'rejected: [replayed, bad-authenticator]',
    'alarms: [elevator]',
    'outside: true',
  ];
  const lines = forms.map((form) => `  - ${form}\n`).join('');
  const { scenario } = await loadScenario(writeScenario(`title: t\nwhy: w\nticks: 5\nexpect:\n${lines}`));
  expect(scenario.expectations.map(({ text }) => text)).toEqual(forms);
});

test('all mistakes come at once, those of the rig too, in the order of each file', async () => {
  const text = SOUND_SCENARIO.replace('seed: 7', 'sede: 7')
    .replace('lie on c', 'lye on c')
    .replace('at 80', 'at 800')
    .replace('[c]', 'c');
  const found = await findMistakes(writeScenario(text));
  expect(found.map(({ code, line, column }) => [code, line, column])).toEqual([
    ['VP-SCN-KEY', 4, 1],
    ['VP-SCN-FAULT-RIG', 7, 5],
    ['VP-SCN-FAULT-TIME', 8, 14],
    ['VP-SCN-TYPE', 11, 15],
  ]);
  const both = await findMistakes(
    writeScenario(text, { 'rig.yaml': SOUND_RIG.replace('period: 50 ms', 'period: 50') }),
  );
  expect(both.map(({ code }) => code)).toEqual([
    'VP-SCN-RIG',
    'VP-SCN-KEY',
    'VP-SCN-FAULT-TIME',
    'VP-SCN-TYPE',
    'VP-RIG-QUANTITY',
  ]);
});

test('no text makes the reader throw or pass without a rig', () => {
  const words = fc.constantFrom(
    ...['title: x', 'why: y', 'ticks: 9', 'expect:', '  - masked', '  - suspects: [a]', 'timeline:'],
    ...[
      '  - lie on c at 3',
      '  - {}',
      '- ',
      '{',
      ']',
      ': :',
      '  - plant: {a: b}',
      '  - [',
      'rig: ""',
      '  - 5',
    ],
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(words, { maxLength: 12 }).map((list) => list.join('\n')),
  );
  fc.assert(
    fc.property(text, (given) => {
      const parsed = outlineScenario(given, 'f').finish(null, 'nowhere');
      expect(parsed.ok).toBe(false);
      if (!parsed.ok) expect(parsed.mistakes.length).toBeGreaterThan(0);
    }),
    { numRuns: 300 },
  );
});
