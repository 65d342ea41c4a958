/**
 * The few MQTT 3.1.1 packets that an inbox and its clients exchange, checked to the last byte (OASIS MQTT 3.1.1,
 * sections 2.2, 3.1, 3.2, 3.3, 3.8–3.13). The MQTT libraries behind see only packets that passed here, so what a
 * hostile peer can reach in them is small. Readers are total: anything unexpected is `null` or `false`.
 */

/** Control packet types, the upper four bits of the first byte (section 2.2.1). */
export const packetType = {
  connect: 1,
  connack: 2,
  publish: 3,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
} as const;

/** First byte of the only PUBLISH in use: QoS 0, not retained, not a duplicate. */
export const plainPublish = 0x30;

/** What a client states of itself when it connects. */
export interface ConnectRequest {
  /** 4 for MQTT 3.1.1. */
  readonly protocolLevel: number;
  readonly clean: boolean;
  readonly will: boolean;
  readonly keepaliveS: number;
  readonly clientId: string;
  readonly username: string | null;
  readonly password: Uint8Array | null;
}

/** Reads the body of a CONNECT (section 3.1) in `bytes[start, end)`; null unless it is well formed to its end. */
export function readConnect(bytes: Buffer, start: number, end: number): ConnectRequest | null {
  const fields = new Fields(bytes, start, end);
  const protocolName = fields.text();
  const protocolLevel = fields.byte();
  const flags = fields.byte();
  const keepaliveS = fields.number();
  if (!fields.ok || (protocolName !== 'MQTT' && protocolName !== 'MQIsdp')) return null;
  const will = (flags & 0x04) !== 0;
  // [MQTT-3.1.2-3], [MQTT-3.1.2-11], [MQTT-3.1.2-13…15], [MQTT-3.1.2-22]
  if ((flags & 0x01) !== 0 || (!will && (flags & 0x38) !== 0) || (flags & 0x18) === 0x18) return null;
  if ((flags & 0x40) !== 0 && (flags & 0x80) === 0) return null;
  const clientId = fields.text();
  if (will) {
    fields.binary();
    fields.binary();
  }
  const username = (flags & 0x80) !== 0 ? fields.text() : null;
  const password = (flags & 0x40) !== 0 ? fields.binary() : null;
  if (!fields.ok || !fields.done) return null;
  return { protocolLevel, clean: (flags & 0x02) !== 0, will, keepaliveS, clientId, username, password };
}

/** True when the body of a SUBSCRIBE (section 3.8) is well formed and holds 1 … 16 filters. */
export function isSubscribe(bytes: Buffer, start: number, end: number): boolean {
  const fields = new Fields(bytes, start, end);
  if (fields.number() === 0) return false;
  let filters = 0;
  while (fields.ok && !fields.done) {
    filters += 1;
    if (fields.binary().length === 0 || fields.byte() > 2) return false;
  }
  return fields.ok && filters >= 1 && filters <= 16;
}

/** True when the body of an UNSUBSCRIBE (section 3.10) is well formed and holds 1 … 16 filters. */
export function isUnsubscribe(bytes: Buffer, start: number, end: number): boolean {
  const fields = new Fields(bytes, start, end);
  if (fields.number() === 0) return false;
  let filters = 0;
  while (fields.ok && !fields.done) {
    filters += 1;
    if (fields.binary().length === 0) return false;
  }
  return fields.ok && filters >= 1 && filters <= 16;
}

/** True for a whole CONNACK, SUBACK, UNSUBACK or PINGRESP of MQTT 3.1.1: what a broker may say besides PUBLISH. */
export function isBrokerControl(firstByte: number, bytes: Buffer, start: number, end: number): boolean {
  const length = end - start;
  switch (firstByte) {
    case packetType.connack << 4:
      return length === 2 && (bytes[start] ?? 2) <= 1 && (bytes[start + 1] ?? 6) <= 5;
    case packetType.suback << 4:
      for (let i = start + 2; i < end; i += 1) {
        const code = bytes[i] ?? 3;
        if (code > 2 && code !== 0x80) return false;
      }
      return length >= 3;
    case packetType.unsuback << 4:
      return length === 2;
    case packetType.pingresp << 4:
      return length === 0;
    default:
      return false;
  }
}

/** A topic with its length in front, as it stands in a PUBLISH; computed once for each topic. */
export function encodeTopic(topic: string): Buffer {
  const text = Buffer.from(topic, 'utf8');
  const bytes = Buffer.alloc(2 + text.length);
  bytes.writeUInt16BE(text.length, 0);
  text.copy(bytes, 2);
  return bytes;
}

/** A whole QoS 0 PUBLISH (section 3.3) in one piece, so that one write sends it. */
export function encodePublish(encodedTopic: Buffer, frame: Uint8Array): Buffer {
  let rest = encodedTopic.length + frame.length;
  const lengthBytes = rest < 128 ? 1 : rest < 16_384 ? 2 : rest < 2_097_152 ? 3 : 4;
  const packet = Buffer.allocUnsafe(1 + lengthBytes + rest);
  packet[0] = plainPublish;
  let at = 1;
  while (rest >= 128) {
    packet[at] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
    at += 1;
  }
  packet[at] = rest;
  packet.set(encodedTopic, at + 1);
  packet.set(frame, at + 1 + encodedTopic.length);
  return packet;
}

/** Where the topic and the frame of a PUBLISH with QoS 0 stand in its body; null when the topic runs past the end. */
export function readTopic(
  bytes: Buffer,
  bodyStart: number,
  end: number,
): { topic: string; frameStart: number } | null {
  if (end - bodyStart < 2) return null;
  const length = ((bytes[bodyStart] ?? 0) << 8) | (bytes[bodyStart + 1] ?? 0);
  const frameStart = bodyStart + 2 + length;
  if (frameStart > end) return null;
  // Topics in use are ASCII: any other byte gives a text that no table holds.
  return { topic: bytes.toString('latin1', bodyStart + 2, frameStart), frameStart };
}

/**
 * The frame as bytes that are the receiver's to keep: plain Uint8Array, never a Buffer, whose `slice` would alias.
 * A frame out of a much larger read is copied, so that keeping it does not keep the rest.
 */
export function takeFrame(bytes: Buffer, start: number, end: number): Uint8Array {
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
  return bytes.buffer.byteLength > end - start + 1024 ? view.slice() : view;
}

/** Reads fields one after another; once one is missing `ok` is false and the rest are empty. */
class Fields {
  ok = true;
  constructor(
    private readonly bytes: Buffer,
    private at: number,
    private readonly end: number,
  ) {}

  get done(): boolean {
    return this.at === this.end;
  }

  byte(): number {
    const value = this.at < this.end ? this.bytes[this.at] : undefined;
    if (value === undefined) {
      this.ok = false;
      return 0;
    }
    this.at += 1;
    return value;
  }

  number(): number {
    const high = this.byte();
    return (high << 8) | this.byte();
  }

  binary(): Buffer {
    const length = this.number();
    if (!this.ok || this.at + length > this.end) {
      this.ok = false;
      return Buffer.alloc(0);
    }
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  /** UTF-8 text; malformed UTF-8 and U+0000 are refused [MQTT-1.5.3-1, MQTT-1.5.3-2]. */
  text(): string {
    const bytes = this.binary();
    const text = bytes.toString('utf8');
    if (text.includes('\u0000') || !Buffer.from(text, 'utf8').equals(bytes)) this.ok = false;
    return text;
  }
}
