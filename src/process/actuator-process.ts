/** A running actuator voter: authenticated commands in, outputs to the device, status to the replicas. */
import type { ActuatorPort, Clock, Entropy, Log, Principal, Transport } from '../ports.js';
import type { VoterEffect } from '../core/voting/actuator-voter.js';
import type { Rig } from '../rig/rig.js';
import type { ConfigDigests } from '../wire/derive-keys.js';
import { BOOT_NONCE_BYTES } from '../wire/entry-codec.js';
import type { PrincipalKeys } from '../wire/keys.js';
import { ActuatorDrive, type VoterAccount } from './actuator-drive.js';
import {
  openSecureMessenger,
  type Messenger,
  type OpenMessenger,
  type ReceivedMessage,
} from './messenger.js';
import type { ParentChannel } from './parent-channel.js';
import { buildVoterConfig } from './replica-config.js';

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
}

/** One voter as a process. */
export class ActuatorProcess {
  private readonly messenger: Messenger;
  private readonly drive: ActuatorDrive;
  private readonly replicaIndex: ReadonlyMap<Principal, number>;
  private readonly refused = new Map<string, number>();

  constructor(private readonly parts: ActuatorProcessParts) {
    const { rig, id, keys, digests, entropy, clock, transport, device, log } = parts;
    const at = rig.actuators.findIndex((actuator) => actuator.id === id);
    if (at < 0) throw new RangeError(`rig ${rig.id} has no actuator "${id}"`);
    this.replicaIndex = new Map(rig.replicas.map((replica, index) => [replica.id, index]));
    this.drive = new ActuatorDrive({
      config: buildVoterConfig(rig, at, entropy.bytes(BOOT_NONCE_BYTES)),
      clock,
      device,
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

  /** What was not accepted so far, by cause. */
  readRejected(): Record<string, number> {
    return { ...this.messenger.readRefused(), ...Object.fromEntries(this.refused) };
  }

  private receive(from: Principal, message: ReceivedMessage, arrivedUs: number): void {
    const replica = this.replicaIndex.get(from);
    if (replica !== undefined && message.kind === 'command')
      this.drive.receive(replica, message.command, arrivedUs);
    else this.messenger.countRefused(from, 'wrong-purpose');
  }

  private sendStatus(account: VoterAccount): void {
    const message = { kind: 'status', status: account } as const;
    for (const { id } of this.parts.rig.replicas) this.messenger.send(id, message);
  }

  private onEffect(effect: VoterEffect, atUs: number): void {
    const { channel, id } = this.parts;
    channel.sendVoter({ ...effect, atUs });
    switch (effect.kind) {
      case 'armed':
        this.tell('info', `actuator ${id} is armed at tick ${effect.tick}`);
        break;
      case 'fail-safe':
        if (effect.cause !== 'start') this.tell('warn', `actuator ${id} went to fail-safe: ${effect.cause}`);
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
