/**
 * The lines between processes and the emulated devices of their firmware bridges. `openSimulatedLine` carries the very
 * bytes of the bridge protocol, with a delay; `openDirectSensors` and `openDirectActuator` hand messages over whole, for
 * campaigns that leave the bytes out. The devices are the live rig's.
 */
import type { BridgeDevice } from '../../firmware-bridge/host/bridge-device.js';
import { readSample } from '../../firmware-bridge/host/bridge-ports.js';
import { encodeFrame, FrameDecoder } from '../../firmware-bridge/host/frame.js';
import { ALL_CHANNELS, NO_TICK, type DeviceMessage } from '../../firmware-bridge/host/messages.js';
import type { BridgeFront, PlantBridge } from '../../hardware/emulated/plant-host.js';
import type { Reading } from '../core/types.js';
import type { ActuatorPort, ByteStream, Clock, OpenByteStream, SensorPort } from '../ports.js';
import type { ActuatorPart, Rig } from '../rig/rig.js';
import { RANK } from './event-queue.js';
import type { Host, World } from './host.js';

/** What a line takes for a frame one way, and to open. */
const LINE_DELAY_US = 400;
const LINE_OPEN_US = 5_000;

/** A process's end of the line to one device; the plant's end becomes the bridge's front. */
export function openSimulatedLine(
  world: World,
  host: Host,
  bridge: PlantBridge,
  deviceNowUs: () => number,
): OpenByteStream {
  return (events) => {
    const decoder = new FrameDecoder();
    const life = host.lifeNumber;
    let open = false;
    let over = false;
    const toHost = (messages: readonly DeviceMessage[]): void => {
      const frames = messages.map(encodeFrame);
      host.schedule(world.nowUs + LINE_DELAY_US, RANK.arrival, () => {
        if (over || host.lifeNumber !== life) return;
        for (const frame of frames) events.onBytes(frame);
      });
    };
    const front: BridgeFront = {
      say: toHost,
      countRefused: () => decoder.countRefused(),
      close: async () => {
        over = true;
      },
    };
    const cancelOpen = host.schedule(host.presentUs() + LINE_OPEN_US, RANK.arrival, () => {
      open = true;
      bridge.front = front;
      events.onOpen();
    });
    const stream: ByteStream = {
      write(bytes) {
        if (!open || over) return false;
        const copy = bytes.slice();
        world.at(host.presentUs() + LINE_DELAY_US, RANK.arrival, () => {
          if (over || bridge.front !== front) return;
          const answers: DeviceMessage[] = [];
          decoder.push(copy, (message) => {
            answers.push(...bridge.device.receive(message, deviceNowUs(), decoder.countRefused()));
          });
          if (answers.length > 0) toHost(answers);
        });
        return true;
      },
      close() {
        over = true;
        cancelOpen();
      },
    };
    return stream;
  };
}

interface DirectSample {
  readonly count: number | null;
  readonly asOfUs: number;
}

/** The channels of a replica without bytes between: a request is answered at once. */
export function openDirectSensors(
  rig: Rig,
  clock: Clock,
  device: BridgeDevice,
  deviceNowUs: () => number,
): SensorPort {
  const scales = device.listChannels();
  /** By channel. */
  const samples: DirectSample[] = [];
  let sequence = 0;
  return {
    request() {
      sequence = (sequence + 1) & 0xffff;
      const asOfUs = clock.nowUs();
      const request = { type: 'sample-request', channel: ALL_CHANNELS, sequence } as const;
      for (const answer of device.receive(request, deviceNowUs(), 0)) {
        if (answer.type !== 'sample') continue;
        samples[answer.channel] = { count: answer.valid ? answer.count : null, asOfUs };
      }
    },
    read(nowUs) {
      const readings: Reading[] = [];
      for (const sensor of rig.sensors) {
        const scale = scales[sensor.channel];
        const sample = samples[sensor.channel];
        const isKnown = scale !== undefined && sample !== undefined;
        readings.push(isKnown ? readSample(sensor, scale, sample, nowUs) : null);
      }
      return readings;
    },
    close: async () => {},
  };
}

/** The device of a voter without bytes between. */
export function openDirectActuator(
  actuator: ActuatorPart,
  host: Host,
  device: BridgeDevice,
  deviceNowUs: () => number,
): ActuatorPort {
  let handler: ((count: number, atUs: number) => void) | null = null;
  let sequence = 0;
  return {
    output(count, tick) {
      sequence = (sequence + 1) & 0xffff;
      const order = {
        type: 'output',
        output: actuator.channel,
        sequence,
        tick: tick < 0 ? NO_TICK : tick % NO_TICK,
        count,
      } as const;
      for (const answer of device.receive(order, deviceNowUs(), 0)) {
        if (answer.type === 'read-back') handler?.(answer.count, host.clock.nowUs());
      }
    },
    onReadBack(given) {
      handler = given;
    },
    close: async () => {},
  };
}
