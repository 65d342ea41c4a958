/**
 * A rig whose processes are recorded into memory: the live rig's own processes over the simulator's world, with an
 * operator who orders faults. For tests of recording and replay; nothing here touches the machine.
 */
import { fileURLToPath } from 'node:url';
import { PlantHost } from '../../hardware/emulated/plant-host.js';
import { startNamedPlant } from '../../hardware/plants/plants.js';
import { composeActuator } from '../../src/cli/compose-actuator.js';
import { composeReplica } from '../../src/cli/compose-replica.js';
import { ControlClient, type OrderOutcome } from '../../src/faults/control-client.js';
import { Random } from '../../src/faults/random.js';
import type { Entropy, Log, OpenByteStream } from '../../src/ports.js';
import { CallDecoder, CallEncoder } from '../../src/recording/call-codec.js';
import type { CallSink, CallSource } from '../../src/recording/call-log.js';
import type { PortCall } from '../../src/recording/port-call.js';
import { PortRecorder } from '../../src/recording/port-recorder.js';
import {
  PortReplayer,
  type FrameWatch,
  type ReplayedProcess,
  type ReplayOutcome,
} from '../../src/recording/port-replayer.js';
import type { ProcessPorts } from '../../src/recording/process-ports.js';
import type { TickRecord } from '../../src/process/telemetry.js';
import { loadRig, type LoadedRig } from '../../src/rig/load-rig.js';
import { openSimulatedLine } from '../../src/simulation/bridge.js';
import { RANK } from '../../src/simulation/event-queue.js';
import { Host, World } from '../../src/simulation/host.js';
import { Network, QUIET_NETWORK } from '../../src/simulation/network.js';
import { generateKeys, listPrincipals, type PrincipalKeys } from '../../src/wire/keys.js';

const PITCH = fileURLToPath(new URL('../../hardware/rigs/pitch', import.meta.url));
const SILENT: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const NOBODY: FrameWatch = { onSent: () => {}, onReceived: () => {} };

/** Calls through their bytes, in memory. */
export class MemoryLog implements CallSink {
  private readonly encoder: CallEncoder;
  private decoded: PortCall[] | null = null;

  constructor(private readonly principals: readonly string[]) {
    this.encoder = new CallEncoder(principals);
  }

  write(call: PortCall): void {
    this.encoder.write(call);
  }

  /** All calls, as read back. */
  get calls(): readonly PortCall[] {
    if (this.decoded === null) {
      const decoder = new CallDecoder(this.principals, 'memory');
      decoder.load(this.encoder.take());
      this.decoded = [];
      for (let call = decoder.next(); call !== null; call = decoder.next()) this.decoded.push(call);
    }
    return this.decoded;
  }
}

/** A source over calls as they are. */
export function sourceOf(calls: readonly PortCall[]): CallSource {
  let at = 0;
  return { peek: () => calls[at] ?? null, next: () => calls[at++] ?? null };
}

/** One recorded life. */
export interface MemoryLife {
  readonly id: string;
  readonly kind: 'replica' | 'actuator';
  readonly log: MemoryLog;
}

/** The pitch rig, recorded. */
export class MemoryRig {
  readonly lives: MemoryLife[] = [];
  readonly answers: Promise<OrderOutcome>[] = [];
  private readonly world = new World();
  private readonly network: Network;
  private readonly plant: PlantHost;
  private readonly keys: ReadonlyMap<string, PrincipalKeys>;
  private readonly principals: readonly string[];
  private readonly hosts = new Map<string, Host>();
  private readonly stops: (() => void)[] = [];
  /** Tells actuators where the run began, as a demo does. */
  private readonly tellRunStart: ((startTick: number) => void)[] = [];
  private startTick: number | null = null;
  private readonly client: ControlClient;

  private constructor(readonly loaded: LoadedRig) {
    const { rig, digests } = loaded;
    this.keys = new Map(generateKeys(rig, entropyOf('keys')).map((keys) => [keys.principal, keys]));
    this.principals = listPrincipals(rig).map(({ id }) => id);
    this.network = new Network(this.world, rig, QUIET_NETWORK, new Random('network'), {
      onSent: () => {},
      onTrouble: () => {},
    });
    this.plant = PlantHost.create({
      rig,
      plant: startNamedPlant('pitch', {}, 1),
      clock: {
        nowUs: () => this.world.nowUs,
        schedule: (atUs, callback) => {
          const event = this.world.at(atUs, RANK.timer, callback);
          return () => this.world.cancel(event);
        },
      },
      entropy: entropyOf('devices'),
      log: SILENT,
      referenceAt: null,
    });
    for (const { id } of [...rig.actuators, ...rig.replicas]) {
      this.hosts.set(id, new Host(this.world));
      this.boot(id);
    }
    const host = new Host(this.world);
    host.boot();
    this.client = new ControlClient({
      rig,
      keys: this.keysOf('operator'),
      rigDigest: digests.rig,
      transport: this.network.attach('operator', host),
      clock: host.clock,
      entropy: entropyOf('operator'),
      log: SILENT,
    });
  }

  static async load(): Promise<MemoryRig> {
    return new MemoryRig(await loadRig(PITCH));
  }

  /** Orders a fault from everybody who has to do it. */
  order(fault: string): void {
    this.answers.push(this.client.order(fault));
  }

  /** Lets so much time of the world pass. */
  pass(us: number): void {
    const untilUs = this.world.nowUs + us;
    let over = false;
    this.world.at(untilUs, RANK.timer, () => {
      over = true;
    });
    while (!over) this.world.advance();
  }

  private noteStart({ startTick }: TickRecord): void {
    if (startTick === null || startTick === this.startTick) return;
    this.startTick = startTick;
    for (const tell of this.tellRunStart) tell(startTick);
  }

  private boot(id: string): void {
    const host = this.hosts.get(id) as Host;
    host.boot();
    const kind = this.loaded.rig.replicas.some((one) => one.id === id) ? 'replica' : 'actuator';
    const log = new MemoryLog(this.principals);
    this.lives.push({ id, kind, log });
    const recorder = new PortRecorder(log);
    const ports = recorder.wrap({
      clock: host.clock,
      entropy: entropyOf(`${id} ${this.lives.length}`),
      transport: this.network.attach(id, host),
      sendFrameAs: (claimed, to, purpose, frame) => this.network.sendAs(id, claimed, to, purpose, frame),
      openLine: this.lineOf(id, host),
      store: null,
      channel: { send: () => {}, sendTick: (record) => this.noteStart(record), sendVoter: () => {} },
    });
    const process = this.compose(id, kind, ports, {
      kill: () => {
        recorder.noteKilled();
        host.kill();
        this.network.detach(id);
        this.world.at(this.world.nowUs + DOWN_US, RANK.timer, () => this.boot(id));
      },
      stall: (ms) => host.stall(ms * 1_000),
      killBroker: (ms) => this.network.closeInbox(id, ms * 1_000),
    });
    process.start();
    const tell = (startTick: number): void => {
      const order = { kind: 'run-start', startTick };
      host.schedule(this.world.nowUs, RANK.arrival, () =>
        recorder.noteOrder(order, () => process.obey?.(order)),
      );
    };
    this.tellRunStart.push(tell);
    if (this.startTick !== null) tell(this.startTick);
    this.stops.push(() => {
      if (!host.isAlive) return;
      recorder.noteStop();
      void Promise.resolve(process.stop()).then(() => recorder.noteStopped());
    });
  }

  /** Asks the living to stop, and lets them. */
  async stop(): Promise<void> {
    for (const stop of this.stops) stop();
    this.pass(1_000_000);
    await new Promise((resolve) => setImmediate(resolve));
    this.client.close();
  }

  /** Replays one life, or what a test has made of its calls. */
  replay(
    life: MemoryLife,
    changes: {
      readonly calls?: readonly PortCall[];
      readonly seed?: string;
      readonly watch?: FrameWatch;
      readonly wrap?: (ports: ProcessPorts) => ProcessPorts;
    } = {},
  ): Promise<ReplayOutcome> {
    const { calls = life.log.calls, seed = SEED, watch = NOBODY, wrap = (ports) => ports } = changes;
    const replayer = new PortReplayer(sourceOf(calls), life.id, watch);
    const host = { kill: () => replayer.endByKill(), stall: () => {}, killBroker: () => {} };
    return replayer.run(() => this.compose(life.id, life.kind, wrap(replayer.ports), host, seed));
  }

  private compose(
    id: string,
    kind: MemoryLife['kind'],
    ports: ProcessPorts,
    host: Parameters<typeof composeReplica>[1]['host'],
    seed: string = SEED,
  ): ReplayedProcess {
    const { loaded } = this;
    const world = { ...ports, host, lineText: 'a line', log: SILENT };
    const identity = { loaded, id, keys: this.keysOf(id), seed };
    return kind === 'actuator' ? composeActuator(identity, world) : composeReplica(identity, world);
  }

  private lineOf(id: string, host: Host): OpenByteStream {
    const bridge = this.plant.bridges.find((one) => one.id === id);
    if (bridge === undefined) throw new Error(`there is no bridge of ${id}`);
    return openSimulatedLine(this.world, host, bridge, () => this.plant.deviceNowUs());
  }

  private keysOf(id: string): PrincipalKeys {
    return this.keys.get(id) as PrincipalKeys;
  }
}

const SEED = '7';
/** How long a process that has died stays down. */
const DOWN_US = 400_000;

function entropyOf(seed: string): Entropy {
  const random = new Random(seed);
  return { bytes: (length) => random.nextBytes(length) };
}
