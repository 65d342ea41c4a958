/** The folder of a recording: what goes in, and what is refused. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  addFlight,
  createRecordingFolder,
  nameNextLog,
  openRecording,
} from '../../src/recording/recording-folder.js';
import { loadRig, type LoadedRig } from '../../src/rig/load-rig.js';

const RIGS = fileURLToPath(new URL('../../hardware/rigs', import.meta.url));
let parent: string;
let folder: string;

beforeEach(() => {
  parent = mkdtempSync(path.join(tmpdir(), 'voteplane-test-'));
  folder = path.join(parent, 'recording');
});

afterEach(() => {
  rmSync(parent, { recursive: true, force: true });
});

function add(loaded: LoadedRig): string {
  return addFlight(folder, {
    loaded,
    seed: '3',
    software: '0.1.0',
    keyFileOf: (id) => {
      const file = path.join(parent, `${id}.keys.json`);
      writeFileSync(file, `keys of ${id}`, { mode: 0o600 });
      return file;
    },
  });
}

test('a flight is found again with copies of its rig, law and keys', async () => {
  createRecordingFolder(folder);
  // Its law lies beside the folder of the rig.
  const loaded = await loadRig(path.join(RIGS, 'pitch-50hz'));
  const calls = add(loaded);
  for (const id of ['a', 'b', 'c', 'd', 'elevator']) writeFileSync(nameNextLog(calls, id).file, '');
  const [flight, ...others] = openRecording(folder);
  expect(others).toEqual([]);
  expect(flight?.manifest).toMatchObject({ rig: 'pitch-50hz', seed: '3', software: '0.1.0' });
  expect(flight?.lives.map(({ process, kind, life }) => `${kind} ${process} ${life}`)).toEqual([
    'replica a 1',
    'replica b 1',
    'replica c 1',
    'replica d 1',
    'actuator elevator 1',
  ]);
  expect(readFileSync(flight?.lives[1]?.keyFile ?? '', 'utf8')).toBe('keys of b');
  const copy = await loadRig(flight?.rigFile ?? '');
  expect(path.relative(folder, copy.folder)).toBe(path.join('flight-1', 'rig', 'pitch-50hz'));
  expect(copy.digests).toEqual(loaded.digests);
});

test('nobody else can read any of it', async () => {
  createRecordingFolder(folder);
  add(await loadRig(path.join(RIGS, 'pitch')));
  const open: string[] = [];
  const visit = (place: string): void => {
    if ((statSync(place).mode & 0o077) !== 0) open.push(path.relative(parent, place));
    if (statSync(place).isDirectory()) for (const name of readdirSync(place)) visit(path.join(place, name));
  };
  visit(folder);
  expect(open).toEqual([]);
  expect(readFileSync(path.join(folder, 'README.md'), 'utf8')).toMatch(/keys/);
});

test('every life has a log of its own, and a process is not taken for another', () => {
  mkdirSync(folder);
  expect(nameNextLog(folder, 'a')).toEqual({ file: path.join(folder, 'a-1.calls'), life: 1 });
  for (const name of ['a-1.calls', 'a-2.calls', 'a-10.calls', 'a-x-11.calls', 'b-12.calls', 'a-13.txt']) {
    writeFileSync(path.join(folder, name), '');
  }
  expect(nameNextLog(folder, 'a').life).toBe(11);
  expect(nameNextLog(folder, 'a-x').life).toBe(12);
});

test('a second flight has a folder of its own', async () => {
  createRecordingFolder(folder);
  const loaded = await loadRig(path.join(RIGS, 'pitch'));
  expect([add(loaded), add(loaded)].map((calls) => path.relative(folder, calls))).toEqual([
    path.join('flight-1', 'calls'),
    path.join('flight-2', 'calls'),
  ]);
});

test('what cannot be used is refused, with place and cure', async () => {
  mkdirSync(folder);
  createRecordingFolder(folder);
  expect(() => createRecordingFolder(folder)).toThrow(
    `${folder}: there is something in it already; name a new folder for the recording`,
  );
  expect(() => openRecording(folder)).toThrow(/there is no recording in it; name the folder/);
  expect(() => openRecording(path.join(folder, 'nowhere'))).toThrow(/it cannot be read: ENOENT/);
  add(await loadRig(path.join(RIGS, 'pitch')));
  expect(() => openRecording(folder)).toThrow(/there is no log of replica a; record the flight anew/);
  const manifest = path.join(folder, 'flight-1', 'recording.json');
  const whole = JSON.parse(readFileSync(manifest, 'utf8')) as object;
  const refuse = (content: string, pattern: RegExp): void => {
    writeFileSync(manifest, content);
    expect(() => openRecording(folder)).toThrow(pattern);
  };
  refuse(JSON.stringify({ ...whole, version: 9 }), /of version 9, this release reads version 1/);
  refuse(JSON.stringify({ ...whole, seed: 3 }), /seed/);
  refuse('no JSON', /it is no JSON; name a folder/);
  rmSync(manifest);
  expect(() => openRecording(folder)).toThrow(/recording\.json: ENOENT/);
});
