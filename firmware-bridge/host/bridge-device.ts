/**
 * The device side of the firmware-bridge protocol as a pure state machine: messages and time in, messages out. It
 * serves the emulated devices and says in TypeScript what a microcontroller says in C. What it must never do: put an
 * output outside its declared range, or leave it where it is when the host has been silent for the watchdog's time.
 */
import { ALL_CHANNELS, BRIDGE_VERSION, NO_TICK } from './messages.js';
import type { BridgeMessage, BridgeScale, DeviceMessage, FaultCode } from './messages.js';

/** One channel of a device. */
export interface DeviceChannel extends BridgeScale {
  readonly kind: 'number' | 'boolean';
  /** The count at this instant, or null when there is no reading. Called once per sample. */
  sample(): number | null;
}

/** One output of a device. */
export interface DeviceOutput extends BridgeScale {
  readonly safeCount: number;
  /** Milliseconds of silence after which the device puts the output to `safeCount` by itself; 0: never. */
  readonly watchdogMs: number;
  /** Puts the actuator to `count`; `tick` is null for a fail-safe output. */
  apply(count: number, tick: number | null): void;
  /** The count measured at the actuator, or null where nothing is measured. */
  measure(): number | null;
}

export interface DeviceParts {
  /** 1 … 16 characters of [a-z0-9-]. */
  readonly deviceId: string;
  /** 32 bits, another one at every start. */
  readonly bootNonce: number;
  /** At most 16. */
  readonly channels: readonly DeviceChannel[];
  /** At most 4. */
  readonly outputs: readonly DeviceOutput[];
}

const NOTHING_SAID: readonly DeviceMessage[] = [];

interface OutputState {
  count: number;
  tick: number;
  sequence: number;
  safe: boolean;
}

export class BridgeDevice {
  private readonly states: OutputState[];
  private heardUs = 0;

  constructor(private readonly parts: DeviceParts) {
    this.states = parts.outputs.map((output) => ({
      count: output.safeCount,
      tick: NO_TICK,
      sequence: 0,
      safe: true,
    }));
  }

  /** How each channel counts, in the order of their numbers. */
  listChannels(): readonly BridgeScale[] {
    return this.parts.channels;
  }

  /** Answers one message of the host. `nowUs` is the device's clock; `badFrames` what its decoder has refused. */
  receive(message: BridgeMessage, nowUs: number, badFrames: number): DeviceMessage[] {
    this.heardUs = nowUs;
    const boot = this.parts.bootNonce & 0xffff;
    const deviceTimeUs = wrapTime(nowUs);
    switch (message.type) {
      case 'hello-request':
        if (message.lowestVersion > BRIDGE_VERSION || message.highestVersion < BRIDGE_VERSION) {
          return [this.makeFault('version-refused', 0xff, nowUs, BRIDGE_VERSION)];
        }
        return this.describe(message.hostNonce);
      case 'sample-request': {
        const samples: DeviceMessage[] = [];
        const { channels } = this.parts;
        for (let index = 0; index < channels.length; index += 1) {
          if (message.channel !== ALL_CHANNELS && message.channel !== index) continue;
          const channel = channels[index] as DeviceChannel;
          const count = channel.sample();
          samples.push({
            type: 'sample',
            channel: index,
            sequence: message.sequence,
            boot,
            valid: count !== null,
            deviceTimeUs,
            count: count ?? 0,
          });
        }
        return samples;
      }
      case 'output': {
        const output = this.parts.outputs[message.output];
        const state = this.states[message.output];
        if (output === undefined || state === undefined) {
          return [this.makeFault('output-refused', message.output, nowUs, message.count)];
        }
        if (message.count < output.minCount || message.count > output.maxCount) {
          return [this.makeFault('output-refused', message.output, nowUs, message.count)];
        }
        state.count = message.count;
        state.tick = message.tick;
        state.sequence = message.sequence;
        state.safe = false;
        output.apply(message.count, message.tick === NO_TICK ? null : message.tick);
        return [this.readBack(message.output, output, state, nowUs)];
      }
      case 'heartbeat-request':
        return [
          {
            type: 'heartbeat',
            sequence: message.sequence,
            boot,
            deviceTimeUs,
            badFrames: Math.min(badFrames, 0xffff),
          },
        ];
      default:
        // A device message at a device: a line that echoes. Saying nothing ends it.
        return [];
    }
  }

  /** Runs the watchdogs; call it at least every 10 ms. Returns what the device has to say about it. */
  tickWatchdog(nowUs: number): readonly DeviceMessage[] {
    const { outputs } = this.parts;
    let said: DeviceMessage[] | null = null;
    for (let index = 0; index < outputs.length; index += 1) {
      const output = outputs[index] as DeviceOutput;
      const state = this.states[index];
      if (state === undefined || state.safe || output.watchdogMs === 0) continue;
      if (nowUs - this.heardUs <= output.watchdogMs * 1000) continue;
      said ??= [];
      state.count = output.safeCount;
      state.tick = NO_TICK;
      state.safe = true;
      output.apply(output.safeCount, null);
      said.push(this.makeFault('watchdog-expired', index, nowUs, output.watchdogMs));
      said.push(this.readBack(index, output, state, nowUs));
    }
    return said ?? NOTHING_SAID;
  }

  private describe(hostNonce: number): DeviceMessage[] {
    const { deviceId, bootNonce, channels, outputs } = this.parts;
    return [
      {
        type: 'hello',
        version: BRIDGE_VERSION,
        hostNonce,
        bootNonce,
        channels: channels.length,
        outputs: outputs.length,
        deviceId,
      },
      ...channels.map((channel, index): DeviceMessage => ({
        type: 'channel',
        channel: index,
        kind: channel.kind,
        ...copyScale(channel),
      })),
      ...outputs.map((output, index): DeviceMessage => ({
        type: 'output-info',
        output: index,
        ...copyScale(output),
        safeCount: output.safeCount,
        watchdogMs: output.watchdogMs,
      })),
    ];
  }

  private readBack(index: number, output: DeviceOutput, state: OutputState, nowUs: number): DeviceMessage {
    const measured = output.measure();
    return {
      type: 'read-back',
      output: index,
      sequence: state.sequence,
      boot: this.parts.bootNonce & 0xffff,
      measured: measured !== null,
      safe: state.safe,
      tick: state.tick,
      deviceTimeUs: wrapTime(nowUs),
      count: measured ?? state.count,
    };
  }

  private makeFault(code: FaultCode, subject: number, nowUs: number, detail: number): DeviceMessage {
    return {
      type: 'fault',
      code,
      subject,
      boot: this.parts.bootNonce & 0xffff,
      deviceTimeUs: wrapTime(nowUs),
      detail,
    };
  }
}

/** A clock in µs as the 32 bits that travel. */
function wrapTime(nowUs: number): number {
  return Math.floor(nowUs) >>> 0;
}

function copyScale(of: BridgeScale): BridgeScale {
  const { unit, numerator, denominator, minCount, maxCount } = of;
  return { unit, numerator, denominator, minCount, maxCount };
}
