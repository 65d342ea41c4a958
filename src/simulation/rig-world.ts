/**
 * A whole rig in a simulated world: the live rig's own processes (src/process), voters, emulated hardware and fault
 * injectors, over simulated computers, network, lines and chance. Everything that the world decides comes from one seed.
 * What is seen of it goes to whoever watches; no process sees more than it would on a board.
 */
import { openBridgeActuator, openBridgeSensors } from '../../firmware-bridge/host/bridge-ports.js';
import { loadProfile } from '../../hardware/emulated/load-profile.js';
import { PlantHost, type PlantBridge } from '../../hardware/emulated/plant-host.js';
import { startNamedPlant } from '../../hardware/plants/plants.js';
import { PlantError } from '../../hardware/plants/plant.js';
import type { Report } from '../core/replica.js';
import { explainDeath } from '../demo/fault-ledger.js';
import type { PlannedFault } from '../demo/tour.js';
import { FaultInjector } from '../faults/injector.js';
import { configureAs } from '../faults/mismatches.js';
import type { Mismatch, StoreLoss } from '../faults/wrapper.js';
import { sumCounts, type Counts } from '../process/counts.js';
import { planFault } from '../faults/plan-fault.js';
import { Random } from '../faults/random.js';
import type {
  ActuatorPort,
  Cancel,
  Clock,
  Entropy,
  Log,
  PeerPort,
  Principal,
  RecordChange,
  SensorPort,
} from '../ports.js';
import { ActuatorProcess } from '../process/actuator-process.js';
import { listDevices } from '../process/order-config.js';
import { openSecureMessengerWith, type OpenMessenger } from '../process/messenger.js';
import { wireCodecs, type ReplicaCodecs } from '../process/replica-config.js';
import { ReplicaProcess, type OrderReport } from '../process/replica-process.js';
import { WitnessProcess } from '../process/witness-process.js';
import { stampVoterRecord, type Telemetry, type TickRecord, type VoterRecord } from '../process/telemetry.js';
import { composeLaw, type ComposedLaw } from '../rig/compose-law.js';
import { ordersByLog } from '../rig/derive.js';
import { computeArithmeticDigest } from '../rig/digest.js';
import type { LoadedRig } from '../rig/load-rig.js';
import type { Rig } from '../rig/rig.js';
import type { Submission } from '../rig/submission.js';
import { TickGrid } from '../rig/tick-grid.js';
import { witnessCodec } from '../store/witness-codec.js';
import type { ConfigDigests } from '../wire/derive-keys.js';
import { generateKeys, type PrincipalKeys } from '../wire/keys.js';
import { lawStateCodec } from '../wire/law-state-codec.js';
import type { MacEngine } from '../wire/mac-engine.js';
import type { OperatorRequest } from '../wire/request-codec.js';
import { openDirectActuator, openDirectSensors, openSimulatedLine } from './bridge.js';
import { RANK } from './event-queue.js';
import { Host, MAX_DRIFT_PPM, World, type ClockModel } from './host.js';
import { Network, type NetworkModel, type NetworkWatch } from './network.js';
import { measureMemory } from './measure-memory.js';
import { askOnce, plainCodecs } from './plain-codecs.js';
import { PlainWire } from './plain-messenger.js';
import { SimulatedOperator } from './operator.js';
import { rememberCodecs } from './remember-codecs.js';
import { rememberMacs } from './remember-macs.js';
import { StoreDisk, type OnKept } from './store-disk.js';

export interface RigWorldOptions {
  readonly loaded: LoadedRig;
  readonly seed: number;
  /** none: messages are passed without having been encoded, and devices answer without bytes between. */
  readonly wire: 'full' | 'none';
  readonly faults: readonly PlannedFault[];
  readonly submissions: readonly Submission[];
  readonly network: NetworkModel;
  /** Clocks by principal; whoever has no entry has one that shares nothing with the others, drawn by the seed. */
  readonly clocks: Readonly<Record<Principal, ClockModel>>;
  readonly macEngine: MacEngine;
}

/** Everything that can be seen from outside, in order. */
export interface RigWatch extends NetworkWatch {
  onTelemetry(message: Telemetry): void;
  onTick(replica: number, record: TickRecord): void;
  onVoter(actuator: number, record: VoterRecord): void;
  onReport(replica: number, report: Report): void;
  /** Where a log orders commands: what becomes of it at a replica. */
  onOrdered(replica: number, report: OrderReport): void;
  /** A witness starts, and shows this nonce where it asks to be let in. */
  onWitnessStart(device: number, nonce: Uint8Array): void;
  /** What the disk of a device of the command log holds from now on; null: nothing any more. */
  onKept(device: number, changes: readonly RecordChange[] | null): void;
  /** An operator asks for the first time. */
  onAsked(operator: Principal, sequence: number): void;
  onStart(id: Principal): void;
  onDeath(id: Principal): void;
  onVoterStart(actuator: number, bootNonce: Uint8Array): void;
  onVoterStop(actuator: number): void;
  /** What a replica hands out, before any fault touches it. */
  wrapPeers(replica: number, port: PeerPort): PeerPort;
  /** What processes say to each other. */
  wrapMessenger(open: OpenMessenger): OpenMessenger;
  /** A period has passed; what each replica holds in memory is worked out when it is asked for. */
  onPeriod(measure: () => readonly (number | null)[]): void;
  /** What the round clocks of the replicas show at this very moment, µs; null where one shows no ticks of the others. */
  onClocks(shown: readonly (number | null)[]): void;
  /** Faults at work on a process by what has been told. */
  openFaults(id: Principal): readonly string[];
  /** Something that a person should read. */
  say(line: string): void;
}

/** From power-on to the first instruction of a process, and how unlike its neighbours it is. */
const BOOT_US = 150_000;
const BOOT_SPAN_US = 60_000;
/** Faults are ordered so long before they strike. */
const ORDER_LEAD_TICKS = 20;
const PLANT_REPORT_US = 100_000;
const STATS_REPORT_US = 1_000_000;

interface Seat {
  readonly id: Principal;
  readonly host: Host;
  injector: FaultInjector | null;
  setRunStart: (startTick: number) => void;
  readRejected: () => Record<string, number>;
  /** The process that runs there; null while there is none. */
  process: () => object | null;
}

interface Order {
  readonly fault: PlannedFault;
  readonly obeying: readonly string[];
  /** Those that have been told. */
  readonly told: Set<string>;
}

/** One rig in its world, from power-on. */
export class RigWorld {
  readonly world = new World();
  readonly plant: PlantHost;
  private readonly rig: Rig;
  private readonly random: Random;
  private readonly network: Network;
  /** As their key files have them. */
  private readonly keys: Map<Principal, PrincipalKeys>;
  private readonly digests: ConfigDigests;
  private readonly seats = new Map<Principal, Seat>();
  /** Of replicas and the witness, where a log orders commands. */
  private readonly disks = new Map<Principal, StoreDisk>();
  private readonly openMessenger: OpenMessenger;
  private readonly openUnwatched: OpenMessenger;
  private readonly codecs: ReplicaCodecs;
  /** One law for all replicas where it is asked once for each question; each its own on the full wire. */
  private readonly sharedLaw: ComposedLaw | null;
  private orders: Order[];
  private submissions: readonly Submission[];
  private readonly operators = new Map<Principal, SimulatedOperator>();
  private startTick: number | null = null;
  private readonly grid: TickGrid;
  private boots = 0;
  private plantDueUs = 0;
  private statsDueUs = 0;

  /** Throws PlantError where the rig cannot be simulated, RangeError for a fault that nobody can do. */
  constructor(
    private readonly options: RigWorldOptions,
    private readonly watch: RigWatch,
  ) {
    const { loaded, seed, wire, network, faults, clocks } = options;
    const { rig } = loaded;
    if (rig.plant === null)
      throw new PlantError(
        `rig ${rig.id} names no plant, so there is nothing to simulate; write plant: { model: pitch }`,
      );
    this.rig = rig;
    this.grid = new TickGrid(rig.periodUs);
    this.random = new Random(`world ${seed}`);
    this.keys = new Map(
      generateKeys(rig, seededEntropy(`keys ${seed}`)).map((keys) => [keys.principal, keys]),
    );
    this.network = new Network(this.world, rig, network, new Random(`network ${seed}`), watch);
    const plainWire = new PlainWire(
      rig,
      rig.replicas.map(() => this.random.nextBits()),
    );
    this.openUnwatched =
      wire === 'full' ? openSecureMessengerWith(rememberMacs(options.macEngine)) : plainWire.open;
    const { rig: rigDigest, law } = loaded.digests;
    this.digests = { rig: rigDigest, law, arithmetic: computeArithmeticDigest() };
    this.openMessenger = watch.wrapMessenger(this.openUnwatched);
    this.codecs = wire === 'full' ? rememberCodecs(wireCodecs(rig)) : plainCodecs(rig);
    if (ordersByLog(rig))
      listDevices(rig).forEach((id, at) => {
        const onKept: OnKept = (changes) => watch.onKept(at, changes);
        this.disks.set(id, this.makeDisk(`the store of ${id}`, onKept));
      });
    this.sharedLaw = wire === 'full' ? null : askOnce(this.composeLaw());
    this.submissions = options.submissions;
    this.orders = faults.map((fault) => ({ fault, obeying: listObeying(fault, rig), told: new Set() }));
    this.plant = PlantHost.create({
      rig,
      plant: startNamedPlant(rig.plant.model, rig.plant.parameters, seed),
      clock: {
        nowUs: () => this.world.nowUs,
        schedule: (atUs, callback) => {
          const event = this.world.at(atUs, RANK.timer, callback);
          return () => this.world.cancel(event);
        },
      },
      entropy: seededEntropy(`devices ${seed}`),
      log: this.logOf('plant'),
      referenceAt: loadProfile(rig.plant, loaded.folder),
      onLost: () => this.tellPlant(),
    });
    const { actuators, replicas, witness } = rig;
    for (const { id } of [...actuators, ...replicas, ...(witness === null ? [] : [witness])]) {
      const host = new Host(this.world, clocks[id] ?? this.drawClock());
      this.seats.set(id, {
        id,
        host,
        injector: null,
        process: () => null,
        setRunStart: () => {},
        readRejected: () => ({}),
      });
      this.world.at(this.random.nextInteger(BOOT_SPAN_US), RANK.timer, () => this.boot(id));
    }
    this.world.at(0, RANK.timer, () => this.pump());
  }

  /** A machine that was started some time in the last day, by a crystal as they are sold. */
  private drawClock(): ClockModel {
    const { random } = this;
    return {
      offsetUs: random.nextInteger(24 * 3_600) * 1_000_000 + random.nextInteger(1_000_000),
      driftPpm: random.nextInteger(2 * MAX_DRIFT_PPM + 1) - MAX_DRIFT_PPM,
    };
  }

  /** Ticks of the run so far; null before it. */
  get runTick(): number | null {
    const tick = this.grid.tickAt(this.world.nowUs);
    return this.startTick === null || tick === null ? null : Math.max(0, tick - this.startTick);
  }

  /** Lets everybody tell a last time. */
  finish(): void {
    for (const seat of this.seats.values()) this.tellStats(seat);
  }

  private boot(id: Principal): void {
    const seat = this.seats.get(id);
    if (seat === undefined) return;
    seat.host.boot();
    this.boots += 1;
    this.watch.onStart(id);
    const replica = this.rig.replicas.findIndex((one) => one.id === id);
    if (replica >= 0) this.bootReplica(seat, replica);
    else if (id === this.rig.witness?.id) this.bootWitness(seat, this.rig.replicas.length);
    else
      this.bootActuator(
        seat,
        this.rig.actuators.findIndex((one) => one.id === id),
      );
  }

  private bootReplica(seat: Seat, self: number): void {
    const { rig, watch, world } = this;
    const { id, host } = seat;
    const life = host.lifeNumber;
    const isAlive = (): boolean => host.lifeNumber === life && host.isAlive;
    const restartAs = (mismatch: Mismatch | null): void => {
      process.halt();
      earlier = sumCounts(earlier, process.readRejected());
      process = launch(mismatch);
      process.start();
    };
    const renewKeys = (keys: PrincipalKeys): void => process.renewKeys(keys);
    const disk = this.disks.get(id);
    const loseStore = (how: StoreLoss): void => this.loseStore(id, self, how);
    const injector = this.makeInjector(seat, 'replicas', self, { restartAs, renewKeys, loseStore });
    const clock = injector?.wrapClock() ?? host.clock;
    const entropy = this.entropyOf(id);
    const transport = this.network.attach(id, host);
    const sensors = this.openSensors(id, host, clock, entropy, injector);
    const launch = (mismatch: Mismatch | null): ReplicaProcess =>
      new ReplicaProcess({
        rig,
        id,
        keys: this.keysOf(id),
        ...configureAs(mismatch, this.digests),
        law: this.sharedLaw ?? this.composeLaw(),
        codecs: this.codecs,
        transport,
        sensors,
        clock,
        entropy,
        log: this.logOf(id),
        openMessenger: this.openMessenger,
        ...(disk === undefined ? {} : { store: disk.open(host) }),
        onOrdered: (report) => {
          if (isAlive()) watch.onOrdered(self, report);
        },
        onReport: (report) => {
          if (isAlive()) watch.onReport(self, report);
        },
        channel: {
          send: (message) => {
            if (isAlive()) watch.onTelemetry(message);
          },
          sendTick: (record) => {
            if (!isAlive()) return;
            this.noteStart(record);
            watch.onTick(self, toWorldTimes(host, record));
          },
        },
        interposers: {
          wrapPeers: (port) => watch.wrapPeers(self, injector?.wrapPeers(port) ?? port),
          wrapCommands: (port) => injector?.wrapCommands(port) ?? port,
          wrapSensors: (port) => injector?.wrapSensors(port) ?? port,
          wrapTransport: (port) => injector?.wrapTransport(port) ?? port,
          wrapStore: (store) => injector?.wrapStore(store) ?? store,
          wrapOrder: (port) => injector?.wrapOrder(port) ?? port,
          offerSealer: (seal) => injector?.offerSealer(seal),
          onTick: (runTick) => injector?.onTick(runTick),
        },
      });
    /** What earlier lives of the replica in this process refused. */
    let earlier: Counts = {};
    let process = launch(null);
    seat.injector = injector;
    seat.process = () => process;
    seat.readRejected = () => sumCounts(earlier, process.readRejected());
    host.schedule(world.nowUs, RANK.timer, () => process.start());
  }

  /** The same process as the live one's; what it needs of a machine, its world gives it. */
  private bootWitness(seat: Seat, device: number): void {
    const { rig, watch, world } = this;
    const { id, host } = seat;
    const life = host.lifeNumber;
    const isAlive = (): boolean => host.lifeNumber === life && host.isAlive;
    const restartAs = (): void => {
      process.halt();
      earlier = sumCounts(earlier, process.readRejected());
      process = launch();
      process.start();
    };
    const injector = this.makeInjector(seat, 'witness', device, {
      restartAs,
      renewKeys: (keys) => process.renewKeys(keys),
      loseStore: (how) => this.loseStore(id, device, how),
    });
    const clock = injector?.wrapClock() ?? host.clock;
    const entropy = this.entropyOf(id);
    const transport = this.network.attach(id, host);
    const launch = (): WitnessProcess => {
      const store = this.diskOf(id).open(host);
      return new WitnessProcess({
        rig,
        id,
        keys: this.keysOf(id),
        digests: this.digests,
        transport: injector?.wrapTransport(transport) ?? transport,
        store: injector?.wrapStore(store) ?? store,
        records: witnessCodec,
        clock,
        entropy,
        log: this.logOf(id),
        openMessenger: this.openMessenger,
        onNonce: (nonce) => watch.onWitnessStart(device, nonce),
        channel: {
          send: (message) => {
            if (isAlive()) watch.onTelemetry(message);
          },
        },
        onTurn: () => {
          const { runTick } = this;
          if (runTick !== null) injector?.onTick(runTick);
        },
      });
    };
    /** What earlier lives of the witness in this process refused. */
    let earlier: Counts = {};
    let process = launch();
    seat.injector = injector;
    seat.process = () => process;
    seat.readRejected = () => sumCounts(earlier, process.readRejected());
    host.schedule(world.nowUs, RANK.timer, () => {
      process.start();
      watch.onTelemetry({ kind: 'ready', id });
    });
  }

  private loseStore(id: Principal, device: number, how: StoreLoss): void {
    const disk = this.disks.get(id);
    if (how !== 'all') {
      disk?.cut(how);
      return;
    }
    disk?.wipe();
    this.watch.onKept(device, null);
  }

  private diskOf(id: Principal): StoreDisk {
    const disk = this.disks.get(id);
    if (disk === undefined) throw new RangeError(`rig ${this.rig.id} has no store for "${id}"`);
    return disk;
  }

  private makeInjector(
    seat: Seat,
    of: 'replicas' | 'actuators' | 'witness',
    self: number,
    controls: {
      readonly restartAs?: (mismatch: Mismatch | null) => void;
      readonly renewKeys: (keys: PrincipalKeys) => void;
      readonly loseStore?: (how: StoreLoss) => void;
    },
  ): FaultInjector | null {
    const { rig, watch, network } = this;
    const { id, host } = seat;
    // All faults are known before the flight: whom none of them names is left alone.
    if (!rig.faultInjection || !this.orders.some(({ obeying }) => obeying.includes(id))) return null;
    const told = new Set<string>();
    return new FaultInjector({
      rig,
      self,
      of,
      seed: this.options.seed,
      world: 'simulator',
      clock: host.clock,
      host: {
        kill: () => this.kill(id),
        stall: (ms) => host.stall(ms * 1_000),
        killBroker: (ms) => network.closeInbox(id, ms * 1_000),
        ...(controls.loseStore === undefined ? {} : { loseStore: controls.loseStore }),
        ...(controls.restartAs === undefined ? {} : { restart: () => controls.restartAs?.(null) }),
        ...(of === 'replicas' ? { launchTwin: (peers) => this.launchTwin(id, peers) } : {}),
        // Without bytes there are no handshakes and no keys in which it would be seen.
        ...(this.options.wire === 'none'
          ? {}
          : {
              ...(controls.restartAs === undefined ? {} : { restartAs: controls.restartAs }),
              exchangeKeys: (change) => {
                const keys = change(this.keysOf(id));
                this.keys.set(id, keys);
                controls.renewKeys(keys);
              },
            }),
      },
      encodeEntry: this.codecs.encodeEntry,
      decodeEntry: this.codecs.decodeEntry,
      sendFrameAs: (claimed, to, purpose, frame) => network.sendAs(id, claimed, to, purpose, frame),
      onEvent: (event) => {
        watch.onTelemetry({ kind: 'fault', id, ...event });
        // It is told of again when its count has grown.
        if (event.event !== 'cleared' && !told.has(event.spec)) {
          told.add(event.spec);
          watch.say(`tick ${event.tick}, ${id}: ${event.spec} ${event.event}`);
        }
      },
    });
  }

  /** A second process with the identity, the keys and the bridge of a replica, on a computer of its own. */
  private launchTwin(id: Principal, peers: readonly Principal[] | null): Cancel {
    const { rig, world } = this;
    const host = new Host(world);
    host.boot();
    this.boots += 1;
    const entropy = this.entropyOf(id);
    const { transport, detach } = this.network.attachTwin(id, host, peers);
    const twin = new ReplicaProcess({
      rig,
      id,
      keys: this.keysOf(id),
      digests: this.digests,
      law: this.sharedLaw ?? this.composeLaw(),
      codecs: this.codecs,
      transport,
      sensors: this.openSensors(id, host, host.clock, entropy, null),
      clock: host.clock,
      entropy,
      log: this.logOf(`the twin of ${id}`),
      ...(ordersByLog(rig) ? { store: this.makeDisk(`the store of the twin of ${id}`).open(host) } : {}),
      openMessenger: this.openUnwatched,
      channel: { send: () => {}, sendTick: () => {} },
    });
    host.schedule(world.nowUs + BOOT_US, RANK.timer, () => twin.start());
    return () => {
      host.kill();
      detach();
    };
  }

  private makeDisk(place: string, onKept?: OnKept): StoreDisk {
    return new StoreDisk(this.world, place, new Random(`${place} ${this.options.seed}`), onKept);
  }

  private bootActuator(seat: Seat, at: number): void {
    const { rig, watch, world } = this;
    const { id, host } = seat;
    const { loaded } = this.options;
    const life = host.lifeNumber;
    const isAlive = (): boolean => host.lifeNumber === life && host.isAlive;
    const entropy = this.entropyOf(id);
    const renewKeys = (keys: PrincipalKeys): void => process.renewKeys(keys);
    const injector = this.makeInjector(seat, 'actuators', at, { renewKeys });
    const process = new ActuatorProcess({
      rig,
      id,
      keys: this.keysOf(id),
      digests: { rig: loaded.digests.rig, law: null, arithmetic: null },
      transport: this.network.attach(id, host),
      device: this.openDevice(id, at, host, entropy, injector),
      clock: host.clock,
      entropy,
      log: this.logOf(id),
      openMessenger: this.openMessenger,
      channel: {
        send: (message) => {
          if (isAlive()) watch.onTelemetry(message);
        },
        sendVoter: (record) => {
          if (isAlive()) watch.onVoter(at, stampVoterRecord(record, host.toWorldTime(record.atUs)));
        },
      },
      ...(injector === null
        ? {}
        : {
            interposers: {
              wrapDevice: (port) => injector.wrapDevice(port),
              onTick: (runTick) => injector.onTick(runTick),
            },
          }),
    });
    seat.injector = injector;
    seat.setRunStart = (startTick) => process.setRunStart(startTick);
    if (this.startTick !== null) process.setRunStart(this.startTick);
    seat.readRejected = () => process.readRejected();
    watch.onVoterStart(at, process.account().bootNonce);
    host.schedule(world.nowUs, RANK.timer, () => process.start());
  }

  private composeLaw(): ComposedLaw {
    return composeLaw(this.options.loaded, lawStateCodec);
  }

  private openSensors(
    id: Principal,
    host: Host,
    clock: Clock,
    entropy: Entropy,
    injector: FaultInjector | null,
  ): SensorPort {
    const { rig, world } = this;
    const bridge = this.bridgeOf(id);
    const nowUs = (): number => this.plant.deviceNowUs();
    if (this.options.wire === 'none') return openDirectSensors(rig, clock, bridge.device, nowUs);
    return openBridgeSensors({
      rig,
      id,
      addresses: {},
      clock,
      log: this.logOf(id),
      entropy,
      open: openSimulatedLine(world, host, bridge, nowUs),
      ...(injector === null ? {} : { wrapLine: (open) => injector.wrapBridge(open) }),
    });
  }

  private openDevice(
    id: Principal,
    at: number,
    host: Host,
    entropy: Entropy,
    injector: FaultInjector | null,
  ): ActuatorPort {
    const { rig, world } = this;
    const bridge = this.bridgeOf(id);
    const nowUs = (): number => this.plant.deviceNowUs();
    const actuator = rig.actuators[at];
    if (actuator === undefined) throw new RangeError(`rig ${rig.id} has no actuator "${id}"`);
    if (this.options.wire === 'none') return openDirectActuator(actuator, host, bridge.device, nowUs);
    return openBridgeActuator({
      rig,
      id,
      addresses: {},
      clock: host.clock,
      log: this.logOf(id),
      entropy,
      open: openSimulatedLine(world, host, bridge, nowUs),
      ...(injector === null ? {} : { wrapLine: (open) => injector.wrapBridge(open) }),
    });
  }

  /** A process is gone at once; the fault that killed it says when it comes back. */
  private kill(id: Principal): void {
    const seat = this.seats.get(id);
    if (seat === undefined || !seat.host.isAlive) return;
    this.tellStats(seat);
    const actuator = this.rig.actuators.findIndex((one) => one.id === id);
    if (actuator >= 0) this.watch.onVoterStop(actuator);
    seat.host.kill();
    this.disks.get(id)?.cut('killed');
    seat.injector = null;
    seat.process = () => null;
    seat.setRunStart = () => {};
    seat.readRejected = () => ({});
    this.network.detach(id);
    const { killer, ended } = explainDeath(this.watch.openFaults(id), this.rig.periodUs);
    this.watch.onDeath(id);
    const runTick = this.runTick ?? 0;
    for (const spec of ended) this.endFault(id, spec, runTick);
    // What has not begun dies with it, and is told to whoever comes after it.
    for (const { fault, told } of this.orders) if (fault.spec.at.tick > runTick) told.delete(id);
    if (killer === null || killer.forTicks === null) return;
    const backUs = this.world.nowUs + killer.forTicks * this.rig.periodUs;
    this.world.at(backUs, RANK.timer, () => {
      this.endFault(id, killer.spec, this.runTick ?? 0);
      this.watch.say(`tick ${this.runTick ?? 0}, ${id} is started again`);
      this.world.at(this.world.nowUs + BOOT_US, RANK.timer, () => this.boot(id));
    });
  }

  private endFault(id: Principal, spec: string, tick: number): void {
    this.watch.onTelemetry({ kind: 'fault', id, spec, event: 'cleared', tick, affected: 0 });
  }

  private noteStart(record: TickRecord): void {
    if (record.agreedUs !== null && record.startTick !== null)
      // An account of a tick is given when the next one begins.
      this.grid.note(record.tick + 1, this.world.nowUs);
    if (record.startTick === null || record.startTick === this.startTick) return;
    this.startTick = record.startTick;
    this.plant.setRunStart(record.startTick);
    for (const seat of this.seats.values()) seat.setRunStart(record.startTick);
  }

  /**
   * Once a period: orders the faults whose time comes. As often as on the live rig the plant tells how it does, and the
   * processes what they refused.
   */
  private pump(): void {
    this.orderFaults();
    this.giveCommands();
    if (this.world.nowUs >= this.plantDueUs) {
      this.plantDueUs = this.world.nowUs + PLANT_REPORT_US;
      this.tellPlant();
    }
    if (this.world.nowUs >= this.statsDueUs) {
      this.statsDueUs = this.world.nowUs + STATS_REPORT_US;
      for (const seat of this.seats.values()) this.tellStats(seat);
    }
    this.watch.onPeriod(() => this.measureReplicas());
    this.watch.onClocks(this.readClocks());
    this.world.at(this.world.nowUs + this.rig.periodUs, RANK.timer, () => this.pump());
  }

  private readClocks(): readonly (number | null)[] {
    return this.rig.replicas.map(({ id }) => {
      const seat = this.seats.get(id);
      const process = seat?.process();
      // What stands still at this moment shows nothing of it.
      if (
        seat === undefined ||
        !(process instanceof ReplicaProcess) ||
        seat.host.presentUs() > this.world.nowUs
      )
        return null;
      return process.readRoundClock();
    });
  }

  private measureReplicas(): readonly (number | null)[] {
    const { rig, world, network, watch, options } = this;
    const hosts = [...this.seats.values()].map(({ host }) => host);
    const disks = this.disks.values();
    const shared = [
      rig,
      options,
      options.loaded,
      world,
      network,
      watch,
      this.plant,
      this.codecs,
      ...hosts,
      ...disks,
    ];
    return rig.replicas.map(({ id }) => {
      const process = this.seats.get(id)?.process() ?? null;
      return process === null ? null : measureMemory(process, shared);
    });
  }

  private orderFaults(): void {
    if (this.orders.length === 0) return;
    const runTick = this.runTick ?? 0;
    const isDue = ({ fault }: Order): boolean => fault.spec.at.tick <= runTick + ORDER_LEAD_TICKS;
    if (!this.orders.some(isDue)) return;
    for (const order of this.orders.filter(isDue)) {
      for (const id of order.obeying) {
        const injector = this.seats.get(id)?.injector ?? null;
        // A replica that is down is told when it is back.
        if (order.told.has(id) || injector === null) continue;
        order.told.add(id);
        const { text } = order.fault;
        const answer = injector.handle(text);
        if (answer.ok) continue;
        const reason = `${answer.what}; ${answer.cure}`;
        this.watch.onTelemetry({
          kind: 'fault',
          id,
          spec: text,
          event: 'failed',
          tick: runTick,
          affected: 0,
          reason,
        });
        this.watch.say(`the fault "${text}" was refused: ${reason}`);
      }
    }
    this.orders = this.orders.filter(
      ({ fault, obeying, told }) => told.size < obeying.length || fault.spec.at.tick > runTick,
    );
  }

  /** Hands commands to the operators who give them in this tick. */
  private giveCommands(): void {
    const { runTick } = this;
    if (this.submissions.length === 0 || runTick === null) return;
    const due = this.submissions.filter(({ tick }) => tick <= runTick);
    if (due.length === 0) return;
    this.submissions = this.submissions.filter(({ tick }) => tick > runTick);
    for (const submission of due) this.operatorOf(submission.operator).give(submission);
  }

  /** Comes to the rig with his first command. */
  private operatorOf(id: Principal): SimulatedOperator {
    const known = this.operators.get(id);
    if (known !== undefined) return known;
    const { rig, options, world, network } = this;
    const host = new Host(world);
    host.boot();
    const operator = new SimulatedOperator({
      rig,
      id,
      rigDigest: options.loaded.digests.rig,
      host,
      say: (line) => this.watch.say(line),
      hasLog: ordersByLog(rig),
      onAsked: (sequence) => this.watch.onAsked(id, sequence),
      lines:
        options.wire === 'full'
          ? {
              kind: 'network',
              transport: network.attach(id, host),
              keys: this.keysOf(id),
              entropy: this.entropyOf(id),
              log: this.logOf(id),
            }
          : {
              kind: 'direct',
              random: new Random(`operator ${id} ${options.seed}`),
              hand: (replica, request) => this.handRequest(id, replica, request),
            },
    });
    this.operators.set(id, operator);
    return operator;
  }

  /** A request reaches a replica without having been encoded. */
  private handRequest(operator: Principal, replica: Principal, request: OperatorRequest): void {
    const seat = this.seats.get(replica);
    const process = seat?.process();
    if (seat === undefined || !seat.host.isAlive || !(process instanceof ReplicaProcess)) return;
    seat.host.schedule(this.world.nowUs, RANK.arrival, () => process.takeRequest(operator, request));
  }

  private tellStats({ id, readRejected }: Seat): void {
    const stats = { rssMiB: 0, cpuPercent: 0, maxStallMs: 0 };
    this.watch.onTelemetry({ kind: 'stats', id, ...stats, rejected: readRejected() });
  }

  private tellPlant(): void {
    const account = this.plant.account();
    const { reference, lostWhy } = account;
    this.watch.onTelemetry({
      kind: 'plant',
      atUs: this.world.nowUs,
      survived: account.survived,
      maxAbsError: account.maxAbsError,
      description: account.description,
      // A literal with a spread in it takes ten times as long.
      values: Object.assign({}, account.instruments, { reference, lostWhy }),
    });
  }

  private bridgeOf(id: Principal): PlantBridge {
    const bridge = this.plant.bridges.find((one) => one.id === id);
    if (bridge === undefined) throw new RangeError(`rig ${this.rig.id} has no bridge for "${id}"`);
    return bridge;
  }

  private keysOf(id: Principal): PrincipalKeys {
    const keys = this.keys.get(id);
    if (keys === undefined) throw new RangeError(`rig ${this.rig.id} has no principal "${id}"`);
    return keys;
  }

  /** Every life of every process draws other numbers. */
  private entropyOf(id: Principal): Entropy {
    return seededEntropy(`${this.options.seed} ${id} ${this.boots}`);
  }

  private logOf(id: string): Log {
    const { watch } = this;
    return {
      debug: () => {},
      info: (text) => watch.say(`${id}: ${text}`),
      warn: (text) => watch.say(`${id}: ${text}`),
      error: (text) => watch.say(`${id}: ${text}`),
    };
  }
}

/** A record whose times are the world's: those of hosts do not compare. */
function toWorldTimes(host: Host, record: TickRecord): TickRecord {
  const { firstSendUs, agreedUs, foreseenUs } = record;
  return {
    ...record,
    firstSendUs: firstSendUs === null ? null : host.toWorldTime(firstSendUs),
    agreedUs: agreedUs === null ? null : host.toWorldTime(agreedUs),
    foreseenUs: foreseenUs === null ? null : host.toWorldTime(foreseenUs),
  };
}

function seededEntropy(seed: string): Entropy {
  const random = new Random(seed);
  return { bytes: (length) => random.nextBytes(length) };
}

function listObeying(fault: PlannedFault, rig: Rig): readonly string[] {
  const planned = planFault(fault.spec, rig, 'simulator');
  if (!planned.ok) throw new RangeError(`fault "${fault.text}": ${planned.what}; ${planned.cure}`);
  return planned.plan.obeying;
}
