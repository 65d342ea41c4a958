/** One voter on a bench: short words for its inputs, and everything that it did. */
import type { ActuatorCommand, Arming, ReplicaIndex, Tick } from '../../src/core/types.js';
import {
  createVoter,
  stepVoter,
  type VoterConfig,
  type VoterEffect,
  type VoterState,
} from '../../src/core/voting/actuator-voter.js';
import { majorityOf } from '../../src/core/voting/majority.js';

export const BOOT = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]);

/** n replicas, P = 50 ms, hold = 200 ms, envelope ±2000, fail-safe −5. */
export function voterConfig(n: number, changes: Partial<VoterConfig> = {}): VoterConfig {
  return {
    n,
    majority: majorityOf(n),
    vote: { kind: 'exact' },
    periodUs: 50_000,
    holdUs: 200_000,
    minCount: -2_000,
    maxCount: 2_000,
    failSafeCount: -5,
    bootNonce: BOOT,
    ...changes,
  };
}

/** A number orders that output; otherwise the kind of the order. */
export type Order = number | 'trip' | 'none';

export class VoterBench {
  readonly state: VoterState;
  readonly effects: VoterEffect[] = [];
  nowUs = 1_000_000;

  constructor(readonly config: VoterConfig) {
    this.state = createVoter(config);
  }

  /** A command that orders only. */
  order(from: ReplicaIndex, tick: Tick, order: Order): readonly VoterEffect[] {
    return this.give(from, commandOf(tick, order, null));
  }

  /** A command that also arms this boot with as many trips as the voter has had, unless told otherwise. */
  arm(from: ReplicaIndex, tick: Tick, order: Order, changes: Partial<Arming> = {}): readonly VoterEffect[] {
    const arming = { bootNonce: this.config.bootNonce, trips: this.state.trips, firstTick: tick, ...changes };
    return this.give(from, commandOf(tick, order, arming));
  }

  give(from: ReplicaIndex, command: ActuatorCommand): readonly VoterEffect[] {
    return this.keep(
      stepVoter(this.config, this.state, { kind: 'command', from, command, atUs: this.nowUs }),
    );
  }

  /** Lets time go on, then tells the voter. */
  wait(us: number): readonly VoterEffect[] {
    this.nowUs += us;
    return this.keep(stepVoter(this.config, this.state, { kind: 'time', nowUs: this.nowUs }));
  }

  /** Lets time go on without telling. */
  pass(us: number): this {
    this.nowUs += us;
    return this;
  }

  /** Arms by the first replicas that make a majority; puts `count` out at `tick`. */
  armAll(tick: Tick, count = 0): this {
    for (let from = 0; from < this.config.majority; from += 1) this.arm(from, tick, count);
    return this;
  }

  outputs(): { tick: Tick; count: number; votes: number }[] {
    return this.effects.flatMap((one) =>
      one.kind === 'output' ? [{ tick: one.tick, count: one.count, votes: one.votes }] : [],
    );
  }

  private keep(effects: readonly VoterEffect[]): readonly VoterEffect[] {
    this.effects.push(...effects);
    return effects;
  }
}

function commandOf(tick: Tick, order: Order, arm: Arming | null): ActuatorCommand {
  return { tick, order: typeof order === 'number' ? { kind: 'output', count: order } : { kind: order }, arm };
}
