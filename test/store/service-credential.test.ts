import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { expectKeys, KeyFileError, readKeyFile, writeKeyFile } from '../../src/store/key-file.js';
import { isServiceCredential } from '../../src/store/service-credential.js';
import { generateKeys } from '../../src/wire/keys.js';
import { RIG } from '../firmware-bridge/bench.js';

const FOLDER = '/run/credentials/voteplane-pitch-a.service';
const FILE = `${FOLDER}/keys`;
const REGULAR = 0o100000;

describe('a file that systemd hands to one service', () => {
  test.each([
    ["the service's own, 0400", FILE, { uid: 0, mode: REGULAR | 0o400 }, FOLDER, true],
    ['with an access list, 0440', FILE, { uid: 0, mode: REGULAR | 0o440 }, FOLDER, true],
    ['readable by all', FILE, { uid: 0, mode: REGULAR | 0o444 }, FOLDER, false],
    ['writable by its group', FILE, { uid: 0, mode: REGULAR | 0o460 }, FOLDER, false],
    ["another user's", FILE, { uid: 1000, mode: REGULAR | 0o440 }, FOLDER, false],
    ['elsewhere', '/etc/keys', { uid: 0, mode: REGULAR | 0o440 }, FOLDER, false],
    ['outside by its path', `${FOLDER}/../keys`, { uid: 0, mode: REGULAR | 0o440 }, FOLDER, false],
    ['without a service', FILE, { uid: 0, mode: REGULAR | 0o440 }, undefined, false],
  ])('%s', (_, file, status, folder, expected) => {
    expect(isServiceCredential(file, status, folder)).toBe(expected);
  });
});

describe('a key file as a credential', () => {
  let folder = '';
  let file = '';
  const entropy = { bytes: (length: number) => new Uint8Array(length).fill(7) };
  const [keys] = generateKeys(RIG, entropy);
  if (keys === undefined) throw new Error('the rig has nobody');

  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'voteplane-credentials-'));
    file = path.join(folder, 'keys');
    await writeKeyFile(file, keys, { entropy });
    chmodSync(file, 0o440);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  test.skipIf(process.geteuid?.() !== 0)(
    'is read as systemd leaves it (needs root, whose file it must be)',
    async () => {
      vi.stubEnv('CREDENTIALS_DIRECTORY', folder);
      await expect(readKeyFile(file, expectKeys(RIG, keys.principal))).resolves.toMatchObject({
        principal: keys.principal,
      });
    },
  );

  test('is refused with the same mode anywhere else', async () => {
    vi.stubEnv('CREDENTIALS_DIRECTORY', tmpdir());
    await expect(readKeyFile(file, expectKeys(RIG, keys.principal))).rejects.toThrow(KeyFileError);
  });
});
