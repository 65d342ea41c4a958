import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  expectKeys,
  fromKeyRecord,
  KeyFileError,
  readKeyFile,
  readPassphraseFile,
  toKeyRecord,
  writeKeyFile,
  type KeyFileCode,
} from '../../src/store/key-file.js';
import { replaceKeys, revokeKeys, rotateKeys } from '../../src/wire/change-keys.js';
import { generateKeys, type PrincipalKeys } from '../../src/wire/keys.js';
import { makeRig, seededEntropy } from '../wire/make-rig.js';

const rig = makeRig();
const signedRig = makeRig({
  replicas: 3,
  hypothesis: { kind: 'byzantine', f: 1, authenticators: 'signature' },
});
const entropy = seededEntropy('files');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'voteplane-keys-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

function keysOf(principal: string, of = rig): PrincipalKeys {
  const keys = generateKeys(of, seededEntropy('keys')).find((one) => one.principal === principal);
  if (keys === undefined) throw new Error(`no ${principal}`);
  return keys;
}

async function refusalOf(work: Promise<unknown>): Promise<KeyFileError> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof KeyFileError)) throw new Error(`expected a KeyFileError, got ${String(error)}`);
  return error;
}

/** A refusal must name the file, carry its code and a cure, and give no secret away. */
async function expectRefusal(work: Promise<unknown>, code: KeyFileCode, cure: RegExp): Promise<void> {
  const error = await refusalOf(work);
  expect(error.code).toBe(code);
  expect(error.message).toContain(error.file);
  expect(error.message).toMatch(cure);
  for (const secret of keysOf('a').rows.values()) {
    expect(error.message).not.toContain(Buffer.from(secret).toString('hex').slice(0, 8));
  }
}

describe('reading back', () => {
  test('plain: the same keys, mode 0600, nothing left beside it', async () => {
    const path = join(folder, 'deep', 'a.keys.json');
    await writeKeyFile(path, keysOf('a'), { entropy });
    expect(await readKeyFile(path, expectKeys(rig, 'a'))).toEqual(keysOf('a'));
    if (process.platform !== 'win32') {
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      expect((await stat(join(folder, 'deep'))).mode & 0o777).toBe(0o700);
    }
    expect(await readdir(join(folder, 'deep'))).toEqual(['a.keys.json']);
  });

  test('sealed: the same keys with the passphrase, and no secret in the text', async () => {
    const path = join(folder, 'a.keys.json');
    const keys = keysOf('a', signedRig);
    await writeKeyFile(path, keys, { entropy, passphrase: 'correct horse' });
    const text = await readFile(path, 'utf8');
    for (const secret of [...keys.rows.values(), keys.signing?.privateKey as Uint8Array]) {
      expect(text).not.toContain(Buffer.from(secret).toString('hex'));
    }
    expect(await readKeyFile(path, expectKeys(signedRig, 'a'), 'correct horse')).toEqual(keys);
  });

  test('signed rigs: replicas hold a seed, voters only public keys', async () => {
    const voter = keysOf('elevator', signedRig);
    expect(voter.signing?.privateKey).toBeNull();
    expect([...(voter.signing?.publicKeys.keys() ?? [])]).toEqual(['a', 'b', 'c']);
    const path = join(folder, 'elevator.keys.json');
    await writeKeyFile(path, voter, { entropy });
    expect(await readKeyFile(path, expectKeys(signedRig, 'elevator'))).toEqual(voter);
  });
});

describe('two key epochs', () => {
  test('plain and sealed: both, and who is revoked', async () => {
    const path = join(folder, 'a.keys.json');
    const all = generateKeys(signedRig, seededEntropy('keys'));
    for (const change of [
      rotateKeys(signedRig, all, entropy),
      revokeKeys(signedRig, all, 'c', entropy),
      replaceKeys(signedRig, all, 'b', entropy),
    ]) {
      for (const keys of change) {
        for (const sealing of keys.principal === 'a' ? [{}, { passphrase: 'correct horse' }] : [{}]) {
          await writeKeyFile(path, keys, { entropy, force: true, ...sealing });
          expect(await readKeyFile(path, expectKeys(signedRig, keys.principal), 'correct horse')).toEqual(
            keys,
          );
        }
        expect(fromKeyRecord(JSON.parse(JSON.stringify(toKeyRecord(keys))))).toEqual(keys);
      }
    }
    expect(fromKeyRecord({ kind: 'run-start' })).toBeNull();
  });

  test('an epoch before that does not come before is refused', async () => {
    const path = join(folder, 'a.keys.json');
    const [keys] = rotateKeys(rig, generateKeys(rig, seededEntropy('keys')), entropy) as [PrincipalKeys];
    await writeKeyFile(path, { ...keys, keyEpoch: 1 }, { entropy });
    await expectRefusal(
      readKeyFile(path, expectKeys(rig, 'a')),
      'damaged',
      /does not come after 1, .*restore/,
    );
  });

  test('a file of which only the beginning is there is damaged', async () => {
    const path = join(folder, 'a.keys.json');
    const [keys] = rotateKeys(rig, generateKeys(rig, seededEntropy('keys')), entropy) as [PrincipalKeys];
    await writeKeyFile(path, keys, { entropy });
    const text = await readFile(path, 'utf8');
    for (const length of [0, 1, Math.floor(text.length / 2), text.length - 3]) {
      await writeFile(path, text.slice(0, length));
      await expectRefusal(readKeyFile(path, expectKeys(rig, 'a')), 'damaged', /restore it from its copy/);
    }
  });
});

describe('refusals name the file, what is wrong and the cure', () => {
  const path = () => join(folder, 'a.keys.json');

  test('missing', () =>
    expectRefusal(readKeyFile(path(), expectKeys(rig, 'a')), 'missing', /ENOENT.*check the path/));

  test.skipIf(process.platform === 'win32')('readable by group or others', async () => {
    await writeKeyFile(path(), keysOf('a'), { entropy });
    for (const mode of [0o640, 0o604, 0o660, 0o602]) {
      await chmod(path(), mode);
      await expectRefusal(readKeyFile(path(), expectKeys(rig, 'a')), 'readable-by-others', /chmod 600/);
    }
  });

  test('another rig', async () => {
    await writeKeyFile(path(), { ...keysOf('a'), rigId: 'other' }, { entropy });
    await expectRefusal(
      readKeyFile(path(), expectKeys(rig, 'a')),
      'wrong-rig',
      /"other", not "test-rig".*keys generate/,
    );
  });

  test('another principal', async () => {
    await writeKeyFile(path(), keysOf('b'), { entropy });
    await expectRefusal(
      readKeyFile(path(), expectKeys(rig, 'a')),
      'wrong-principal',
      /of "b", not of "a"; give a\.keys\.json/,
    );
  });

  test('a missing row', async () => {
    const keys = keysOf('a');
    const rows = new Map([...keys.rows].filter(([peer]) => peer !== 'elevator'));
    await writeKeyFile(path(), { ...keys, rows }, { entropy });
    await expectRefusal(readKeyFile(path(), expectKeys(rig, 'a')), 'missing-row', /no row for "elevator"/);
  });

  test('missing signature keys', async () => {
    const keys = keysOf('a', signedRig);
    const signing = keys.signing as NonNullable<PrincipalKeys['signing']>;
    const cases: [PrincipalKeys['signing'], RegExp][] = [
      [null, /no signature keys/],
      [{ ...signing, privateKey: null }, /no private signature key/],
      [{ ...signing, publicKeys: new Map([...signing.publicKeys].slice(0, 2)) }, /no public key of "c"/],
    ];
    for (const [altered, what] of cases) {
      await writeKeyFile(path(), { ...keys, signing: altered }, { entropy, force: true });
      await expectRefusal(readKeyFile(path(), expectKeys(signedRig, 'a')), 'missing-row', what);
    }
  });

  test('no passphrase, the wrong one, and an altered seal or head', async () => {
    await writeKeyFile(path(), keysOf('a'), { entropy, passphrase: 'right' });
    await expectRefusal(readKeyFile(path(), expectKeys(rig, 'a')), 'passphrase-needed', /--passphrase-file/);
    await expectRefusal(
      readKeyFile(path(), expectKeys(rig, 'a'), 'wrong'),
      'wrong-passphrase',
      /check --passphrase-file/,
    );
    const file = JSON.parse(await readFile(path(), 'utf8')) as { epoch: number; sealed: { box: string } };
    const flipped = file.sealed.box.startsWith('0')
      ? `1${file.sealed.box.slice(1)}`
      : `0${file.sealed.box.slice(1)}`;
    for (const altered of [
      { ...file, epoch: 2 },
      { ...file, sealed: { ...file.sealed, box: flipped } },
      { ...file, sealed: { ...file.sealed, box: '00' } },
    ]) {
      await writeFile(path(), JSON.stringify(altered), { mode: 0o600 });
      await expectRefusal(
        readKeyFile(path(), expectKeys(rig, 'a'), 'right'),
        'wrong-passphrase',
        /restore the file/,
      );
    }
  });

  test('secrets sealed for one principal do not open under the name of another', async () => {
    await writeKeyFile(path(), keysOf('b'), { entropy, passphrase: 'right' });
    const file = JSON.parse(await readFile(path(), 'utf8')) as Record<string, unknown>;
    await writeFile(path(), JSON.stringify({ ...file, principal: 'a' }), { mode: 0o600 });
    await expectRefusal(
      readKeyFile(path(), { ...expectKeys(rig, 'b'), principal: 'a' }, 'right'),
      'wrong-passphrase',
      /the file was altered/,
    );
  });

  test('damage of every kind, and costs that no file may ask for', async () => {
    await writeKeyFile(path(), keysOf('a'), { entropy, passphrase: 'right' });
    const sealed = JSON.parse(await readFile(path(), 'utf8')) as { sealed: Record<string, unknown> };
    const plain = {
      format: 'voteplane-keys/1',
      rig: 'test-rig',
      principal: 'a',
      epoch: 1,
      secrets: { rows: {}, signing: null },
    };
    const damaged = [
      '',
      '{',
      'null',
      '[]',
      JSON.stringify({ ...plain, format: 'voteplane-keys/2' }),
      JSON.stringify({ ...plain, surplus: 1 }),
      JSON.stringify({ ...plain, epoch: -1 }),
      JSON.stringify({ ...plain, secrets: { rows: { b: 'abcd' }, signing: null } }),
      JSON.stringify({ ...sealed, sealed: { ...sealed.sealed, n: 2 ** 30 } }),
      JSON.stringify({ ...sealed, sealed: { ...sealed.sealed, n: 3 } }),
      JSON.stringify({ ...sealed, sealed: { ...sealed.sealed, r: 1024 } }),
      'x'.repeat(300_000),
    ];
    for (const text of damaged) {
      await writeFile(path(), text, { mode: 0o600 });
      await expectRefusal(
        readKeyFile(path(), expectKeys(rig, 'a'), 'right'),
        'damaged',
        /restore|check the path/,
      );
    }
    await expectRefusal(readKeyFile(folder, expectKeys(rig, 'a')), 'damaged', /not a regular file/);
  });

  test('an existing file is kept unless forced, also behind a dangling link', async () => {
    await writeKeyFile(path(), keysOf('a'), { entropy });
    const before = await readFile(path(), 'utf8');
    await expectRefusal(
      writeKeyFile(path(), { ...keysOf('a'), keyEpoch: 2 }, { entropy }),
      'exists',
      /--force/,
    );
    expect(await readFile(path(), 'utf8')).toBe(before);
    await writeKeyFile(path(), { ...keysOf('a'), keyEpoch: 2 }, { entropy, force: true });
    expect((await readKeyFile(path(), expectKeys(rig, 'a'))).keyEpoch).toBe(2);
    const dangling = join(folder, 'dangling.keys.json');
    await symlink(join(folder, 'elsewhere'), dangling);
    await expectRefusal(writeKeyFile(dangling, keysOf('a'), { entropy }), 'exists', /--force/);
    expect((await readdir(folder)).sort()).toEqual(['a.keys.json', 'dangling.keys.json']);
  });

  test('a folder that cannot be written', async () => {
    await writeFile(join(folder, 'file'), '');
    await expectRefusal(
      writeKeyFile(join(folder, 'file', 'a.keys.json'), keysOf('a'), { entropy }),
      'not-written',
      /check the folder/,
    );
  });
});

describe('passphrase files', () => {
  test('the line end is no part of the passphrase; empty or public files are refused', async () => {
    const path = join(folder, 'passphrase');
    await writeFile(path, 'open sesame\n', { mode: 0o600 });
    expect(await readPassphraseFile(path)).toBe('open sesame');
    await writeFile(path, '\n');
    await expectRefusal(readPassphraseFile(path), 'damaged', /empty/);
    if (process.platform !== 'win32') {
      await chmod(path, 0o644);
      await expectRefusal(readPassphraseFile(path), 'readable-by-others', /chmod 600/);
    }
  });
});
