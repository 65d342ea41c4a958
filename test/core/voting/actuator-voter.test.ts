/** The voter against the vectors that every other voter is held to as well (cases V2–V5). */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ActuatorCommand } from '../../../src/core/types.js';
import {
  createVoter,
  startVoter,
  stepVoter,
  type VoterConfig,
  type VoterEffect,
} from '../../../src/core/voting/actuator-voter.js';

interface VectorStep {
  readonly atUs: number;
  readonly from?: number;
  readonly tick: number;
  readonly order: ActuatorCommand['order'];
  readonly arm: { readonly bootNonce: string; readonly trips: number; readonly firstTick: number } | null;
  readonly basis?: string;
  readonly effects: readonly VoterEffect[];
}

interface VoterVector {
  readonly about: string;
  readonly config: Omit<VoterConfig, 'bootNonce'> & { readonly bootNonce: string };
  readonly start: readonly VoterEffect[];
  readonly steps: readonly VectorStep[];
}

const FOLDER = new URL('../../../firmware-bridge/vectors/voter/', import.meta.url);
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));

function fromHex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'));
}

describe('vectors', () => {
  test('are there', () => {
    expect(FILES.length).toBeGreaterThanOrEqual(20);
  });

  test.each(FILES)('%s', (file) => {
    const vector = JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as VoterVector;
    const config: VoterConfig = { ...vector.config, bootNonce: fromHex(vector.config.bootNonce) };
    const state = createVoter(config);
    expect(startVoter(config)).toEqual(vector.start);
    expect(vector.steps.length).toBeGreaterThan(0);
    vector.steps.forEach((one, at) => {
      const { atUs, from, tick, order, arm, basis } = one;
      const command = {
        tick,
        order,
        arm: arm === null || arm === undefined ? null : { ...arm, bootNonce: fromHex(arm.bootNonce) },
        ...(basis === undefined ? {} : { basis: fromHex(basis) }),
      };
      const effects =
        from === undefined
          ? stepVoter(config, state, { kind: 'time', nowUs: atUs })
          : stepVoter(config, state, { kind: 'command', from, command, atUs });
      expect(effects, `${file}, step ${at}`).toEqual(one.effects);
    });
  });
});
