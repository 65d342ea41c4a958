/**
 * A running actuator voter: authenticated commands in, outputs to the device, status to the replicas. Beside the voter it
 * looks at what the device reads back, for people: nothing that goes out depends on it.
 */
import type { ActuatorPort, Clock, Entropy, Log, Principal, Transport } from '../ports.js';
import { ReadBackMonitor, type ReadBackFinding } from '../core/voting/read-back.js';
import type { TripCause, VoterEffect } from '../core/voting/actuator-voter.js';
import type { Rig } from '../rig/rig.js';
import type { ControlRequest } from '../wire/control-codec.js';
import type { ConfigDigests } from '../wire/derive-keys.js';
import { BOOT_NONCE_BYTES } from '../wire/entry-codec.js';
import { describeKeys, type PrincipalKeys } from '../wire/keys.js';
import { ActuatorDrive, type VoterAccount } from './actuator-drive.js';
import {
  openSecureMessenger,
  type Messenger,
  type OpenMessenger,
  type ReceivedMessage,
} from './messenger.js';
import type { ParentChannel } from './parent-channel.js';
import { buildReadBackConfig, buildVoterConfig } from './replica-config.js';
import { RunTicks } from './run-ticks.js';
import { stampVoterRecord } from './telemetry.js';

/** What may stand between a voter and its device; fault injection is the only user. */
export interface ActuatorInterposers {
  readonly wrapDevice: (device: ActuatorPort) => ActuatorPort;
  /** A tick of the run (`RunTicks`) has begun; before its output, if there is one, goes to the device. */
  readonly onTick: (runTick: number) => void;
}

export interface ActuatorProcessParts {
  readonly rig: Rig;
  readonly id: Principal;
  readonly keys: PrincipalKeys;
  readonly digests: ConfigDigests;
  readonly transport: Transport;
  readonly device: ActuatorPort;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  readonly channel: Pick<ParentChannel, 'send' | 'sendVoter'>;
  /** How messages become frames; without it as on the wire. */
  readonly openMessenger?: OpenMessenger;
  readonly interposers?: ActuatorInterposers;
  /** A status turn: once a period, and when the phase changes. */
  readonly onTurn?: (phase: VoterAccount['phase'], nowUs: number) => void;
  /** Answers an operator's request; absent where the rig gives operators nothing to say. */
  readonly onControl?: (from: Principal, text: string) => { readonly ok: boolean; readonly text: string };
}

/** What a person can do about each cause of a trip. */
const TRIP_CURES: Readonly<Record<TripCause, string>> = {
  'hold-expired': 'no majority of replicas agreed in time: look at their logs and at the network',
  ordered: 'a majority of replicas ordered it: look at their sensors and at the control law',
};

/** One voter as a process. */
export class ActuatorProcess {
  private readonly messenger: Messenger;
  private readonly drive: ActuatorDrive;
  private readonly replicaIndex: ReadonlyMap<Principal, number>;
  private readonly refused = new Map<string, number>();
  private readonly monitor: ReadBackMonitor;
  private readonly runTicks: RunTicks;

  constructor(private readonly parts: ActuatorProcessParts) {
    const { rig, id, keys, digests, entropy, clock, transport, interposers, log } = parts;
    const at = rig.actuators.findIndex((actuator) => actuator.id === id);
    if (at < 0) throw new RangeError(`rig ${rig.id} has no actuator "${id}"`);
    this.replicaIndex = new Map(rig.replicas.map((replica, index) => [replica.id, index]));
    this.monitor = new ReadBackMonitor(buildReadBackConfig(rig, at));
    this.runTicks = new RunTicks(rig.periodUs);
    const device = interposers?.wrapDevice(parts.device) ?? parts.device;
    device.onReadBack((count, atUs) => this.noteFinding(this.monitor.noteReadBack(count, atUs), atUs));
    this.drive = new ActuatorDrive({
      config: buildVoterConfig(rig, at, entropy.bytes(BOOT_NONCE_BYTES)),
      clock,
      device: {
        output: (count, tick) => this.output(device, count, tick),
        onReadBack: (handler) => device.onReadBack(handler),
        close: () => device.close(),
      },
      sendStatus: (account) => this.sendStatus(account),
      onEffect: (effect, atUs) => this.onEffect(effect, atUs),
    });
    this.messenger = (parts.openMessenger ?? openSecureMessenger)({
      rig,
      id,
      keys,
      digests,
      transport,
      clock,
      entropy,
      log,
      events: {
        onMessage: (from, message, arrivedUs) => this.receive(from, message, arrivedUs),
        onIncompatible: (_, detail) => this.tell('error', detail),
      },
    });
  }

  start(): void {
    this.messenger.start();
    this.drive.start();
  }

  stop(): void {
    this.drive.stop();
    this.messenger.stop();
  }

  /** What the voter says of itself. */
  account(): VoterAccount {
    return this.drive.account();
  }

  /** First tick of the run on the rig's grid, from whoever knows it. */
  setRunStart(startTick: number): void {
    this.runTicks.setStart(startTick);
  }

  /** Other keys take the place of those held, without a restart. */
  renewKeys(keys: PrincipalKeys): void {
    this.messenger.renewKeys(keys);
    this.tell('info', `actuator ${this.parts.id} holds ${describeKeys(keys)}`);
  }

  /** What was not accepted so far, by cause. */
  readRejected(): Record<string, number> {
    return { ...this.messenger.readRefused(), ...Object.fromEntries(this.refused) };
  }

  private receive(from: Principal, message: ReceivedMessage, arrivedUs: number): void {
    const replica = this.replicaIndex.get(from);
    if (replica !== undefined && message.kind === 'command')
      this.drive.receive(replica, message.command, arrivedUs);
    else if (message.kind === 'control') this.answerControl(from, message.request);
    else this.messenger.countRefused(from, 'wrong-purpose');
  }

  private answerControl(from: Principal, request: ControlRequest): void {
    const { onControl, rig, id } = this.parts;
    const answer = onControl?.(from, request.text) ?? {
      ok: false,
      text: `actuator ${id}: rig ${rig.id} does not enable faults; write "faults: enabled" in its rig.yaml`,
    };
    this.messenger.send(from, { kind: 'answer', answer: { sequence: request.sequence, ...answer } });
  }

  private output(device: ActuatorPort, count: number, tick: number): void {
    const nowUs = this.parts.clock.nowUs();
    if (tick >= 0) this.runTicks.note(tick, nowUs);
    this.tellTick(nowUs);
    this.monitor.noteOutput(count, nowUs);
    device.output(count, tick);
  }

  private tellTick(nowUs: number): void {
    const runTick = this.runTicks.read(nowUs);
    if (runTick !== null) this.parts.interposers?.onTick(runTick);
  }

  private noteFinding(finding: ReadBackFinding | null, atUs: number): void {
    if (finding === null) return;
    const { channel, id } = this.parts;
    const { kind, ordered } = finding;
    const alarm = kind === 'recovered' ? null : kind;
    const measured = kind === 'silent' ? null : finding.measured;
    channel.sendVoter({ kind: 'read-back', alarm, ordered, measured, atUs });
    switch (kind) {
      case 'strayed':
        this.tell(
          'error',
          `the device of actuator ${id} stands at count ${finding.measured}, was ordered ${ordered} and does not go ` +
            `there: look at the actuator`,
        );
        break;
      case 'silent':
        this.tell(
          'error',
          `the device of actuator ${id} does not answer any more: look at its bridge and line`,
        );
        break;
      case 'recovered':
        this.tell('info', `the device of actuator ${id} follows its orders again`);
        break;
    }
  }

  private sendStatus(account: VoterAccount): void {
    const nowUs = this.parts.clock.nowUs();
    this.tellTick(nowUs);
    this.noteFinding(this.monitor.check(nowUs), nowUs);
    const message = { kind: 'status', status: account } as const;
    for (const { id } of this.parts.rig.replicas) this.messenger.send(id, message);
    this.parts.onTurn?.(account.phase, nowUs);
  }

  private onEffect(effect: VoterEffect, atUs: number): void {
    const { channel, id } = this.parts;
    channel.sendVoter(stampVoterRecord(effect, atUs));
    switch (effect.kind) {
      case 'armed':
        this.runTicks.note(effect.tick, atUs);
        this.tell('info', `actuator ${id} is armed at tick ${effect.tick}`);
        break;
      case 'fail-safe':
        if (effect.cause !== 'start')
          this.tell('warn', `actuator ${id} went to fail-safe: ${effect.cause}; ${TRIP_CURES[effect.cause]}`);
        break;
      case 'refused':
        this.refused.set(`voter-${effect.cause}`, (this.refused.get(`voter-${effect.cause}`) ?? 0) + 1);
        break;
      default:
        break;
    }
  }

  private tell(level: 'info' | 'warn' | 'error', text: string): void {
    const { channel, clock, id, log } = this.parts;
    log[level](text);
    channel.send({ kind: 'event', id, level, text, atUs: clock.nowUs() });
  }
}
