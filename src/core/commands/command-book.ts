/**
 * Commands of operators, as far as all replicas hold them alike: which requests are agreed on and wait for the next
 * tick, which have had their effect and with what answer, and which actuators are disarmed. All of it is part of the
 * replicated state and changes by the vector alone; where a log orders commands (`apply-chosen.ts`), by the vector and
 * what is chosen.
 *
 * Under a Byzantine hypothesis (protocol.md §10) a request is agreed on when the entries of one vector name it for f+1
 * distinct commanders, so that a correct replica has checked it; it takes effect before the control law of the next tick
 * that is stepped. In between whoever lacks its content gets it from those who named it, one of whom is correct. Each
 * (client, sequence) has one effect at most.
 *
 * It must never grow with what clients or liars send, and never depend on what only one replica knows.
 */
import { sameBytes, toHex } from '../bytes.js';
import type { Members, Slot } from '../paxos/types.js';
import type { AppliedRequest, Entry, ReplicaIndex, RequestName, RequestOutcome, Tick } from '../types.js';

/** Requests of one client that a replica names at once, and that wait to take effect. */
export const OPEN_REQUESTS = 4;
/** Answers kept of each client: more than it may have open, so that a repeated request still finds its own. */
export const KEPT_ANSWERS = 16;
/** A request that could not take effect within so many ticks never does. */
export const LAPSE_TICKS = 8;

/** One client's history. */
export interface ClientRecord {
  /** Requests numbered up to here count as over; −1 before any was forgotten. */
  readonly floor: number;
  /** The last ones, by sequence. */
  readonly applied: readonly AppliedRequest[];
}

export interface PendingRequest extends RequestName {
  readonly agreedTick: Tick;
}

/** What operators want of an actuator. */
export interface Posture {
  /** In fail-safe until it is armed. */
  readonly disarmed: boolean;
  /** Until this tick replicas arm it even where the rig leaves that to an operator; −1: not asked for. */
  readonly armUntil: Tick;
}

export interface CommandBook {
  /** One per operator, in the rig's order. */
  readonly clients: readonly ClientRecord[];
  /** By client, then sequence. */
  readonly pending: readonly PendingRequest[];
  /** One per actuator, in the rig's order. */
  readonly postures: readonly Posture[];
  /** All slots of the command log up to this one have taken effect; absent where the vector orders commands. */
  readonly prefix?: Slot;
  /** Whom operators want in the operational quorum, at least one; absent where there is no witness. */
  readonly wanted?: Members;
}

/** What commands change. */
export interface Commanded {
  /** The control law's state. */
  readonly law: Uint8Array;
  readonly book: CommandBook;
}

/** What a request does. Whoever asks has found its content, which a correct replica has checked. */
export type RequestEffect =
  | { readonly kind: 'law'; readonly law: Uint8Array }
  | { readonly kind: 'posture'; readonly actuator: number; readonly armed: boolean }
  /** Whether operators want a replica in the operational quorum; where there is a witness alone. */
  | { readonly kind: 'wanted'; readonly replica: ReplicaIndex; readonly isWanted: boolean }
  | { readonly kind: 'refused'; readonly reason: string };

/** What a book says of a request. `used`: another one had its number. `old`: too long ago to tell. */
export type Standing = 'new' | 'pending' | 'applied' | 'used' | 'old';

const FREE: Posture = { disarmed: false, armUntil: -1 };

/** The book of a run that begins. */
export function openBook(clients: number, actuators: number): CommandBook {
  return {
    clients: Array.from({ length: clients }, () => ({ floor: -1, applied: [] })),
    pending: [],
    postures: Array.from({ length: actuators }, () => FREE),
  };
}

/** Where a request stands. One of a client that the rig has not is `old`. */
export function judgeRequest(book: CommandBook, name: RequestName): Standing {
  const record = book.clients[name.client];
  if (record === undefined || name.sequence <= record.floor) return 'old';
  const applied = findApplied(book, name);
  if (applied !== null) return sameBytes(applied.digest, name.digest) ? 'applied' : 'used';
  for (const one of book.pending)
    if (isSameNumber(one, name)) return sameBytes(one.digest, name.digest) ? 'pending' : 'used';
  return 'new';
}

/** What became of the request with this number; null where it has had no effect yet. */
export function findApplied(
  book: CommandBook,
  { client, sequence }: Pick<RequestName, 'client' | 'sequence'>,
): AppliedRequest | null {
  return book.clients[client]?.applied.find((one) => one.sequence === sequence) ?? null;
}

/**
 * The book after the vector of tick `tick`: with the requests that `backing` distinct commanders name. Of two digests
 * under one number the smaller is taken; of one client no more than may be open, the lowest numbers first.
 */
export function agreeRequests(
  book: CommandBook,
  tick: Tick,
  entries: readonly (Entry | null)[],
  backing: number,
): CommandBook {
  if (!entries.some((entry) => (entry?.requests?.length ?? 0) > 0)) return book;
  const named = new Map<string, { readonly name: RequestName; count: number; lastFrom: number }>();
  entries.forEach((entry, from) => {
    for (const name of entry?.requests ?? []) {
      const key = `${name.client} ${name.sequence} ${toHex(name.digest)}`;
      const known = named.get(key);
      if (known === undefined) named.set(key, { name, count: 1, lastFrom: from });
      // A commander that says it twice is one commander.
      else if (known.lastFrom !== from) {
        known.count += 1;
        known.lastFrom = from;
      }
    }
  });
  const agreed = [...named.values()]
    .filter(({ name, count }) => count >= backing && judgeRequest(book, name) === 'new')
    .map(({ name }) => name)
    .sort(compareNames);
  const pending = [...book.pending];
  for (const { client, sequence, digest } of agreed) {
    const ofClient = pending.filter((one) => one.client === client);
    if (ofClient.length >= OPEN_REQUESTS || ofClient.some((one) => one.sequence === sequence)) continue;
    pending.push({ client, sequence, digest, agreedTick: tick });
  }
  return pending.length === book.pending.length ? book : { ...book, pending: pending.sort(compareNames) };
}

/** Whether a pending request may still take effect in tick `tick`. */
export function isDue(pending: PendingRequest, tick: Tick): boolean {
  return tick - pending.agreedTick <= LAPSE_TICKS;
}

/**
 * The book after all that was pending has taken effect in tick `tick`, in order, and what each came to. `armTicks`: for how
 * long an order to arm stands.
 */
export function applyPending(
  book: CommandBook,
  tick: Tick,
  armTicks: number,
  effectOf: (pending: PendingRequest) => RequestEffect,
): { readonly book: CommandBook; readonly applied: readonly AppliedRequest[] } {
  const clients = [...book.clients];
  const postures = [...book.postures];
  const applied = book.pending.map((pending): AppliedRequest => {
    const { client, sequence, digest } = pending;
    let outcome: RequestOutcome = { kind: 'lapsed' };
    if (isDue(pending, tick)) {
      const effect = effectOf(pending);
      outcome = effect.kind === 'refused' ? effect : { kind: 'done' };
      if (effect.kind === 'posture' && effect.actuator < postures.length)
        postures[effect.actuator] = effect.armed
          ? { disarmed: false, armUntil: tick + armTicks }
          : { disarmed: true, armUntil: -1 };
    }
    const one: AppliedRequest = { client, sequence, digest, tick, outcome };
    clients[client] = record(clients[client] as ClientRecord, one);
    return one;
  });
  return { book: { clients, pending: [], postures }, applied };
}

/** The book with what became of a request that took effect just now. */
export function recordApplied(book: CommandBook, one: AppliedRequest): CommandBook {
  const clients = book.clients.map((of, client) => (client === one.client ? record(of, one) : of));
  return { ...book, clients };
}

function record({ floor, applied }: ClientRecord, one: AppliedRequest): ClientRecord {
  const kept = [...applied, one].sort((a, b) => a.sequence - b.sequence);
  const forgotten = kept.length > KEPT_ANSWERS ? kept.shift() : undefined;
  return { floor: Math.max(floor, forgotten?.sequence ?? -1), applied: kept };
}

function isSameNumber(a: RequestName, b: RequestName): boolean {
  return a.client === b.client && a.sequence === b.sequence;
}

function compareNames(a: RequestName, b: RequestName): number {
  return a.client - b.client || a.sequence - b.sequence || compareBytes(a.digest, b.digest);
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let at = 0; at < a.length && at < b.length; at += 1) {
    const difference = (a[at] as number) - (b[at] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
