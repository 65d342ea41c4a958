/**
 * A running replica: the drive loop over authenticated messages. bytes → wire → core → effects → adapters, and nobody
 * reaches around. Which adapters stand behind the ports is for the caller to say.
 */
import type {
  Entry as LogEntry,
  Members,
  Outcome,
  PaxosStatus,
  Slot,
  Snapshot,
} from '../core/paxos/types.js';
import type { LogRules } from '../core/commands/command-rules.js';
import type { Report } from '../core/replica.js';
import type { ActuatorStatus, PeerMessage, ReplicaIndex } from '../core/types.js';
import type { Evidence } from '../core/membership/health.js';
import type {
  Clock,
  CommandPort,
  Entropy,
  Log,
  LogStore,
  OrderPort,
  PeerPort,
  Principal,
  SensorPort,
  Transport,
} from '../ports.js';
import type { ComposedLaw } from '../rig/compose-law.js';
import { ordersByLog } from '../rig/derive.js';
import type { Rig } from '../rig/rig.js';
import type { ControlRequest } from '../wire/control-codec.js';
import type { ConfigDigests } from '../wire/derive-keys.js';
import { START_NONCE_BYTES } from '../wire/entry-codec.js';
import { describeKeys, type PrincipalKeys } from '../wire/keys.js';
import { isMeasureText } from '../wire/measure-codec.js';
import type { OperatorRequest } from '../wire/request-codec.js';
import type { RefusalCause } from '../wire/refusal.js';
import { CommandDesk } from './command-desk.js';
import { LinkMeter } from './link-meter.js';
import {
  openSecureMessenger,
  type Messenger,
  type OpenMessenger,
  type ReceivedMessage,
} from './messenger.js';
import { buildOrderConfig, listDevices, ORDER_NONCE_BYTES, requireOrderLimits } from './order-config.js';
import { OrderDrive } from './order-drive.js';
import { recordCodec } from './order-records.js';
import { OrderWords } from './order-words.js';
import type { ParentChannel } from './parent-channel.js';
import { describeQuorum } from './quorum-words.js';
import { buildReplicaConfig, wireCodecs, type ReplicaCodecs } from './replica-config.js';
import { ReplicaDrive } from './replica-drive.js';
import type { Telemetry } from './telemetry.js';
import { TickRecorder } from './tick-recorder.js';

/** What all decide together, as its telemetry has it. */
type Decided = Extract<Telemetry, { kind: 'event' }>['decided'];

/** What may stand between a replica and its ports; fault injection is the only user. */
interface ReplicaInterposers {
  readonly wrapPeers: (port: PeerPort) => PeerPort;
  readonly wrapCommands: (port: CommandPort) => CommandPort;
  readonly wrapSensors: (port: SensorPort) => SensorPort;
  readonly wrapTransport: (transport: Transport) => Transport;
  /** Where a log orders commands. */
  readonly wrapStore?: (store: LogStore) => LogStore;
  readonly wrapOrder?: (port: OrderPort) => OrderPort;
  /** Is given the way to send any payload, properly sealed. */
  readonly offerSealer?: (seal: Messenger['sendPayload']) => void;
  /** A tick begins, counted from the start of the first run; before anything of it is sampled or sent. */
  readonly onTick: (runTick: number) => void;
}

/** What became of the command log at this replica, as the drive loop of Simplified Paxos tells it. */
export type OrderReport =
  /** It takes part, and shows this nonce where it asks to be admitted. */
  | { readonly kind: 'started'; readonly nonce: Uint8Array }
  | { readonly kind: 'chosen'; readonly slot: Slot; readonly entry: LogEntry; readonly executes: boolean }
  | { readonly kind: 'installed'; readonly snapshot: Snapshot }
  | {
      readonly kind: 'answered';
      readonly client: string;
      readonly sequence: number;
      readonly outcome: Outcome;
    }
  | { readonly kind: 'status'; readonly status: PaxosStatus };

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
  /** What it remembers of the command log; absent where no log orders commands. */
  readonly store?: LogStore;
  /** An earlier life in this process has used the store. */
  readonly isReopened?: boolean;
  readonly interposers?: ReplicaInterposers;
  /** How messages become frames; without it as on the wire. */
  readonly openMessenger?: OpenMessenger;
  /** How entries and states become bytes; without it as on the wire. */
  readonly codecs?: ReplicaCodecs;
  /** Version that it speaks; only tests of mismatches and faults say another one. */
  readonly protocolVersion?: number;
  /** Whatever the core reports, before it becomes an account. */
  readonly onReport?: (report: Report) => void;
  /** Whatever becomes of the command log; nothing else reads it. */
  readonly onOrdered?: (report: OrderReport) => void;
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
  twin: 'bad-authenticator',
  'malformed-envelope': 'malformed',
  'malformed-payload': 'malformed',
  'wrong-purpose': 'malformed',
  oversize: 'malformed',
};

/** One replica as a process. */
export class ReplicaProcess {
  private readonly messenger: Messenger;
  private readonly drive: ReplicaDrive;
  private readonly recorder: TickRecorder;
  private readonly meter: LinkMeter;
  private readonly desk: CommandDesk;
  /** Null where no log orders commands. */
  private readonly order: OrderDrive | null;
  private words: OrderWords | null = null;
  private readonly sensors: SensorPort;
  private readonly replicaIndex: ReadonlyMap<Principal, number>;
  private readonly actuatorIndex: ReadonlyMap<Principal, number>;
  /** Of those that Simplified Paxos runs between. */
  private readonly deviceIndex: ReadonlyMap<Principal, number>;
  private readonly statuses: ({ readonly status: ActuatorStatus; readonly atUs: number } | null)[];
  private readonly statusAgeUs: number;
  private readonly drops = new Map<string, number>();
  /** Chosen, and not yet told to the drive. */
  private readonly unfolded: { readonly slot: Slot; readonly entry: LogEntry; readonly executes: boolean }[] =
    [];
  /** First tick of the newest run that this process has known. */
  private originTick: number | null = null;

  constructor(private readonly parts: ReplicaProcessParts) {
    const { rig, id, keys, digests, entropy, clock, interposers, log } = parts;
    this.replicaIndex = new Map(rig.replicas.map((replica, at) => [replica.id, at]));
    this.actuatorIndex = new Map(rig.actuators.map((actuator, at) => [actuator.id, at]));
    this.deviceIndex = new Map(listDevices(rig).map((device, at) => [device, at]));
    const self = this.replicaIndex.get(id);
    if (self === undefined) throw new RangeError(`rig ${rig.id} has no replica "${id}"`);
    this.statuses = rig.actuators.map(() => null);
    this.statusAgeUs = Math.max(STATUS_AGE_MIN_US, STATUS_AGE_PERIODS * rig.periodUs);
    this.messenger = (parts.openMessenger ?? openSecureMessenger)({
      rig,
      id,
      keys,
      digests,
      transport: interposers?.wrapTransport(parts.transport) ?? parts.transport,
      clock,
      entropy,
      log,
      ...(parts.protocolVersion === undefined ? {} : { protocolVersion: parts.protocolVersion }),
      events: {
        onMessage: (from, message, arrivedUs) => this.receive(from, message, arrivedUs),
        onEstablished: (peer) => this.noteLinked(peer),
        onRefused: (from, cause) => this.noticeRefusal(from, cause),
        onIncompatible: (_, detail) => this.tell('error', detail),
      },
    });
    interposers?.offerSealer?.((to, purpose, payload) => this.messenger.sendPayload(to, purpose, payload));
    const codecs = parts.codecs ?? wireCodecs(rig);
    this.meter = new LinkMeter({ rig, self, readTrips: (peer) => this.drive.readLink(peer) });
    this.recorder = new TickRecorder({
      digestVector: codecs.digestVector,
      onRecord: (record) => {
        this.meter.noteRecord(record);
        parts.channel.sendTick(record);
      },
    });
    this.desk = new CommandDesk({
      rig,
      rigDigest: digests.rig,
      devices: ordersByLog(rig) ? listDevices(rig) : null,
      readLeader: () => this.order?.readLeader() ?? null,
      order: (name, content) => {
        const client = rig.operators[name.client];
        if (this.order === null) this.drive.order(name, content);
        else if (client !== undefined)
          this.order.request({ client, sequence: name.sequence, value: content });
      },
      readOrdered: () => {
        const held = this.drive.readState();
        return held?.book === undefined ? null : { book: held.book, startTick: held.startTick };
      },
      send: (to, reply) => this.messenger.send(to, { kind: 'reply', reply }),
    });
    const peers: PeerPort = {
      send: (to, message) => this.sendToPeer(to, message),
      prepare: (message) => {
        rig.replicas.forEach((peer, at) => {
          if (at !== self) this.messenger.prepare(peer.id, message);
        });
      },
    };
    const commands: CommandPort = {
      send: (actuator, command) => {
        const to = rig.actuators[actuator];
        if (to === undefined || !this.messenger.send(to.id, { kind: 'command', command })) return;
        this.recorder.noteCommanded(actuator, command);
        this.meter.noteCommanded(clock.nowUs());
      },
    };
    this.sensors = interposers?.wrapSensors(parts.sensors) ?? parts.sensors;
    const config = buildReplicaConfig(rig, self, parts.law, entropy.bytes(START_NONCE_BYTES), codecs);
    this.drive = new ReplicaDrive({
      config,
      clock,
      peers: interposers?.wrapPeers(peers) ?? peers,
      commands: interposers?.wrapCommands(commands) ?? commands,
      sensors: this.sensors,
      readStatuses: (nowUs) =>
        this.statuses.map((held) =>
          held !== null && nowUs - held.atUs <= this.statusAgeUs ? held.status : null,
        ),
      onTick: (tick, startTick, ownUs, latenessUs, account) => {
        parts.law.prepare();
        this.recorder.begin(tick, ownUs, latenessUs, account);
        // Ticks go on for a replica that has lost the run: what was to end by a tick must end.
        if (startTick !== null) this.originTick = startTick;
        // Before ticks are shared again they have other numbers.
        if (this.originTick !== null && tick >= this.originTick) interposers?.onTick(tick - this.originTick);
      },
      onReport: (report) => this.onReport(report),
      onReply: (name, answer) => this.desk.answer(name, answer),
    });
    this.order = config.commands?.order === 'log' ? this.openOrder(self, config.commands) : null;
  }

  start(): void {
    this.messenger.start();
    // First, as it tells the replica what it knew to be chosen.
    this.order?.start();
    this.drive.start();
  }

  /** Finishes the tick under way; nothing leaves afterwards. */
  async stop(): Promise<void> {
    await this.drive.stop();
    await this.order?.stop();
    this.words?.stop();
    this.messenger.stop();
    this.recorder.flush();
  }

  /** Ends it as SIGKILL would, inside this process: nothing more leaves or is looked at. */
  halt(): void {
    this.drive.halt();
    this.order?.halt();
    this.words?.stop();
    this.messenger.stop();
    this.recorder.flush();
  }

  /** What its round clock shows now, µs; null while it knows no ticks of the others, or does not take part. */
  readRoundClock(): number | null {
    return this.drive.readRoundClock();
  }

  /** A request that `operator` is known to have made, however it came here. */
  takeRequest(operator: Principal, request: OperatorRequest): void {
    this.desk.receive(operator, request);
  }

  /** Other keys take the place of those held, without a restart. */
  renewKeys(keys: PrincipalKeys): void {
    this.messenger.renewKeys(keys);
    this.tell('info', `replica ${this.parts.id} holds ${describeKeys(keys)}`);
  }

  /** What was not accepted so far, by cause. */
  readRejected(): Record<string, number> {
    return { ...this.messenger.readRefused(), ...Object.fromEntries(this.drops) };
  }

  private openOrder(self: ReplicaIndex, rules: LogRules): OrderDrive {
    const { rig, id, entropy, clock, interposers, isReopened, onOrdered } = this.parts;
    const given = this.parts.store;
    if (given === undefined)
      throw new TypeError(`replica ${id} has no store, and rig ${rig.id} orders by a log`);
    const store = interposers?.wrapStore?.(given) ?? given;
    const devices = listDevices(rig);
    this.words = new OrderWords({
      name: `replica ${id}`,
      devices,
      place: store.place,
      isEmpty: store.loaded === null,
      clock,
      tell: (level, text) => this.tell(level, text),
    });
    const port: OrderPort = {
      send: (to, messages) => {
        const device = devices[to];
        if (device !== undefined) this.messenger.send(device, { kind: 'order', messages });
      },
    };
    const outward = interposers?.wrapOrder?.(port) ?? port;
    const nonce = entropy.bytes(ORDER_NONCE_BYTES);
    onOrdered?.({ kind: 'started', nonce });
    return new OrderDrive({
      config: buildOrderConfig(rig, self, nonce),
      clock,
      store,
      records: recordCodec(requireOrderLimits(rig)),
      isReopened: isReopened ?? false,
      send: (to, messages) => outward.send(to, messages),
      onChosen: (slot, entry, executes) => {
        onOrdered?.({ kind: 'chosen', slot, entry, executes });
        this.desk.noteChosen(slot, entry, executes);
        this.unfolded.push({ slot, entry, executes });
        if (entry.kind === 'quorum') this.tellQuorum(slot, entry.members);
      },
      onVotedForQuorum: (slot) => this.drive.noteVotedForQuorum(slot),
      onInstall: (snapshot) => {
        onOrdered?.({ kind: 'installed', snapshot });
        this.foldChosen();
        this.drive.install(snapshot);
        if (rig.witness !== null) this.tellQuorum(snapshot.quorumSlot, snapshot.quorum);
      },
      canRead: ({ slot, state }) => rules.decodeFold(state)?.book.prefix === slot,
      takeSnapshot: (slot) => {
        this.foldChosen();
        return this.drive.readFold(slot);
      },
      onReleased: () => this.foldChosen(),
      onAnswer: (client, sequence, outcome) => {
        onOrdered?.({ kind: 'answered', client, sequence, outcome });
        this.desk.answerOrdered(client, sequence, outcome);
      },
      onStatus: (status) => {
        onOrdered?.({ kind: 'status', status });
        this.words?.note(status);
      },
      onStoreRefusal: (refusal) => this.words?.noteRefusal(refusal),
    });
  }

  /** What entries come to takes longer than telling that they are chosen, and nobody waits for it. */
  private foldChosen(): void {
    for (const { slot, entry, executes } of this.unfolded.splice(0))
      this.drive.noteChosen(slot, entry, executes);
    this.passWanted();
  }

  /** What commands have said of the operational quorum goes back to the log, which changes it. */
  private passWanted(): void {
    const wanted = this.drive.readWanted();
    if (wanted !== null) this.order?.want(wanted);
  }

  private tellQuorum(slot: Slot, members: Members): void {
    const { rig, id, channel, clock } = this.parts;
    channel.send({ kind: 'quorum', id, ...describeQuorum(rig, slot, members), atUs: clock.nowUs() });
  }

  private sendToPeer(to: number, message: PeerMessage): void {
    const { rig, clock } = this.parts;
    const peer = rig.replicas[to];
    if (peer === undefined) return;
    if (message.kind === 'round' && message.round === 1) this.recorder.noteFirstSend(clock.nowUs());
    if (message.kind === 'join' || (message.kind === 'round' && message.stamp !== undefined))
      this.meter.noteSent(message.tick);
    this.messenger.send(peer.id, message);
  }

  private receive(from: Principal, message: ReceivedMessage, arrivedUs: number): void {
    switch (message.kind) {
      case 'round':
      case 'state-request':
      case 'state-reply':
      case 'join':
      case 'start':
      case 'content-request':
      case 'content-reply': {
        const peer = this.replicaIndex.get(from);
        if (peer === undefined) return;
        this.drive.receive(peer, message, arrivedUs);
        this.measure(peer, message, arrivedUs);
        return;
      }
      case 'status': {
        const actuator = this.actuatorIndex.get(from);
        if (actuator !== undefined) this.statuses[actuator] = { status: message.status, atUs: arrivedUs };
        return;
      }
      case 'order': {
        const device = this.deviceIndex.get(from);
        if (device !== undefined) this.order?.receive(device, message.messages, arrivedUs);
        return;
      }
      case 'request':
        this.desk.receive(from, message.request);
        return;
      case 'control':
        this.answerControl(from, message.request);
        return;
      case 'command':
        this.messenger.countRefused(from, 'wrong-purpose');
        this.noticeRefusal(from, 'wrong-purpose');
    }
  }

  private measure(peer: ReplicaIndex, message: PeerMessage, arrivedUs: number): void {
    if ((message.kind !== 'round' && message.kind !== 'join') || message.stamp === undefined) return;
    const roundUs = this.drive.readRoundUs(arrivedUs);
    if (roundUs !== null) this.meter.noteArrival(peer, message.tick, message.stamp.lagUs, roundUs, arrivedUs);
  }

  private answerControl(from: Principal, request: ControlRequest): void {
    const { onControl, rig, id } = this.parts;
    const answer = isMeasureText(request.text)
      ? this.meter.answer(request.text)
      : (onControl?.(from, request.text) ?? {
          ok: false,
          text: `replica ${id}: rig ${rig.id} does not enable faults; write "faults: enabled" in its rig.yaml`,
        });
    this.messenger.send(from, { kind: 'answer', answer: { sequence: request.sequence, ...answer } });
  }

  private noteLinked(id: Principal): void {
    const peer = this.replicaIndex.get(id);
    if (peer !== undefined) this.drive.reportLinked(peer);
  }

  private noticeRefusal(from: Principal, cause: RefusalCause): void {
    const peer = this.replicaIndex.get(from);
    const evidence = EVIDENCE[cause];
    if (peer !== undefined && evidence !== undefined) this.drive.notice(peer, evidence);
  }

  private onReport(report: Report): void {
    this.parts.onReport?.(report);
    this.recorder.note(report);
    const { id, rig } = this.parts;
    switch (report.kind) {
      case 'mode':
        this.tell('info', `replica ${id} is ${report.mode} at tick ${report.tick}: ${explainMode(report)}`);
        break;
      case 'waits': {
        const others = report.needed === 1 ? '1 other' : `${report.needed} others`;
        const silent = this.nameReplicas(report.silent);
        this.tell(
          'info',
          `replica ${id} ${report.inRun ? 'keeps its state while the run stands still' : 'waits to begin'}: it takes ${others}` +
            (silent === ''
              ? ', and all are heard'
              : `, and nothing is heard of ${silent}; start them, or look at the network and at their keys`),
        );
        break;
      }
      case 'members': {
        const out = this.nameReplicas(
          rig.replicas.flatMap((_, at) => (report.active & (1 << at) ? [] : [at])),
        );
        const { fromTick } = report;
        const since = `from tick ${fromTick} on`;
        this.tell(
          'info',
          out === ''
            ? `replica ${id}: everybody is waited for again ${since}`
            : `replica ${id}: nobody waits for ${out} ${since}; it may come back by joining`,
          {
            text: out === '' ? 'everybody is waited for again' : `nobody waits for ${out} any more`,
            fromTick,
          },
        );
        break;
      }
      case 'commanded':
        this.tellCommanded(report);
        break;
      case 'law-failed':
        this.tell(
          'error',
          `control law failed at tick ${report.tick}: ${report.reason}; actuators get no command: mend the law in the rig folder and restart all replicas`,
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

  private tellCommanded({ tick, startTick, applied }: Extract<Report, { readonly kind: 'commanded' }>): void {
    const { id, rig, channel } = this.parts;
    const records = applied.map(({ client, sequence, outcome }) => ({
      client: rig.operators[client] ?? String(client),
      sequence,
      tick: tick - startTick,
      outcome: outcome.kind,
    }));
    channel.send({ kind: 'commanded', id, records });
    for (const { client, sequence, tick: runTick, outcome } of records) {
      const what =
        outcome === 'done'
          ? 'is in force from'
          : `${outcome === 'lapsed' ? 'lapsed' : 'was refused by the law'} at`;
      const text = `request ${sequence} of ${client} ${what} tick ${runTick}${outcome === 'done' ? ' on' : ''}`;
      this.tell('info', `replica ${id}: ${text}`, { text, fromTick: tick });
    }
  }

  private nameReplicas(replicas: readonly number[]): string {
    return replicas.map((at) => this.parts.rig.replicas[at]?.id ?? String(at)).join(', ');
  }

  private count(cause: string): void {
    this.drops.set(cause, (this.drops.get(cause) ?? 0) + 1);
  }

  private tell(level: 'info' | 'warn' | 'error', text: string, decided?: Decided): void {
    const { channel, clock, id, log } = this.parts;
    log[level](text);
    const said = decided === undefined ? { text } : { text, decided };
    channel.send({ kind: 'event', id, level, ...said, atUs: clock.nowUs() });
  }
}

/** Why a replica stands where it does, for people. */
function explainMode({ mode, cause }: Extract<Report, { readonly kind: 'mode' }>): string {
  switch (cause) {
    case 'heard-run':
      return 'the others run, and it catches up in silence';
    case 'no-run':
      return 'nobody runs yet, and it is ready to begin with the others';
    case 'in-step':
      return 'it holds the state of the others and takes part';
    case 'excluded':
      return 'it was absent or late for too long; nobody waits for it until it is in step again';
    case 'fenced':
      return 'it missed its own deadlines and keeps silent until it is in step again; look at the load of its machine';
    case 'lost':
      return mode === 'running'
        ? 'nobody shows a run any more, and it goes on from its own state'
        : 'it found nobody to go on with, and listens for others';
    case 'lags':
      return 'it lacks commands that the others have long known to be chosen, and keeps silent until it has them; look at its disk and its links';
  }
}
