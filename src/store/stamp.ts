/**
 * The stamp of a store: which rig and replica it is for, in which format, and its incarnation, drawn when it was provisioned. It is
 * written last, so that a folder with a stamp had everything else. A folder without one remembers nothing.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { BLOCK_BYTES } from './disk.js';
import { STAMP_DIGEST_BYTES } from './journal-layout.js';
import { StoreError } from './store-error.js';

/** Name of the stamp's file in its folder. */
export const STAMP_FILE = 'store-stamp.json';

/** A longer one is none. */
export const STAMP_MAX_BYTES = 4096;

/** Of what a new store is called. */
export const INCARNATION_BYTES = 16;

/** journal: records of a replica, in journals. witness: one record of fixed size, in two places. */
export type StoreKind = 'journal' | 'witness';

/** Whose store is to be made or opened. */
export interface StoreOwner {
  readonly kind: StoreKind;
  readonly rigId: string;
  readonly replicaId: string;
}

export interface Stamp extends StoreOwner {
  readonly incarnation: Uint8Array;
  /** Length of each journal; 0 for a witness. */
  readonly journalBytes: number;
}

/** A journal has room for a few frames, and is read whole when it is opened. */
const MIN_JOURNAL_BYTES = 8 * BLOCK_BYTES;
const MAX_JOURNAL_BYTES = 64 * 2 ** 20;

/** Whether a journal can be of this length: whole blocks, from 32 KiB to 64 MiB. */
export function isJournalLength(bytes: number): boolean {
  return bytes % BLOCK_BYTES === 0 && bytes >= MIN_JOURNAL_BYTES && bytes <= MAX_JOURNAL_BYTES;
}

const FORMAT_NAME = 'voteplane-store/';
const FORMAT = `${FORMAT_NAME}1`;

const id = z.string().min(1).max(64);

const stampSchema = z.strictObject({
  format: z.literal(FORMAT),
  kind: z.enum(['journal', 'witness']),
  rig: id,
  replica: id,
  incarnation: z.string().regex(new RegExp(`^[0-9a-f]{${INCARNATION_BYTES * 2}}$`)),
  journalBytes: z.number().int().min(0),
});

/** What to do about a store that cannot be used: the others can make up for it, so nothing in it needs to be repaired. */
export const MOVE_AWAY =
  'restore nothing older; move the folder away and start again: the others then admit this replica anew';

/** The file of a stamp. */
export function encodeStamp({ kind, rigId, replicaId, incarnation, journalBytes }: Stamp): Buffer {
  const fields: z.infer<typeof stampSchema> = {
    format: FORMAT,
    kind,
    rig: rigId,
    replica: replicaId,
    incarnation: Buffer.from(incarnation).toString('hex'),
    journalBytes,
  };
  return Buffer.from(`${JSON.stringify(fields)}\n`);
}

/** Reads a stamp and holds it against its owner. Throws StoreError. */
export function decodeStamp(place: string, bytes: Uint8Array, owner: StoreOwner): Stamp {
  const json = parseJson(place, bytes);
  const { data, success } = stampSchema.safeParse(json);
  if (!success || (data.kind === 'journal' && !isJournalLength(data.journalBytes))) {
    throw refuseForm(place, json);
  }
  if (data.rig !== owner.rigId) {
    const what = `this store is of the rig "${data.rig}", not of "${owner.rigId}"`;
    throw new StoreError('wrong-rig', place, what, 'give this replica the folder of its own rig');
  }
  if (data.replica !== owner.replicaId) {
    const what = `this store is of "${data.replica}", not of "${owner.replicaId}"`;
    throw new StoreError('wrong-replica', place, what, 'give every replica its own folder');
  }
  if (data.kind !== owner.kind) {
    const what = `this store is made for a ${nameKind(data.kind)}, not for a ${nameKind(owner.kind)}`;
    throw new StoreError(
      'wrong-kind',
      place,
      what,
      'give the folder of this device, as the rig file names it',
    );
  }
  const incarnation = Uint8Array.from(Buffer.from(data.incarnation, 'hex'));
  return { ...owner, incarnation, journalBytes: data.journalBytes };
}

/** What files of a store repeat of their stamp, so that none is taken for another's. */
export function digestStamp(stamp: Stamp): Uint8Array {
  const digest = createHash('sha256').update(encodeStamp(stamp)).digest();
  return Uint8Array.from(digest.subarray(0, STAMP_DIGEST_BYTES));
}

function parseJson(place: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    throw new StoreError('damaged', place, 'the stamp is not JSON', MOVE_AWAY);
  }
}

function refuseForm(place: string, json: unknown): StoreError {
  const { data } = z.object({ format: z.string().startsWith(FORMAT_NAME) }).safeParse(json);
  if (data === undefined || data.format === FORMAT) {
    return new StoreError('damaged', place, `the stamp is not of the form ${FORMAT}`, MOVE_AWAY);
  }
  const what = `this store has the format ${data.format}, and this release knows ${FORMAT}`;
  return new StoreError('other-format', place, what, `run the release that made it, or ${MOVE_AWAY}`);
}

function nameKind(kind: StoreKind): string {
  return kind === 'journal' ? 'replica' : 'witness';
}
