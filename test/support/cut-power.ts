/**
 * Lives of one store on a disk whose power is cut behind every operation, in every fate of what was not synced; on some of what is
 * left the next life goes on, and is cut again. What holds after each cut: the store opens, and has all that was
 * reported durable, in the order in which it was written, and nothing that was never written.
 */
import type { RecordChange, RecordStore } from '../../src/ports.js';
import type { StoreOwner } from '../../src/store/stamp.js';
import { openStore, provisionStore } from '../../src/store/store-folder.js';
import { StoreError } from '../../src/store/store-error.js';
import { WITNESS_KEY } from '../../src/store/witness-store.js';
import { WITNESS_STATE_BYTES } from '../../src/store/witness-state.js';
import { CutDisk, FATES, type DiskImage, type Draw } from './cut-disk.js';

export type State = readonly (readonly [key: string, bytes: string])[];

/** What a store may hold where the power is cut: one of these states, not before `floor`, not beyond `ceiling`. */
interface Mark {
  readonly states: readonly State[];
  readonly floor: number;
  readonly ceiling: number;
}

export interface CutFigures {
  /** Images of a disk that a store was opened on. */
  cuts: number;
  /** Operations behind which the power was cut. */
  operations: number;
  lives: number;
  /** Of the cuts: refused, as what a failed sync has left may be. */
  refused: number;
  /** What broke a promise, in words. */
  violations: string[];
}

export interface CutPlan {
  readonly owner: StoreOwner;
  readonly seed: number;
  /** Writes of one life, at most. */
  readonly writes: number;
  /** Lives one after the other on one disk. */
  readonly lives: number;
  /** Of how many cuts one is followed by another life and its cuts. */
  readonly deepen: number;
  /** Some lives end by a sync of what they wrote that fails, instead of being killed. */
  readonly fails?: boolean;
  /** The disk reports what it has not done. */
  readonly lies?: boolean;
}

const JOURNAL_BYTES = 8 * 4096;

/** One seed: provisioning, lives and every cut in them. */
export async function cutPower(plan: CutPlan): Promise<CutFigures> {
  const figures: CutFigures = { cuts: 0, operations: 0, lives: 0, refused: 0, violations: [] };
  const draw = drawFrom(plan.seed);
  const disk = makeDisk(new Map(), plan);
  const initial = drawChanges(plan.owner, new Set(), draw);
  await provisionStore(disk, plan.owner, {
    entropy: entropyOf(draw),
    records: initial,
    journalBytes: JOURNAL_BYTES,
  });
  const states = [applyTo([], initial)];
  const provisioned: Mark = { states, floor: 0, ceiling: 0 };
  disk.mark(provisioned);
  await liveOn(disk, plan, plan.lives, provisioned, figures, draw);
  await cutAll(disk, plan, null, states, figures, draw, 2);
  return figures;
}

/** Cuts behind every operation of a disk's log. `before`: what held when the log began; null: nothing was promised. */
async function cutAll(
  disk: CutDisk,
  plan: CutPlan,
  before: Mark | null,
  initial: readonly State[],
  figures: CutFigures,
  draw: Draw,
  depth: number,
): Promise<void> {
  const marks = disk.log.map((operation) => (operation.kind === 'mark' ? (operation.mark as Mark) : null));
  let mark = before;
  let marked = 0;
  let hasFailed = false;
  for (const { length, survive } of disk.cuts()) {
    for (; marked < length; marked += 1) mark = marks[marked] ?? mark;
    figures.operations += 1;
    hasFailed ||= disk.log[length - 1]?.kind === 'failed-sync';
    for (const fate of FATES) {
      const image = survive(fate, draw);
      const next = makeDisk(image, plan);
      const found = await openAgain(next, plan, draw);
      figures.cuts += 1;
      if (hasFailed && typeof found === 'string' && found !== 'amnesia') {
        figures.refused += 1;
        continue;
      }
      const violation = judge(found, mark, initial);
      if (violation !== null) {
        figures.violations.push(
          `seed ${plan.seed}, ${fate}, operation ${length} at depth ${depth}: ${violation}`,
        );
        continue;
      }
      if (depth === 0 || typeof found === 'string' || draw(plan.deepen) > 0) continue;
      const opened: Mark = { states: [found], floor: 0, ceiling: 0 };
      const again = makeDisk(image, plan);
      await liveOn(again, plan, 1, opened, figures, draw);
      await cutAll(again, plan, opened, [], figures, draw, depth - 1);
    }
  }
}

/** Null where what was found may be. */
function judge(found: State | string, mark: Mark | null, initial: readonly State[]): string | null {
  if (typeof found === 'string') return mark === null && found === 'amnesia' ? null : `found ${found}`;
  const allowed = mark === null ? initial : mark.states.slice(mark.floor, mark.ceiling + 1);
  if (allowed.some((state) => isSame(state, found))) return null;
  return `found ${found.length} records that are none of the ${allowed.length} states that may be`;
}

/** What a store holds when it is opened; `amnesia`, or why it is refused. */
async function openAgain(disk: CutDisk, { owner }: CutPlan, draw: Draw): Promise<State | string> {
  try {
    const opened = await openStore(disk, owner, entropyOf(draw));
    return opened.kind === 'amnesia' ? 'amnesia' : stateOf(opened.store.loaded);
  } catch (error) {
    if (error instanceof StoreError) return error.message;
    throw error;
  }
}

/** Lives on one disk that keeps its power: each ends by being closed, or killed between two operations. */
async function liveOn(
  disk: CutDisk,
  plan: CutPlan,
  lives: number,
  begun: Mark,
  figures: CutFigures,
  draw: Draw,
): Promise<void> {
  let mark = begun;
  for (let life = 0; life < lives; life += 1) {
    figures.lives += 1;
    let left = draw(2) === 0 ? draw(plan.writes * 2) : Number.POSITIVE_INFINITY;
    const fails = plan.fails === true && draw(2) === 0;
    let hasWritten = false;
    disk.fault = ({ kind }) => {
      left -= 1;
      if (left < 0 && !fails) throw new Error('killed');
      if (left < 0 && kind === 'sync' && hasWritten) throw Object.assign(new Error('EIO'), { code: 'EIO' });
      hasWritten ||= kind === 'write';
    };
    mark = await liveOnce(disk, plan, mark, draw);
    disk.fault = () => undefined;
  }
}

async function liveOnce(disk: CutDisk, plan: CutPlan, before: Mark, draw: Draw): Promise<Mark> {
  let store: RecordStore;
  try {
    const opened = await openStore(disk, plan.owner, entropyOf(draw));
    if (opened.kind === 'amnesia') throw new Error('a provisioned folder has no stamp');
    store = opened.store;
  } catch (error) {
    if (error instanceof StoreError && error.code === 'io-error') return before;
    throw error;
  }
  const states = [stateOf(store.loaded)];
  let floor = 0;
  let ceiling = 0;
  const mark = (): Mark => ({ states, floor, ceiling });
  const note = (): void => disk.mark(mark());
  note();
  let isRefused = false;
  for (let left = 1 + draw(plan.writes); left > 0 && !isRefused;) {
    const group = Math.min(left, 1 + draw(3));
    left -= group;
    const answers: Promise<void>[] = [];
    for (let index = 0; index < group; index += 1) {
      const last = states.at(-1) ?? [];
      const changes = drawChanges(plan.owner, new Set(last.map(([key]) => key)), draw);
      states.push(applyTo(last, changes));
      ceiling += 1;
      const written = ceiling;
      note();
      const answer = new Promise<void>((resolve) => {
        store.write(changes, (refusal) => {
          if (refusal === null) {
            floor = written;
            note();
          } else isRefused = true;
          resolve();
        });
      });
      answers.push(answer);
    }
    await Promise.all(answers);
  }
  if (!isRefused) {
    try {
      await store.close();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
  }
  return mark();
}

function drawChanges({ kind }: StoreOwner, keys: ReadonlySet<string>, draw: Draw): RecordChange[] {
  if (kind === 'witness') return [{ key: WITNESS_KEY, bytes: drawBytes(WITNESS_STATE_BYTES, draw) }];
  const present = [...keys];
  return Array.from({ length: 1 + draw(3) }, () => {
    if (present.length > 0 && draw(4) === 0) return { key: present[draw(present.length)] ?? '', bytes: null };
    // All of them together never fill a store; frames of several blocks are among them.
    const length = draw(6) === 0 ? 2200 : draw(100);
    return { key: `v/${draw(5)}`, bytes: drawBytes(length, draw) };
  });
}

function drawBytes(length: number, draw: Draw): Uint8Array {
  return Uint8Array.from({ length }, () => draw(256));
}

function applyTo(state: State, changes: readonly RecordChange[]): State {
  const records = new Map(state);
  for (const { key, bytes } of changes) {
    records.delete(key);
    if (bytes !== null) records.set(key, Buffer.from(bytes).toString('latin1'));
  }
  return [...records];
}

/** Records in their order, in a form that compares. */
export function stateOf(records: ReadonlyMap<string, Uint8Array>): State {
  return [...records].map(([key, bytes]) => [key, Buffer.from(bytes).toString('latin1')]);
}

function isSame(one: State, other: State): boolean {
  return (
    one.length === other.length &&
    one.every(([key, bytes], index) => key === other[index]?.[0] && bytes === other[index][1])
  );
}

function makeDisk(image: DiskImage, { lies = false }: CutPlan): CutDisk {
  return new CutDisk(image, lies);
}

/** Numbers from a seed (mulberry32). */
export function drawFrom(seed: number): Draw {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** Nonces, salts and incarnations from the same numbers. */
export function entropyOf(draw: Draw): { bytes(length: number): Uint8Array } {
  return { bytes: (length) => drawBytes(length, draw) };
}
