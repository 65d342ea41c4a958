/**
 * A disk in memory that remembers every operation, so that the power can be cut behind each of them. What `survive` makes of it holds
 * whatever a disk may hold then: of each sector that was written and not yet synced, what was there before, any version
 * written since, or rubbish; the same, file by file and name by name, for names that the folder was not synced for.
 * A process that is killed and started again on the same disk sees all that was written. So it does what a failed sync was to
 * write, as Linux shows it, although no later sync writes that unless it is written again.
 */
import type { Disk, DiskFile } from '../../src/store/disk.js';
import { SECTOR_BYTES } from '../../src/store/disk.js';

/** What a disk holds when the power is back. */
export type DiskImage = ReadonlyMap<string, Uint8Array>;

/** Draws an integer from 0 to below `below`. */
export type Draw = (below: number) => number;

/** How the sectors at risk are chosen when the power is cut. */
export type Fate =
  | 'none'
  | 'all'
  /** Those written first, up to a drawn one. */
  | 'first'
  /** Those written last, from a drawn one: reordered. */
  | 'last'
  /** All but a drawn one. */
  | 'all-but-one'
  /** Any. */
  | 'any'
  /** Any, and some of them hold neither what was nor what was written. */
  | 'torn';

export const FATES: readonly Fate[] = ['none', 'all', 'first', 'last', 'all-but-one', 'any', 'torn'];

/** One operation that reached the disk, and what the test said between two of them. */
export type Operation =
  | { readonly kind: 'create'; readonly name: string; readonly file: number }
  | { readonly kind: 'write'; readonly file: number; readonly bytes: Uint8Array; readonly position: number }
  | { readonly kind: 'sync'; readonly file: number }
  | { readonly kind: 'failed-sync'; readonly file: number }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'sync-folder' }
  | { readonly kind: 'mark'; readonly mark: unknown };

/**
 * Asked before each operation; may throw what an operating system would answer, with its code, or anything else for a
 * process that is killed there.
 */
export type DiskFault = (operation: Operation) => void;

export class CutDisk implements Disk {
  readonly folder = '/cut';
  readonly log: Operation[] = [];
  fault: DiskFault = () => undefined;
  private readonly names = new Map<string, number>();
  private readonly contents: Uint8Array[] = [];

  /** One that `lies` reports as synced what is at risk still. */
  constructor(
    private readonly image: DiskImage = new Map(),
    private readonly lies = false,
  ) {
    for (const [name, bytes] of image) {
      this.names.set(name, this.contents.length);
      this.contents.push(Uint8Array.from(bytes));
    }
  }

  list(): Promise<readonly string[]> {
    return Promise.resolve([...this.names.keys()]);
  }

  open(name: string): Promise<DiskFile | null> {
    const file = this.names.get(name);
    return Promise.resolve(file === undefined ? null : this.fileOf(file));
  }

  async create(name: string): Promise<DiskFile> {
    const file = this.contents.length;
    await this.carryOut({ kind: 'create', name, file }, () => {
      this.contents.push(new Uint8Array());
      this.names.set(name, file);
    });
    return this.fileOf(file);
  }

  rename(from: string, to: string): Promise<void> {
    return this.carryOut({ kind: 'rename', from, to }, () => renameIn(this.names, from, to));
  }

  syncFolder(): Promise<void> {
    return this.carryOut({ kind: 'sync-folder' }, () => undefined);
  }

  /** Notes something in the log. */
  mark(mark: unknown): void {
    this.log.push({ kind: 'mark', mark });
  }

  /** What all processes see. */
  read(): DiskImage {
    return new Map([...this.names].map(([name, file]) => [name, Uint8Array.from(this.contentOf(file))]));
  }

  /** What the disk may hold where the power is cut behind each operation of the log in turn. */
  *cuts(): Generator<{ readonly length: number; survive(fate: Fate, draw: Draw): DiskImage }> {
    const cut = new Cut(this.image);
    for (const [at, operation] of this.log.entries()) {
      cut.follow(operation);
      if (operation.kind !== 'mark') {
        yield { length: at + 1, survive: (fate, draw) => cut.survive(fate, draw) };
      }
    }
  }

  private fileOf(file: number): DiskFile {
    return {
      read: (maxBytes) => Promise.resolve(this.contentOf(file).slice(0, maxBytes)),
      write: (bytes, position) =>
        this.carryOut({ kind: 'write', file, bytes: Uint8Array.from(bytes), position }, () => {
          this.contents[file] = patch(this.contentOf(file), bytes, position);
        }),
      sync: () => this.carryOut({ kind: 'sync', file }, () => undefined),
      close: () => Promise.resolve(),
    };
  }

  private carryOut(operation: Operation, effect: () => void): Promise<void> {
    try {
      this.fault(operation);
    } catch (error) {
      const isAnswer = error instanceof Error && 'code' in error;
      if (isAnswer && operation.kind === 'sync') this.log.push({ kind: 'failed-sync', file: operation.file });
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
    if (!this.lies || (operation.kind !== 'sync' && operation.kind !== 'sync-folder'))
      this.log.push(operation);
    effect();
    return Promise.resolve();
  }

  private contentOf(file: number): Uint8Array {
    return this.contents[file] ?? new Uint8Array();
  }
}

/** A sector that was written and not synced: all that it may hold, oldest first. */
interface RiskySector {
  readonly file: number;
  readonly at: number;
  readonly versions: Uint8Array[];
  /** A sync of it failed: all see it, and no later sync writes it. */
  isDropped: boolean;
}

/** A disk as far as it is durable, and what is at risk. */
class Cut {
  private readonly names = new Map<string, number>();
  private readonly durable: Uint8Array[] = [];
  private readonly risky = new Map<string, RiskySector>();
  private namesAtRisk: ((names: Map<string, number>) => void)[] = [];

  constructor(image: DiskImage) {
    for (const [name, bytes] of image) {
      this.names.set(name, this.durable.length);
      this.durable.push(Uint8Array.from(bytes));
    }
  }

  follow(operation: Operation): void {
    switch (operation.kind) {
      case 'create':
        this.durable[operation.file] = new Uint8Array();
        this.namesAtRisk.push((names) => names.set(operation.name, operation.file));
        return;
      case 'rename':
        this.namesAtRisk.push((names) => renameIn(names, operation.from, operation.to));
        return;
      case 'write':
        this.write(operation.file, operation.bytes, operation.position);
        return;
      case 'sync':
        for (const [id, { file, at, versions, isDropped }] of this.risky) {
          if (file !== operation.file || isDropped) continue;
          this.durable[file] = patch(this.durable[file] ?? new Uint8Array(), versions.at(-1) ?? [], at);
          this.risky.delete(id);
        }
        return;
      case 'failed-sync':
        for (const risky of this.risky.values()) if (risky.file === operation.file) risky.isDropped = true;
        return;
      case 'sync-folder':
        for (const apply of this.namesAtRisk) apply(this.names);
        this.namesAtRisk = [];
        return;
      case 'mark':
    }
  }

  survive(fate: Fate, draw: Draw): DiskImage {
    const names = new Map(this.names);
    for (const apply of this.namesAtRisk) if (fate === 'all' || draw(2) === 0) apply(names);
    const contents: Uint8Array[] = this.durable.map((bytes) => Uint8Array.from(bytes));
    const sectors = [...this.risky.values()];
    const drawn = draw(sectors.length + 1);
    for (const [index, { file, at, versions }] of sectors.entries()) {
      const isKept =
        fate === 'all' ||
        (fate === 'first' && index < drawn) ||
        (fate === 'last' && index >= drawn) ||
        (fate === 'all-but-one' && index !== drawn) ||
        ((fate === 'any' || fate === 'torn') && draw(2) === 0);
      const isTorn = fate === 'torn' && draw(4) === 0;
      if (!isKept && !isTorn) continue;
      const version = fate === 'all' ? versions.at(-1) : versions[draw(versions.length)];
      const written = version ?? new Uint8Array();
      const bytes = isTorn ? tear(written, draw) : written;
      contents[file] = patch(contents[file] ?? new Uint8Array(), bytes, at);
    }
    return new Map([...names].map(([name, file]) => [name, contents[file] ?? new Uint8Array()]));
  }

  private write(file: number, bytes: Uint8Array, position: number): void {
    for (let from = 0; from < bytes.length;) {
      const start = position + from;
      const sector = Math.floor(start / SECTOR_BYTES);
      const to = Math.min(bytes.length, (sector + 1) * SECTOR_BYTES - position);
      const id = `${file}/${sector}`;
      const at = sector * SECTOR_BYTES;
      const risky = this.risky.get(id) ?? { file, at, versions: [], isDropped: false };
      risky.isDropped = false;
      const before = risky.versions.at(-1) ?? this.durable[file]?.subarray(at, at + SECTOR_BYTES) ?? [];
      risky.versions.push(patch(Uint8Array.from(before), bytes.subarray(from, to), start - at));
      // The sector written last is the last.
      this.risky.delete(id);
      this.risky.set(id, risky);
      from = to;
    }
  }
}

/** Part of what was written with another end, or rubbish throughout. */
function tear(bytes: Uint8Array, draw: Draw): Uint8Array {
  const torn = Uint8Array.from(bytes);
  const from = draw(2) === 0 ? 0 : draw(torn.length + 1);
  const filling = draw(3);
  for (let at = from; at < torn.length; at += 1)
    torn[at] = filling === 0 ? 0 : filling === 1 ? 0xff : draw(256);
  return torn;
}

/** `content` itself where it is long enough. */
function patch(content: Uint8Array, bytes: ArrayLike<number>, position: number): Uint8Array {
  if (position + bytes.length <= content.length) {
    content.set(bytes, position);
    return content;
  }
  const patched = new Uint8Array(Math.max(content.length, position + bytes.length));
  patched.set(content);
  patched.set(bytes, position);
  return patched;
}

function renameIn(names: Map<string, number>, from: string, to: string): void {
  const file = names.get(from);
  if (file === undefined) return;
  names.delete(from);
  names.set(to, file);
}
