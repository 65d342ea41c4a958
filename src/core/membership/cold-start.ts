/**
 * When to begin where nobody runs yet (protocol.md §6, cold start): replicas on boards of their own have no common
 * clock, and what makes one is that all correct ones take the same moment, up to the delay of a message, for the start
 * of a tick. With MACs this is the echo broadcast of Srikanth and Toueg: echo at f+1 inits or echoes, begin at 2f+1
 * echoes, so that whoever begins has f+1 correct ones behind it whose echoes let all others begin. With signatures and
 * n ≤ 3f, f+1 signals hold one of a correct replica; where nobody lies n−f do.
 *
 * It must never let f liars begin alone, and forgets signals that are not repeated.
 */
import type { Hypothesis, ReplicaIndex, StartSignal } from '../types.js';

/** A signal counts for so long, µs: it is repeated every period. */
const FRESH_US = 1_000_000;

export interface ColdStartRules {
  readonly n: number;
  readonly self: ReplicaIndex;
  /** f. */
  readonly maxFaulty: number;
  readonly hypothesis: Hypothesis;
}

/** Whether time is told by signed starts (n ≤ 3f) and not by the midpoint of clocks. */
export function usesSignedStarts({ n, maxFaulty, hypothesis }: Omit<ColdStartRules, 'self'>): boolean {
  return hypothesis.kind === 'byzantine' && n <= 3 * maxFaulty;
}

/** Signals of one replica and its peers before there are ticks. Mutable, owned by one replica state. */
export class ColdStart {
  private readonly heard: ({ readonly step: StartSignal['step']; readonly atUs: number } | null)[];
  private readonly thresholds: { readonly echo: number; readonly begin: number };
  private readonly echoes: boolean;
  private own: StartSignal['step'] | null = null;

  constructor(private readonly rules: ColdStartRules) {
    const { n, maxFaulty, hypothesis } = rules;
    this.heard = new Array<null>(n).fill(null);
    this.echoes = hypothesis.kind === 'byzantine' && !usesSignedStarts(rules);
    this.thresholds = this.echoes
      ? { echo: maxFaulty + 1, begin: 2 * maxFaulty + 1 }
      : { echo: Infinity, begin: hypothesis.kind === 'byzantine' ? maxFaulty + 1 : n - maxFaulty };
  }

  /** What this replica has to say; null until it is ready. */
  get signal(): StartSignal['step'] | null {
    return this.own;
  }

  /** This replica can take part. */
  makeReady(): void {
    this.own ??= 'init';
  }

  /** A peer signals; one that has just begun counts as an echo. */
  note(peer: ReplicaIndex, step: StartSignal['step'], atUs: number): void {
    this.heard[peer] = { step, atUs };
  }

  /**
   * What follows at `nowUs`: whether to echo from now on, and whether to begin. Bit i of `members`: it takes replica i's
   * voice to begin; null where it takes so many, whosever they are.
   */
  judge(nowUs: number, members: number | null = null): { readonly echo: boolean; readonly begin: boolean } {
    if (members !== null) return { echo: false, begin: this.own !== null && this.hearsAll(members, nowUs) };
    const inits = this.count('init', nowUs);
    const echo = this.own !== 'echo' && Math.max(inits, this.count('echo', nowUs)) >= this.thresholds.echo;
    if (echo) this.own = 'echo';
    const voices = this.echoes ? this.count('echo', nowUs) : inits;
    return { echo, begin: this.own !== null && voices >= this.thresholds.begin };
  }

  /** Peers that have signalled nothing lately. One of `linked`, a bit each, is there, and may still have nothing to signal. */
  listSilent(nowUs: number, linked: number): readonly ReplicaIndex[] {
    const silent: ReplicaIndex[] = [];
    for (let id = 0; id < this.rules.n; id += 1) {
      const mayBeNew = (linked & (1 << id)) !== 0 && this.heard[id] === null;
      if (id !== this.rules.self && !mayBeNew && !this.isFresh(id, nowUs)) silent.push(id);
    }
    return silent;
  }

  /** All begins anew, for a replica that has found nobody to go on with. */
  reset(): void {
    this.heard.fill(null);
    this.own = null;
  }

  /** Voices for `step`, the own one included; an echo is an init as well. */
  private count(step: StartSignal['step'], nowUs: number): number {
    let count = 0;
    for (let id = 0; id < this.rules.n; id += 1) {
      const said = id === this.rules.self ? this.own : this.isFresh(id, nowUs) ? this.heard[id]?.step : null;
      if (said === 'echo' || (said === 'init' && step === 'init')) count += 1;
    }
    return count;
  }

  private hearsAll(members: number, nowUs: number): boolean {
    return this.heard.every(
      (_, id) => (members & (1 << id)) === 0 || id === this.rules.self || this.isFresh(id, nowUs),
    );
  }

  private isFresh(peer: ReplicaIndex, nowUs: number): boolean {
    const heard = this.heard[peer];
    return heard !== null && heard !== undefined && nowUs - heard.atUs <= FRESH_US;
  }
}
