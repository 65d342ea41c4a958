/**
 * How long the round messages of a rig are when nobody lies: frames as they leave a replica, made by the codecs that
 * a replica uses. For rigs with MACs or crash faults.
 */
import { randomBytes } from 'node:crypto';
import { deriveFacts } from '../../dist/src/rig/derive.js';
import { ENVELOPE_MAX_BYTES, FrameCodec } from '../../dist/src/wire/cose.js';
import { encodeEntry } from '../../dist/src/wire/entry-codec.js';
import { deriveLimits } from '../../dist/src/wire/limits.js';
import { nodeMacEngine } from '../../dist/src/wire/mac-engine.js';
import { PeerCodec } from '../../dist/src/wire/peer-codec.js';

const TICK = 1_000_000;

/** Bytes of one frame of each round, and their mean, rounded. */
export function measureRoundFrames(rig) {
  const limits = deriveLimits(rig);
  const { rounds } = deriveFacts(rig);
  const codec = new PeerCodec(limits, null);
  const frames = new FrameCodec({
    algorithm: rig.mac,
    computeMac: nodeMacEngine.prepareKey(randomBytes(32)),
    aead: null,
    externalAad: randomBytes(64),
    maxPayloadBytes: limits.frameBytes.round - ENVELOPE_MAX_BYTES,
  });
  const value = encodeEntry({
    standing: { kind: 'running', stateTick: TICK - 1, stateDigest: new Uint8Array(randomBytes(16)) },
    readings: rig.sensors.map(({ type }) => (type === 'boolean' ? true : 1.234)),
    actuators: rig.actuators.map(() => ({
      bootNonce: new Uint8Array(randomBytes(8)),
      phase: 'armed',
      trips: 0,
    })),
  });
  const bytes = [];
  for (let round = 1; round <= rounds; round += 1) {
    const path = Array.from({ length: round - 1 }, (_, at) => at);
    const message = {
      kind: 'round',
      tick: TICK,
      round,
      run: new Uint8Array(randomBytes(16)),
      items: Array.from({ length: limits.itemsByRound[round] }, () => ({ path, value })),
    };
    bytes.push(frames.seal(TICK, codec.encode(message)).length);
  }
  return { byRound: bytes, mean: Math.round(bytes.reduce((sum, one) => sum + one, 0) / bytes.length) };
}
