/**
 * What one replica has noticed of each peer, kept for a window of ticks. It names suspects and never excludes
 * anyone: suspicion that is not agreed on would be an attacker's lever (protocol.md §3, active set).
 */
import type { Contradiction } from '../agreement/algorithm.js';
import { countBits } from '../bits.js';
import type { ReplicaIndex, Tick } from '../types.js';

/** Kinds of evidence. All but `absent` and `late` mean that somebody acted wrongly, not only slowly. */
export type Evidence = 'absent' | 'late' | 'dissenting' | 'equivocating' | 'bad-authenticator' | 'malformed';

const KINDS: readonly Evidence[] = [
  'absent',
  'late',
  'dissenting',
  'equivocating',
  'bad-authenticator',
  'malformed',
];

/** How many ticks evidence lasts. */
export const WINDOW_TICKS = 32;
/** A peer is a suspect when its evidence stands in at least this many ticks of the window. */
const SUSPECT_TICKS = 3;

const NOBODY: readonly ReplicaIndex[] = [];

/** Evidence against one peer: in how many ticks of the window each kind stands. */
export type PeerHealth = Readonly<Record<Evidence, number>>;

/** Evidence of the last ticks against n replicas. Mutable, owned by one replica state. */
export class Health {
  /** [peer][kind] → one bit for each tick of the window, the newest in bit 0. */
  private readonly bits: Uint32Array[];
  private tick: Tick = 0;

  constructor(
    private readonly n: number,
    private readonly self: ReplicaIndex,
    private readonly maxFaulty: number,
  ) {
    this.bits = Array.from({ length: n }, () => new Uint32Array(KINDS.length));
  }

  /** Moves the window on to `tick`. */
  advanceTo(tick: Tick): void {
    const by = tick - this.tick;
    if (by <= 0) return;
    for (const peer of this.bits) {
      for (let kind = 0; kind < peer.length; kind += 1)
        peer[kind] = by >= WINDOW_TICKS ? 0 : (peer[kind] as number) << by;
    }
    this.tick = tick;
  }

  /** Ticks have other numbers from now on: `tick` is under way, and nothing is known. */
  restart(tick: Tick): void {
    for (const peer of this.bits) peer.fill(0);
    this.tick = tick;
  }

  /** Notes evidence in the tick under way. */
  note(peer: ReplicaIndex, evidence: Evidence): void {
    const row = this.bits[peer];
    const kind = KINDS.indexOf(evidence);
    if (row !== undefined) row[kind] = (row[kind] as number) | 1;
  }

  /** Takes back who was absent or late in the tick under way: the replica that noticed it was itself the slow one. */
  withdrawSlowness(): void {
    for (const row of this.bits) {
      for (const evidence of ['absent', 'late'] as const) {
        const kind = KINDS.indexOf(evidence);
        row[kind] = (row[kind] as number) & ~1;
      }
    }
  }

  /**
   * Notes who lied from relays that contradict the decision. One contradiction accuses two, the commander and the
   * relayer, and f liars can bring about f of them against a correct one: so it takes more than f, of different
   * replicas, to name either. What a commander said to this replica itself, or signed, needs no further witness.
   */
  noteContradictions(contradictions: readonly Contradiction[]): void {
    if (contradictions.length === 0) return;
    const against = new Uint32Array(this.n);
    const by = new Uint32Array(this.n);
    for (const { commander, relayer } of contradictions) {
      if (relayer === commander || relayer === this.self) {
        this.note(commander, 'equivocating');
      } else {
        against[commander] = (against[commander] as number) | (1 << relayer);
        by[relayer] = (by[relayer] as number) | (1 << commander);
      }
    }
    for (let peer = 0; peer < this.n; peer += 1) {
      if (countBits(against[peer] as number) > this.maxFaulty) this.note(peer, 'equivocating');
      if (countBits(by[peer] as number) > this.maxFaulty) this.note(peer, 'dissenting');
    }
  }

  of(peer: ReplicaIndex): PeerHealth {
    const row = this.bits[peer] as Uint32Array;
    return Object.fromEntries(KINDS.map((kind, at) => [kind, countBits(row[at] as number)])) as Record<
      Evidence,
      number
    >;
  }

  /** Peers with evidence in at least three of the last 32 ticks, in the order of their ids. */
  suspects(): readonly ReplicaIndex[] {
    let suspects: ReplicaIndex[] | null = null;
    for (let peer = 0; peer < this.n; peer += 1) {
      const row = this.bits[peer] as Uint32Array;
      let any = 0;
      for (let kind = 0; kind < row.length; kind += 1) any |= row[kind] as number;
      if (countBits(any) >= SUSPECT_TICKS) (suspects ??= []).push(peer);
    }
    return suspects ?? NOBODY;
  }
}
