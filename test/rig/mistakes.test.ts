/** Every mistake code of a rig folder: what raises it, and the place it names. */
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { checkRig } from '../../src/cli/check-command.js';
import { formatMistake, MISTAKE_CODES, suggest } from '../../src/rig/mistake.js';
import type { MistakeCode } from '../../src/rig/mistake.js';
import { removeRigFolders, SOUND_LAW, SOUND_RIG, writeRigFolder } from './rig-folder.js';
import type { FolderFiles } from './rig-folder.js';

afterAll(removeRigFolders);

interface Case {
  readonly code: MistakeCode;
  readonly about: string;
  /** Replaces in the sound rig.yaml. */
  readonly rig?: readonly (readonly [from: string, to: string])[];
  readonly law?: readonly (readonly [from: string, to: string])[];
  readonly files?: FolderFiles;
  /** Text on the line where the mistake is; default: the file's first line. */
  readonly at?: string;
  readonly file?: string;
  readonly what: RegExp;
  readonly cure?: RegExp;
  readonly warning?: boolean;
}

const REPLICAS_C_AND_D = SOUND_RIG.split('\n')
  .filter((line) => /^  [cd]: /.test(line))
  .map((line) => `${line}\n`)
  .join('');
const WITNESS = 'witness: { id: w, inbox: 127.0.0.1:18851 }\n';
/** Two replicas and a witness, which still lack commands. */
const WITNESSED = [
  ['{ byzantine: 1, authenticators: mac }', '{ crash: 1 }'],
  [REPLICAS_C_AND_D, ''],
  ['sensors:', `${WITNESS}sensors:`],
  ['at-least: 2', 'at-least: 1'],
  ['crash on c at', 'crash on b at'],
] as const;
const CLOSING = ['faults: enabled', 'faults: enabled\ncommands: { close: { built-in: disarm } }'] as const;

const CASES: readonly Case[] = [
  { code: 'VP-RIG-FILE', about: 'no law file', files: { 'law.ts': null }, file: 'law.ts', what: /not there/ },
  { code: 'VP-RIG-FILE', about: 'no rig file', files: { 'rig.yaml': null }, what: /no such file/ },
  {
    code: 'VP-RIG-SIZE',
    about: 'a long file',
    files: { 'rig.yaml': `${SOUND_RIG}${'#'.repeat(40_000)}\n` },
    what: /characters/,
  },
  {
    code: 'VP-RIG-SIZE',
    about: 'a deep file',
    rig: [['law: law.ts', `law: ${'['.repeat(1000)}`]],
    at: 'law:',
    what: /nested/,
  },
  {
    code: 'VP-RIG-SIZE',
    about: 'aliases that multiply',
    rig: [
      [
        'faults: enabled',
        `faults: enabled\nx0: &a [${'x,'.repeat(9)}x]\nx1: &b [${'*a,'.repeat(9)}*a]\nx2: &c [${'*b,'.repeat(9)}*b]\nx3: [${'*c,'.repeat(9)}*c]`,
      ],
    ],
    at: 'x0:',
    what: /aliases are followed/,
  },
  {
    code: 'VP-RIG-YAML',
    about: 'no YAML',
    rig: [['observers: [watch]', 'observers: [watch']],
    at: 'faults:',
    what: /not YAML/,
  },
  {
    code: 'VP-RIG-YAML',
    about: 'a key twice',
    rig: [['faults: enabled', 'faults: enabled\nperiod: 1 s']],
    at: 'period: 1 s',
    what: /twice/,
  },
  {
    code: 'VP-RIG-YAML',
    about: 'a tag',
    rig: [['faults: enabled', 'faults: !!js/function enabled']],
    at: 'faults:',
    what: /tag/i,
  },
  {
    code: 'VP-RIG-YAML',
    about: 'two documents',
    rig: [['law: law.ts', '---\nlaw: law.ts']],
    at: '---',
    what: /multiple documents/,
  },
  {
    code: 'VP-RIG-YAML',
    about: 'an alias of nothing',
    rig: [['law: law.ts', 'law: *nothing']],
    at: 'law:',
    what: /no anchor/,
  },
  {
    code: 'VP-RIG-YAML',
    about: 'no UTF-8',
    files: { 'rig.yaml': new Uint8Array([0x72, 0xff, 0xfe]) },
    what: /UTF-8/,
  },
  {
    code: 'VP-RIG-KEY',
    about: 'an unknown key',
    rig: [['    fail-safe: 0 deg', '    failSafe: 0 deg']],
    at: 'failSafe',
    what: /"failSafe" is no key of actuators\.elevator/,
    cure: /did you mean "fail-safe"/,
  },
  {
    code: 'VP-RIG-KEY',
    about: 'a unit of a boolean',
    rig: [['type: boolean,', 'type: boolean, unit: deg,']],
    at: 'gear:',
    what: /boolean sensor has no unit/,
  },
  {
    code: 'VP-RIG-REQUIRED',
    about: 'no period',
    rig: [['period: 50 ms\n', '']],
    at: 'rig: sound',
    what: /no period/,
  },
  {
    code: 'VP-RIG-REQUIRED',
    about: 'no spread',
    rig: [[', spread: 1.5 deg', '']],
    at: 'pitch: {',
    what: /no spread/,
  },
  {
    code: 'VP-RIG-REQUIRED',
    about: 'an empty value',
    rig: [['law: law.ts', 'law:']],
    at: 'law:',
    what: /no value/,
  },
  {
    code: 'VP-RIG-TYPE',
    about: 'a list that is text',
    rig: [['operators: [operator]', 'operators: operator']],
    at: 'operators',
    what: /operators is "operator"/,
  },
  {
    code: 'VP-RIG-TYPE',
    about: 'a law outside',
    rig: [['law: law.ts', 'law: /etc/law.ts']],
    at: 'law:',
    what: /not a path from this folder/,
  },
  {
    code: 'VP-RIG-TYPE',
    about: 'a file that is a text',
    files: { 'rig.yaml': 'hello\n' },
    what: /the file is "hello"/,
  },
  {
    code: 'VP-RIG-CHOICE',
    about: 'a slip',
    rig: [['authenticators: mac', 'authenticators: macs']],
    at: 'hypothesis',
    what: /"macs"/,
    cure: /did you mean "mac"/,
  },
  {
    code: 'VP-RIG-CHOICE',
    about: 'flights of a flight',
    rig: [['faults: enabled', 'faults: enabled\nflights: [b/rig.yaml]']],
    files: { 'b/rig.yaml': SOUND_RIG.replace('law.ts', '../law.ts') + 'flights: [../b]\n' },
    at: 'flights',
    what: /flights of its own/,
  },
  {
    code: 'VP-RIG-QUANTITY',
    about: 'a time without unit',
    rig: [['period: 50 ms', 'period: 50']],
    at: 'period',
    what: /no time with a unit/,
    cure: /50 ms/,
  },
  {
    code: 'VP-RIG-QUANTITY',
    about: 'parts of a microsecond',
    rig: [['period: 50 ms', 'period: 30 Hz']],
    at: 'period',
    what: /whole number of microseconds/,
  },
  {
    code: 'VP-RIG-UNIT',
    about: 'another unit',
    rig: [['spread: 1.5 deg', 'spread: 1.5 rad']],
    at: 'pitch: {',
    what: /in rad, but unit: says deg/,
  },
  {
    code: 'VP-RIG-UNIT',
    about: 'a unit that is no time',
    rig: [['round: 20 ms', 'round: 20 deg']],
    at: 'round',
    what: /deg is no unit of time/,
  },
  {
    code: 'VP-RIG-UNIT',
    about: 'a unit that is no long time',
    rig: [['faults: enabled', 'faults: enabled\nreliability: { repair: 5 ms }']],
    at: 'repair',
    what: /ms is no unit of long times/,
  },
  {
    code: 'VP-RIG-RANGE',
    about: 'a span that no model takes',
    rig: [['faults: enabled', 'faults: enabled\nreliability: { repair: -1 h }']],
    at: 'repair',
    what: /no span of a reliability model/,
  },
  {
    code: 'VP-RIG-RANGE',
    about: 'ends the wrong way round',
    rig: [['range: [-45, 45]', 'range: [45, -45]']],
    at: 'pitch: {',
    what: /45 is not below -45/,
  },
  {
    code: 'VP-RIG-RANGE',
    about: 'a fail-safe outside',
    rig: [['fail-safe: 0 deg', 'fail-safe: 30 deg']],
    at: 'fail-safe',
    what: /outside the envelope/,
  },
  {
    code: 'VP-RIG-RANGE',
    about: 'an end between counts',
    rig: [['25 deg]', '25.0005 deg]']],
    at: 'envelope',
    what: /no whole number of counts/,
  },
  {
    code: 'VP-RIG-RANGE',
    about: 'counts beyond 32 bits',
    rig: [['resolution: 0.001', 'resolution: 0.000000001']],
    at: 'envelope',
    what: /beyond 32 bits/,
  },
  {
    code: 'VP-RIG-RANGE',
    about: 'a period of a minute',
    rig: [['period: 50 ms', 'period: 60 s']],
    at: 'period',
    what: /outside/,
  },
  {
    code: 'VP-RIG-ID',
    about: 'a capital',
    rig: [['  c: {', '  C: {']],
    at: '  C: {',
    what: /"C" is no id/,
    cure: /such as c/,
  },
  {
    code: 'VP-RIG-ID',
    about: 'a word of the fault grammar',
    rig: [['observers: [watch]', 'observers: [world]']],
    at: 'observers',
    what: /world has a meaning/,
  },
  {
    code: 'VP-RIG-ID-TWICE',
    about: 'a replica and an operator',
    rig: [['[operator]', '[a]']],
    at: 'operators',
    what: /already that of a replica/,
  },
  {
    code: 'VP-RIG-ADDRESS',
    about: 'no port',
    rig: [['127.0.0.1:18832', 'localhost']],
    at: '  b: {',
    what: /no address of an inbox/,
  },
  {
    code: 'VP-RIG-ADDRESS',
    about: 'no bridge',
    rig: [['tcp://127.0.0.1:18932', 'usb']],
    at: '  b: {',
    what: /no address of a firmware bridge/,
  },
  {
    code: 'VP-RIG-ADDRESS-TWICE',
    about: 'one port for two',
    rig: [['127.0.0.1:18832', '127.0.0.1:18831']],
    at: '  b: {',
    what: /a and b cannot both/,
  },
  {
    code: 'VP-RIG-ADDRESS-TWICE',
    about: 'an inbox in a replica',
    rig: [['inbox: 127.0.0.1:18841', 'inbox: mqtt://127.0.0.1:18831']],
    at: 'inbox: mqtt',
    what: /broker inside a/,
  },
  {
    code: 'VP-RIG-CHANNEL-TWICE',
    about: 'two sensors',
    rig: [['type: boolean,', 'type: boolean, channel: 0,']],
    at: 'gear:',
    what: /both channel 0/,
  },
  {
    code: 'VP-RIG-REPLICAS',
    about: 'one replica',
    rig: [[/ {2}b: .*\n {2}c: .*\n {2}d: .*\n/.exec(SOUND_RIG)?.[0] ?? '', '']],
    at: 'replicas:',
    what: /1 replica/,
  },
  {
    code: 'VP-RIG-HYPOTHESIS',
    about: 'three with MACs (case B4)',
    rig: [[/ {2}d: .*\n/.exec(SOUND_RIG)?.[0] ?? '', '']],
    at: 'hypothesis',
    what: /Lamport, Shostak, Pease 1982.*n ≥ 3f\+1 = 4/,
    cure: /4 replicas.*signature/,
  },
  {
    code: 'VP-RIG-HYPOTHESIS',
    about: 'four of which two lie, signed',
    rig: [['byzantine: 1, authenticators: mac', 'byzantine: 2, authenticators: signature']],
    at: 'hypothesis',
    what: /n ≥ 2f\+1 = 5/,
  },
  {
    code: 'VP-RIG-HYPOTHESIS',
    about: 'four of which two crash (case C2)',
    rig: [['{ byzantine: 1, authenticators: mac }', '{ crash: 2 }']],
    at: 'hypothesis',
    what: /n ≥ 2f\+1 = 5/,
  },
  {
    code: 'VP-RIG-HYPOTHESIS',
    about: 'four for study',
    rig: [['{ byzantine: 1, authenticators: mac }', 'none']],
    at: 'hypothesis',
    what: /for 3 replicas/,
  },
  {
    code: 'VP-RIG-HYPOTHESIS',
    about: 'two that crash, and no witness',
    rig: [
      ['{ byzantine: 1, authenticators: mac }', '{ crash: 1 }'],
      [REPLICAS_C_AND_D, ''],
    ],
    at: 'hypothesis',
    what: /n ≥ 2f\+1 = 3/,
    cure: /Use 3 replicas, or two and a witness/,
  },
  {
    code: 'VP-RIG-KEY',
    about: 'a witness inside the hypothesis',
    rig: [['{ byzantine: 1, authenticators: mac }', '{ crash: 1, witness: w }']],
    at: 'hypothesis',
    what: /"witness" is no key of hypothesis/,
  },
  {
    code: 'VP-RIG-WITNESS',
    about: 'a witness where replicas lie',
    rig: [['sensors:', `${WITNESS}sensors:`]],
    at: 'witness:',
    what: /one replica may crash/,
    cure: /crash: 1/,
  },
  {
    code: 'VP-RIG-WITNESS',
    about: 'a witness beside four replicas',
    rig: [['sensors:', `${WITNESS}sensors:`]],
    at: 'witness:',
    what: /beside two replicas; the rig has 4/,
  },
  {
    code: 'VP-RIG-WITNESS',
    about: 'a witness without commands',
    rig: WITNESSED,
    at: 'witness:',
    what: /no commands/,
    cure: /commands:/,
  },
  {
    code: 'VP-RIG-HOLD',
    about: 'a hold that ends before the witness has voted',
    rig: [...WITNESSED, CLOSING],
    at: 'hold: 120 ms',
    what: /dies the other goes on within 447 ms, of which 305 ms until the witness has voted/,
    cure: /at least 447 ms/,
  },
  {
    code: 'VP-RIG-FUSION',
    about: 'two of two channels, where one may be gone',
    rig: [...WITNESSED.filter(([from]) => from !== 'at-least: 2'), CLOSING],
    at: 'at-least',
    what: /keep it false by their silence/,
    cure: /at-least: 1/,
  },
  {
    code: 'VP-RIG-ID-TWICE',
    about: 'a witness with the id of a replica',
    rig: [
      ...WITNESSED.filter(([from]) => from !== 'sensors:'),
      ['sensors:', `${WITNESS.replace('w,', 'a,')}sensors:`],
    ],
    at: 'witness:',
    what: /already that of a replica/,
  },
  {
    code: 'VP-RIG-ADDRESS-TWICE',
    about: 'a witness at the inbox of a replica',
    rig: [
      ...WITNESSED.filter(([from]) => from !== 'sensors:'),
      ['sensors:', `${WITNESS.replace('18851', '18831')}sensors:`],
    ],
    at: 'witness:',
    what: /a and w cannot both have their inbox/,
  },
  {
    code: 'VP-RIG-TIMING',
    about: 'rounds too long',
    rig: [['round: 20 ms', 'round: 25 ms']],
    at: 'round',
    what: /2 × 25 ms \+ 2 ms = 52 ms, longer than the period of 50 ms/,
    cure: /24 ms.*52 ms/,
  },
  {
    code: 'VP-RIG-HOLD',
    about: 'a hold shorter than a tick',
    rig: [['hold: 120 ms', 'hold: 40 ms']],
    at: 'hold',
    what: /before the next tick/,
  },
  {
    code: 'VP-RIG-HOLD',
    about: 'a hold that worst timing outlasts',
    rig: [['hold: 120 ms', 'hold: 80 ms']],
    at: 'hold',
    what: /92 ms apart/,
    warning: true,
  },
  {
    code: 'VP-RIG-VOTE',
    about: 'mid-value with three',
    rig: [
      [/ {2}d: .*\n/.exec(SOUND_RIG)?.[0] ?? '', ''],
      ['authenticators: mac', 'authenticators: signature'],
      ['rearm: auto', 'vote: mid-value'],
    ],
    at: 'vote:',
    what: /n ≥ 3f\+1 = 4/,
  },
  {
    code: 'VP-RIG-FUSION',
    about: 'one liar makes it true',
    rig: [['at-least: 2', 'at-least: 1']],
    at: 'gear:',
    what: /make it true by themselves/,
  },
  {
    code: 'VP-RIG-FUSION',
    about: 'one silence keeps it false',
    rig: [['at-least: 2', 'at-least: 4']],
    at: 'gear:',
    what: /keep it false/,
  },
  {
    code: 'VP-RIG-FUSION',
    about: 'a count of numbers',
    rig: [['spread: 1.5 deg', 'spread: 1.5 deg, fusion: { at-least: 2 }']],
    at: 'pitch: {',
    what: /at-least is for booleans/,
  },
  {
    code: 'VP-RIG-FUSION',
    about: 'a middle of booleans',
    rig: [['{ at-least: 2 }', 'midpoint']],
    at: 'gear:',
    what: /midpoint is for numbers/,
  },
  {
    code: 'VP-RIG-PACKET',
    about: 'too much to say',
    rig: [
      ['byzantine: 1', 'byzantine: 2'],
      ['round: 20 ms', 'round: 15 ms'],
      ['at-least: 2', 'at-least: 3'],
      [
        'sensors:\n',
        `  e: { inbox: h:1, bridge: tcp://h:2 }\n  f: { inbox: h:3, bridge: tcp://h:4 }\n  g: { inbox: h:5, bridge: tcp://h:6 }\nsensors:\n${Array.from({ length: 14 }, (_, i) => `  s${i}: { type: boolean, channel: ${i + 30} }\n`).join('')}`,
      ],
      [
        'law: law.ts',
        `${Array.from({ length: 7 }, (_, i) => `  x${i}: { unit: m, resolution: 1, envelope: [0, 1], hold: 1 s, fail-safe: 0, inbox: h:${i + 10}, bridge: tcp://h:${i + 20} }\n`).join('')}law: law.ts`,
      ],
    ],
    at: 'sensors:',
    what: /a round message may take \d+ bytes/,
  },
  {
    code: 'VP-RIG-SINGLE-POINT',
    about: 'one broker for two',
    rig: [
      ['127.0.0.1:18831', 'mqtt://broker:1883'],
      ['127.0.0.1:18832', 'mqtt://broker:1883'],
    ],
    at: '  a: {',
    what: /a, b have their inbox at one broker/,
    warning: true,
  },
  {
    code: 'VP-RIG-PLANT',
    about: 'no such plant',
    rig: [['model: pitch', 'model: balloon']],
    at: 'plant',
    what: /balloon/,
  },
  {
    code: 'VP-RIG-FAULT',
    about: 'a fault without a tick',
    rig: [['crash on c at 40 for 20', 'crash on c']],
    at: 'fault:',
    what: /./,
  },
  {
    code: 'VP-RIG-LAW-SYNTAX',
    about: 'half a law',
    law: [['return { state', 'return { { state']],
    file: 'law.ts',
    at: 'return {',
    what: /no TypeScript/,
  },
  {
    code: 'VP-RIG-LAW-IMPORT',
    about: 'a module of Node',
    law: [
      [
        "import { limit } from './limit.js'",
        "import { readFileSync } from 'node:fs';\nimport { limit } from './limit.js'",
      ],
      ['const sum =', 'readFileSync;\n    const sum ='],
    ],
    file: 'law.ts',
    at: 'readFileSync }',
    what: /cannot import "node:fs"/,
  },
  {
    code: 'VP-RIG-LAW-IMPORT',
    about: 'a file outside the folder',
    law: [['./limit.js', '../limit.js']],
    file: 'law.ts',
    at: '../limit.js',
    what: /no file|outside/,
  },
  {
    code: 'VP-RIG-LAW-SHAPE',
    about: 'no law',
    files: { 'law.ts': 'export const initial = 0;\n' },
    file: 'law.ts',
    what: /exports no law/,
  },
  {
    code: 'VP-RIG-LAW-SHAPE',
    about: 'a state that is no data',
    law: [['{ sum: 0, tick: 0 }', '{ sum: 0, tick: NaN }']],
    file: 'law.ts',
    what: /holds NaN at tick/,
  },
  {
    code: 'VP-RIG-LAW-IDS',
    about: 'a sensor that is not there',
    law: [["pitch: 'number'", "pich: 'number'"]],
    file: 'law.ts',
    what: /did you mean "pitch"/,
  },
  {
    code: 'VP-RIG-LAW-IDS',
    about: 'a number read as a boolean',
    law: [["pitch: 'number'", "pitch: 'boolean'"]],
    file: 'law.ts',
    what: /as a boolean; the rig says number/,
  },
  {
    code: 'VP-RIG-LAW-IDS',
    about: 'an actuator left alone',
    law: [["['elevator']", '[]']],
    file: 'law.ts',
    what: /never commands the actuator elevator/,
  },
  {
    code: 'VP-RIG-LAW-IDS',
    about: 'a command to nobody',
    law: [['commands: { elevator:', 'commands: { elevater:']],
    file: 'law.ts',
    what: /commands elevater/,
    cure: /did you mean "elevator"/,
  },
  {
    code: 'VP-RIG-LAW-TRAP',
    about: 'time',
    law: [['const pitch =', 'Date.now();\n    const pitch =']],
    file: 'law.ts',
    at: 'Date.now',
    what: /Date is not available.*tick/,
  },
  {
    code: 'VP-RIG-LAW-RUN',
    about: 'an exception',
    law: [['const pitch =', 'null.x;\n    const pitch =']],
    file: 'law.ts',
    at: 'null.x',
    what: /throws TypeError/,
  },
  {
    code: 'VP-RIG-LAW-RUN',
    about: 'NaN',
    law: [['elevator: limit(', 'elevator: NaN * limit(']],
    file: 'law.ts',
    what: /holds NaN at commands\.elevator/,
  },
  {
    code: 'VP-RIG-LAW-RUN',
    about: 'a loop without end',
    law: [['const pitch =', 'while (tick >= 0) tick;\n    const pitch =']],
    file: 'law.ts',
    what: /did not end within 4000 ms/,
  },
  {
    code: 'VP-RIG-COMMAND',
    about: 'given by nobody of the rig',
    rig: [['faults: enabled', 'faults: enabled\ncommands:\n  go: { by: [operatr] }']],
    at: 'go:',
    what: /operatr is no operator/,
    cure: /did you mean "operator"/,
  },
  {
    code: 'VP-RIG-COMMAND',
    about: 'in a rig without operators',
    rig: [
      ['operators: [operator]\n', ''],
      ['faults: enabled', 'faults: enabled\ncommands:\n  go: {}'],
    ],
    at: 'go:',
    what: /nobody may give go/,
  },
  {
    code: 'VP-RIG-COMMAND',
    about: 'with an argument that is an option',
    rig: [
      ['faults: enabled', 'faults: enabled\ncommands:\n  go:\n    arguments:\n      keys: { type: boolean }'],
    ],
    at: 'keys:',
    what: /--keys is an option/,
  },
  {
    code: 'VP-RIG-COMMAND',
    about: 'with a choice twice',
    rig: [
      [
        'faults: enabled',
        'faults: enabled\ncommands:\n  go:\n    arguments:\n      to: { type: choice, choices: [up, up] }',
      ],
    ],
    at: 'to:',
    what: /up stands twice/,
  },
  ...(['retire', 'admit'] as const).map((what): Case => ({
    code: 'VP-RIG-COMMAND',
    about: `${what} without a witness`,
    rig: [['faults: enabled', `faults: enabled\ncommands:\n  go: { built-in: ${what} }`]],
    at: 'built-in',
    what: new RegExp(`${what} changes the operational quorum, and the rig has none without a witness`),
    cure: /Remove go, or add witness:/,
  })),
  {
    code: 'VP-RIG-KEY',
    about: 'retire with arguments of its own',
    rig: [
      ...WITNESSED,
      [
        'faults: enabled',
        'faults: enabled\ncommands:\n  go: { built-in: retire, arguments: { a: { type: boolean } } }',
      ],
      ['hold: 120 ms', 'hold: 500 ms'],
    ],
    at: 'arguments',
    what: /retire has one argument, the replica, and it is built in/,
  },
  {
    code: 'VP-RIG-REQUIRED',
    about: 'a quantity without a range',
    rig: [['faults: enabled', 'faults: enabled\ncommands:\n  go:\n    arguments:\n      to: { unit: deg }']],
    at: 'to:',
    what: /the quantity to has no range/,
  },
  {
    code: 'VP-RIG-KEY',
    about: 'a boolean with a range',
    rig: [
      [
        'faults: enabled',
        'faults: enabled\ncommands:\n  go:\n    arguments:\n      to: { type: boolean, range: [0, 1] }',
      ],
    ],
    at: 'to:',
    what: /a boolean has no range/,
  },
  {
    code: 'VP-RIG-KEY',
    about: 'a key that no command has',
    rig: [['faults: enabled', 'faults: enabled\ncommands:\n  go: { argument: {} }']],
    at: 'go:',
    what: /"argument" is no key/,
    cure: /did you mean "arguments"/,
  },
  {
    code: 'VP-RIG-RANGE',
    about: 'a range of broken integers',
    rig: [
      [
        'faults: enabled',
        'faults: enabled\ncommands:\n  go:\n    arguments:\n      to: { type: integer, range: [0, 1.5] }',
      ],
    ],
    at: 'to:',
    what: /1.5 is no whole number/,
  },
  {
    code: 'VP-RIG-UNIT',
    about: 'a range in another unit',
    rig: [
      [
        'faults: enabled',
        'faults: enabled\ncommands:\n  go:\n    arguments:\n      to: { unit: deg, range: [0, 1 rad] }',
      ],
    ],
    at: 'to:',
    what: /is in rad/,
  },
  {
    code: 'VP-RIG-ID',
    about: 'an argument with a capital',
    rig: [
      ['faults: enabled', 'faults: enabled\ncommands:\n  go:\n    arguments:\n      To: { type: boolean }'],
    ],
    at: 'To:',
    what: /"To" is no id/,
  },
  {
    code: 'VP-RIG-LAW-COMMANDS',
    about: 'a command that the law does not take',
    rig: [['faults: enabled', 'faults: enabled\ncommands: { go: {} }']],
    file: 'law.ts',
    what: /does not say what go does/,
  },
  {
    code: 'VP-RIG-LAW-COMMANDS',
    about: 'a command that only the law knows',
    law: [
      ['  law(state', '  commands: { go: { arguments: {}, apply: (state) => ({ state }) } },\n  law(state'],
    ],
    file: 'law.ts',
    what: /takes go, which is no command/,
  },
  {
    code: 'VP-RIG-LAW-COMMANDS',
    about: 'an argument of another type',
    rig: [['faults: enabled', 'faults: enabled\ncommands: { go: { arguments: { to: { type: boolean } } } }']],
    law: [
      [
        '  law(state',
        "  commands: { go: { arguments: { to: 'number' }, apply: (state) => ({ state }) } },\n  law(state",
      ],
    ],
    file: 'law.ts',
    what: /takes to as a number; a boolean is a boolean/,
  },
  {
    code: 'VP-RIG-LAW-TRAP',
    about: 'chance in a command',
    rig: [['faults: enabled', 'faults: enabled\ncommands: { go: {} }']],
    law: [
      [
        '  law(state',
        '  commands: { go: { arguments: {}, apply: (state) => ({ state: { ...state, sum: Math.random() } }) } },\n  law(state',
      ],
    ],
    file: 'law.ts',
    at: 'Math.random',
    what: /Math.random is not available/,
  },
  {
    code: 'VP-RIG-LAW-IMPURE',
    about: 'memory outside the state in a command',
    rig: [['faults: enabled', 'faults: enabled\ncommands: { go: {} }']],
    law: [
      ['const initial', 'const box = [0];\nconst initial'],
      [
        '  law(state',
        '  commands: { go: { arguments: {}, apply: (state) => ({ state: { ...state, sum: (box[0] += box.push(0)) } }) } },\n  law(state',
      ],
    ],
    file: 'law.ts',
    what: /command go gives another result/,
  },
  {
    code: 'VP-RIG-LAW-RUN',
    about: 'a command that returns nothing',
    rig: [['faults: enabled', 'faults: enabled\ncommands: { go: {} }']],
    law: [['  law(state', '  commands: { go: { arguments: {}, apply: () => ({}) } },\n  law(state']],
    file: 'law.ts',
    what: /the command returns no state/,
  },
  {
    code: 'VP-RIG-LAW-SHAPE',
    about: 'a command without an apply',
    law: [['  law(state', '  commands: { go: { arguments: {} } },\n  law(state']],
    file: 'law.ts',
    what: /the command go has no apply/,
  },
  {
    code: 'VP-RIG-LAW-IMPURE',
    about: 'memory outside the state',
    law: [
      ['const initial', 'let calls = 0;\nconst initial'],
      ['elevator: limit(', 'elevator: (calls += 1) * 0.01 + limit('],
    ],
    file: 'law.ts',
    what: /taken again from the same state/,
  },
  {
    code: 'VP-RIG-LAW-STATE',
    about: 'too much state',
    law: [['state: { sum, tick }', "state: { sum, tick, text: 'x'.repeat(300) }"]],
    file: 'law.ts',
    what: /more than 256/,
  },
  {
    code: 'VP-RIG-LAW-ENVELOPE',
    about: 'a command outside',
    law: [['elevator: limit(', 'elevator: 3 * limit(']],
    file: 'law.ts',
    what: /outside its envelope/,
    warning: true,
  },
];

describe('every mistake names its code, file, line and cure', () => {
  test.each(CASES.map((one) => [`${one.code} ${one.about}`, one] as const))('%s', async (_name, one) => {
    const alter = (text: string, changes: Case['rig']): string => {
      for (const [from, to] of changes ?? []) {
        expect(text).toContain(from);
        text = text.replace(from, () => to);
      }
      return text;
    };
    const texts: Record<string, string> = {
      'rig.yaml': alter(SOUND_RIG, one.rig),
      'law.ts': alter(SOUND_LAW, one.law),
    };
    const folder = writeRigFolder({ ...texts, ...one.files });
    const report = await checkRig(folder);
    const found = report.ok ? report.warnings : report.mistakes;
    expect(report.ok).toBe(one.warning === true);
    const mistake = found.find(({ code, what }) => code === one.code && one.what.test(what));
    expect(mistake, found.map(formatMistake).join('\n')).toBeDefined();
    if (mistake === undefined) return;
    const file = one.file ?? 'rig.yaml';
    expect(mistake.file).toBe(path.join(folder, file));
    const lines = (texts[file] ?? '').split('\n');
    expect(mistake.line).toBe(
      one.at === undefined ? 1 : 1 + lines.findIndex((line) => line.includes(one.at ?? '')),
    );
    expect(mistake.column).toBeGreaterThanOrEqual(1);
    expect(mistake.cure).toMatch(one.cure ?? /^[A-Z].{3,}/);
    expect(formatMistake(mistake)).toMatch(/rig\.yaml:\d+:\d+ VP-RIG-|law\.ts:\d+:\d+ VP-RIG-/);
  });

  test('no code is without a case', () => {
    const untested = Object.keys(MISTAKE_CODES).filter((code) => !CASES.some((one) => one.code === code));
    expect(untested).toEqual([]);
  });

  test('the sound folder has none', async () => {
    const report = await checkRig(writeRigFolder());
    expect(report).toMatchObject({ ok: true, rig: 'sound', warnings: [] });
  });

  test('all of them come at once, in the order of the file', async () => {
    const text = SOUND_RIG.replace('period: 50 ms', 'period: 50')
      .replace('  b: {', '  B: {')
      .replace('spread: 1.5 deg', 'spread: 1 m')
      .replace('faults: enabled', 'fualts: enabled');
    const law = SOUND_LAW.replace('const pitch', 'const 0pitch');
    const report = await checkRig(writeRigFolder({ 'rig.yaml': text, 'law.ts': law }));
    expect(report.ok ? [] : report.mistakes.map(({ code, line }) => [code, line])).toEqual([
      ['VP-RIG-LAW-SYNTAX', 15],
      ['VP-RIG-QUANTITY', 3],
      ['VP-RIG-ID', 7],
      ['VP-RIG-UNIT', 11],
      ['VP-RIG-KEY', 27],
    ]);
  });
});

test('suggestions are slips, not other words', () => {
  expect(suggest('fail_safe', ['fail-safe', 'hold'])).toBe('; did you mean "fail-safe"?');
  expect(suggest('peroid', ['period', 'round'])).toBe('; did you mean "period"?');
  expect(suggest('xyz', ['rig', 'law'])).toBe('');
  expect(suggest('x'.repeat(100_000), ['rig'])).toBe('');
});
