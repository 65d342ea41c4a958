/**
 * A recording on disk: one folder for each flight, with a manifest, a copy of the rig and of the keys of that flight, and
 * one call log for each life of each process. It is readable by its owner only, since it holds keys.
 */
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { Principal } from '../ports.js';
import type { LoadedRig } from '../rig/load-rig.js';
import { RecordingError } from './recording-error.js';

/** Changes with the layout of the folder. */
const MANIFEST_VERSION = 1;

const MANIFEST_FILE = 'recording.json';
const README_FILE = 'README.md';
const CALLS_FOLDER = 'calls';
const KEYS_FOLDER = 'keys';
const RIG_FOLDER = 'rig';
const FLIGHT_PREFIX = 'flight-';
const LOG_SUFFIX = '.calls';

const manifestSchema = z.strictObject({
  format: z.literal('voteplane recording'),
  version: z.number().int(),
  rig: z.string(),
  /** The rig file, from the flight's folder. */
  rigFile: z.string(),
  seed: z.string(),
  software: z.string(),
  processes: z.array(
    z.strictObject({ id: z.string(), kind: z.enum(['replica', 'actuator']), keys: z.string() }),
  ),
});

type Manifest = z.infer<typeof manifestSchema>;

/** One recorded flight, as found on disk. */
export interface RecordedFlight {
  /** Its folder. */
  readonly folder: string;
  readonly manifest: Manifest;
  /** Absolute path of the copied rig file. */
  readonly rigFile: string;
  /** Every life of every process, in the order of the manifest. */
  readonly lives: readonly {
    readonly process: Principal;
    readonly kind: 'replica' | 'actuator';
    readonly life: number;
    readonly log: string;
    readonly keyFile: string;
  }[];
}

/** What a flight's folder is made of. */
export interface FlightToRecord {
  readonly loaded: LoadedRig;
  readonly seed: string;
  /** Version of this software. */
  readonly software: string;
  /** The key file of a process of the flight. */
  readonly keyFileOf: (process: Principal) => string;
}

/** Creates the folder of a recording. Throws RecordingError where there is something in it already. */
export function createRecordingFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (readdirSync(folder).length > 0) {
    throw new RecordingError(
      `${folder}: there is something in it already; name a new folder for the recording`,
    );
  }
  writeFileSync(path.join(folder, README_FILE), describeFolder(), { mode: 0o600 });
}

/** Adds the folder of the recording's next flight, and returns where its processes write their logs. */
export function addFlight(folder: string, flight: FlightToRecord): string {
  const number = listFlights(folder).length + 1;
  const place = path.join(folder, `${FLIGHT_PREFIX}${number}`);
  for (const part of ['', CALLS_FOLDER, KEYS_FOLDER, RIG_FOLDER])
    mkdirSync(path.join(place, part), { mode: 0o700 });
  const { rig } = flight.loaded;
  const processes = [
    ...rig.replicas.map(({ id }) => ({ id, kind: 'replica' as const })),
    ...rig.actuators.map(({ id }) => ({ id, kind: 'actuator' as const })),
  ].map((process) => {
    const source = flight.keyFileOf(process.id);
    const keys = `${KEYS_FOLDER}/${path.basename(source)}`;
    copyPrivately(source, path.join(place, keys));
    return { ...process, keys };
  });
  const manifest: Manifest = {
    format: 'voteplane recording',
    version: MANIFEST_VERSION,
    rig: rig.id,
    rigFile: copyRig(flight.loaded, place),
    seed: flight.seed,
    software: flight.software,
    processes,
  };
  writeFileSync(path.join(place, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
  return path.join(place, CALLS_FOLDER);
}

/** Every flight of a recording. Throws RecordingError where the folder is none. */
export function openRecording(folder: string): readonly RecordedFlight[] {
  const flights = listFlights(folder);
  if (flights.length === 0) {
    throw new RecordingError(
      `${folder}: there is no recording in it; name the folder that "voteplane demo --record" has written`,
    );
  }
  return flights.map((name) => openFlight(path.join(folder, name)));
}

/** Where the log of the next life of a process goes, and which life that is. */
export function nameNextLog(
  folder: string,
  process: Principal,
): { readonly file: string; readonly life: number } {
  const life = Math.max(0, ...listLogs(folder, process).map((log) => log.life)) + 1;
  return { file: path.join(folder, `${process}-${life}${LOG_SUFFIX}`), life };
}

function openFlight(folder: string): RecordedFlight {
  const manifest = readManifest(path.join(folder, MANIFEST_FILE));
  const lives = manifest.processes.flatMap(({ id, kind, keys }) => {
    const logs = listLogs(path.join(folder, CALLS_FOLDER), id);
    if (logs.length === 0) {
      throw new RecordingError(`${folder}: there is no log of ${kind} ${id}; record the flight anew`);
    }
    return logs.map(({ life, file }) => ({
      process: id,
      kind,
      life,
      log: file,
      keyFile: path.join(folder, keys),
    }));
  });
  return { folder, manifest, rigFile: path.resolve(folder, manifest.rigFile), lives };
}

function readManifest(file: string): Manifest {
  const refuse = (what: string): RecordingError =>
    new RecordingError(`${file}: ${what}; name a folder that "voteplane demo --record" has written`);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw refuse(error instanceof Error ? error.message : String(error));
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse('it is no JSON');
  }
  const version = z.object({ version: z.number() }).safeParse(value);
  if (version.success && version.data.version !== MANIFEST_VERSION) {
    throw new RecordingError(
      `${file}: it is of version ${version.data.version}, this release reads version ${MANIFEST_VERSION}; replay it with the release that recorded it`,
    );
  }
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) throw refuse(z.prettifyError(parsed.error));
  return parsed.data;
}

function listFlights(folder: string): readonly string[] {
  const numberOf = (name: string): number => Number(name.slice(FLIGHT_PREFIX.length));
  return listNames(folder)
    .filter((name) => name.startsWith(FLIGHT_PREFIX) && Number.isInteger(numberOf(name)))
    .sort((a, b) => numberOf(a) - numberOf(b));
}

function listLogs(
  folder: string,
  process: Principal,
): readonly { readonly file: string; readonly life: number }[] {
  return listNames(folder)
    .flatMap((name) => {
      if (!name.startsWith(`${process}-`) || !name.endsWith(LOG_SUFFIX)) return [];
      const life = Number(name.slice(process.length + 1, -LOG_SUFFIX.length));
      return Number.isInteger(life) && life > 0 ? [{ file: path.join(folder, name), life }] : [];
    })
    .sort((a, b) => a.life - b.life);
}

function listNames(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw new RecordingError(`${folder}: it cannot be read: ${what}`);
  }
}

/** Copies the rig file and the files of its law, as they lie to one another; returns the copied rig file's place. */
function copyRig(loaded: LoadedRig, place: string): string {
  const rigFile = path.resolve(loaded.file);
  const lawFolder = path.dirname(path.resolve(loaded.folder, loaded.rig.law.path));
  const files = [rigFile, ...loaded.law.files.map((file) => path.resolve(lawFolder, file))];
  const root = commonFolder(files);
  for (const file of files) {
    const copy = path.join(place, RIG_FOLDER, path.relative(root, file));
    mkdirSync(path.dirname(copy), { recursive: true, mode: 0o700 });
    copyPrivately(file, copy);
  }
  return [RIG_FOLDER, ...path.relative(root, rigFile).split(path.sep)].join('/');
}

function copyPrivately(file: string, copy: string): void {
  copyFileSync(file, copy);
  chmodSync(copy, 0o600);
}

function commonFolder(files: readonly string[]): string {
  let root = path.dirname(files[0] ?? '.');
  while (files.some((file) => path.relative(root, file).startsWith('..'))) root = path.dirname(root);
  return root;
}

function describeFolder(): string {
  return `# A recorded flight

\`voteplane replay\` with the path of this folder runs every replica and voter of the flight again, on exactly what it
saw, and says whether it did the same.

Each \`flight-N\` holds what that needs: \`recording.json\` (what flew), \`rig/\` (a copy of the rig file and its control
law), \`calls/\` (everything that crossed the ports of each process, one log for each of its lives) and \`keys/\`.

**The keys** are those that the demo made for this one flight and nothing else ever used. Do not put keys of a real rig
here, and treat the folder as what it is: whoever reads it can read every message of that flight.
`;
}
