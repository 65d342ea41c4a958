/** What a durable store answers when it cannot be opened or takes nothing: each names the place and the cure. */
import type { StoreRefusal, StoreRefusalCode } from '../ports.js';

/** Why a store is not opened or made. That a stamp is missing is no error: it is news for the other replicas. */
export type StoreOpenCode =
  'wrong-rig' | 'wrong-replica' | 'wrong-kind' | 'other-format' | 'damaged' | 'exists' | DiskRefusalCode;

/** What the disk itself answered. */
export type DiskRefusalCode = 'disk-full' | 'io-error' | 'read-only';

/** A folder that is not opened, or a store that takes nothing. What is in it stays as it is. */
export class StoreError<
  Code extends StoreOpenCode | StoreRefusalCode = StoreOpenCode | StoreRefusalCode,
> extends Error {
  override readonly name = 'StoreError';

  constructor(
    readonly code: Code,
    readonly file: string,
    what: string,
    cure: string,
  ) {
    super(`${file}: ${what}; ${cure}`);
  }
}

/** One that the port hands on. */
export type StoreRefusalError = StoreError<StoreRefusalCode> & StoreRefusal;

const DISK_CODES = new Map<string, DiskRefusalCode>([
  ['ENOSPC', 'disk-full'],
  ['EDQUOT', 'disk-full'],
  ['EROFS', 'read-only'],
  ['EACCES', 'read-only'],
  ['EPERM', 'read-only'],
]);

const CURES: Readonly<Record<DiskRefusalCode, string>> = {
  'disk-full': 'make room on this disk and start the process again',
  'read-only':
    'make it writable for the owner of the process (Linux makes a failing disk read-only: see dmesg)',
  'io-error':
    'see dmesg, replace the disk if it fails, and provision this replica anew where nothing can be copied',
};

/** What the operating system answered about `file`, in these words. */
export function explainDiskError(file: string, error: unknown): StoreError<DiskRefusalCode> {
  const answer = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  const code = DISK_CODES.get(answer) ?? 'io-error';
  return new StoreError(code, file, `the disk answers ${answer}`, CURES[code]);
}
