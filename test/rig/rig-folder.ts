/** Rig folders for tests: a sound one, altered as a test needs. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export const SOUND_RIG = `rig: sound
hypothesis: { byzantine: 1, authenticators: mac }
period: 50 ms
round: 20 ms
replicas:
  a: { inbox: 127.0.0.1:18831, bridge: tcp://127.0.0.1:18931 }
  b: { inbox: 127.0.0.1:18832, bridge: tcp://127.0.0.1:18932 }
  c: { inbox: 127.0.0.1:18833, bridge: tcp://127.0.0.1:18933 }
  d: { inbox: 127.0.0.1:18834, bridge: tcp://127.0.0.1:18934 }
sensors:
  pitch: { unit: deg, range: [-45, 45], spread: 1.5 deg }
  gear: { type: boolean, fusion: { at-least: 2 } }
actuators:
  elevator:
    unit: deg
    resolution: 0.001 deg
    envelope: [-25 deg, 25 deg]
    hold: 120 ms
    fail-safe: 0 deg
    rearm: auto
    inbox: 127.0.0.1:18841
    bridge: tcp://127.0.0.1:18941
law: law.ts
plant: { model: pitch }
operators: [operator]
observers: [watch]
faults: enabled
tour:
  - { fault: crash on c at 40 for 20, say: one is gone }
`;

export const SOUND_LAW = `import { defineLaw } from 'voteplane/law';
import { limit } from './limit.js';

interface State {
  readonly sum: number;
  readonly tick: number;
}
const initial: State = { sum: 0, tick: 0 };

export default defineLaw({
  sensors: { pitch: 'number', gear: 'boolean' },
  actuators: ['elevator'],
  initial,
  law(state, readings, tick) {
    const pitch = readings.pitch.value ?? 0;
    const sum = limit(state.sum + pitch, 100);
    return { state: { sum, tick }, commands: { elevator: limit(-0.3 * pitch - 0.01 * sum, 25) } };
  },
});
`;

export const SOUND_LIMIT = `export const limit = (x: number, max: number): number => Math.min(max, Math.max(-max, x));
`;

/** Files by their path in the folder; null leaves one of the sound ones out. */
export type FolderFiles = Readonly<Record<string, string | Uint8Array | null>>;

const made: string[] = [];

/** Writes a rig folder below the system's temporary folder: the sound one with these files put in. */
export function writeRigFolder(files: FolderFiles = {}): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'voteplane-rig-'));
  made.push(folder);
  const all: FolderFiles = { 'rig.yaml': SOUND_RIG, 'law.ts': SOUND_LAW, 'limit.ts': SOUND_LIMIT, ...files };
  for (const [name, content] of Object.entries(all)) {
    if (content === null) continue;
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), content);
  }
  return folder;
}

/** Removes what `writeRigFolder` made. */
export function removeRigFolders(): void {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
}
