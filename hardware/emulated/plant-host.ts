/**
 * Emulated hardware around an emulated plant: one firmware bridge per replica with the plant's channels, one per
 * actuator with the output it moves, and the plant's time, which runs with the clock. A microcontroller can take the
 * place of any of these bridges. What it must never do: let a replica learn of the plant by anything but samples, or
 * let a host's bytes stop the plant.
 *
 * The plant is held at its starting point until the first output that belongs to a tick; from then on it flies. When
 * this process itself was kept from running for longer than `CATCH_UP_MAX_US`, the rest of that time is not flown: an
 * aircraft does not fall because the machine that emulates it stood still. It is counted and reported as slipped.
 */
import { BridgeDevice } from '../../firmware-bridge/host/bridge-device.js';
import type { DeviceChannel, DeviceOutput } from '../../firmware-bridge/host/bridge-device.js';
import { BridgeServer } from '../../firmware-bridge/host/bridge-server.js';
import type { DeviceMessage } from '../../firmware-bridge/host/messages.js';
import { resolveBridge } from '../../firmware-bridge/host/bridge-ports.js';
import { encodeUnit } from '../../firmware-bridge/host/units.js';
import type { Cancel, Clock, Entropy, Log } from '../../src/ports.js';
import type { ActuatorPart, Rig } from '../../src/rig/rig.js';
import type { PlantDescription } from '../../src/rig/plant-description.js';
import { TickGrid } from '../../src/rig/tick-grid.js';
import { PlantError } from '../plants/plant.js';
import type { Plant } from '../plants/plant.js';

export interface PlantHostOptions {
  readonly rig: Rig;
  readonly plant: Plant;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  /** What the plant's tracked quantity should be, by seconds since the start of the run; null: nothing to compare. */
  readonly referenceAt: ((seconds: number) => number) | null;
  /** Called once, when the plant is lost. */
  readonly onLost?: () => void;
}

export interface OpenPlantHostOptions extends PlantHostOptions {
  /** `bridge:<replica or actuator id>` → `host:port`, in place of the rig's addresses; port 0: any free one. */
  readonly addresses: Readonly<Record<string, string>>;
}

/** What stands between one device and its host: a socket, or a simulated line. */
export interface BridgeFront {
  /** Sends what the device says without being asked; dropped where no host listens. */
  say(messages: readonly DeviceMessage[]): void;
  countRefused(): number;
  close(): Promise<void>;
}

/** One bridge of the plant. */
export interface PlantBridge {
  /** Of the replica or actuator that it belongs to. */
  readonly id: string;
  readonly device: BridgeDevice;
  front: BridgeFront | null;
}

/** How the plant does. */
export interface PlantAccount {
  readonly description: PlantDescription;
  /** Whether an output of a tick has released it. */
  readonly flying: boolean;
  /** Time flown, µs. */
  readonly flownUs: number;
  readonly survived: boolean;
  readonly lostAtUs: number | null;
  readonly lostWhy: string | null;
  readonly reference: number | null;
  /** Largest deviation from the reference so far; null where there is none to compare with. */
  readonly maxAbsError: number | null;
  /** Time that was not flown because the process was kept from running. */
  readonly slippedUs: number;
  readonly instruments: Readonly<Record<string, number | string | null>>;
}

/** Samples and errors are taken at least this often. */
const PACE_US = 5_000;
const PACE_SLACK_US = 1_000;
const CATCH_UP_MAX_US = 100_000;
/** Silence of its host after which an emulated actuator goes to its safe value by itself. */
const WATCHDOG_MS = 300;

export class PlantHost {
  /** Where each bridge listens: `bridge:<id>` → `host:port`. */
  readonly addresses: Record<string, string> = {};
  /** One for each replica, then one for each actuator, in the rig's order. */
  readonly bridges: readonly PlantBridge[];
  private readonly commands: (number | null)[];
  private readonly startUs: number;
  private advancedUs: number;
  private flying = false;
  private flownUs = 0;
  private slippedUs = 0;
  private maxAbsError: number | null = null;
  /** Where the outputs' ticks lie on the clock. */
  private readonly grid: TickGrid;
  private startTick: number | null = null;
  private lostTold = false;
  private cancelPace: Cancel | null = null;

  private constructor(private readonly options: PlantHostOptions) {
    const { rig, plant, clock } = options;
    this.grid = new TickGrid(rig.periodUs);
    this.startUs = clock.nowUs();
    this.advancedUs = this.startUs;
    this.commands = plant.outputs.map(() => null);
    this.bridges = [
      ...rig.replicas.map(({ id }, index) => this.makeBridge(id, this.makeChannels(index), [])),
      ...rig.actuators.map((actuator, index) =>
        this.makeBridge(actuator.id, [], this.makeOutputs(actuator, index)),
      ),
    ];
  }

  /**
   * The devices with nothing in front of them yet; time runs from now on. Throws a PlantError where the rig does not fit
   * the plant.
   */
  static create(options: PlantHostOptions): PlantHost {
    checkFit(options.rig, options.plant);
    const host = new PlantHost(options);
    host.pace();
    return host;
  }

  /**
   * Opens a TCP listener in front of every device. Rejects with a PlantError where the rig does not fit the plant, with
   * the socket's error where an address cannot be taken; nothing stays open then.
   */
  static async open(options: OpenPlantHostOptions): Promise<PlantHost> {
    const host = PlantHost.create(options);
    const parts = [...options.rig.replicas, ...options.rig.actuators];
    try {
      for (const [at, { id, bridge }] of parts.entries())
        await host.listen(host.bridges[at] as PlantBridge, resolveBridge(id, bridge, options.addresses));
    } catch (error) {
      await host.close();
      throw error;
    }
    return host;
  }

  /** Time of the devices' own clock. */
  deviceNowUs(): number {
    return this.options.clock.nowUs() - this.startUs;
  }

  /** Tells which tick of the outputs' grid was the run's first: the reference counts from it. */
  setRunStart(startTick: number): void {
    this.startTick = startTick;
  }

  /** How the plant does by now. */
  account(): PlantAccount {
    this.advance();
    const { plant } = this.options;
    const { survived, lostAtUs, lostWhy } = plant.judge();
    return {
      description: plant.description,
      flying: this.flying,
      flownUs: this.flownUs,
      survived,
      lostAtUs,
      lostWhy,
      reference: this.readReference(this.options.clock.nowUs()),
      maxAbsError: this.maxAbsError,
      slippedUs: this.slippedUs,
      instruments: plant.show(),
    };
  }

  /** Frames that the bridges have refused since the start. */
  countRefused(): number {
    return this.bridges.reduce((sum, { front }) => sum + (front?.countRefused() ?? 0), 0);
  }

  /** Stops time and closes every bridge. */
  async close(): Promise<void> {
    this.cancelPace?.();
    this.cancelPace = null;
    await Promise.all(this.bridges.map(({ front }) => front?.close()));
  }

  private makeBridge(
    id: string,
    channels: readonly DeviceChannel[],
    outputs: readonly DeviceOutput[],
  ): PlantBridge {
    const nonce = this.options.entropy.bytes(4);
    const device = new BridgeDevice({
      deviceId: `emulated-${id}`.slice(0, 16).replace(/-$/, ''),
      bootNonce: new DataView(nonce.buffer, nonce.byteOffset).getUint32(0),
      channels,
      outputs,
    });
    return { id, device, front: null };
  }

  private async listen(bridge: PlantBridge, address: ReturnType<typeof resolveBridge>): Promise<void> {
    const { host, port } = address;
    const { id, device } = bridge;
    const server = await BridgeServer.listen({ host, port, device, nowUs: () => this.deviceNowUs() });
    bridge.front = server;
    this.addresses[`bridge:${id}`] = `${host}:${server.port}`;
    this.options.log.debug(`plant: bridge of ${id} listens on ${host}:${server.port}`);
  }

  private makeChannels(replica: number): DeviceChannel[] {
    return this.options.plant.channels.map((channel, index) => ({
      kind: channel.kind,
      unit: encodeUnit(channel.unit),
      numerator: channel.numerator,
      denominator: channel.denominator,
      minCount: channel.minCount,
      maxCount: channel.maxCount,
      sample: () => {
        this.advance();
        return this.options.plant.sense(index, replica);
      },
    }));
  }

  private makeOutputs(actuator: ActuatorPart, index: number): DeviceOutput[] {
    const scale = {
      unit: encodeUnit(actuator.unit),
      ...findFraction(actuator.resolution),
      minCount: Math.min(actuator.minCount, actuator.failSafeCount),
      maxCount: Math.max(actuator.maxCount, actuator.failSafeCount),
      safeCount: actuator.failSafeCount,
      watchdogMs: WATCHDOG_MS,
    };
    const moving: DeviceOutput = {
      ...scale,
      apply: (count, tick) => this.command(index, count * actuator.resolution, tick),
      measure: () => {
        this.advance();
        return Math.round(this.options.plant.measure(index) / actuator.resolution) + 0;
      },
    };
    // Outputs below the actuator's number are not wired to anything.
    const spare: DeviceOutput = { ...scale, watchdogMs: 0, apply: () => {}, measure: () => null };
    return Array.from({ length: actuator.channel + 1 }, (_, i) => (i === actuator.channel ? moving : spare));
  }

  private command(index: number, value: number, tick: number | null): void {
    this.advance();
    const nowUs = this.options.clock.nowUs();
    if (tick !== null) {
      this.grid.note(tick, nowUs);
      if (!this.flying) {
        this.flying = true;
        this.advancedUs = nowUs;
        this.options.log.info(`plant: ${this.options.plant.name} is released and flies`);
      }
    }
    // Before its release the plant is held: a fail-safe output at the start moves nothing.
    if (this.flying) this.commands[index] = value;
  }

  /** Brings the plant to the present, in pieces short enough to see its largest error. */
  private advance(): void {
    const nowUs = this.options.clock.nowUs();
    if (!this.flying) {
      this.advancedUs = nowUs;
      return;
    }
    const behindUs = nowUs - this.advancedUs;
    if (behindUs > CATCH_UP_MAX_US) {
      this.slippedUs += behindUs - CATCH_UP_MAX_US;
      this.advancedUs = nowUs - CATCH_UP_MAX_US;
      this.options.log.warn(
        `plant: this process stood still for ${Math.round(behindUs / 1000)} ms, and its time with it; give the machine less to do`,
      );
    }
    const { plant } = this.options;
    while (this.advancedUs < nowUs) {
      const stepUs = Math.min(PACE_US, nowUs - this.advancedUs);
      plant.step(this.commands, stepUs);
      this.advancedUs += stepUs;
      const outcome = plant.judge();
      if (!outcome.survived) {
        if (!this.lostTold) {
          this.lostTold = true;
          this.options.log.error(
            `plant: ${plant.name} is lost: ${outcome.lostWhy ?? 'no cause known'}; start the plant anew to fly again`,
          );
          this.options.onLost?.();
        }
        this.advancedUs = nowUs;
        return;
      }
      this.flownUs += stepUs;
      this.measureError();
    }
  }

  private measureError(): void {
    const tracked = this.options.plant.track();
    const reference = this.readReference(this.advancedUs);
    if (tracked === null || reference === null) return;
    this.maxAbsError = Math.max(this.maxAbsError ?? 0, Math.abs(tracked - reference));
  }

  private readReference(atUs: number): number | null {
    const { referenceAt, rig } = this.options;
    const { originUs } = this.grid;
    if (referenceAt === null || originUs === null || this.startTick === null) return null;
    return referenceAt((atUs - originUs - this.startTick * rig.periodUs) / 1_000_000);
  }

  private pace(): void {
    const { clock } = this.options;
    this.cancelPace = clock.schedule(clock.nowUs() + PACE_US, this.onPace, PACE_SLACK_US);
  }

  private readonly onPace = (): void => {
    this.advance();
    const nowUs = this.deviceNowUs();
    // Behind those of the replicas, which move nothing.
    for (let at = this.options.rig.replicas.length; at < this.bridges.length; at += 1) {
      const { device, front } = this.bridges[at] as PlantBridge;
      const said = device.tickWatchdog(nowUs);
      if (said.length > 0) front?.say(said);
    }
    this.pace();
  };
}

/** Says which sensor or actuator of the rig the plant does not have. Throws PlantError. */
function checkFit(rig: Rig, plant: Plant): void {
  for (const sensor of rig.sensors) {
    const channel = plant.channels[sensor.channel];
    const list = plant.channels.map((one, i) => `${i} ${one.name} (${one.unit})`).join(', ');
    if (channel === undefined || channel.unit !== sensor.unit || channel.kind !== sensor.type) {
      throw new PlantError(
        `rig ${rig.id}, sensor ${sensor.id}: plant ${plant.name} has no ${sensor.type} in ${sensor.unit || 'no unit'} ` +
          `on channel ${sensor.channel}; its channels are ${list}`,
      );
    }
  }
  rig.actuators.forEach((actuator, index) => {
    const output = plant.outputs[index];
    const list = plant.outputs.map((one) => `${one.name} (${one.unit})`).join(', ');
    if (output === undefined || output.unit !== actuator.unit) {
      throw new PlantError(
        `rig ${rig.id}, actuator ${actuator.id}: plant ${plant.name} has no output in ${actuator.unit} at place ` +
          `${index + 1} of the list; its outputs are, in this order, ${list}`,
      );
    }
  });
}

/** A resolution as a fraction of whole numbers. Throws PlantError where the bridge cannot carry it. */
function findFraction(resolution: number): { numerator: number; denominator: number } {
  for (let denominator = 1; denominator <= 1e9; denominator *= 10) {
    const numerator = Math.round(resolution * denominator);
    if (numerator > 0xffff) break;
    if (numerator > 0 && Math.abs(numerator / denominator - resolution) <= 1e-9 * resolution) {
      return { numerator, denominator };
    }
  }
  throw new PlantError(
    `plant: a resolution of ${resolution} cannot be told to the device; choose one with at most four digits, such as 0.001`,
  );
}
