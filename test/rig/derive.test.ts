/** What follows from a rig: figures, packet caps against real frames, digests. */
import { describe, expect, test } from 'vitest';
import { toHex } from '../../src/core/bytes.js';
import type { Entry } from '../../src/core/types.js';
import { countRounds, deriveFacts, derivePacketCaps, PACKET_LIMIT_BYTES } from '../../src/rig/derive.js';
import { MAX_STATE_BYTES } from '../../src/rig/schema.js';
import { computeArithmeticDigest, digestRig } from '../../src/rig/digest.js';
import { parseRig } from '../../src/rig/parse-rig.js';
import type { Rig } from '../../src/rig/rig.js';
import { encodeEntry } from '../../src/wire/entry-codec.js';
import { SOUND_RIG } from './rig-folder.js';

function readRig(...changes: readonly (readonly [from: string, to: string])[]): Rig {
  let text = SOUND_RIG;
  for (const [from, to] of changes) {
    expect(text).toContain(from);
    text = text.replace(from, () => to);
  }
  const parsed = parseRig(text, 'rig.yaml');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.mistakes));
  return parsed.rig;
}

const D = SOUND_RIG.split('\n').find((line) => line.startsWith('  d:')) ?? '';
const HYPOTHESIS = '{ byzantine: 1, authenticators: mac }';
const MORE = `${D}\n${['e', 'f', 'g'].map((id, i) => `  ${id}: { inbox: h:${i + 1}, bridge: tcp://h:${i + 11} }`).join('\n')}`;
const SEVEN = [
  [HYPOTHESIS, '{ byzantine: 2 }'],
  [D, MORE],
  ['round: 20 ms', 'round: 15 ms'],
  ['at-least: 2', 'at-least: 3'],
] as const;

describe('figures', () => {
  test('four replicas, one Byzantine, MACs (case B9): 36 logical messages in 24 packets, 12 a round', () => {
    expect(deriveFacts(readRig())).toMatchObject({
      algorithm: 'OM(1)',
      rounds: 2,
      majority: 3,
      minPresent: 3,
      perTick: { roundMessages: 24, logicalMessages: 36, commandMessages: 4 },
      decidedByUs: 40_000,
      commandByUs: 42_000,
      worstLatencyUs: 62_000,
      longestGapUs: 92_000,
    });
  });

  test('seven replicas, two Byzantine', () => {
    expect(deriveFacts(readRig(...SEVEN))).toMatchObject({
      algorithm: 'OM(2)',
      rounds: 3,
      majority: 4,
      minPresent: 5,
      // 42 links; one own value, five of others, twenty of others through others.
      perTick: { roundMessages: 126, logicalMessages: 42 * 26 },
    });
  });

  test.each([
    ['{ byzantine: 1, authenticators: signature }', 'SM(1)', 2, 2],
    ['{ crash: 1 }', 'flooding(1)', 2, 2],
    ['none', 'TMR', 1, 2],
  ])('three replicas, %s', (hypothesis, algorithm, rounds, minPresent) => {
    const facts = deriveFacts(readRig([HYPOTHESIS, hypothesis], [`${D}\n`, '']));
    expect(facts).toMatchObject({ algorithm, rounds, minPresent, majority: 2 });
    expect(facts.tolerates.length).toBeGreaterThan(0);
    expect(facts.doesNotTolerate.length).toBeGreaterThan(0);
  });

  test('a broker of all and a shared bridge are single points of failure', () => {
    const shared = readRig(
      ['127.0.0.1:18831', 'mqtt://x:1'],
      ['127.0.0.1:18832', 'mqtt://x:1'],
      ['tcp://127.0.0.1:18932', 'tcp://127.0.0.1:18931'],
    );
    const points = deriveFacts(shared).singlePoints;
    expect(points).toContainEqual(expect.stringMatching(/mqtt:\/\/x:1: the inbox of a, b/));
    expect(points).toContainEqual(expect.stringMatching(/tcp:\/\/127\.0\.0\.1:18931: shared by a, b/));
    expect(deriveFacts(readRig()).singlePoints).toHaveLength(1);
  });
});

describe('two replicas and a witness', () => {
  const commands = ['faults: enabled', 'faults: enabled\ncommands: { close: { built-in: disarm } }'] as const;
  const text = [
    [HYPOTHESIS, '{ crash: 1 }'],
    [
      SOUND_RIG.split('\n')
        .filter((line) => /^  [cd]: /.test(line))
        .join('\n'),
      '',
    ],
    ['sensors:', 'witness: { id: w, inbox: 127.0.0.1:18851 }\nsensors:'],
    ['  gear: { type: boolean, fusion: { at-least: 2 } }', '  gear: { type: boolean }'],
    ['hold: 120 ms', 'hold: 447 ms'],
    commands,
  ] as const;
  const rig = readRig(...text);

  test('one command moves an actuator, and the other replica is there within hold', () => {
    expect(rig.witness).toEqual({ id: 'w', inbox: { kind: 'embedded', host: '127.0.0.1', port: 18851 } });
    expect(rig.sensors[1]?.fusion).toEqual({ atLeast: 1 });
    const facts = deriveFacts(rig);
    expect(facts).toMatchObject({ replicas: 2, majority: 1, rounds: 2, longestGapUs: 447_000 });
    // Silence and a beat, then two exchanges of two writes and two messages.
    expect(facts.witness).toEqual({ id: 'w', quorumChangeUs: 145_000 + 2 * (2 * 20_000 + 2 * 20_000) });
    expect(facts.tolerates[0]).toBe(
      'a or b that stops or falls silent: the other goes on alone once w has voted for that, within 305 ms',
    );
    expect(facts.tolerates.join()).not.toMatch(/fewer than/);
    expect(facts.singlePoints[0]).toBe(
      'the replica that went on alone, until the other is back and w has voted for both',
    );
  });

  test('its inbox at the broker of a replica is a single point of failure', () => {
    const shared = readRig(...text, ['127.0.0.1:18831', 'mqtt://x:1'], ['127.0.0.1:18851', 'mqtt://x:1']);
    expect(deriveFacts(shared).singlePoints[0]).toMatch(/mqtt:\/\/x:1: the inbox of a, w/);
  });

  test('its id is part of what members share, its address is not', () => {
    const digest = (from: string, to: string): string => toHex(digestRig(readRig(...text, [from, to])));
    const same = toHex(digestRig(rig));
    expect(digest('id: w', 'id: x')).not.toBe(same);
    expect(digest('127.0.0.1:18851', '127.0.0.1:18852')).toBe(same);
  });
});

describe('packet caps', () => {
  const signed = readRig(
    [HYPOTHESIS, '{ byzantine: 2, authenticators: signature }'],
    [D, MORE],
    ['round: 20 ms', 'round: 15 ms'],
    ['at-least: 2', 'at-least: 3'],
  );
  test.each([
    ['four', readRig()],
    ['seven', readRig(...SEVEN)],
    ['seven, signed', signed],
    [
      'seven, and a law that keeps much',
      readRig(...SEVEN, ['law: law.ts', `law: { path: law.ts, state-max: ${MAX_STATE_BYTES} }`]),
    ],
  ])('%s: no message of a correct replica is longer', (_name, rig) => {
    const far = Number.MAX_SAFE_INTEGER;
    const entry: Entry = {
      standing: { kind: 'running', stateTick: far, stateDigest: new Uint8Array(32) },
      readings: rig.sensors.map((sensor) => (sensor.type === 'number' ? Math.PI : true)),
      actuators: rig.actuators.map(() => ({
        bootNonce: new Uint8Array(8),
        phase: 'fail-safe',
        trips: far,
        lastTick: far,
      })),
      missed: 127,
      joins: 127,
    };
    const bytes = encodeEntry(entry).length;
    const n = rig.replicas.length;
    const isSigned = rig.hypothesis.kind === 'byzantine' && rig.hypothesis.authenticators === 'signature';
    const rounds = countRounds(rig.hypothesis);
    let items = 1;
    if (isSigned) items = 2 * (n - 2);
    else for (let step = 1; step < rounds; step += 1) items *= n - 1 - step;
    const caps = derivePacketCaps(rig);
    expect(caps.round).toBeGreaterThan(items * (bytes + rounds + (isSigned ? rounds * 66 : 0)) + 60);
    for (const cap of Object.values(caps)) expect(cap).toBeLessThanOrEqual(PACKET_LIMIT_BYTES);
  });
});

describe('the configuration digest', () => {
  const digest = (...changes: readonly (readonly [from: string, to: string])[]): string =>
    toHex(digestRig(readRig(...changes)));
  const sound = digest();

  test.each([
    ['another address', '127.0.0.1:18832', '10.0.0.2:18831'],
    ['an external broker', '127.0.0.1:18832', 'mqtt://broker:1883'],
    ['another bridge', 'tcp://127.0.0.1:18932', 'serial:/dev/ttyACM0'],
    ['another path of the law', 'law: law.ts', 'law: ./law.ts'],
    ['another plant', 'model: pitch', 'model: altitude'],
    ['another way to say the same', 'period: 50 ms', 'period: 20 Hz'],
    ['a default spelt out', 'rearm: auto', 'rearm: auto\n    vote: exact'],
    ['another tour', 'say: one is gone', 'say: goodbye'],
    ['another reliability', 'faults: enabled', 'faults: enabled\nreliability: { repair: 2 h }'],
  ])('is the same with %s', (_about, from, to) => {
    expect(digest([from, to])).toBe(sound);
  });

  test.each([
    ['rig: sound', 'rig: other'],
    ['round: 20 ms', 'round: 19 ms'],
    ['period: 50 ms', 'period: 51 ms'],
    ['authenticators: mac', 'authenticators: signature'],
    ['  c: {', '  x: {'],
    ['unit: deg, range', 'unit: rad, range: [-45, 45], spread: 1.5 rad }\n  y: { unit: deg, range'],
    ['spread: 1.5 deg', 'spread: 1.6 deg'],
    ['at-least: 2', 'at-least: 3'],
    ['[-25 deg', '[-24 deg'],
    ['hold: 120 ms', 'hold: 121 ms'],
    ['fail-safe: 0 deg', 'fail-safe: 1 deg'],
    ['rearm: auto', 'rearm: operator'],
    ['[operator]', '[operator, pilot]'],
    ['[watch]', '[]'],
    ['faults: enabled', 'faults: disabled'],
    ['law: law.ts', 'law: { path: law.ts, state-max: 255 }'],
    ['faults: enabled', 'faults: enabled\nmac: hmac-256-64'],
    ['faults: enabled', 'faults: enabled\nconfidential: true'],
    ['faults: enabled', 'faults: enabled\nprocessing: 3 ms'],
    ['faults: enabled', 'faults: enabled\ncommands: { go: {} }'],
  ])('changes from %s to %s', (from, to) => {
    expect(digest([from, to])).not.toBe(sound);
  });
});

test('the digest covers all that a command is, and not what is only spelt out', () => {
  const digest = (commands: string): string =>
    toHex(
      digestRig(
        readRig(
          ['faults: enabled', `faults: enabled\ncommands:\n${commands}`],
          ['[operator]', '[operator, pilot]'],
        ),
      ),
    );
  const sound = digest('  go: { arguments: { to: { unit: deg, range: [0, 5] } } }');
  expect(
    digest(
      '  go: { by: [pilot, operator], arguments: { to: { type: quantity, unit: deg, range: [0, 5] } } }',
    ),
  ).toBe(sound);
  for (const other of [
    '  went: { arguments: { to: { unit: deg, range: [0, 5] } } }',
    '  go: { by: [pilot], arguments: { to: { unit: deg, range: [0, 5] } } }',
    '  go: { arguments: { at: { unit: deg, range: [0, 5] } } }',
    '  go: { arguments: { to: { unit: rad, range: [0, 5] } } }',
    '  go: { arguments: { to: { unit: deg, range: [0, 6] } } }',
    '  go: { arguments: { to: { type: integer, range: [0, 5] } } }',
    '  go: { arguments: { to: { type: boolean } } }',
    '  go: { arguments: { to: { type: choice, choices: [up, down] } } }',
    '  go: { built-in: arm }',
    '  go: { arguments: { to: { unit: deg, range: [0, 5] } } }\n  stop: {}',
  ])
    expect(digest(other), other).not.toBe(sound);
});

test('the arithmetic of one machine has one digest', () => {
  expect(toHex(computeArithmeticDigest())).toBe(toHex(computeArithmeticDigest()));
  const { sin } = Math;
  try {
    Math.sin = (x) => (x === 0.7310585786300049 ? sin(x) + Number.EPSILON : sin(x));
    const altered = toHex(computeArithmeticDigest());
    Math.sin = sin;
    expect(altered).not.toBe(toHex(computeArithmeticDigest()));
  } finally {
    Math.sin = sin;
  }
});
