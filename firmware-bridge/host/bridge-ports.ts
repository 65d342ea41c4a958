/**
 * Firmware bridges as the ports of src/ports.ts: what a replica reads and what a voter moves. What it must never do:
 * hand out a reading that is out of range, too old, or in another unit than the rig says.
 */
import { randomBytes } from 'node:crypto';
import type { Reading } from '../../src/core/types.js';
import type { ActuatorPort, Clock, Entropy, Log, OpenByteStream, SensorPort } from '../../src/ports.js';
import type { ActuatorPart, BridgePart, Rig, SensorPart } from '../../src/rig/rig.js';
import { BridgeClient } from './bridge-client.js';
import type { BridgeCounts, DeviceDescription, HeldSample } from './bridge-client.js';
import { openTcpStream } from './byte-stream.js';
import { scaleCount } from './messages.js';
import type { BridgeScale } from './messages.js';
import { decodeUnit, encodeUnit } from './units.js';

export interface BridgePortOptions {
  readonly rig: Rig;
  /** Id of the replica or actuator whose bridge it is. */
  readonly id: string;
  /** `bridge:<id>` → `host:port`, in place of the rig's address. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly log: Log;
  /** Opens something else than what the rig and `addresses` say: a serial line, a test's stream. */
  readonly open?: OpenByteStream;
  /** What stands between the bridge and its line; fault injection is the only user. */
  readonly wrapLine?: (open: OpenByteStream) => OpenByteStream;
  /** What `open` opens, for messages to people. */
  readonly lineText?: string;
  /** Source of the 32 bits that tie a hello to its request; without it the machine's. */
  readonly entropy?: Entropy;
  /** Called with true when the device answers and fits the rig, with false when that ends. */
  readonly onReady?: (ready: boolean) => void;
}

/** A port with what its bridge has counted. */
export interface BridgeHealth {
  readonly counts: BridgeCounts;
  isReady(): boolean;
}

/** The channels of one replica over its bridge. Throws an Error where the rig has no such replica or address. */
export function openBridgeSensors(options: BridgePortOptions): SensorPort & BridgeHealth {
  const { rig, id, clock } = options;
  const replica = rig.replicas.find((part) => part.id === id);
  if (replica === undefined)
    throw new Error(`rig ${rig.id}: no replica "${id}"; it has ${listIds(rig.replicas)}`);
  const line = chooseLine(options, replica.bridge);
  const client = new BridgeClient({
    name: `bridge of replica ${id} (${line.text})`,
    open: options.wrapLine?.(line.open) ?? line.open,
    clock,
    log: options.log,
    drawNonce: () => drawNonce(options.entropy),
    checkDevice: (device) => checkSensors(rig.sensors, device),
    ...(options.onReady === undefined ? {} : { onReady: options.onReady }),
  });
  return {
    counts: client.counts,
    isReady: () => client.isReady(),
    request: () => client.requestSamples(),
    read: (nowUs) => {
      const device = client.describe();
      return rig.sensors.map((sensor) => {
        const channel = device?.channels.get(sensor.channel);
        const sample = client.getSample(sensor.channel);
        return channel === undefined || sample === null ? null : readSample(sensor, channel, sample, nowUs);
      });
    },
    close: async () => client.close(),
  };
}

/** The device of one actuator over its bridge. Throws an Error where the rig has no such actuator or address. */
export function openBridgeActuator(options: BridgePortOptions): ActuatorPort & BridgeHealth {
  const { rig, id, clock } = options;
  const actuator = rig.actuators.find((part) => part.id === id);
  if (actuator === undefined)
    throw new Error(`rig ${rig.id}: no actuator "${id}"; it has ${listIds(rig.actuators)}`);
  const line = chooseLine(options, actuator.bridge);
  let handler: ((count: number, atUs: number) => void) | null = null;
  const client = new BridgeClient({
    name: `bridge of actuator ${id} (${line.text})`,
    open: options.wrapLine?.(line.open) ?? line.open,
    clock,
    log: options.log,
    drawNonce: () => drawNonce(options.entropy),
    checkDevice: (device) => checkActuator(actuator, device),
    onReadBack: (readBack, atUs) => {
      if (readBack.output === actuator.channel) handler?.(readBack.count, atUs);
    },
    ...(options.onReady === undefined ? {} : { onReady: options.onReady }),
  });
  return {
    counts: client.counts,
    isReady: () => client.isReady(),
    output: (count, tick) => {
      client.sendOutput(actuator.channel, count, tick < 0 ? null : tick);
    },
    onReadBack: (given) => {
      handler = given;
    },
    close: async () => client.close(),
  };
}

function chooseLine(options: BridgePortOptions, bridge: BridgePart): { text: string; open: OpenByteStream } {
  if (options.open !== undefined) {
    const text = bridge.kind === 'tcp' ? `${bridge.host}:${bridge.port}` : bridge.path;
    return { text: options.lineText ?? text, open: options.open };
  }
  const address = resolveBridge(options.id, bridge, options.addresses);
  return { text: address.text, open: address.open() };
}

/** One sample as a reading of the rig's sensor: absent where it is too old, invalid or out of range. */
export function readSample(
  sensor: SensorPart,
  scale: BridgeScale,
  sample: HeldSample,
  nowUs: number,
): Reading {
  if (sample.count === null || nowUs - sample.asOfUs > sensor.maxAgeUs) return null;
  if (sample.count < scale.minCount || sample.count > scale.maxCount) return null;
  if (sensor.type === 'boolean') return sample.count === 0 ? false : sample.count === 1 ? true : null;
  const value = scaleCount(sample.count, scale);
  return value >= sensor.min && value <= sensor.max ? value : null;
}

/** What keeps a device from serving as these sensors, or null. */
export function checkSensors(sensors: readonly SensorPart[], device: DeviceDescription): string | null {
  for (const sensor of sensors) {
    const channel = device.channels.get(sensor.channel);
    const where = `device ${device.deviceId}, channel ${sensor.channel} (sensor ${sensor.id})`;
    if (channel === undefined) {
      return `${where}: there is no such channel; set the sensor's channel in rig.yaml to one the device has`;
    }
    if (channel.kind !== sensor.type) {
      return `${where}: it is a ${channel.kind}, the rig says ${sensor.type}; change the sensor's type or channel`;
    }
    const wrongUnit = checkUnit(where, channel.unit, sensor.unit);
    if (wrongUnit !== null) return wrongUnit;
  }
  return null;
}

/** What keeps a device from serving as this actuator, or null. */
export function checkActuator(actuator: ActuatorPart, device: DeviceDescription): string | null {
  const output = device.outputs.get(actuator.channel);
  const where = `device ${device.deviceId}, output ${actuator.channel} (actuator ${actuator.id})`;
  if (output === undefined) {
    return `${where}: there is no such output; set the actuator's channel in rig.yaml to one the device has`;
  }
  const wrongUnit = checkUnit(where, output.unit, actuator.unit);
  if (wrongUnit !== null) return wrongUnit;
  const resolution = output.numerator / output.denominator;
  if (Math.abs(resolution - actuator.resolution) > 1e-9 * resolution) {
    return `${where}: one count is ${resolution} ${actuator.unit}, the rig says ${actuator.resolution}; set the actuator's resolution to the device's`;
  }
  const least = Math.min(actuator.minCount, actuator.failSafeCount);
  const largest = Math.max(actuator.maxCount, actuator.failSafeCount);
  if (least < output.minCount || largest > output.maxCount) {
    return `${where}: it takes ${output.minCount} … ${output.maxCount} counts, the rig's envelope and fail-safe need ${least} … ${largest}; narrow the envelope`;
  }
  return null;
}

/** The line to the bridge of a replica or actuator, and what it is called. Throws an Error as `resolveBridge` does. */
export function findLine(
  rig: Rig,
  id: string,
  addresses: Readonly<Record<string, string>>,
): { readonly text: string; readonly open: OpenByteStream } {
  const parts = [...rig.replicas, ...rig.actuators];
  const part = parts.find((one) => one.id === id);
  if (part === undefined) throw new Error(`rig ${rig.id}: no bridge of "${id}"; there are ${listIds(parts)}`);
  const address = resolveBridge(id, part.bridge, addresses);
  return { text: address.text, open: address.open() };
}

/** `bridge:<id>` of the addresses, else what the rig says. Throws an Error on an address that cannot be used. */
export function resolveBridge(
  id: string,
  bridge: BridgePart,
  addresses: Readonly<Record<string, string>>,
): { readonly text: string; readonly host: string; readonly port: number; open(): OpenByteStream } {
  const override = addresses[`bridge:${id}`];
  if (override === undefined && bridge.kind === 'serial') {
    throw new Error(
      `bridge of ${id}: serial line ${bridge.path}: serial bridges are not available here; ` +
        `give tcp://host:port in rig.yaml or an address for bridge:${id}`,
    );
  }
  const text = override ?? (bridge.kind === 'tcp' ? `${bridge.host}:${bridge.port}` : '');
  const colon = text.lastIndexOf(':');
  const host = text.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  const port = /^\d{1,5}$/.test(text.slice(colon + 1)) ? Number(text.slice(colon + 1)) : Number.NaN;
  if (colon < 1 || !(port <= 65535)) {
    throw new Error(`bridge of ${id}: "${text}" is no address; write host:port, such as 127.0.0.1:18931`);
  }
  return { text, host, port, open: () => openTcpStream(host, port) };
}

function checkUnit(where: string, code: number, unit: string): string | null {
  const wanted = encodeUnit(unit);
  // A unit outside the table cannot be compared; the device says 0 for it as well.
  if (wanted === code) return null;
  const stated = decodeUnit(code);
  const says = stated === null ? `unit code ${code}` : stated === '' ? 'no unit' : stated;
  return `${where}: the device says ${says}, the rig says ${unit}; make the two agree`;
}

function drawNonce(entropy: Entropy | undefined): number {
  const bytes = entropy?.bytes(4) ?? randomBytes(4);
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}

function listIds(parts: readonly { readonly id: string }[]): string {
  return parts.map((part) => part.id).join(', ');
}
