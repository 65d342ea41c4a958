/**
 * Bytes of a journal's file (integers little-endian). A file is blocks of 4096 bytes:
 *
 * first block, its head     magic "VPJRNL01" 8 | generation 8 | stamp digest 16 | salt 4 | blocks of the file 4 | CRC-32 4
 * last two, once superseded  magic "VPJEND01" 8 | generation 8 | salt 4 | CRC-32 4; twice the same, so that one may rot
 * between, frames           magic "VPFR" 4 | payload length 4 | generation 8 | number 4 | CRC-32 4 | payload, record changes
 *
 * Every frame begins at a block of its own, so that no write ever touches a block that holds what is durable already. The
 * first frame of a file, number 0, holds all records there were. The salt, drawn anew for every generation, goes into
 * the checksum of its frames: neither what an older generation left nor a value that looks like a frame is one.
 */
import { crc32 } from 'node:zlib';
import { BLOCK_BYTES } from './disk.js';

/** Which journal this is, and for whom: what is in its head. */
export interface JournalHead {
  /** Counts from 1; even ones are in one file, odd ones in the other. */
  readonly generation: number;
  /** 16 bytes, of the stamp that it was made under. */
  readonly stampDigest: Uint8Array;
  readonly salt: number;
  readonly blocks: number;
}

/** A frame found in a file. */
export interface Frame {
  readonly number: number;
  readonly payload: Buffer;
  /** Where the next one begins. */
  readonly end: number;
}

const HEAD_MAGIC = Buffer.from('VPJRNL01');
const END_MAGIC = Buffer.from('VPJEND01');
const FRAME_MAGIC = Buffer.from('VPFR');
const HEAD_CRC_AT = 40;
const END_CRC_AT = 20;
const END_BYTES = 24;
const END_BLOCKS = 2;
const FRAME_CRC_AT = 20;
const FRAME_HEAD_BYTES = 24;
/** Of the stamp, in a head. */
export const STAMP_DIGEST_BYTES = 16;

/** How many bytes of a file a frame of this payload takes. */
export function measureFrame(payloadBytes: number): number {
  return Math.ceil((FRAME_HEAD_BYTES + payloadBytes) / BLOCK_BYTES) * BLOCK_BYTES;
}

/** The first block of a file. */
export function encodeHead({ generation, stampDigest, salt, blocks }: JournalHead): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  HEAD_MAGIC.copy(block);
  block.writeBigUInt64LE(BigInt(generation), 8);
  block.set(stampDigest.subarray(0, STAMP_DIGEST_BYTES), 16);
  block.writeUInt32LE(salt, 32);
  block.writeUInt32LE(blocks, 36);
  block.writeUInt32LE(crc32(block.subarray(0, HEAD_CRC_AT)), HEAD_CRC_AT);
  return block;
}

/** What a first block says; null where it is none, or torn. */
export function decodeHead(file: Buffer): JournalHead | null {
  if (file.length < BLOCK_BYTES || !startsWith(file, 0, HEAD_MAGIC)) return null;
  if (crc32(file.subarray(0, HEAD_CRC_AT)) !== file.readUInt32LE(HEAD_CRC_AT)) return null;
  return {
    generation: Number(file.readBigUInt64LE(8)),
    stampDigest: Uint8Array.from(file.subarray(16, 16 + STAMP_DIGEST_BYTES)),
    salt: file.readUInt32LE(32),
    blocks: file.readUInt32LE(36),
  };
}

/** Where the ends of a file are; frames come before. */
export function endOf({ blocks }: JournalHead): number {
  return (blocks - END_BLOCKS) * BLOCK_BYTES;
}

/** The last blocks of a file that another one has followed. */
export function encodeEnds({ generation, salt }: JournalHead): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  END_MAGIC.copy(block);
  block.writeBigUInt64LE(BigInt(generation), 8);
  block.writeUInt32LE(salt, 16);
  block.writeUInt32LE(crc32(block.subarray(0, END_CRC_AT)), END_CRC_AT);
  return Buffer.concat([block, block]);
}

/** Whether one of the last blocks says that this generation has been followed by the next one. */
export function hasEnd(file: Buffer, head: JournalHead): boolean {
  const end = encodeEnds(head).subarray(0, END_BYTES);
  return [0, 1].some((copy) => {
    const at = endOf(head) + copy * BLOCK_BYTES;
    return end.equals(file.subarray(at, at + END_BYTES));
  });
}

/** A frame around `payloadBytes` bytes that `fill` writes, padded to whole blocks. */
export function encodeFrame(
  { generation, salt }: JournalHead,
  number: number,
  payloadBytes: number,
  fill: (target: Buffer, offset: number) => void,
): Buffer {
  const frame = Buffer.alloc(measureFrame(payloadBytes));
  FRAME_MAGIC.copy(frame);
  frame.writeUInt32LE(payloadBytes, 4);
  frame.writeBigUInt64LE(BigInt(generation), 8);
  frame.writeUInt32LE(number, 16);
  fill(frame, FRAME_HEAD_BYTES);
  frame.writeUInt32LE(checkFrame(frame, salt, payloadBytes), FRAME_CRC_AT);
  return frame;
}

/** The frame of this generation that begins at `at`; null where there is none, or not all of it. */
export function decodeFrame(file: Buffer, at: number, head: JournalHead): Frame | null {
  const limit = Math.min(file.length, endOf(head));
  if (at + FRAME_HEAD_BYTES > limit || !startsWith(file, at, FRAME_MAGIC)) return null;
  const payloadBytes = file.readUInt32LE(at + 4);
  const end = at + measureFrame(payloadBytes);
  if (end > limit || Number(file.readBigUInt64LE(at + 8)) !== head.generation) return null;
  const frame = file.subarray(at, end);
  if (checkFrame(frame, head.salt, payloadBytes) !== frame.readUInt32LE(FRAME_CRC_AT)) return null;
  return {
    number: frame.readUInt32LE(16),
    payload: frame.subarray(FRAME_HEAD_BYTES, FRAME_HEAD_BYTES + payloadBytes),
    end,
  };
}

function checkFrame(frame: Buffer, salt: number, payloadBytes: number): number {
  const head = crc32(frame.subarray(0, FRAME_CRC_AT), salt);
  return crc32(frame.subarray(FRAME_HEAD_BYTES, FRAME_HEAD_BYTES + payloadBytes), head);
}

function startsWith(file: Buffer, at: number, magic: Buffer): boolean {
  return magic.equals(file.subarray(at, at + magic.length));
}
