import { describe, expect, test } from 'vitest';
import { loadProfile } from '../../hardware/emulated/load-profile.js';

const part = (model: string, profile?: string): Parameters<typeof loadProfile>[0] => ({
  model,
  parameters: profile === undefined ? {} : { profile },
});

describe('a reference profile', () => {
  test('gives what the plant tracks, in seconds of the run', () => {
    expect(loadProfile(part('tank', 'profile.ts'), 'hardware/rigs/valve')?.(12)).toBe(1);
    const pitch = loadProfile(part('pitch', 'profile.ts'), 'hardware/rigs/pitch');
    expect([pitch?.(0), pitch?.(10)]).toEqual([0, 3]);
  });

  test('may be left out', () => {
    expect(loadProfile(part('tank'), 'hardware/rigs/valve')).toBeNull();
  });

  test.each([
    [
      'of another plant',
      'tank',
      'profile.ts',
      /profile\.ts gives undefined as levelM at 0 s; return \{ levelM/,
    ],
    [
      'of a plant that tracks nothing',
      'altitude',
      'profile.ts',
      /altitude is compared with no profile; leave/,
    ],
    ['without the function', 'pitch', 'law.ts', /law\.ts exports no function referenceAt\(seconds\); add it/],
  ])('%s is refused by name, before anything flies', (_about, model, file, message) => {
    expect(() => loadProfile(part(model, file), 'hardware/rigs/pitch')).toThrow(message);
  });
});
