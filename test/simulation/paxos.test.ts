/**
 * Simplified Paxos in virtual time: one seed decides everything; whatever strikes, nobody breaks a promise, and once all
 * is well again everything that was asked for is answered. `npm run paxos:campaign` does the same a hundred times longer.
 */
import { describe, expect, test } from 'vitest';
import { startCore } from '../../src/simulation/paxos-core.js';
import { POWER_CUTS } from '../../src/simulation/paxos-disk.js';
import { PAXOS_FAULTS } from '../../src/simulation/paxos-faults.js';
import { PAXOS_GROUP_NAMES, PAXOS_GROUPS } from '../../src/simulation/paxos-groups.js';
import {
  simulatePaxos,
  type PaxosRunOptions,
  type PaxosRunResult,
} from '../../src/simulation/simulate-paxos.js';

const TOTAL_COMMANDS = 10_000;
const SEEDS = 2;

const run = (options: Partial<PaxosRunOptions>): PaxosRunResult =>
  simulatePaxos({ seed: '1', group: 'three', fault: 'none', commands: 100, start: startCore, ...options });

describe('one seed', () => {
  test.each(['three', 'witness', 'five'] as const)('decides everything (%s)', (group) => {
    const lines: string[][] = [];
    const results = [0, 1].map((at) => {
      const mine: string[] = (lines[at] = []);
      return run({ group, fault: 'all', seed: 'same', onLine: (line) => mine.push(line) });
    });
    expect(lines[0]).toEqual(lines[1]);
    expect(results[0]).toEqual(results[1]);
    expect(run({ group, fault: 'all', seed: 'other' }).digest).not.toBe(results[0]?.digest);
  });
});

describe(`${TOTAL_COMMANDS} commands`, () => {
  const commands = Math.ceil(TOTAL_COMMANDS / PAXOS_GROUP_NAMES.length / PAXOS_FAULTS.length / SEEDS);
  const cells = PAXOS_FAULTS.flatMap((fault) => PAXOS_GROUP_NAMES.map((group) => ({ fault, group })));

  test.each(cells)('$group, $fault: no violation', ({ fault, group }) => {
    let strikes = 0;
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const result = run({ seed: `ci ${seed}`, group, fault, commands });
      expect(result.violations).toEqual([]);
      expect(result.answered).toBe(commands);
      strikes += result.strikes;
    }
    if (fault !== 'none') expect(strikes).toBeGreaterThan(0);
  });
});

describe('what once went wrong', () => {
  test('a promise that a vote alone made outlives the snapshot that takes the place of the vote', () => {
    for (const { group, fault, seed } of [
      { group: 'three', fault: 'power-cut', seed: '11' },
      { group: 'five', fault: 'crash', seed: '7' },
    ] as const)
      expect(run({ group, fault, seed, commands: 250 })).toMatchObject({ answered: 250, violations: [] });
  });

  test('votes of one’s own count again after a restart and beside a snapshot of another', () => {
    const result = run({ group: 'witness', fault: 'power-cut', seed: '3', commands: 500 });
    expect(result).toMatchObject({ answered: 500, violations: [] });
  });

  test('what was learnt takes the place of a vote, and proves that all below it is chosen', () => {
    const result = run({ group: 'witness', fault: 'power-cut', seed: '20002', commands: 506 });
    expect(result).toMatchObject({ answered: 506, violations: [] });
  });
});

describe('a power cut at each write', () => {
  const COMMANDS = 8;

  test.each(['three', 'witness'] as const)('loses no promise and no vote (%s)', (group) => {
    const { writes, violations } = run({ group, commands: COMMANDS });
    expect(violations).toEqual([]);
    let cuts = 0;
    for (const device of PAXOS_GROUPS[group].ids.keys())
      for (const how of POWER_CUTS)
        for (let write = 1; ; write += 1) {
          const result = run({ group, commands: COMMANDS, cut: { device, write, how } });
          expect(result.violations).toEqual([]);
          if (result.crashes === 0) break;
          cuts += 1;
        }
    // Each was made at some device, and in each of the ways.
    expect(cuts).toBeGreaterThan((POWER_CUTS.length * writes) / 2);
  });
});
