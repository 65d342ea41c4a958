/**
 * Replicas whose commands a log orders, in the lockstep world: the log is a list that the test writes, and each replica
 * knows it as far as the test lets it. What really chooses entries is another matter (`paxos-world.ts`).
 */
import { createHash } from 'node:crypto';
import type { ChosenEntry } from '../../src/core/commands/apply-chosen.js';
import type { CommandBook } from '../../src/core/commands/command-book.js';
import type { LogRules } from '../../src/core/commands/command-rules.js';
import type { FoldedLog } from '../../src/core/commands/folded-log.js';
import type { Entry as LogEntry, Slot, Snapshot } from '../../src/core/paxos/types.js';
import type { ReplicaIndex, Tick } from '../../src/core/types.js';
import { Lockstep, type LockstepOptions } from './lockstep.js';
import { digest, revive, toBytes, toText, writeBytes } from './toy-codec.js';

export const CRASH3 = { n: 3, hypothesis: { kind: 'crash', f: 1 } } as const;
/** Two replicas with a witness. */
export const WITNESSED = { n: 2, hypothesis: { kind: 'crash', f: 1 } } as const;

const CLIENTS = ['op', 'deputy'];

/**
 * Contents are text: `set 7` sets a target and notes it, `fail` refuses, `arm`, `disarm`, `retire 1` and `admit 1` are what they
 * say. The law's state is JSON.
 */
export function logRules(given: Partial<LogRules> = {}): LogRules {
  return {
    order: 'log',
    clients: CLIENTS.length,
    digest: (content) => new Uint8Array(createHash('sha256').update(content).digest()),
    effect: (content, law) => {
      const [what, value] = toText(content).split(' ');
      if (what === 'arm' || what === 'disarm') return { kind: 'posture', actuator: 0, armed: what === 'arm' };
      if (what === 'retire' || what === 'admit')
        return { kind: 'wanted', replica: Number(value), isWanted: what === 'admit' };
      if (what !== 'set') return { kind: 'refused', reason: 'not now' };
      const state = JSON.parse(toText(law)) as { readonly sum: number; readonly set?: readonly number[] };
      const set = [...(state.set ?? []), Number(value)];
      return { kind: 'law', law: toBytes(JSON.stringify({ ...state, set })) };
    },
    findClient: (client) => {
      const at = CLIENTS.indexOf(client);
      return at < 0 ? null : at;
    },
    lagTicks: 4,
    witnessed: false,
    encodeFold: ({ law, book }) => toBytes(JSON.stringify({ law, book }, writeBytes)),
    decodeFold: (bytes) => {
      const raw = revive(JSON.parse(toText(bytes))) as Partial<FoldedLog>;
      return raw.law instanceof Uint8Array && raw.book !== undefined
        ? { law: raw.law, book: raw.book }
        : null;
    },
    ...given,
  };
}

/** A law that keeps what commands have set, sums up what it reads, and orders the sum of both. */
export const law: NonNullable<LockstepOptions['law']> = (state, readings, tick) => {
  const before = JSON.parse(toText(state)) as { readonly sum: number; readonly set?: readonly number[] };
  const read = readings.reduce((sum, { value }) => sum + (typeof value === 'number' ? value : 0), 0);
  const next = { ...before, sum: (before.sum + read) % 10_000 };
  const set = (before.set ?? []).reduce((sum, one) => (sum * 3 + one) % 1_000, 0);
  return { ok: true, state: toBytes(JSON.stringify(next)), counts: [next.sum + set + (tick % 7)] };
};

/** A request of an operator in the log. */
export function command(sequence: number, what = `set ${sequence}`, client = 'op'): LogEntry {
  return { kind: 'command', request: { client, sequence, value: toBytes(what) } };
}

export class LogWorld extends Lockstep {
  readonly log: ChosenEntry[] = [];
  readonly known: Slot[];
  readonly rules: LogRules;

  constructor(options: LockstepOptions, rules: Partial<LogRules> = {}) {
    const whole = logRules(rules);
    super({ law, ...options, commands: whole });
    this.rules = whole;
    this.known = new Array<Slot>(options.n).fill(0);
  }

  /** Chooses entries; nobody knows yet. The last slot. */
  choose(...entries: readonly LogEntry[]): Slot {
    for (const entry of entries) {
      const isRepeat = this.log.some((one) => isSameRequest(one.entry, entry));
      this.log.push({ slot: this.log.length + 1, entry, executes: !isRepeat });
    }
    return this.log.length;
  }

  /** These replicas learn what is chosen, up to `upTo`. */
  learn(replicas: readonly ReplicaIndex[], upTo: Slot = this.log.length): void {
    for (const replica of replicas)
      while ((this.known[replica] ?? 0) < upTo) {
        const slot = (this.known[replica] ?? 0) + 1;
        this.known[replica] = slot;
        const chosen = this.log[slot - 1];
        if (chosen === undefined) throw new Error(`nothing is chosen for slot ${slot}`);
        this.feed(replica, { kind: 'chosen', nowUs: this.localUs(replica, this.nowUs), ...chosen });
      }
  }

  /** Starts a replica that remembers the log up to `known`, from a snapshot of `state` up to `from`. */
  restart(replica: ReplicaIndex, known: Slot, snapshot: Snapshot | null = null): void {
    this.start(replica);
    this.known[replica] = 0;
    if (snapshot !== null) this.install(replica, snapshot);
    this.learn([replica], known);
  }

  install(replica: ReplicaIndex, snapshot: Snapshot): void {
    this.known[replica] = snapshot.slot;
    this.feed(replica, { kind: 'installed', snapshot, nowUs: this.localUs(replica, this.nowUs) });
  }

  /** What took effect at a replica: slot and tick. */
  effects(replica: ReplicaIndex): (readonly [Slot | undefined, Tick])[] {
    return this.reported('commanded', replica).flatMap(({ report }) =>
      report.applied.map(({ slot, tick }) => [slot, tick] as const),
    );
  }

  /** What commands have set at a replica. */
  setAt(replica: ReplicaIndex): readonly number[] {
    const state = this.stateOf(replica).snapshot?.state;
    return state === undefined
      ? []
      : ((JSON.parse(toText(state.law)) as { readonly set?: readonly number[] }).set ?? []);
  }

  bookAt(replica: ReplicaIndex): CommandBook | undefined {
    return this.stateOf(replica).snapshot?.state.book;
  }
}

/** A snapshot of the log up to `slot`, as far as the core looks at it. */
export function snapshotOf(slot: Slot, state: Uint8Array): Snapshot {
  return {
    slot,
    state,
    clients: [],
    quorum: 0b111,
    quorumSlot: 0,
    incarnations: [0, 1, 2].map((one) => ({ incarnation: 1, nonce: digest(toBytes(`${one}`)) })),
  };
}

function isSameRequest(a: LogEntry, b: LogEntry): boolean {
  return (
    a.kind === 'command' &&
    b.kind === 'command' &&
    a.request.client === b.request.client &&
    a.request.sequence === b.request.sequence
  );
}
