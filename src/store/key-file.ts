/**
 * Key files: one per principal, JSON text, readable by its owner only, with one key epoch or two. With a passphrase the secrets are sealed with
 * XChaCha20-Poly1305 under a key that scrypt (RFC 7914) makes of it; the open part of the file is bound to the seal.
 * Reading trusts nothing: a hostile or damaged file can neither take memory or time beyond a bound nor be half
 * believed. Writing is atomic, mode 0600, and never replaces a file unless told to.
 * No secret may ever reach an error message.
 */
import { randomBytes, scrypt, type ScryptOptions } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { link, mkdir, open, rename, rm, unlink, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { z } from 'zod';
import type { Entropy, Principal } from '../ports.js';
import type { Rig } from '../rig/rig.js';
import { PAIR_SECRET_BYTES } from '../wire/derive-keys.js';
import { ED25519_KEY_BYTES } from '../wire/ed25519.js';
import {
  isSignedRig,
  listPeers,
  type EpochKeys,
  type PrincipalKeys,
  type SigningKeys,
} from '../wire/keys.js';
import { isServiceCredential } from './service-credential.js';

/** Ends the name of every key file. */
export const KEY_FILE_SUFFIX = '.keys.json';

/** Name of a principal's key file inside a folder. */
export function nameKeyFile(principal: Principal): string {
  return `${principal}${KEY_FILE_SUFFIX}`;
}

const FORMAT = 'voteplane-keys/1';
const FILE_MAX_BYTES = 262_144;
const PASSPHRASE_MAX_BYTES = 4096;

/** Cost of scrypt for new files: 32 MiB, about a fifth of a second. */
const SCRYPT_N = 2 ** 15;
/** Most that a file may ask for: 256 MiB. */
const SCRYPT_N_MAX = 2 ** 18;
const SCRYPT_R = 8;
const SCRYPT_P = 1;
const SALT_BYTES = 16;
const NONCE_BYTES = 24;
const SEAL_TAG_BYTES = 16;
const SEAL_KEY_BYTES = 32;

export type KeyFileCode =
  | 'missing'
  | 'readable-by-others'
  | 'damaged'
  | 'wrong-rig'
  | 'wrong-principal'
  | 'missing-row'
  | 'other-set'
  | 'passphrase-needed'
  | 'wrong-passphrase'
  | 'exists'
  | 'not-written';

/** A refusal that names the file, what is wrong and the cure. */
export class KeyFileError extends Error {
  override readonly name = 'KeyFileError';

  constructor(
    readonly code: KeyFileCode,
    readonly file: string,
    what: string,
    cure: string,
  ) {
    super(`${file}: ${what}; ${cure}`);
  }
}

const isPosix = process.platform !== 'win32';

const hexOf = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`));
const principalName = z.string().min(1).max(64);

const keyEpoch = z.number().int().min(0);

const epochShape = {
  rows: z.record(principalName, hexOf(PAIR_SECRET_BYTES)),
  signing: z
    .strictObject({
      privateKey: hexOf(ED25519_KEY_BYTES).nullable(),
      publicKeys: z.record(principalName, hexOf(ED25519_KEY_BYTES)),
    })
    .nullable(),
};

const secretsSchema = z.strictObject({
  ...epochShape,
  /** The epoch before, while two overlap. */
  previous: z.strictObject({ epoch: keyEpoch, ...epochShape }).optional(),
  revoked: z.array(principalName).optional(),
});

const headShape = {
  format: z.literal(FORMAT),
  rig: z.string().min(1).max(64),
  principal: principalName,
  epoch: keyEpoch,
};

const fileSchema = z.union([
  z.strictObject({ ...headShape, secrets: secretsSchema }),
  z.strictObject({
    ...headShape,
    sealed: z.strictObject({
      kdf: z.literal('scrypt'),
      n: z
        .number()
        .int()
        .min(2)
        .max(SCRYPT_N_MAX)
        .refine((n) => (n & (n - 1)) === 0),
      r: z.literal(SCRYPT_R),
      p: z.literal(SCRYPT_P),
      salt: hexOf(SALT_BYTES),
      cipher: z.literal('xchacha20-poly1305'),
      nonce: hexOf(NONCE_BYTES),
      box: z
        .string()
        .max(FILE_MAX_BYTES)
        .regex(/^(?:[0-9a-f]{2})+$/),
    }),
  }),
]);

type KeyFile = z.infer<typeof fileSchema>;
type Head = Pick<KeyFile, 'format' | 'rig' | 'principal' | 'epoch'>;
type Seal = Extract<KeyFile, { sealed: unknown }>['sealed'];

export interface WriteKeyFileOptions {
  /** Seals the secrets when given. */
  readonly passphrase?: string;
  /** Replaces an existing file. */
  readonly force?: boolean;
  readonly entropy: Entropy;
}

/** Writes one principal's keys. Rejects with `KeyFileError` `exists` or `not-written`. */
export async function writeKeyFile(
  path: string,
  keys: PrincipalKeys,
  options: WriteKeyFileOptions,
): Promise<void> {
  const head: Head = { format: FORMAT, rig: keys.rigId, principal: keys.principal, epoch: keys.keyEpoch };
  const secrets = toSecrets(keys);
  const { passphrase, entropy } = options;
  const file: KeyFile =
    passphrase === undefined
      ? { ...head, secrets }
      : { ...head, sealed: await sealSecrets(head, JSON.stringify(secrets), passphrase, entropy) };
  await writeAtomically(path, `${JSON.stringify(file, null, 2)}\n`, options.force ?? false);
}

/** The keys as a plain value, every secret in the open: for whoever has to write down what a process was given. */
export function toKeyRecord(keys: PrincipalKeys): object {
  const { rigId, principal, keyEpoch: epoch } = keys;
  return { format: FORMAT, rig: rigId, principal, epoch, secrets: toSecrets(keys) };
}

/** The same read back; null for anything that `toKeyRecord` does not make. */
export function fromKeyRecord(record: unknown): PrincipalKeys | null {
  const parsed = fileSchema.safeParse(record);
  return parsed.success && 'secrets' in parsed.data ? toKeys(parsed.data, parsed.data.secrets) : null;
}

function toSecrets({ previous, revoked, ...newest }: PrincipalKeys): Secrets {
  return {
    ...toEpochRecord(newest),
    ...(previous === null ? {} : { previous: { epoch: previous.keyEpoch, ...toEpochRecord(previous) } }),
    ...(revoked.size === 0 ? {} : { revoked: [...revoked].sort() }),
  };
}

type EpochRecord = Pick<Secrets, 'rows' | 'signing'>;

function toEpochRecord({ rows, signing }: EpochKeys): EpochRecord {
  return {
    rows: toHexRecord(rows),
    signing:
      signing === null
        ? null
        : {
            privateKey: signing.privateKey === null ? null : toHexText(signing.privateKey),
            publicKeys: toHexRecord(signing.publicKeys),
          },
  };
}

function toKeys({ rig, principal, epoch }: Head, secrets: Secrets): PrincipalKeys {
  const { previous, revoked = [] } = secrets;
  return {
    rigId: rig,
    principal,
    ...fromEpochRecord(epoch, secrets),
    previous: previous === undefined ? null : fromEpochRecord(previous.epoch, previous),
    revoked: new Set(revoked),
  };
}

function fromEpochRecord(epoch: number, { rows, signing }: EpochRecord): EpochKeys {
  return { keyEpoch: epoch, rows: fromHexRecord(rows), signing: fromSigningRecord(signing) };
}

function fromSigningRecord(signing: EpochRecord['signing']): SigningKeys | null {
  if (signing === null) return null;
  const { privateKey, publicKeys } = signing;
  return {
    privateKey: privateKey === null ? null : fromHexText(privateKey),
    publicKeys: fromHexRecord(publicKeys),
  };
}

/** What the reader is: a file that belongs to another rig or principal, or lacks a row, is refused. */
export interface KeyFileExpectation {
  readonly rigId: string;
  readonly principal: Principal;
  /** Peers whose row must be there, unless they are revoked. */
  readonly peers: readonly Principal[];
  /** Whether the rig signs messages. */
  readonly isSigned: boolean;
  /** Replicas whose public keys must be there in a signed rig; the principal's own seed too, when it is one of them. */
  readonly replicas: readonly Principal[];
}

/** What a key file must hold for a principal of this rig. Throws `RangeError` when the rig knows no such principal. */
export function expectKeys(rig: Rig, principal: Principal): KeyFileExpectation {
  return {
    rigId: rig.id,
    principal,
    peers: listPeers(rig, principal).map(({ id }) => id),
    isSigned: isSignedRig(rig),
    replicas: rig.replicas.map(({ id }) => id),
  };
}

/** Reads and checks one principal's keys. Rejects with `KeyFileError` and with nothing else. */
export async function readKeyFile(
  path: string,
  expected: KeyFileExpectation,
  passphrase?: string,
): Promise<PrincipalKeys> {
  const text = await readPrivateText(path, FILE_MAX_BYTES, 'key file');
  const file: KeyFile = parseText(path, text, fileSchema, 'the key file');
  const again = 'run `voteplane keys generate` for this rig';
  if (file.rig !== expected.rigId) {
    throw new KeyFileError(
      'wrong-rig',
      path,
      `these are keys for the rig "${file.rig}", not "${expected.rigId}"`,
      `give the file of this rig, or ${again}`,
    );
  }
  if (file.principal !== expected.principal) {
    throw new KeyFileError(
      'wrong-principal',
      path,
      `these are the keys of "${file.principal}", not of "${expected.principal}"`,
      `give ${nameKeyFile(expected.principal)}`,
    );
  }
  const secrets = 'secrets' in file ? file.secrets : await openSecrets(path, file, file.sealed, passphrase);
  const { previous, revoked = [] } = secrets;
  if (previous !== undefined && previous.epoch >= file.epoch) {
    throw new KeyFileError(
      'damaged',
      path,
      `its key epoch ${file.epoch} does not come after ${previous.epoch}, the one before`,
      'restore it from its copy',
    );
  }
  for (const peer of expected.peers) {
    if (!Object.hasOwn(secrets.rows, peer) && !revoked.includes(peer)) {
      throw new KeyFileError(
        'missing-row',
        path,
        `it has no row for "${peer}"`,
        `${again} again and give every principal its new file`,
      );
    }
  }
  if (expected.isSigned) checkSigning(path, secrets, expected, again);
  const keys = toKeys(file, secrets);
  return expected.isSigned ? keys : dropSigning(keys);
}

type Secrets = z.infer<typeof secretsSchema>;

/** Signature keys that the rig has no use for. */
function dropSigning(keys: PrincipalKeys): PrincipalKeys {
  const { previous } = keys;
  return { ...keys, signing: null, previous: previous === null ? null : { ...previous, signing: null } };
}

function checkSigning(
  path: string,
  { signing, revoked = [] }: Secrets,
  expected: KeyFileExpectation,
  again: string,
): void {
  const cure = `${again} again and give every principal its new file`;
  if (signing === null) {
    throw new KeyFileError(
      'missing-row',
      path,
      'the rig signs its messages and the file has no signature keys',
      cure,
    );
  }
  for (const replica of expected.replicas) {
    if (!Object.hasOwn(signing.publicKeys, replica) && !revoked.includes(replica)) {
      throw new KeyFileError('missing-row', path, `it has no public key of "${replica}"`, cure);
    }
  }
  if (signing.privateKey === null && expected.replicas.includes(expected.principal)) {
    throw new KeyFileError('missing-row', path, 'it has no private signature key', cure);
  }
}

/** The passphrase in a file: its text without the line end. Rejects with `KeyFileError`. */
export async function readPassphraseFile(path: string): Promise<string> {
  const text = await readPrivateText(path, PASSPHRASE_MAX_BYTES, 'passphrase file');
  const passphrase = text.replace(/\r?\n$/, '');
  if (passphrase === '')
    throw new KeyFileError('damaged', path, 'the passphrase file is empty', 'write the passphrase into it');
  return passphrase;
}

function parseText<T>(path: string, text: string, schema: z.ZodType<T>, what: string): T {
  const cure = 'restore it from its copy, or run `voteplane keys generate` for this rig again';
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new KeyFileError('damaged', path, `${what} is not JSON`, cure);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw new KeyFileError('damaged', path, `${what} is not of the form ${FORMAT}`, cure);
  return parsed.data;
}

/** Reads a small file that only its owner may read. */
async function readPrivateText(path: string, maxBytes: number, what: string): Promise<string> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY);
  } catch (error) {
    throw new KeyFileError(
      'missing',
      path,
      `the ${what} cannot be opened (${errorCode(error)})`,
      'check the path and its owner',
    );
  }
  try {
    const status = await handle.stat();
    if (!status.isFile())
      throw new KeyFileError('damaged', path, `the ${what} is not a regular file`, 'check the path');
    if (!isServiceCredential(path, status, process.env.CREDENTIALS_DIRECTORY))
      refuseLoose(path, what, status);
    // One byte more than allowed shows that there is more, whatever the file's stated size.
    const buffer = Buffer.alloc(maxBytes + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
      if (length > maxBytes) {
        throw new KeyFileError(
          'damaged',
          path,
          `the ${what} is longer than ${maxBytes} bytes`,
          'check the path',
        );
      }
    }
    return buffer.toString('utf8', 0, length);
  } catch (error) {
    if (error instanceof KeyFileError) throw error;
    throw new KeyFileError(
      'damaged',
      path,
      `the ${what} cannot be read (${errorCode(error)})`,
      'check the disk',
    );
  } finally {
    await handle.close();
  }
}

/** Refuses a file that others than its owner may use. */
function refuseLoose(path: string, what: string, status: Stats): void {
  if (isPosix && (status.mode & 0o077) !== 0) {
    const mode = (status.mode & 0o777).toString(8).padStart(3, '0');
    throw new KeyFileError(
      'readable-by-others',
      path,
      `others than its owner may use the ${what} (mode ${mode})`,
      `run: chmod 600 ${path}`,
    );
  }
}

async function sealSecrets(head: Head, text: string, passphrase: string, entropy: Entropy): Promise<Seal> {
  const salt = entropy.bytes(SALT_BYTES);
  const nonce = entropy.bytes(NONCE_BYTES);
  const open: Omit<Seal, 'box'> = {
    kdf: 'scrypt',
    n: SCRYPT_N,
    r: SCRYPT_R,
    p: SCRYPT_P,
    salt: toHexText(salt),
    cipher: 'xchacha20-poly1305',
    nonce: toHexText(nonce),
  };
  const key = await deriveSealKey(passphrase, salt, SCRYPT_N);
  const box = xchacha20poly1305(key, nonce, bindHead(head, open)).encrypt(Buffer.from(text));
  return { ...open, box: toHexText(box) };
}

async function openSecrets(
  path: string,
  head: Head,
  seal: Seal,
  passphrase: string | undefined,
): Promise<Secrets> {
  if (passphrase === undefined) {
    throw new KeyFileError(
      'passphrase-needed',
      path,
      'the key file is sealed with a passphrase',
      'name its file with --passphrase-file',
    );
  }
  const { box, ...open } = seal;
  const refusal = new KeyFileError(
    'wrong-passphrase',
    path,
    'the passphrase does not open this key file, or the file was altered',
    'check --passphrase-file; if it is right, restore the file from its copy',
  );
  const sealed = fromHexText(box);
  if (sealed.length < SEAL_TAG_BYTES) throw refusal;
  const key = await deriveSealKey(passphrase, fromHexText(seal.salt), seal.n);
  let text: string;
  try {
    text = Buffer.from(
      xchacha20poly1305(key, fromHexText(seal.nonce), bindHead(head, open)).decrypt(sealed),
    ).toString();
  } catch {
    throw refusal;
  }
  return parseText(path, text, secretsSchema, 'the sealed part of the key file');
}

/** On another thread: a file that is read while the rig runs must not keep it from its deadlines. */
const runScrypt = promisify<Buffer, Uint8Array, number, ScryptOptions, Buffer>(scrypt);

async function deriveSealKey(passphrase: string, salt: Uint8Array, n: number): Promise<Uint8Array> {
  const options = { N: n, r: SCRYPT_R, p: SCRYPT_P, maxmem: 128 * SCRYPT_R * (SCRYPT_N_MAX + 64) };
  return new Uint8Array(
    await runScrypt(Buffer.from(passphrase.normalize('NFKC')), salt, SEAL_KEY_BYTES, options),
  );
}

/** The open part of the file, so that a row cannot be sealed into another principal's file. */
function bindHead(head: Head, open: Omit<Seal, 'box'>): Uint8Array {
  const { format, rig, principal, epoch } = head;
  const { kdf, n, r, p, salt, cipher, nonce } = open;
  return Buffer.from(JSON.stringify([format, rig, principal, epoch, kdf, n, r, p, salt, cipher, nonce]));
}

/** Writes beside the target and puts the whole file in place at once. */
async function writeAtomically(path: string, text: string, force: boolean): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${randomBytes(6).toString('hex')}`);
  let isBegun = false;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const handle = await open(temporary, 'wx', 0o600);
    isBegun = true;
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (force) await rename(temporary, path);
    else await claim(temporary, path);
    if (isPosix) await syncFolder(folder);
  } catch (error) {
    if (isBegun) await rm(temporary, { force: true });
    if (isBegun && errorCode(error) === 'EEXIST') {
      throw new KeyFileError(
        'exists',
        path,
        'there already is a key file',
        'keep it, choose another --out, or replace it with --force',
      );
    }
    throw new KeyFileError(
      'not-written',
      path,
      `the key file cannot be written (${errorCode(error)})`,
      'check the folder and its owner',
    );
  }
}

/** Gives the file its name in one step, and fails with EEXIST where the name is taken: a rename would replace it. */
async function claim(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
    await unlink(temporary);
  } catch (error) {
    if (!NO_LINKS.has(errorCode(error))) throw error;
    // A file system without hard links: take the name first, then put the file in its place.
    await (await open(path, 'wx', 0o600)).close();
    await rename(temporary, path);
  }
}

/** What file systems without hard links answer. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'ENOSYS', 'EOPNOTSUPP', 'EMLINK']);

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

function toHexText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function fromHexText(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'));
}

function toHexRecord(map: ReadonlyMap<string, Uint8Array>): Record<string, string> {
  return Object.fromEntries([...map].map(([name, bytes]) => [name, toHexText(bytes)]));
}

function fromHexRecord(record: Record<string, string>): Map<string, Uint8Array> {
  return new Map(Object.entries(record).map(([name, text]) => [name, fromHexText(text)]));
}
