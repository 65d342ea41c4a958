/**
 * The drive loop of an actuator voter: authenticated commands and time go in, outputs go to the device, and what the
 * voter is about goes to the replicas. Live rig and simulator run this same loop. It decides nothing.
 */
import {
  createVoter,
  nextVoterDeadlineUs,
  startVoter,
  stepVoter,
  type VoterConfig,
  type VoterEffect,
  type VoterInput,
  type VoterState,
} from '../core/voting/actuator-voter.js';
import type { ActuatorCommand, ActuatorStatus, ReplicaIndex, Tick } from '../core/types.js';
import type { ActuatorPort, Cancel, Clock } from '../ports.js';

/** A voter's account of itself: what the replicas act on, and numbers for people. */
export interface VoterAccount extends ActuatorStatus {
  readonly lastTick: Tick;
  readonly lastCount: number;
  readonly missedTicks: number;
}

export interface ActuatorDriveParts {
  readonly config: VoterConfig;
  readonly clock: Clock;
  readonly device: ActuatorPort;
  /** Called at once when the phase changes, and once a period. */
  readonly sendStatus: (account: VoterAccount) => void;
  /**
   * Called after the effect has been carried out; `atUs` is when the device was handed the output: the device may be at
   * work with it before the call returns.
   */
  readonly onEffect: (effect: VoterEffect, atUs: number) => void;
}

/** Misses and status need no exact time; `hold` is longer than this by far. */
const TIMER_SLACK_US = 1_000;

/** One voter at work, from `start` until `stop`. */
export class ActuatorDrive {
  private readonly state: VoterState;
  private missedTicks = 0;
  private cancelWake: Cancel | null = null;
  private wakeAtUs: number | null = null;
  private cancelStatus: Cancel | null = null;

  constructor(private readonly parts: ActuatorDriveParts) {
    this.state = createVoter(parts.config);
  }

  /** Puts the device into fail-safe and waits to be armed. */
  start(): void {
    this.carryOut(startVoter(this.parts.config));
    this.repeatStatus();
  }

  /** Stops; the device keeps what it was handed last and its own watchdog takes over. */
  stop(): void {
    this.cancelWake?.();
    this.cancelStatus?.();
  }

  /** An authenticated, decoded command. */
  receive(from: ReplicaIndex, command: ActuatorCommand, arrivedUs: number): void {
    this.feed({ kind: 'command', from, command, atUs: arrivedUs });
  }

  /** The account as of now. */
  account(): VoterAccount {
    const { phase, trips, lastTick, lastCount } = this.state;
    return {
      bootNonce: this.parts.config.bootNonce,
      phase,
      trips,
      lastTick,
      lastCount,
      missedTicks: this.missedTicks,
    };
  }

  private feed(input: VoterInput): void {
    const before = this.state.phase;
    this.carryOut(stepVoter(this.parts.config, this.state, input));
    if (this.state.phase !== before) this.parts.sendStatus(this.account());
    this.wake();
  }

  private carryOut(effects: readonly VoterEffect[]): void {
    const { clock, device, onEffect } = this.parts;
    for (const effect of effects) {
      const atUs = clock.nowUs();
      if (effect.kind === 'output') device.output(effect.count, effect.tick);
      else if (effect.kind === 'fail-safe') device.output(effect.count, -1);
      else if (effect.kind === 'missed') this.missedTicks += effect.ticks;
      onEffect(effect, atUs);
    }
  }

  private wake(): void {
    const { clock, config } = this.parts;
    const atUs = nextVoterDeadlineUs(config, this.state);
    if (atUs === this.wakeAtUs && this.cancelWake !== null) return;
    this.cancelWake?.();
    this.cancelWake = null;
    this.wakeAtUs = atUs;
    if (atUs === null) return;
    this.cancelWake = clock.schedule(
      atUs,
      () => {
        this.cancelWake = null;
        this.feed({ kind: 'time', nowUs: clock.nowUs() });
      },
      TIMER_SLACK_US,
    );
  }

  private repeatStatus(): void {
    const { clock, config, sendStatus } = this.parts;
    sendStatus(this.account());
    this.cancelStatus = clock.schedule(
      clock.nowUs() + config.periodUs,
      () => this.repeatStatus(),
      TIMER_SLACK_US,
    );
  }
}
