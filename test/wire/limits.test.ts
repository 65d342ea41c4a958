/** Caps are real: the longest message that a correct sender can make fits, in every kind of rig. */
import { describe, expect, test } from 'vitest';
import { PIECE_BYTES } from '../../src/core/state-fetch.js';
import type { Entry, Hypothesis, PeerMessage, RelayItem } from '../../src/core/types.js';
import { encodeCommand, encodeStatus } from '../../src/wire/actuator-codec.js';
import { encodeControlAnswer, encodeControlRequest } from '../../src/wire/control-codec.js';
import { encodeEntry } from '../../src/wire/entry-codec.js';
import { HELLO_MAX_BYTES, encodeHello } from '../../src/wire/hello.js';
import { deriveLimits } from '../../src/wire/limits.js';
import { PeerCodec } from '../../src/wire/peer-codec.js';
import { encodeReplicatedState } from '../../src/wire/replicated-state-codec.js';
import { DIGESTS, LinkNet } from './link-net.js';
import { makeSignedReplicas } from './signed-replicas.js';
import { makeRig } from './make-rig.js';

const LONG = Number.MAX_SAFE_INTEGER;
const INT32 = -(2 ** 31);

const kinds: [string, number, Hypothesis][] = [
  ['OM(1), n = 4', 4, { kind: 'byzantine', f: 1, authenticators: 'mac' }],
  ['OM(2), n = 7', 7, { kind: 'byzantine', f: 2, authenticators: 'mac' }],
  ['SM(1), n = 3', 3, { kind: 'byzantine', f: 1, authenticators: 'signature' }],
  ['SM(2), n = 5', 5, { kind: 'byzantine', f: 2, authenticators: 'signature' }],
  ['SM(3), n = 7', 7, { kind: 'byzantine', f: 3, authenticators: 'signature' }],
  ['flooding(1), n = 3', 3, { kind: 'crash', f: 1 }],
  ['flooding(3), n = 7', 7, { kind: 'crash', f: 3 }],
  ['TMR', 3, { kind: 'none' }],
];

describe.each(kinds)('%s', (_name, replicas, hypothesis) => {
  const rig = makeRig({ replicas, hypothesis, sensors: 12, actuators: 3 });
  const limits = deriveLimits(rig);
  const status = { bootNonce: new Uint8Array(8), phase: 'armed' as const, trips: LONG, lastTick: LONG };
  const entry: Entry = {
    standing: { kind: 'running', stateTick: LONG, stateDigest: new Uint8Array(16) },
    readings: rig.sensors.map(() => 1.1),
    actuators: rig.actuators.map(() => status),
    missed: 127,
    joins: 127,
  };
  const value = encodeEntry(entry);
  const stamp = { lagUs: 2 ** 32, heldUs: rig.replicas.map(() => 2 ** 32) };

  test('the fullest round message of every round fits', () => {
    const signers = limits.isSigned ? makeSignedReplicas(replicas, rig.id) : null;
    const codec = new PeerCodec(limits, signers === null ? null : (signers[0] ?? null));
    for (let round = 1; round <= limits.rounds; round += 1) {
      const path = Array.from({ length: round - 1 }, (_, i) => i + 1);
      const proof = new Uint8Array(73 * (round - 1));
      const item: RelayItem = limits.isSigned ? { path, value, proof } : { path, value };
      const items = Array.from({ length: limits.itemsByRound[round] as number }, () => item);
      const run = new Uint8Array(16);
      const whole: PeerMessage = { kind: 'round', tick: LONG, round, run, items };
      const message = round === 1 ? { ...whole, stamp } : whole;
      expect(codec.encode(message).length).toBeLessThanOrEqual(limits.payloadBytes.round);
    }
  });

  test('every other longest payload fits', () => {
    const state = encodeReplicatedState({
      tick: LONG,
      run: new Uint8Array(16),
      startTick: LONG,
      law: new Uint8Array(rig.law.stateMaxBytes),
      sensors: rig.sensors.map(() => ({ held: 1.1, lostSince: LONG })),
      members: rig.replicas.map(() => ({
        status: 'excluded',
        sinceTick: LONG,
        missedTicks: LONG,
        penaltyTicks: LONG,
      })),
    });
    const codec = new PeerCodec({ ...limits, isSigned: false }, null);
    const longest: [keyof typeof limits.payloadBytes, Uint8Array][] = [
      [
        'hello',
        encodeHello({
          version: LONG,
          digests: DIGESTS,
          nonce: new Uint8Array(16),
          echo: new Uint8Array(16),
          level: 2,
        }),
      ],
      [
        'state',
        codec.encode({
          kind: 'state-reply',
          digest: new Uint8Array(16),
          length: LONG,
          offset: LONG,
          piece: state.subarray(0, PIECE_BYTES),
        }),
      ],
      ['state', codec.encode({ kind: 'join', tick: LONG, ready: true, stamp })],
      [
        'command',
        encodeCommand({
          tick: LONG,
          order: { kind: 'output', count: INT32 },
          arm: { bootNonce: new Uint8Array(8), trips: LONG, firstTick: LONG },
        }),
      ],
      ['status', encodeStatus({ ...status, lastCount: INT32, missedTicks: LONG })],
      ['control', encodeControlRequest({ sequence: LONG, text: 'x'.repeat(512) })],
      ['answer', encodeControlAnswer({ sequence: LONG, ok: true, text: 'x'.repeat(4096) })],
    ];
    for (const [purpose, payload] of longest) {
      expect(payload.length, purpose).toBeLessThanOrEqual(limits.payloadBytes[purpose]);
    }
    expect(longest[0]?.[1].length).toBeLessThanOrEqual(HELLO_MAX_BYTES);
  });
});

test('a sealed frame is no longer than its cap, under every algorithm', () => {
  for (const options of [{}, { mac: 'hmac-256-64' as const }, { confidential: true }]) {
    const net = new LinkNet(makeRig(options));
    net.start('a');
    net.start('b');
    net.run(1);
    const limits = deriveLimits(net.rig);
    const frame = net.end('a').seal('b', 'round', new Uint8Array(limits.payloadBytes.round));
    expect(frame?.length).toBeLessThanOrEqual(limits.frameBytes.round);
    expect(() => net.end('a').seal('b', 'round', new Uint8Array(limits.payloadBytes.round + 1))).toThrow(
      RangeError,
    );
    for (const { frame: hello } of net.recorded)
      expect(hello.length).toBeLessThanOrEqual(limits.frameBytes.hello);
  }
});
