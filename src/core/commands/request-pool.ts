/**
 * Requests of operators as one replica has them: those that it has checked and names in its entries until they are
 * agreed on, and contents that it keeps for peers, or has from them. Nothing in here is agreed on, and nothing of it
 * decides anything. It must never hold more than a few requests of each client, whatever clients send.
 */
import { sameBytes, toHex } from '../bytes.js';
import type { RequestName, Tick } from '../types.js';
import { judgeRequest, OPEN_REQUESTS, type CommandBook } from './command-book.js';

/** A content is kept for so many ticks after it was needed last. */
const KEPT_TICKS = 16;
/** Contents kept of each client beside those of open requests. */
const KEPT_CONTENTS = 8;

/** What came of a request. `used`: another with its number is open here. `full`: too many of its client are. */
export type Admission = 'taken' | 'used' | 'full';

interface Held {
  readonly name: RequestName;
  readonly content: Uint8Array;
  /** Named in entries; otherwise kept for peers, or until it has had its effect. */
  open: boolean;
  untilTick: Tick;
}

/** Owned by one replica state. */
export class RequestPool {
  /** By digest. */
  private readonly held = new Map<string, Held>();

  /** `openTicks`: an open request that nobody repeats is forgotten after so many. */
  constructor(private readonly openTicks: number) {}

  /** Ticks have other numbers now. */
  renumber(tick: Tick): void {
    for (const one of this.held.values()) one.untilTick = tick + (one.open ? this.openTicks : KEPT_TICKS);
  }

  /** Takes a request that has been checked; one that is known already stays for longer. */
  take(name: RequestName, content: Uint8Array, tick: Tick): Admission {
    const known = this.held.get(toHex(name.digest));
    if (known?.open === true) {
      known.untilTick = tick + this.openTicks;
      return 'taken';
    }
    let open = 0;
    for (const one of this.held.values()) {
      if (!one.open || one.name.client !== name.client) continue;
      if (one.name.sequence === name.sequence) return 'used';
      open += 1;
    }
    if (open >= OPEN_REQUESTS) return 'full';
    this.held.set(toHex(name.digest), { name, content, open: true, untilTick: tick + this.openTicks });
    return 'taken';
  }

  /** Keeps the content of an agreed request that a peer gave. */
  keep(name: RequestName, content: Uint8Array, tick: Tick): void {
    const key = toHex(name.digest);
    if (!this.held.has(key)) this.held.set(key, { name, content, open: false, untilTick: tick + KEPT_TICKS });
  }

  find(digest: Uint8Array): Uint8Array | null {
    if (this.held.size === 0) return null;
    return this.held.get(toHex(digest))?.content ?? null;
  }

  /**
   * What to name in the entry of a tick. Requests that the book has settled are closed; `onSettled` hears of those that
   * came to nothing because another had their number.
   */
  list(book: CommandBook, tick: Tick, onSettled: (name: RequestName) => void): readonly RequestName[] {
    if (this.held.size === 0) return NONE;
    const names: RequestName[] = [];
    for (const [key, one] of this.held) {
      if (tick > one.untilTick) {
        this.held.delete(key);
        continue;
      }
      if (!one.open) continue;
      const standing = judgeRequest(book, one.name);
      if (standing === 'new') names.push(one.name);
      else this.close(one, tick);
      if (standing === 'used' || standing === 'old') onSettled(one.name);
    }
    return names;
  }

  private close(closed: Held, tick: Tick): void {
    closed.open = false;
    closed.untilTick = tick + KEPT_TICKS;
    const kept = [...this.held].filter(
      ([, one]) =>
        !one.open &&
        one.name.client === closed.name.client &&
        !sameBytes(one.name.digest, closed.name.digest),
    );
    for (const [key] of kept.slice(0, Math.max(0, kept.length + 1 - KEPT_CONTENTS))) this.held.delete(key);
  }
}

const NONE: readonly RequestName[] = [];
