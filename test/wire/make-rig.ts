/** Rigs, keys and entropy for tests of the wire. */
import { createHash } from 'node:crypto';
import type { Hypothesis } from '../../src/core/types.js';
import type { Entropy } from '../../src/ports.js';
import type { Rig } from '../../src/rig/rig.js';

export interface RigOptions {
  readonly replicas?: number;
  readonly hypothesis?: Hypothesis;
  readonly mac?: Rig['mac'];
  readonly confidential?: boolean;
  readonly sensors?: number;
  readonly actuators?: number;
  /** Id of the witness. */
  readonly witness?: string;
}

/** A rig as parse-rig makes them; four replicas, one Byzantine, MACs unless told otherwise. */
export function makeRig(options: RigOptions = {}): Rig {
  const { replicas = 4, sensors = 2, actuators = 1 } = options;
  const inbox = { kind: 'embedded', host: '127.0.0.1', port: 0 } as const;
  const bridge = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;
  return {
    id: 'test-rig',
    hypothesis: options.hypothesis ?? { kind: 'byzantine', f: 1, authenticators: 'mac' },
    periodUs: 50_000,
    roundUs: 20_000,
    processingUs: 5_000,
    mac: options.mac ?? 'hmac-256',
    confidential: options.confidential ?? false,
    witness: options.witness === undefined ? null : { id: options.witness, inbox },
    replicas: Array.from({ length: replicas }, (_, i) => ({ id: 'abcdefg'[i] as string, inbox, bridge })),
    sensors: Array.from({ length: sensors }, (_, i) => ({
      id: `sensor${i}`,
      type: 'number' as const,
      unit: 'deg',
      min: -90,
      max: 90,
      spread: 1,
      required: true,
      fusion: 'mid-value' as const,
      maxAgeUs: 50_000,
      holdUs: 100_000,
      channel: i,
    })),
    actuators: Array.from({ length: actuators }, (_, i) => ({
      id: i === 0 ? 'elevator' : `surface${i}`,
      unit: 'deg',
      resolution: 0.001,
      minCount: -25_000,
      maxCount: 25_000,
      failSafeCount: 0,
      vote: 'exact' as const,
      holdUs: 120_000,
      rearm: 'auto' as const,
      inbox,
      bridge,
      channel: i,
    })),
    operators: ['operator'],
    observers: ['watch'],
    commands: [],
    faultInjection: true,
    expect: 'masked',
    tour: [],
    flights: [],
    reliability: { replicaMtbfHours: 1000, repairHours: 1, missionHours: 1, assumed: [] },
    law: { path: 'law.ts', stateMaxBytes: 256 },
    plant: null,
  };
}

/** Repeatable bytes that differ at every call, from a seed. */
export function seededEntropy(seed: string): Entropy {
  let calls = 0;
  return {
    bytes(length) {
      const parts: Buffer[] = [];
      for (let i = 0; i * 32 < length; i += 1)
        parts.push(createHash('sha256').update(`${seed}/${calls}/${i}`).digest());
      calls += 1;
      return new Uint8Array(Buffer.concat(parts).subarray(0, length));
    },
  };
}

/** 32 bytes that stand for a digest. */
export function fakeDigest(text: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(text).digest());
}

export function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replace(/\s+/g, ''), 'hex'));
}
