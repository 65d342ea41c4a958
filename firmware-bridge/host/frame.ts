/**
 * Frames on the line: body and CRC-32C, stuffed, closed by one zero byte (PROTOCOL.md, "Frames"). The decoder takes
 * any bytes in any pieces; it never throws, holds at most one frame, and counts what it refuses by cause.
 */
import { readCobs, writeCobs } from './cobs.js';
import { computeCrc32c } from './crc32c.js';
import { BODY_MAX_BYTES, readBody, writeBody } from './messages.js';
import type { BodyRefusal, BridgeMessage } from './messages.js';

/** Longest stuffed frame without its closing zero, in bytes. */
export const FRAME_MAX_BYTES = BODY_MAX_BYTES + 1;

/** A body with its CRC, on its way to the line or from it. Shared, as nothing here waits. */
const scratch = new Uint8Array(BODY_MAX_BYTES + 4);
const scratchView = new DataView(scratch.buffer);

/** Why a frame was refused. */
export type FrameRefusal = BodyRefusal | 'too-long' | 'bad-stuffing' | 'too-short' | 'bad-crc';

/** A message as bytes for the line, closing zero included. Throws RangeError on a field outside its range. */
export function encodeFrame(message: BridgeMessage): Uint8Array {
  const length = writeBody(message, scratchView);
  scratchView.setUint32(length, computeCrc32c(scratch, length), true);
  const frame = new Uint8Array(length + 6);
  writeCobs(scratch, length + 4, frame);
  return frame;
}

/** The message in one stuffed frame without its closing zero, or why it is none. */
export function decodeFrame(stuffed: Uint8Array): BridgeMessage | FrameRefusal {
  if (stuffed.length > FRAME_MAX_BYTES) return 'too-long';
  const bodyLength = readCobs(stuffed, scratch);
  if (bodyLength < 0) return 'bad-stuffing';
  const length = bodyLength - 4;
  if (length < 1) return 'too-short';
  if (scratchView.getUint32(length, true) !== computeCrc32c(scratch, length)) return 'bad-crc';
  return readBody(scratchView, length);
}

/** Cuts a byte stream into messages. */
export class FrameDecoder {
  /** Refused frames by cause since the start; numbers only, so it does not grow. */
  readonly refused: Record<FrameRefusal, number> = {
    'too-long': 0,
    'bad-stuffing': 0,
    'too-short': 0,
    'bad-crc': 0,
    'unknown-type': 0,
    'bad-length': 0,
    'bad-field': 0,
  };
  private readonly held = new Uint8Array(FRAME_MAX_BYTES);
  private length = 0;
  private skipping = false;

  /** Takes the next bytes of the stream and hands every complete, valid message to `onMessage`, in order. */
  push(bytes: Uint8Array, onMessage: (message: BridgeMessage) => void): void {
    for (const byte of bytes) {
      if (byte !== 0) {
        if (this.length < FRAME_MAX_BYTES) {
          this.held[this.length] = byte;
          this.length += 1;
        } else {
          this.skipping = true;
        }
        continue;
      }
      const length = this.length;
      const skipping = this.skipping;
      this.length = 0;
      this.skipping = false;
      // Two zeros in a row carry nothing: senders use them to end what noise may have begun.
      if (length === 0) continue;
      const result = skipping ? 'too-long' : decodeFrame(this.held.subarray(0, length));
      if (typeof result === 'string') this.refused[result] += 1;
      else onMessage(result);
    }
  }

  /** Forgets a frame under way; the counts stay. */
  reset(): void {
    this.length = 0;
    this.skipping = false;
  }

  /** Sum of all refusals. */
  countRefused(): number {
    let sum = 0;
    for (const count of Object.values(this.refused)) sum += count;
    return sum;
  }
}
