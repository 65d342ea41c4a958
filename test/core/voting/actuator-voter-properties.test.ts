/** What the voter never does, whatever replicas send and whenever (protocol.md §5), against a plain account of it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ActuatorCommand } from '../../../src/core/types.js';
import {
  createVoter,
  nextVoterDeadlineUs,
  stepVoter,
  type VoterConfig,
} from '../../../src/core/voting/actuator-voter.js';
import { BOOT, voterConfig } from '../../support/voter-bench.js';

interface Move {
  /** Time that passes first. */
  readonly afterUs: number;
  /** Bit i: replica i sends. None: only time is told. */
  readonly senders: number;
  /** Tick relative to the one that a correct replica would be in. */
  readonly ahead: number;
  readonly order: number | 'trip' | 'none';
  readonly arming: 'none' | 'right' | 'other-boot' | 'other-trips' | 'other-tick';
}

const move: fc.Arbitrary<Move> = fc.record({
  afterUs: fc.oneof(
    fc.constantFrom(0, 1, 25_000, 50_000, 50_001, 100_000, 200_001),
    fc.nat({ max: 300_000 }),
  ),
  senders: fc.oneof(fc.nat({ max: 127 }), fc.constantFrom(0, 7, 15, 127)),
  ahead: fc.oneof(
    { arbitrary: fc.constant(0), weight: 4 },
    { arbitrary: fc.integer({ min: -4, max: 4 }), weight: 2 },
    { arbitrary: fc.integer(), weight: 1 },
  ),
  order: fc.oneof(
    { arbitrary: fc.constantFrom<number | 'trip' | 'none'>(1, 2, -2_000, 2_000), weight: 6 },
    { arbitrary: fc.constantFrom<number | 'trip' | 'none'>(2_001, -2_001, 1e9, 'none', 'trip'), weight: 1 },
  ),
  arming: fc.oneof(
    { arbitrary: fc.constantFrom<Move['arming']>('right'), weight: 3 },
    {
      arbitrary: fc.constantFrom<Move['arming']>('none', 'other-boot', 'other-trips', 'other-tick'),
      weight: 1,
    },
  ),
});

const rig = fc.constantFrom<VoterConfig>(
  voterConfig(3),
  voterConfig(4),
  voterConfig(7),
  voterConfig(4, { vote: { kind: 'mid-value', quorum: 3 } }),
  voterConfig(7, { vote: { kind: 'mid-value', quorum: 5 } }),
);

function orderText(command: ActuatorCommand): string {
  return command.order.kind === 'output' ? String(command.order.count) : command.order.kind;
}

/** Votes as they stand: the first command of each replica for a tick that was not refused. */
class Account {
  readonly votes = new Map<number, Map<number, string>>();
  readonly arming = new Map<number, number>();
  armed = false;
  floor = -1;

  keep(from: number, command: ActuatorCommand): void {
    if (!this.armed) this.arming.set(from, command.tick);
    const votes = this.votes.get(command.tick) ?? new Map<number, string>();
    // Before it is armed a replica may change its mind, afterwards the first one counts.
    if (!this.armed || !votes.has(from)) votes.set(from, orderText(command));
    this.votes.set(command.tick, votes);
  }
}

test('no output without a majority of equal orders, outside the envelope, out of order, unarmed or after a trip', () => {
  let outputs = 0;
  let trips = 0;
  fc.assert(
    fc.property(rig, fc.array(move, { minLength: 5, maxLength: 60 }), (config, moves) => {
      const state = createVoter(config);
      let account = new Account();
      let nowUs = 1_000_000;
      const watch = (effects: ReturnType<typeof stepVoter>): void => {
        for (const effect of effects) {
          if (effect.kind === 'armed') {
            expect(account.armed).toBe(false);
            const equal = [...account.arming.values()].filter((tick) => tick === effect.tick).length;
            expect(equal).toBeGreaterThanOrEqual(config.majority);
            expect(effect.tick).toBeGreaterThan(account.floor);
            expect(effect.trips).toBe(
              state.trips - (effects.some(({ kind }) => kind === 'fail-safe') ? 1 : 0),
            );
            account.armed = true;
            account.floor = effect.tick - 1;
            // Of what armed it only the votes of that tick count.
            for (const tick of account.votes.keys()) if (tick !== effect.tick) account.votes.delete(tick);
            for (const [from, tick] of account.arming)
              if (tick !== effect.tick) account.votes.get(effect.tick)?.delete(from);
          } else if (effect.kind === 'output') {
            outputs += 1;
            expect(account.armed).toBe(true);
            expect(effect.tick).toBeGreaterThan(account.floor);
            expect(effect.count).toBeGreaterThanOrEqual(config.minCount);
            expect(effect.count).toBeLessThanOrEqual(config.maxCount);
            const votes = [...(account.votes.get(effect.tick) ?? new Map<number, string>()).values()];
            if (config.vote.kind === 'exact') {
              const equal = votes.filter((one) => one === String(effect.count));
              expect(equal.length).toBeGreaterThanOrEqual(config.majority);
            } else {
              const counts = votes.map(Number).filter((count) => !Number.isNaN(count));
              expect(counts.length).toBeGreaterThanOrEqual(config.vote.quorum);
              expect(counts).toContain(effect.count);
            }
            account.floor = effect.tick;
          } else if (effect.kind === 'fail-safe') {
            trips += 1;
            expect(effect.count).toBe(config.failSafeCount);
            const { floor } = account;
            account = new Account();
            account.floor = effect.cause === 'ordered' ? state.lastTick : floor;
          }
        }
      };
      for (const { afterUs, senders, ahead, order, arming } of moves) {
        nowUs += afterUs;
        watch(stepVoter(config, state, { kind: 'time', nowUs }));
        const tick = Math.floor(nowUs / config.periodUs) + ahead;
        for (let from = 0; from < config.n; from += 1) {
          if ((senders & (1 << from)) === 0) continue;
          const command: ActuatorCommand = {
            tick,
            order: typeof order === 'number' ? { kind: 'output', count: order } : { kind: order },
            arm:
              arming === 'none'
                ? null
                : {
                    bootNonce: arming === 'other-boot' ? new Uint8Array(8) : BOOT,
                    trips: arming === 'other-trips' ? state.trips + 1 : state.trips,
                    firstTick: arming === 'other-tick' ? tick + 1 : tick,
                  },
          };
          const votesBefore = structuredClone([...account.votes]);
          const armingBefore = [...account.arming];
          account.keep(from, command);
          const effects = stepVoter(config, state, { kind: 'command', from, command, atUs: nowUs });
          if (effects.some((effect) => effect.kind === 'refused')) {
            expect(effects.filter((effect) => effect.kind !== 'refused')).toEqual([]);
            account.votes.clear();
            for (const [at, votes] of votesBefore) account.votes.set(at, votes);
            account.arming.clear();
            for (const [at, armed] of armingBefore) account.arming.set(at, armed);
          }
          watch(effects);
        }
        expect(state.slots).toHaveLength(4);
        expect(state.phase === 'armed').toBe(account.armed);
        expect(nextVoterDeadlineUs(config, state) === null).toBe(state.phase === 'fail-safe');
      }
    }),
    { numRuns: 1_000 },
  );
  // The search has been where it matters.
  expect(outputs).toBeGreaterThan(1_000);
  expect(trips).toBeGreaterThan(100);
});

test('correct replicas are enough: whatever a minority sends, an output comes for every tick', () => {
  fc.assert(
    fc.property(
      fc.constantFrom({ n: 3, liars: 1 }, { n: 4, liars: 1 }, { n: 7, liars: 3 }),
      fc.array(fc.array(move, { maxLength: 6 }), { minLength: 10, maxLength: 10 }),
      ({ n, liars }, noise) => {
        const config = voterConfig(n);
        const state = createVoter(config);
        const outputs: number[] = [];
        const send = (
          from: number,
          tick: number,
          atUs: number,
          order: Move['order'],
          arms: boolean,
        ): void => {
          const command: ActuatorCommand = {
            tick,
            order: typeof order === 'number' ? { kind: 'output', count: order } : { kind: order },
            arm: arms ? { bootNonce: BOOT, trips: state.trips, firstTick: tick } : null,
          };
          for (const effect of stepVoter(config, state, { kind: 'command', from, command, atUs })) {
            expect(effect.kind).not.toBe('fail-safe');
            if (effect.kind === 'output') {
              expect(effect.count).toBe(7);
              outputs.push(effect.tick);
            }
          }
        };
        noise.forEach((moves, at) => {
          const tick = 20 + at;
          const atUs = tick * config.periodUs;
          for (const { ahead, order, senders } of moves)
            for (let liar = 0; liar < liars; liar += 1)
              if (senders & (1 << liar)) send(liar, tick + ahead, atUs, order, true);
          for (let from = liars; from < n; from += 1) send(from, tick, atUs, 7, at === 0);
        });
        expect(outputs).toEqual(noise.map((_, at) => 20 + at));
      },
    ),
    { numRuns: 500 },
  );
});

test('memory is bounded and nothing throws, whatever the numbers are', () => {
  const config = voterConfig(4);
  const state = createVoter(config);
  const odd = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(NaN, Infinity, -Infinity, 2 ** 53, 20, 21));
  let atUs = 1_000_000;
  for (let from = 0; from < 3; from += 1)
    stepVoter(config, state, {
      kind: 'command',
      from,
      atUs,
      command: {
        tick: 20,
        order: { kind: 'output', count: 1 },
        arm: { bootNonce: BOOT, trips: 0, firstTick: 20 },
      },
    });
  expect(state.phase).toBe('armed');
  fc.assert(
    fc.property(
      odd,
      odd,
      odd,
      odd,
      fc.uint8Array({ maxLength: 12 }),
      (from, tick, count, trips, bootNonce) => {
        atUs += 10;
        const command: ActuatorCommand = {
          tick,
          order: { kind: 'output', count },
          arm: { bootNonce, trips, firstTick: tick },
        };
        const effects = stepVoter(config, state, { kind: 'command', from, command, atUs });
        expect(effects.filter((effect) => effect.kind === 'output')).toEqual([]);
        expect(state.slots.length + state.arming.length).toBe(8);
        for (const slot of state.slots) expect(slot.commands).toHaveLength(4);
      },
    ),
    { numRuns: 5_000 },
  );
});
