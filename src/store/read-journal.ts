/**
 * What the two files of a journal hold. One of them is the current one: the one that has no end; where neither is
 * closed, the older, because nothing is reported durable in a file before the one before it has been closed. Only
 * the last frame of the current file can be torn by a power cut, because each is durable before the next is written. A
 * frame that cannot be read and has others behind it was altered later, and so was what a closed file says is
 * there and is not: that is refused, because what it said cannot be known.
 */
import { BLOCK_BYTES } from './disk.js';
import { decodeFrame, decodeHead, hasEnd, type JournalHead } from './journal-layout.js';
import { applyChanges } from './record-changes.js';

/** What was durable, and where. */
export interface JournalContent {
  readonly head: JournalHead;
  readonly records: Map<string, Uint8Array>;
}

/** What is wrong with a journal, in words, and in which of the two files. */
export interface JournalDamage {
  readonly file: 0 | 1;
  readonly damage: string;
}

interface ReadFile {
  readonly head: JournalHead;
  readonly isClosed: boolean;
}

/** Finds the current file, by the parity of its generation, and reads its records. Changes nothing. */
export function readJournal(
  files: readonly [Buffer, Buffer],
  stampDigest: Uint8Array,
): JournalContent | JournalDamage {
  const heads = [readHead(files[0], 0, stampDigest), readHead(files[1], 1, stampDigest)] as const;
  const current = findCurrent(heads[0], heads[1]);
  if ('damage' in current) return current;
  const { head } = current;
  return readFrames(files[fileOf(head.generation)], head);
}

/** In which of the two files a generation is. */
export function fileOf(generation: number): 0 | 1 {
  return generation % 2 === 0 ? 0 : 1;
}

function readHead(file: Buffer, index: 0 | 1, stampDigest: Uint8Array): ReadFile | null {
  const head = decodeHead(file);
  if (head === null || fileOf(head.generation) !== index) return null;
  if (!Buffer.from(stampDigest).equals(head.stampDigest)) return null;
  if (head.blocks * BLOCK_BYTES !== file.length) return null;
  return { head, isClosed: hasEnd(file, head) };
}

function findCurrent(zero: ReadFile | null, one: ReadFile | null): ReadFile | JournalDamage {
  if (zero === null || one === null) {
    const left = zero ?? one;
    const lost = zero === null ? 0 : 1;
    if (left === null) return { file: 0, damage: 'neither journal has a head that belongs to this stamp' };
    if (left.isClosed) return { file: lost, damage: 'the journal that follows the other one has no head' };
    return left;
  }
  const [older, newer] = zero.head.generation < one.head.generation ? [zero, one] : [one, zero];
  if (newer.head.generation !== older.head.generation + 1) {
    return {
      file: fileOf(older.head.generation),
      damage: 'it does not come before or after the other journal',
    };
  }
  if (newer.isClosed) {
    return { file: fileOf(older.head.generation), damage: 'a journal that followed the other one is gone' };
  }
  return older.isClosed ? newer : older;
}

function readFrames(file: Buffer, head: JournalHead): JournalContent | JournalDamage {
  const index = fileOf(head.generation);
  const records = new Map<string, Uint8Array>();
  let at = BLOCK_BYTES;
  for (let number = 0; ; number += 1) {
    const frame = decodeFrame(file, at, head);
    if (frame?.number !== number) {
      if (number === 0) return { file: index, damage: 'its first frame cannot be read' };
      break;
    }
    if (!applyChanges(records, frame.payload)) {
      return { file: index, damage: `frame ${number} holds no record changes` };
    }
    at = frame.end;
  }
  for (let later = at + BLOCK_BYTES; later < file.length; later += BLOCK_BYTES) {
    if (decodeFrame(file, later, head) !== null) {
      return { file: index, damage: `what lies before a frame at byte ${later} cannot be read` };
    }
  }
  return { head, records };
}
