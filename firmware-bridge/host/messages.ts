/**
 * The messages of the firmware-bridge protocol, version 1, and their bodies (PROTOCOL.md holds the byte tables).
 * Integers are little-endian. Decoding is total: what does not fit its table exactly is refused with a cause and
 * never throws. Encoding is for our own messages and throws a RangeError on a field outside its range.
 */

/** The version of the protocol that this file speaks. */
export const BRIDGE_VERSION = 1;
/** Longest body, type and CRC included, in bytes. */
export const BODY_MAX_BYTES = 64;
/** A sample request for every channel of the device at one instant. */
export const ALL_CHANNELS = 0xff;
/** Most channels that a device may have. */
export const CHANNELS_MAX = 16;
/** Most outputs that a device may have. */
export const OUTPUTS_MAX = 4;
/** Tick of an output that belongs to no tick: a fail-safe output. */
export const NO_TICK = 0xffffffff;

/** What the numbers of a channel or output mean: a value is count × numerator / denominator in the unit. */
export interface BridgeScale {
  /** Unit code of units.ts; 0: not stated. */
  readonly unit: number;
  /** 1 … 65535. */
  readonly numerator: number;
  /** 1 … 4294967295. */
  readonly denominator: number;
  /** Least and largest count, signed 32 bits, closed range. */
  readonly minCount: number;
  readonly maxCount: number;
}

export interface HelloRequest {
  readonly type: 'hello-request';
  /** Versions that the host speaks, closed range. */
  readonly lowestVersion: number;
  readonly highestVersion: number;
  /** Returned in the answer, 32 bits: an answer to somebody else's question is not an answer. */
  readonly hostNonce: number;
}

export interface SampleRequest {
  readonly type: 'sample-request';
  /** 0 … 15, or 255 for all channels at one instant. */
  readonly channel: number;
  /** Returned in the samples, 16 bits. */
  readonly sequence: number;
}

export interface OutputMessage {
  readonly type: 'output';
  /** 0 … 3. */
  readonly output: number;
  /** Returned in the read-back, 16 bits. */
  readonly sequence: number;
  /** The tick that the output belongs to, modulo 2³² − 1, or NO_TICK. */
  readonly tick: number;
  /** Signed 32 bits. */
  readonly count: number;
}

export interface HeartbeatRequest {
  readonly type: 'heartbeat-request';
  /** Returned in the heartbeat, 16 bits. */
  readonly sequence: number;
}

export interface HelloMessage {
  readonly type: 'hello';
  readonly version: number;
  readonly hostNonce: number;
  /** Drawn afresh at every start of the device, 32 bits; its low half labels all later frames. */
  readonly bootNonce: number;
  /** How many channel and output descriptions follow. */
  readonly channels: number;
  readonly outputs: number;
  /** 1 … 16 characters of [a-z0-9-]. */
  readonly deviceId: string;
}

export interface ChannelMessage extends BridgeScale {
  readonly type: 'channel';
  readonly channel: number;
  readonly kind: 'number' | 'boolean';
}

export interface OutputInfoMessage extends BridgeScale {
  readonly type: 'output-info';
  readonly output: number;
  /** Where the device puts the output at its start and when its host has been silent for `watchdogMs`. */
  readonly safeCount: number;
  /** 1 … 65535; 0: no watchdog. */
  readonly watchdogMs: number;
}

export interface SampleMessage {
  readonly type: 'sample';
  readonly channel: number;
  readonly sequence: number;
  /** Low 16 bits of the device's boot nonce. */
  readonly boot: number;
  /** False: the device has no reading of the channel; `count` is 0 then. */
  readonly valid: boolean;
  /** The device's clock when the sample was taken, µs, wraps after 71.6 minutes. */
  readonly deviceTimeUs: number;
  readonly count: number;
}

export interface ReadBackMessage {
  readonly type: 'read-back';
  readonly output: number;
  readonly sequence: number;
  readonly boot: number;
  /** True: `count` was measured at the actuator; false: it is the count in force. */
  readonly measured: boolean;
  /** True: the output is at its safe value on the device's own decision. */
  readonly safe: boolean;
  /** Tick of the output in force, or NO_TICK. */
  readonly tick: number;
  readonly deviceTimeUs: number;
  readonly count: number;
}

export interface FaultMessage {
  readonly type: 'fault';
  readonly code: FaultCode;
  /** Channel or output that the fault concerns; 255: the device. */
  readonly subject: number;
  readonly boot: number;
  readonly deviceTimeUs: number;
  /** Meaning by code, signed 32 bits. */
  readonly detail: number;
}

export interface HeartbeatMessage {
  readonly type: 'heartbeat';
  readonly sequence: number;
  readonly boot: number;
  readonly deviceTimeUs: number;
  /** Bad frames that the device has counted since its start, stops at 65535. */
  readonly badFrames: number;
}

export type HostMessage = HelloRequest | SampleRequest | OutputMessage | HeartbeatRequest;
export type DeviceMessage =
  | HelloMessage
  | ChannelMessage
  | OutputInfoMessage
  | SampleMessage
  | ReadBackMessage
  | FaultMessage
  | HeartbeatMessage;
export type BridgeMessage = HostMessage | DeviceMessage;

/** Faults that a device reports, in the order of their codes from 1 on. */
export const FAULT_CODES = [
  'restarted',
  'channel-failed',
  'output-refused',
  'watchdog-expired',
  'version-refused',
  'actuator-failed',
] as const;
export type FaultCode = (typeof FAULT_CODES)[number];

const TYPE_CODES = {
  'hello-request': 0x01,
  'sample-request': 0x02,
  output: 0x03,
  'heartbeat-request': 0x04,
  hello: 0x81,
  channel: 0x82,
  'output-info': 0x83,
  sample: 0x84,
  'read-back': 0x85,
  fault: 0x86,
  heartbeat: 0x87,
} as const;

/** Why a body was refused. */
export type BodyRefusal = 'unknown-type' | 'bad-length' | 'bad-field';

const DEVICE_ID = /^[a-z0-9-]{1,16}$/;

/** The body of a message without its CRC: type byte and fields. Throws RangeError on a field outside its range. */
export function encodeBody(message: BridgeMessage): Uint8Array {
  const bytes = new Uint8Array(BODY_MAX_BYTES);
  return bytes.subarray(0, writeBody(message, new DataView(bytes.buffer)));
}

/**
 * Writes the body of a message without its CRC and returns its length. `view` has room for `BODY_MAX_BYTES`. Throws
 * RangeError on a field outside its range.
 */
export function writeBody(message: BridgeMessage, view: DataView): number {
  let at = 0;
  const u8 = (value: number): void => {
    requireRange(message.type, value, 0, 0xff);
    view.setUint8(at, value);
    at += 1;
  };
  const u16 = (value: number): void => {
    requireRange(message.type, value, 0, 0xffff);
    view.setUint16(at, value, true);
    at += 2;
  };
  const u32 = (value: number): void => {
    requireRange(message.type, value, 0, 0xffffffff);
    view.setUint32(at, value, true);
    at += 4;
  };
  const i32 = (value: number): void => {
    requireRange(message.type, value, -0x80000000, 0x7fffffff);
    view.setInt32(at, value, true);
    at += 4;
  };
  const scale = (of: BridgeScale): void => {
    u8(of.unit);
    u16(of.numerator);
    u32(of.denominator);
    i32(of.minCount);
    i32(of.maxCount);
  };
  u8(TYPE_CODES[message.type]);
  switch (message.type) {
    case 'hello-request':
      u8(message.lowestVersion);
      u8(message.highestVersion);
      u32(message.hostNonce);
      break;
    case 'sample-request':
      u8(message.channel);
      u16(message.sequence);
      break;
    case 'output':
      u8(message.output);
      u16(message.sequence);
      u32(message.tick);
      i32(message.count);
      break;
    case 'heartbeat-request':
      u16(message.sequence);
      break;
    case 'hello':
      u8(message.version);
      u32(message.hostNonce);
      u32(message.bootNonce);
      u8(message.channels);
      u8(message.outputs);
      if (!DEVICE_ID.test(message.deviceId)) throw new RangeError(`hello: device id "${message.deviceId}"`);
      u8(message.deviceId.length);
      for (let i = 0; i < message.deviceId.length; i += 1) u8(message.deviceId.charCodeAt(i));
      break;
    case 'channel':
      u8(message.channel);
      u8(message.kind === 'boolean' ? 1 : 0);
      scale(message);
      break;
    case 'output-info':
      u8(message.output);
      scale(message);
      i32(message.safeCount);
      u16(message.watchdogMs);
      break;
    case 'sample':
      u8(message.channel);
      u16(message.sequence);
      u16(message.boot);
      u8(message.valid ? 1 : 0);
      u32(message.deviceTimeUs);
      i32(message.valid ? message.count : 0);
      break;
    case 'read-back':
      u8(message.output);
      u16(message.sequence);
      u16(message.boot);
      u8((message.measured ? 1 : 0) | (message.safe ? 2 : 0));
      u32(message.tick);
      u32(message.deviceTimeUs);
      i32(message.count);
      break;
    case 'fault':
      u8(FAULT_CODES.indexOf(message.code) + 1);
      u8(message.subject);
      u16(message.boot);
      u32(message.deviceTimeUs);
      i32(message.detail);
      break;
    case 'heartbeat':
      u16(message.sequence);
      u16(message.boot);
      u32(message.deviceTimeUs);
      u16(message.badFrames);
      break;
  }
  return at;
}

/** The message in a body (type byte and fields, CRC already checked and removed), or why it is none. */
export function decodeBody(body: Uint8Array): BridgeMessage | BodyRefusal {
  return readBody(new DataView(body.buffer, body.byteOffset, body.byteLength), body.length);
}

/** The same for the first `bodyLength` bytes of a view. */
export function readBody(view: DataView, bodyLength: number): BridgeMessage | BodyRefusal {
  if (bodyLength < 1) return 'bad-length';
  const expect = (length: number): boolean => bodyLength === length;
  switch (view.getUint8(0)) {
    case TYPE_CODES['hello-request']: {
      // The layout of a hello request never changes, so that versions can refuse each other by name.
      if (!expect(7)) return 'bad-length';
      const lowestVersion = view.getUint8(1);
      const highestVersion = view.getUint8(2);
      if (lowestVersion < 1 || highestVersion < lowestVersion) return 'bad-field';
      return { type: 'hello-request', lowestVersion, highestVersion, hostNonce: view.getUint32(3, true) };
    }
    case TYPE_CODES['sample-request']: {
      if (!expect(4)) return 'bad-length';
      const channel = view.getUint8(1);
      if (channel >= CHANNELS_MAX && channel !== ALL_CHANNELS) return 'bad-field';
      return { type: 'sample-request', channel, sequence: view.getUint16(2, true) };
    }
    case TYPE_CODES.output: {
      if (!expect(12)) return 'bad-length';
      const output = view.getUint8(1);
      if (output >= OUTPUTS_MAX) return 'bad-field';
      return {
        type: 'output',
        output,
        sequence: view.getUint16(2, true),
        tick: view.getUint32(4, true),
        count: view.getInt32(8, true),
      };
    }
    case TYPE_CODES['heartbeat-request']:
      if (!expect(3)) return 'bad-length';
      return { type: 'heartbeat-request', sequence: view.getUint16(1, true) };
    case TYPE_CODES.hello: {
      if (bodyLength < 13) return 'bad-length';
      const idLength = view.getUint8(12);
      if (!expect(13 + idLength)) return 'bad-length';
      const version = view.getUint8(1);
      const channels = view.getUint8(10);
      const outputs = view.getUint8(11);
      let deviceId = '';
      for (let i = 0; i < idLength; i += 1) deviceId += String.fromCharCode(view.getUint8(13 + i));
      if (!DEVICE_ID.test(deviceId) || version < 1) return 'bad-field';
      if (channels > CHANNELS_MAX || outputs > OUTPUTS_MAX) return 'bad-field';
      return {
        type: 'hello',
        version,
        hostNonce: view.getUint32(2, true),
        bootNonce: view.getUint32(6, true),
        channels,
        outputs,
        deviceId,
      };
    }
    case TYPE_CODES.channel: {
      if (!expect(18)) return 'bad-length';
      const channel = view.getUint8(1);
      const kind = view.getUint8(2);
      const scale = decodeScale(view, 3);
      if (channel >= CHANNELS_MAX || kind > 1 || scale === null) return 'bad-field';
      return { type: 'channel', channel, kind: kind === 1 ? 'boolean' : 'number', ...scale };
    }
    case TYPE_CODES['output-info']: {
      if (!expect(23)) return 'bad-length';
      const output = view.getUint8(1);
      const scale = decodeScale(view, 2);
      const safeCount = view.getInt32(17, true);
      if (output >= OUTPUTS_MAX || scale === null) return 'bad-field';
      if (safeCount < scale.minCount || safeCount > scale.maxCount) return 'bad-field';
      return { type: 'output-info', output, ...scale, safeCount, watchdogMs: view.getUint16(21, true) };
    }
    case TYPE_CODES.sample: {
      if (!expect(15)) return 'bad-length';
      const channel = view.getUint8(1);
      const flags = view.getUint8(6);
      const count = view.getInt32(11, true);
      if (channel >= CHANNELS_MAX || flags > 1 || (flags === 0 && count !== 0)) return 'bad-field';
      return {
        type: 'sample',
        channel,
        sequence: view.getUint16(2, true),
        boot: view.getUint16(4, true),
        valid: flags === 1,
        deviceTimeUs: view.getUint32(7, true),
        count,
      };
    }
    case TYPE_CODES['read-back']: {
      if (!expect(19)) return 'bad-length';
      const output = view.getUint8(1);
      const flags = view.getUint8(6);
      if (output >= OUTPUTS_MAX || flags > 3) return 'bad-field';
      return {
        type: 'read-back',
        output,
        sequence: view.getUint16(2, true),
        boot: view.getUint16(4, true),
        measured: (flags & 1) !== 0,
        safe: (flags & 2) !== 0,
        tick: view.getUint32(7, true),
        deviceTimeUs: view.getUint32(11, true),
        count: view.getInt32(15, true),
      };
    }
    case TYPE_CODES.fault: {
      if (!expect(13)) return 'bad-length';
      const code = FAULT_CODES[view.getUint8(1) - 1];
      if (code === undefined) return 'bad-field';
      return {
        type: 'fault',
        code,
        subject: view.getUint8(2),
        boot: view.getUint16(3, true),
        deviceTimeUs: view.getUint32(5, true),
        detail: view.getInt32(9, true),
      };
    }
    case TYPE_CODES.heartbeat:
      if (!expect(11)) return 'bad-length';
      return {
        type: 'heartbeat',
        sequence: view.getUint16(1, true),
        boot: view.getUint16(3, true),
        deviceTimeUs: view.getUint32(5, true),
        badFrames: view.getUint16(9, true),
      };
    default:
      return 'unknown-type';
  }
}

/** The number behind a count: exact product, one correctly rounded division, so equal on every IEEE machine. */
export function scaleCount(count: number, scale: Pick<BridgeScale, 'numerator' | 'denominator'>): number {
  // |count| ≤ 2³¹ and numerator < 2¹⁶: the product is below 2⁵³ and exact. Adding 0 makes −0 into +0.
  return (count * scale.numerator) / scale.denominator + 0;
}

function decodeScale(view: DataView, at: number): BridgeScale | null {
  const scale = {
    unit: view.getUint8(at),
    numerator: view.getUint16(at + 1, true),
    denominator: view.getUint32(at + 3, true),
    minCount: view.getInt32(at + 7, true),
    maxCount: view.getInt32(at + 11, true),
  };
  if (scale.numerator === 0 || scale.denominator === 0 || scale.minCount > scale.maxCount) return null;
  return scale;
}

function requireRange(type: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`${type}: ${value} is not a whole number from ${min} to ${max}`);
  }
}
