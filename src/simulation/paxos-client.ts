/**
 * A simulated client: one request after another, each sent again and again until somebody says that it is chosen. It
 * follows whoever says who leads, and asks anybody, or everybody, where it hears nothing.
 */
import type { Outcome, Request } from '../core/paxos/types.js';
import type { ReplicaIndex } from '../core/types.js';
import type { Random } from '../faults/random.js';
import { RANK, type ScheduledEvent } from './event-queue.js';
import type { World } from './host.js';

/** It waits for an answer so long, and up to so much longer. */
const TIMEOUT_US = 15_000;
const TIMEOUT_SPAN_US = 25_000;
/** And so long where it is told that nothing can be done now. */
const PAUSE_US = 5_000;

export interface PaxosClientWatch {
  /** Sends to a device. */
  onRequest(client: string, to: ReplicaIndex, request: Request): void;
  /** Asks for something for the first time. */
  onAsked(client: string, request: Request): void;
  /** One request is done; false: it asks no more. */
  onDone(client: string): boolean;
}

export class PaxosClient {
  private request: Request;
  private target: ReplicaIndex;
  private timer: ScheduledEvent | null = null;
  private isDone = true;
  /** Answers that it got to what it had not given up, by kind. */
  readonly outcomes = new Map<Outcome['kind'], number>();

  constructor(
    private readonly world: World,
    readonly name: string,
    private readonly devices: readonly ReplicaIndex[],
    private readonly random: Random,
    private readonly watch: PaxosClientWatch,
  ) {
    this.request = { client: name, sequence: 0, value: new Uint8Array(0) };
    this.target = random.nextInteger(devices.length);
  }

  /** It waits for an answer. */
  get isWaiting(): boolean {
    return !this.isDone;
  }

  /** Asks for the next thing. */
  next(): void {
    const { client, sequence } = this.request;
    this.request = { client, sequence: sequence + 1, value: this.random.nextBytes(4) };
    this.isDone = false;
    this.watch.onAsked(this.name, this.request);
    this.sendTo(this.target);
  }

  hear(sequence: number, outcome: Outcome): void {
    if (this.isDone || sequence !== this.request.sequence) return;
    this.outcomes.set(outcome.kind, (this.outcomes.get(outcome.kind) ?? 0) + 1);
    switch (outcome.kind) {
      case 'chosen':
        this.isDone = true;
        this.stopTimer();
        if (this.watch.onDone(this.name)) this.next();
        return;
      case 'redirect':
        this.target = outcome.leader ?? this.devices[this.random.nextInteger(this.devices.length)] ?? 0;
        // Two that send it to each other must not keep it going round.
        this.again(outcome.leader === null ? PAUSE_US : PAUSE_US / 10);
        return;
      case 'busy':
      case 'waits':
        this.again(PAUSE_US);
        return;
      case 'stale':
      case 'refused':
        // It never asks for such a thing: that the request stays unanswered is for the checkers to see.
        return;
    }
  }

  private sendTo(target: ReplicaIndex): void {
    this.target = target;
    this.watch.onRequest(this.name, target, this.request);
    this.again(TIMEOUT_US + this.random.nextInteger(TIMEOUT_SPAN_US), () => this.retry());
  }

  private retry(): void {
    const { devices, random } = this;
    const target = devices[random.nextInteger(devices.length)] ?? 0;
    if (random.nextChance(0.3))
      for (const device of devices)
        if (device !== target) this.watch.onRequest(this.name, device, this.request);
    this.sendTo(target);
  }

  private again(us: number, call: () => void = () => this.sendTo(this.target)): void {
    this.stopTimer();
    this.timer = this.world.at(this.world.nowUs + us, RANK.timer, call);
  }

  private stopTimer(): void {
    if (this.timer !== null) this.world.cancel(this.timer);
    this.timer = null;
  }
}
