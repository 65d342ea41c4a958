/** rig.yaml to a Rig: values, units, defaults, and any text at all. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseBridge, parseHostPort, parseInbox } from '../../src/rig/address.js';
import { parseRig, RIG_DIALECT } from '../../src/rig/parse-rig.js';
import { formatDuration, parseDuration, parseQuantity } from '../../src/rig/quantity.js';
import { MAX_YAML_LENGTH, readYaml } from '../../src/rig/read-yaml.js';
import { SOUND_RIG } from './rig-folder.js';

describe('a sound file', () => {
  const parsed = parseRig(SOUND_RIG, 'rig.yaml');
  test('becomes a rig in counts and microseconds', () => {
    expect(parsed.ok && parsed.rig).toMatchObject({
      id: 'sound',
      hypothesis: { kind: 'byzantine', f: 1, authenticators: 'mac' },
      periodUs: 50_000,
      roundUs: 20_000,
      processingUs: 2_000,
      mac: 'hmac-256',
      confidential: false,
      sensors: [
        {
          id: 'pitch',
          type: 'number',
          min: -45,
          max: 45,
          spread: 1.5,
          fusion: 'mid-value',
          maxAgeUs: 50_000,
          channel: 0,
        },
        { id: 'gear', type: 'boolean', min: 0, max: 1, unit: '', fusion: { atLeast: 2 }, channel: 1 },
      ],
      actuators: [
        {
          id: 'elevator',
          minCount: -25_000,
          maxCount: 25_000,
          failSafeCount: 0,
          holdUs: 120_000,
          vote: 'exact',
          rearm: 'auto',
        },
      ],
      operators: ['operator'],
      observers: ['watch'],
      commands: [],
      faultInjection: true,
      expect: 'masked',
      law: { path: 'law.ts', stateMaxBytes: 256 },
      plant: { model: 'pitch', parameters: {} },
    });
    expect(parsed.ok && parsed.rig.replicas.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd']);
    expect(parsed.ok && parsed.rig.replicas[1]).toEqual({
      id: 'b',
      inbox: { kind: 'embedded', host: '127.0.0.1', port: 18832 },
      bridge: { kind: 'tcp', host: '127.0.0.1', port: 18932 },
    });
  });

  test('says which defaults are in force, and no others', () => {
    const defaults = parsed.ok ? parsed.defaults.map(({ path, value }) => `${path}: ${value}`) : [];
    expect(defaults.sort()).toEqual(
      [
        'actuators.elevator.channel: 0',
        'actuators.elevator.vote: exact',
        'confidential: false',
        'expect: masked',
        'law.state-max: 256 bytes',
        'mac: hmac-256',
        'processing: 2 ms',
        'reliability.mission: 1 h (assumed)',
        'reliability.repair: 1 h (assumed)',
        'reliability.replica-mtbf: 1000 h (assumed)',
        'sensors.gear.channel: 1',
        'sensors.gear.hold: 250 ms (five periods)',
        'sensors.gear.max-age: 50 ms (one period)',
        'sensors.gear.required: true',
        'sensors.pitch.channel: 0',
        'sensors.pitch.fusion: mid-value',
        'sensors.pitch.hold: 250 ms (five periods)',
        'sensors.pitch.max-age: 50 ms (one period)',
        'sensors.pitch.required: true',
        'sensors.pitch.type: number',
      ].sort(),
    );
  });

  test.each([
    ['period: 50 ms', 'period: 20 Hz', { periodUs: 50_000 }],
    ['period: 50 ms', 'period: 0.05 s', { periodUs: 50_000 }],
    ['round: 20 ms', 'round: 1.1 ms', { roundUs: 1_100 }],
    ['round: 20 ms', 'round: 20000 µs', { roundUs: 20_000 }],
    [
      '{ byzantine: 1, authenticators: mac }',
      '{ byzantine: 1 }',
      { hypothesis: { kind: 'byzantine', f: 1, authenticators: 'mac' } },
    ],
    ['{ byzantine: 1, authenticators: mac }', '{ crash: 1 }', { hypothesis: { kind: 'crash', f: 1 } }],
    [
      'law: law.ts',
      'law: { path: ../x/law.js, state-max: 99 }',
      { law: { path: '../x/law.js', stateMaxBytes: 99 } },
    ],
    [
      'faults: enabled',
      'mac: hmac-256-64\nconfidential: true',
      { mac: 'hmac-256-64', confidential: true, faultInjection: false },
    ],
    ['plant: { model: pitch }', 'expect: disagree', { plant: null, expect: 'disagree' }],
    [
      'faults: enabled',
      'reliability: { replica-mtbf: 100 d, repair: 30 min }',
      {
        reliability: { replicaMtbfHours: 2400, repairHours: 0.5, missionHours: 1, assumed: ['mission'] },
      },
    ],
  ])('%s → %s', (from, to, expected) => {
    const altered = parseRig(SOUND_RIG.replace(from, to), 'rig.yaml');
    expect(altered.ok ? altered.rig : altered.mistakes).toMatchObject(expected);
  });

  test('−0 is +0', () => {
    const altered = parseRig(
      SOUND_RIG.replace('fail-safe: 0 deg', 'fail-safe: -0 deg').replace('[-45, 45]', '[-0.0, 45]'),
      'f',
    );
    expect(altered.ok && Object.is(altered.rig.actuators[0]?.failSafeCount, 0)).toBe(true);
    expect(altered.ok && Object.is(altered.rig.sensors[0]?.min, 0)).toBe(true);
  });
});

describe('any text at all', () => {
  const judge = (text: string): void => {
    const parsed = parseRig(text, 'f');
    if (parsed.ok) return;
    expect(parsed.mistakes.length).toBeGreaterThan(0);
    for (const { line, column, what, cure } of parsed.mistakes) {
      expect(line).toBeGreaterThanOrEqual(1);
      expect(column).toBeGreaterThanOrEqual(1);
      expect(what.length).toBeGreaterThan(0);
      expect(cure.length).toBeGreaterThan(0);
    }
  };

  test('random text and random YAML-like text are refused, never thrown at', () => {
    const sign = fc.constantFrom(
      ...'abz019 \n\t:-?#&*!|>\'"%@`{}[],.~\r\0\u0085\u2028',
      '\n  ',
      ': ',
      '- ',
      '__proto__',
      '<<',
      'rig',
      'replicas',
    );
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), judge), { numRuns: 500 });
    fc.assert(
      fc.property(
        fc.array(sign, { maxLength: 120 }).map((signs) => signs.join('')),
        judge,
      ),
      { numRuns: 1500 },
    );
  });

  test.each(['{}', '[]', '{ __proto__: 1 }', '!!binary aGk='])('%s in place of a word', (value) => {
    for (const word of ['boolean', 'enabled', 'auto', 'mac'])
      judge(SOUND_RIG.replace(new RegExp(`: ${word}\\b`), `: ${value}`));
  });

  test('a sound file with lines and words changed', () => {
    const lines = SOUND_RIG.split('\n');
    const junk = fc.constantFrom(
      '',
      '0',
      '-1',
      '1e999',
      '.nan',
      'null',
      'true',
      '[]',
      '{}',
      '[[1]]',
      '5 m',
      '0 ms',
      'x: y',
      '"',
      'a'.repeat(300),
    );
    const change = fc.record({
      line: fc.nat(lines.length - 1),
      from: fc.nat(60),
      length: fc.nat(20),
      to: junk,
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const altered = [...lines];
        for (const { line, from, length, to } of changes) {
          const text = altered[line] ?? '';
          altered[line] = text.slice(0, from) + to + text.slice(from + length);
        }
        judge(altered.join('\n'));
      }),
      { numRuns: 1500 },
    );
  });

  test('texts that exhaust a YAML parser are refused before it sees them, or end soon', () => {
    const rows = (count: number, row: (index: number) => string): string =>
      Array.from({ length: count }, (_, i) => row(i)).join('\n');
    const bombs = [
      '['.repeat(30_000),
      '- '.repeat(15_000),
      '? '.repeat(15_000),
      '{a: '.repeat(8_000),
      `{${'"a":"b":'.repeat(3_500)}}`,
      '&a '.repeat(10_000),
      '!a '.repeat(10_000),
      rows(200, (i) => `${' '.repeat(i)}a:`),
      rows(200, (i) => `${' '.repeat(i)}-`),
      rows(3_300, (i) => `a${i}: 1`),
      rows(60, () => '? ['),
      '"'.repeat(30_000),
      `[${','.repeat(30_000)}]`,
      ']'.repeat(30_000),
      'a: &x [*x, *x]',
      `[\n${"' #',[[[[[[[[\n".repeat(2_000)}`,
      `[\n${"'\n #',[[[[[[[[\n".repeat(1_900)}`,
    ];
    const startedMs = performance.now();
    for (const bomb of bombs) {
      expect(bomb.length).toBeLessThanOrEqual(MAX_YAML_LENGTH);
      expect(parseRig(bomb, 'f').ok).toBe(false);
    }
    expect(performance.now() - startedMs).toBeLessThan(20_000);
  });

  test('keys that JavaScript treats specially stay keys', () => {
    for (const key of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      const parsed = parseRig(SOUND_RIG.replace('  b: {', `  ${key}: {`), 'f');
      expect(parsed.ok).toBe(false);
    }
    expect(({} as { inbox?: unknown }).inbox).toBeUndefined();
  });
});

test('places count from 1, for keys and values', () => {
  const yaml = readYaml('a:\n  b: [1, two]\n', 'f', RIG_DIALECT);
  if (!yaml.ok) throw new Error('sound YAML was refused');
  expect(yaml.source.placeOf(['a', 'b', 1])).toEqual({ line: 2, column: 10 });
  expect(yaml.source.placeOfKey(['a', 'b'])).toEqual({ line: 2, column: 3 });
  expect(yaml.source.placeOf(['a', 'missing'])).toEqual({ line: 1, column: 1 });
});

describe('quantities', () => {
  test.each([
    ['20 ms', 20_000],
    ['250us', 250],
    ['1.5 s', 1_500_000],
    ['0.3 ms', 300],
    ['1e3 us', 1_000],
  ])('%s', (text, us) => expect(parseDuration(text)).toEqual({ ok: true, us }));

  test.each([
    ['20', 'no-quantity'],
    ['ms', 'no-quantity'],
    ['20 ms ms', 'no-quantity'],
    ['20 min', 'wrong-unit'],
    ['20 Hz', 'wrong-unit'],
    ['1.5 us', 'not-whole'],
    ['1e99 s', 'not-whole'],
  ])('%s is none: %s', (text, why) => expect(parseDuration(text)).toMatchObject({ ok: false, why }));

  test('a rate of nothing is no period', () =>
    expect(parseDuration('0 Hz', true)).toMatchObject({ ok: false }));

  test('units are texts, and no unit is guessed', () => {
    expect(parseQuantity('-4.5 deg/s')).toEqual({ value: -4.5, unit: 'deg/s' });
    expect(parseQuantity('5 m s')).toBeNull();
    expect(parseQuantity('NaN deg')).toBeNull();
  });

  test('what is written is read back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999 }), (us) => {
        expect(parseDuration(formatDuration(us))).toEqual({ ok: true, us });
      }),
    );
  });
});

describe('addresses', () => {
  test('inboxes', () => {
    expect(parseInbox('[::1]:18')).toEqual({ kind: 'embedded', host: '::1', port: 18 });
    expect(parseInbox('mqtt://broker.local:1883/')).toEqual({
      kind: 'external',
      url: 'mqtt://broker.local:1883',
    });
    for (const text of ['h', 'h:0', 'h:65536', 'h:1:2', 'mqtts://h:1', ':1', ' h:1', 'h :1', '::1:5'])
      expect(parseInbox(text)).toBeNull();
  });

  test('bridges', () => {
    expect(parseBridge('tcp://pi-1:7000')).toEqual({ kind: 'tcp', host: 'pi-1', port: 7000 });
    expect(parseBridge('serial:/dev/ttyACM0')).toEqual({
      kind: 'serial',
      path: '/dev/ttyACM0',
      baud: 115_200,
    });
    expect(parseBridge('serial:COM3?baud=9600')).toEqual({ kind: 'serial', path: 'COM3', baud: 9_600 });
    for (const text of ['tcp://h', 'serial:', 'serial:/dev/x?baud=fast', '/dev/ttyACM0'])
      expect(parseBridge(text)).toBeNull();
  });

  test('any text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 400 }), (text) => {
        parseHostPort(text);
        parseInbox(`mqtt://${text}`);
        parseBridge(`serial:${text}`);
      }),
    );
  });
});
