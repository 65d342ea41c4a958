/**
 * A running replica: the drive loop over authenticated messages. bytes → wire → core → effects → adapters, and nobody
 * reaches around. Which adapters stand behind the ports is for the caller to say.
 */
import type { Report } from '../core/replica.js';
import type { ActuatorStatus, PeerMessage } from '../core/types.js';
import type { Evidence } from '../core/membership/health.js';
import type {
  Clock,
  CommandPort,
  Entropy,
  Log,
  PeerPort,
  Principal,
  Purpose,
  SensorPort,
  Transport,
} from '../ports.js';
import type { ComposedLaw } from '../rig/compose-law.js';
import type { Rig } from '../rig/rig.js';
import { decodeStatus, encodeCommand } from '../wire/actuator-codec.js';
import { decodeControlRequest, encodeControlAnswer } from '../wire/control-codec.js';
import type { ConfigDigests } from '../wire/derive-keys.js';
import { START_NONCE_BYTES } from '../wire/entry-codec.js';
import type { PrincipalKeys } from '../wire/keys.js';
import { deriveLimits } from '../wire/limits.js';
import { PeerCodec, purposeOf } from '../wire/peer-codec.js';
import { digestBytes } from '../wire/replicated-state-codec.js';
import type { RefusalCause } from '../wire/refusal.js';
import { createSecureLinks, type SecureLinks } from '../wire/secure-links.js';
import { createSignedChains } from '../wire/signed-chain.js';
import type { ParentChannel } from './parent-channel.js';
import { buildReplicaConfig } from './replica-config.js';
import { ReplicaDrive } from './replica-drive.js';
import { SecureEndpoint } from './secure-endpoint.js';
import { TickRecorder } from './tick-recorder.js';

/** What may stand between a replica and its ports; fault injection is the only user. */
export interface ReplicaInterposers {
  readonly wrapPeers: (port: PeerPort) => PeerPort;
  readonly wrapCommands: (port: CommandPort) => CommandPort;
  readonly wrapSensors: (port: SensorPort) => SensorPort;
  readonly wrapTransport: (transport: Transport) => Transport;
  /** A tick begins, counted from the start of the first run; before anything of it is sampled or sent. */
  readonly onTick: (runTick: number) => void;
}

export interface ReplicaProcessParts {
  readonly rig: Rig;
  readonly id: Principal;
  readonly keys: PrincipalKeys;
  readonly digests: ConfigDigests;
  readonly law: ComposedLaw;
  readonly transport: Transport;
  readonly sensors: SensorPort;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  readonly channel: Pick<ParentChannel, 'send' | 'sendTick'>;
  readonly interposers?: ReplicaInterposers;
  /** Answers an operator's request; absent where the rig gives operators nothing to say. */
  readonly onControl?: (from: Principal, text: string) => { readonly ok: boolean; readonly text: string };
}

/** A voter's status is believed for this many periods, and at least this long. */
const STATUS_AGE_PERIODS = 5;
const STATUS_AGE_MIN_US = 250_000;

const EVIDENCE: Partial<Record<RefusalCause, Evidence>> = {
  'bad-authenticator': 'bad-authenticator',
  'wrong-algorithm': 'bad-authenticator',
  'bad-signature': 'bad-authenticator',
  'malformed-envelope': 'malformed',
  'malformed-payload': 'malformed',
  'wrong-purpose': 'malformed',
  oversize: 'malformed',
};

/** One replica as a process. */
export class ReplicaProcess {
  private readonly links: SecureLinks;
  private readonly codec: PeerCodec;
  private readonly endpoint: SecureEndpoint;
  private readonly drive: ReplicaDrive;
  private readonly recorder: TickRecorder;
  private readonly sensors: SensorPort;
  private readonly replicaIndex: ReadonlyMap<Principal, number>;
  private readonly actuatorIndex: ReadonlyMap<Principal, number>;
  private readonly statuses: ({ readonly status: ActuatorStatus; readonly atUs: number } | null)[];
  private readonly statusAgeUs: number;
  private readonly drops = new Map<string, number>();
  /** First tick of the first run that this process has known. */
  private originTick: number | null = null;
  /** The last message that was encoded: round 1 goes to all peers alike. */
  private encoded: { readonly message: PeerMessage; readonly payload: Uint8Array } | null = null;

  constructor(private readonly parts: ReplicaProcessParts) {
    const { rig, id, keys, digests, entropy, clock, interposers, log } = parts;
    this.replicaIndex = new Map(rig.replicas.map((replica, at) => [replica.id, at]));
    this.actuatorIndex = new Map(rig.actuators.map((actuator, at) => [actuator.id, at]));
    const self = this.replicaIndex.get(id);
    if (self === undefined) throw new RangeError(`rig ${rig.id} has no replica "${id}"`);
    this.statuses = rig.actuators.map(() => null);
    this.statusAgeUs = Math.max(STATUS_AGE_MIN_US, STATUS_AGE_PERIODS * rig.periodUs);
    const limits = deriveLimits(rig);
    this.codec = new PeerCodec(limits, createSignedChains(rig, keys, digests));
    this.links = createSecureLinks(rig, keys, digests, entropy, limits);
    this.endpoint = new SecureEndpoint({
      links: this.links,
      transport: interposers?.wrapTransport(parts.transport) ?? parts.transport,
      clock,
      log,
      onPayload: (from, purpose, payload, arrivedUs) => this.receive(from, purpose, payload, arrivedUs),
      onEstablished: () => this.checkLinked(),
      onRefused: (from, cause) => this.noticeRefusal(from, cause),
      onIncompatible: (_, detail) => this.tell('error', detail),
    });
    this.recorder = new TickRecorder({
      digest: digestBytes,
      onRecord: (record) => parts.channel.sendTick(record),
    });
    const peers: PeerPort = { send: (to, message) => this.sendToPeer(to, message) };
    const commands: CommandPort = {
      send: (actuator, command) => {
        const to = rig.actuators[actuator];
        if (to !== undefined && this.endpoint.send(to.id, 'command', encodeCommand(command)))
          this.recorder.noteCommanded();
      },
    };
    this.sensors = interposers?.wrapSensors(parts.sensors) ?? parts.sensors;
    this.drive = new ReplicaDrive({
      config: buildReplicaConfig(rig, self, parts.law, entropy.bytes(START_NONCE_BYTES)),
      clock,
      peers: interposers?.wrapPeers(peers) ?? peers,
      commands: interposers?.wrapCommands(commands) ?? commands,
      sensors: this.sensors,
      readStatuses: (nowUs) =>
        this.statuses.map((held) =>
          held !== null && nowUs - held.atUs <= this.statusAgeUs ? held.status : null,
        ),
      onTick: (tick, startTick, latenessUs) => {
        this.recorder.begin(tick, latenessUs);
        // Ticks go on for a replica that has lost the run: what was to end by a tick must end.
        this.originTick ??= startTick;
        if (this.originTick !== null) interposers?.onTick(tick - this.originTick);
      },
      onReport: (report) => this.onReport(report),
    });
  }

  start(): void {
    this.endpoint.start();
    this.drive.start();
  }

  /** Finishes the tick under way; nothing leaves afterwards. */
  async stop(): Promise<void> {
    await this.drive.stop();
    this.endpoint.stop();
    this.recorder.flush();
  }

  /** What was not accepted so far, by cause. */
  readRejected(): Record<string, number> {
    return { ...this.links.refusals.sum(), ...Object.fromEntries(this.drops) };
  }

  private sendToPeer(to: number, message: PeerMessage): void {
    const { rig, clock } = this.parts;
    const peer = rig.replicas[to];
    if (peer === undefined) return;
    if (this.encoded?.message !== message) this.encoded = { message, payload: this.codec.encode(message) };
    if (message.kind === 'round' && message.round === 1) this.recorder.noteFirstSend(clock.nowUs());
    this.endpoint.send(peer.id, purposeOf(message), this.encoded.payload);
  }

  private receive(from: Principal, purpose: Purpose, payload: Uint8Array, arrivedUs: number): void {
    switch (purpose) {
      case 'round':
      case 'state': {
        const peer = this.replicaIndex.get(from);
        if (peer === undefined) return;
        const decoded = this.codec.decode(peer, purpose, payload);
        if (decoded.ok) this.drive.receive(peer, decoded.message, arrivedUs);
        else this.refusePayload(from, decoded.cause);
        return;
      }
      case 'status': {
        const actuator = this.actuatorIndex.get(from);
        const status = decodeStatus(payload);
        if (actuator !== undefined && status !== null) this.statuses[actuator] = { status, atUs: arrivedUs };
        else this.refusePayload(from, 'malformed-payload');
        return;
      }
      case 'control':
        this.answerControl(from, payload);
        return;
      default:
        this.refusePayload(from, 'wrong-purpose');
    }
  }

  private answerControl(from: Principal, payload: Uint8Array): void {
    const request = decodeControlRequest(payload);
    if (request === null) {
      this.refusePayload(from, 'malformed-payload');
      return;
    }
    const { onControl, rig, id } = this.parts;
    const answer = onControl?.(from, request.text) ?? {
      ok: false,
      text: `replica ${id}: rig ${rig.id} does not enable faults; write "faults: enabled" in its rig.yaml`,
    };
    this.endpoint.send(from, 'answer', encodeControlAnswer({ sequence: request.sequence, ...answer }));
  }

  private checkLinked(): void {
    const { rig, id } = this.parts;
    const linked = rig.replicas.every((replica) => replica.id === id || this.links.isEstablished(replica.id));
    if (linked) this.drive.reportLinked();
  }

  private refusePayload(from: Principal, cause: RefusalCause): void {
    this.links.refusals.count(from, cause);
    this.noticeRefusal(from, cause);
  }

  private noticeRefusal(from: Principal, cause: RefusalCause): void {
    const peer = this.replicaIndex.get(from);
    const evidence = EVIDENCE[cause];
    if (peer !== undefined && evidence !== undefined) this.drive.notice(peer, evidence);
  }

  private onReport(report: Report): void {
    this.recorder.note(report);
    const { id } = this.parts;
    switch (report.kind) {
      case 'mode':
        this.tell('info', `replica ${id} is ${report.mode} at tick ${report.tick}`);
        break;
      case 'law-failed':
        this.tell(
          'error',
          `control law failed at tick ${report.tick}: ${report.reason}; actuators get no command`,
        );
        break;
      case 'equivocation':
        this.count('equivocation');
        break;
      case 'dropped':
        this.count(report.cause);
        break;
      case 'late':
        this.count('late');
        break;
      default:
        break;
    }
  }

  private count(cause: string): void {
    this.drops.set(cause, (this.drops.get(cause) ?? 0) + 1);
  }

  private tell(level: 'info' | 'warn' | 'error', text: string): void {
    const { channel, clock, id, log } = this.parts;
    log[level](text);
    channel.send({ kind: 'event', id, level, text, atUs: clock.nowUs() });
  }
}
