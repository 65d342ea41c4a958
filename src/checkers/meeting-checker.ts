/**
 * Where the command log meets the rounds (protocol.md §9, last point; §11): the applied prefix p(k) is the larger of p(k−1) and
 * the smallest prefix that commanders present in the vector of tick k state; exactly the commands of the slots between
 * take effect in tick k, in slot order, on every correct replica that steps it, each request once, by what is chosen there.
 * Whoever is more than the lag behind is silent, where the others are enough; and what an operator was told to be chosen takes effect.
 *
 * p is worked out here, from the vectors alone. After a tick outside the hypothesis it is unknown until all commanders state
 * the same as anybody ever did; rules that need it rest meanwhile.
 */
import type { ReplicaIndex, Tick } from '../core/types.js';
import { holds } from './bytes.js';
import type { HypothesisWatch } from './hypothesis-watch.js';
import type { CheckedRig, CheckedSlot, OperatorRequest } from './observations.js';
import type { TickSlot } from './tick-slot.js';
import type { ViolationLog } from './violation-log.js';

const NAME = 'meeting';
/** Whoever falls silent knows so many ticks later than the checker that it has to. */
const LAG_MARGIN_TICKS = 3;

/** A request at its place in the command log. */
interface Placed extends OperatorRequest {
  readonly slot: CheckedSlot;
}

interface Said {
  /** By replica: what the commanders of its vector state; null where it told of none. */
  readonly prefixes: (readonly (CheckedSlot | null)[] | null)[];
  /** By replica, in the order in which they took effect. */
  readonly effects: Placed[][];
}

interface Chosen {
  /** Null for an entry that holds none. */
  readonly request: OperatorRequest | null;
  /** Whether no lower slot holds it. */
  readonly isFirst: boolean;
}

/** One for a run of a rig with a command log. */
export class MeetingChecker {
  private readonly said = new Map<Tick, Said>();
  /** By slot, from 1 on, as far as it is known without a gap; beyond it in `early`. */
  private readonly log: Chosen[] = [{ request: null, isFirst: false }];
  private readonly early = new Map<CheckedSlot, OperatorRequest | null>();
  private readonly first = new Map<string, CheckedSlot>();
  /** Runs that began, with what they began from. */
  private starts: { readonly tick: Tick; readonly prefix: CheckedSlot }[] = [];
  /** Told to be chosen, not in effect yet. */
  private promised: (Placed & { readonly tick: Tick })[] = [];
  private p: CheckedSlot | null = 0;
  private largestEver: CheckedSlot = 0;
  /** The first tick in which nobody states anything of a log that has been forgotten. */
  private freshFrom: Tick = -1;
  /** The largest agreed prefix so far, for the last ticks. */
  private readonly largest: { readonly tick: Tick; readonly prefix: CheckedSlot }[] = [];

  constructor(
    private readonly rig: CheckedRig,
    private readonly lagTicks: number,
    private readonly violations: ViolationLog,
    private readonly watch: HypothesisWatch,
  ) {}

  /** The slot is chosen for the replica; null: it holds no request. */
  chosen(replica: ReplicaIndex, slot: CheckedSlot, request: OperatorRequest | null, tick: Tick): void {
    const known = this.log[slot]?.request ?? this.early.get(slot);
    if (slot < this.log.length || this.early.has(slot)) {
      if (describe(known ?? null) !== describe(request))
        this.add(
          '§11 one value',
          tick,
          replica,
          `It takes slot ${slot} for ${describe(request)}, others for ${describe(known ?? null)}.`,
        );
      return;
    }
    this.early.set(slot, request);
    for (let next = this.log.length; this.early.has(next); next += 1) {
      const one = this.early.get(next) ?? null;
      this.early.delete(next);
      const key = describe(one);
      const isFirst = one !== null && !this.first.has(key);
      if (isFirst) this.first.set(key, next);
      this.log.push({ request: one, isFirst });
    }
  }

  /** The replica told the operator that his request is chosen at the slot. */
  answered(replica: ReplicaIndex, request: OperatorRequest, slot: CheckedSlot, tick: Tick): void {
    const before = this.promised.find((one) => describe(one) === describe(request));
    if (before === undefined) this.promised.push({ ...request, slot, tick });
    else if (before.slot !== slot)
      this.add(
        '§11 answered once',
        tick,
        replica,
        `It tells that ${describe(request)} is at slot ${slot}, and ${before.slot} was told.`,
      );
  }

  /** All devices have lost their memory in `tick`: the log begins anew, and what was chosen is no more. */
  forget(tick: Tick): void {
    this.log.length = 1;
    this.early.clear();
    this.first.clear();
    this.promised = [];
    this.freshFrom = tick + 1;
  }

  /** Vectors of ticks before still state the log that was. */
  private forgetStated(tick: Tick): void {
    if (tick <= this.freshFrom) {
      this.p = null;
      this.largestEver = 0;
      this.largest.length = 0;
    }
  }

  vector(replica: ReplicaIndex, tick: Tick, prefixes: readonly (CheckedSlot | null)[]): void {
    this.of(tick).prefixes[replica] = prefixes;
  }

  /** A run begins after the tick, from what a vector with these prefixes makes known. */
  started(tick: Tick, prefixes: readonly (CheckedSlot | null)[]): void {
    this.starts.push({ tick, prefix: Math.max(0, ...prefixes.map((one) => one ?? 0)) });
  }

  tookEffect(replica: ReplicaIndex, tick: Tick, effects: readonly Placed[]): void {
    this.of(tick).effects[replica]?.push(...effects);
  }

  judge(slot: TickSlot): void {
    const { tick } = slot;
    this.forgetStated(tick);
    const said = this.of(tick);
    this.said.delete(tick);
    this.beginRuns(tick);
    const steppers = this.rig.replicas.flatMap((_, replica) =>
      slot.stateDigests[replica] !== null && said.prefixes[replica] !== null ? [replica] : [],
    );
    const told = steppers.find((replica) => slot.inside && holds(slot.correct, replica)) ?? steppers[0];
    const prefixes = told === undefined ? null : this.keepGoverning(said.prefixes[told] ?? null);
    if (prefixes === null) {
      if (!slot.inside) this.p = null;
      return;
    }
    const present = prefixes.filter((one) => one !== null);
    const least = Math.min(...present);
    const most = Math.max(...present);
    this.largestEver = Math.max(this.largestEver, most);
    const before = slot.inside ? this.p : null;
    const after = before !== null ? Math.max(before, least) : least === this.largestEver ? least : null;
    if (slot.inside) {
      for (const replica of steppers)
        if (holds(slot.correct, replica)) this.judgeEffects(tick, replica, said, before, after, least);
      this.judgeLag(slot, prefixes);
    }
    this.p = after;
    this.noteLargest(tick, most);
    this.judgePromises(tick);
  }

  /** With a witness, those of the operational quorum after the largest of them: what another states does not count. */
  private keepGoverning(
    prefixes: readonly (CheckedSlot | null)[] | null,
  ): readonly (CheckedSlot | null)[] | null {
    const { witness } = this.rig;
    if (witness === undefined || prefixes === null) return prefixes;
    const quorum = witness.quorumAfter(Math.max(0, ...prefixes.map((one) => one ?? 0)));
    return quorum === null
      ? prefixes
      : prefixes.map((one, replica) => (holds(quorum.members, replica) ? one : null));
  }

  private judgeEffects(
    tick: Tick,
    replica: ReplicaIndex,
    said: Said,
    before: CheckedSlot | null,
    after: CheckedSlot | null,
    least: CheckedSlot,
  ): void {
    const effects = said.effects[replica] ?? [];
    for (const one of effects) {
      const chosen = this.log[one.slot];
      if (chosen === undefined || describe(chosen.request) !== describe(one))
        this.add(
          '§11 chosen',
          tick,
          replica,
          `It let ${describe(one)} of slot ${one.slot} take effect; ${describe(chosen?.request ?? null)} is chosen there.`,
        );
      else if (!chosen.isFirst)
        this.add(
          '§9 once',
          tick,
          replica,
          `It let ${describe(one)} of slot ${one.slot} take effect; slot ${this.first.get(describe(one)) ?? '?'} holds it.`,
        );
      if (one.slot > Math.max(least, before ?? 0))
        this.add(
          '§9 prefix',
          tick,
          replica,
          `It let slot ${one.slot} take effect, and a commander states ${least}.`,
        );
    }
    const slots = effects.map((one) => one.slot);
    if (slots.some((one, at) => at > 0 && one <= (slots[at - 1] ?? 0)))
      this.add('§9 in order', tick, replica, `It let slots ${slots.join(', ')} take effect.`);
    if (before === null || after === null) return;
    const due: CheckedSlot[] = [];
    for (let slot = before + 1; slot <= after; slot += 1)
      if (this.log[slot]?.isFirst === true) due.push(slot);
    if (slots.join() !== due.join())
      this.add(
        '§9 same tick',
        tick,
        replica,
        `It let slots [${slots.join(', ')}] take effect, from ${before} to ${after} there are [${due.join(', ')}].`,
      );
  }

  private judgeLag({ tick, correct }: TickSlot, prefixes: readonly (CheckedSlot | null)[]): void {
    // Of the operational quorum nobody can be spared.
    if (this.rig.witness !== undefined) return;
    const due =
      this.largest.findLast((one) => one.tick <= tick - this.lagTicks - LAG_MARGIN_TICKS)?.prefix ?? 0;
    const knowing = prefixes.filter((one) => one !== null && one >= due).length;
    if (knowing < this.rig.replicas.length - this.rig.f) return;
    prefixes.forEach((prefix, replica) => {
      if (prefix === null || prefix >= due || !holds(correct, replica)) return;
      this.add(
        '§9 lag',
        tick,
        replica,
        `It speaks and states ${prefix}; ${due} was agreed on more than ${this.lagTicks} ticks ago.`,
      );
    });
  }

  private noteLargest(tick: Tick, most: CheckedSlot): void {
    const { largest } = this;
    const last = largest.at(-1);
    if (last === undefined || most > last.prefix) largest.push({ tick, prefix: most });
    while (largest.length > 1 && (largest[1]?.tick ?? tick) <= tick - this.lagTicks - LAG_MARGIN_TICKS)
      largest.shift();
  }

  private judgePromises(tick: Tick): void {
    const { p, watch } = this;
    if (p === null) return;
    this.promised = this.promised.filter((one) => {
      if (one.slot <= p) {
        if (describe(this.log[one.slot]?.request ?? null) !== describe(one))
          this.add(
            '§11 answered',
            tick,
            one.client,
            `Told that request ${one.sequence} is chosen at slot ${one.slot}; ${describe(this.log[one.slot]?.request ?? null)} is.`,
          );
        return false;
      }
      const patience = this.rig.returnTicks ?? this.lagTicks;
      if (watch.insideInRow <= patience || tick - one.tick <= patience) return true;
      this.add(
        '§11 takes effect',
        tick,
        one.client,
        `Request ${one.sequence}, told to be chosen at slot ${one.slot}, has no effect ${tick - one.tick} ticks later.`,
      );
      return false;
    });
  }

  private beginRuns(tick: Tick): void {
    const begun = this.starts.filter((one) => one.tick < tick);
    if (begun.length === 0) return;
    this.starts = this.starts.filter((one) => one.tick >= tick);
    const { prefix } = begun.at(-1) ?? { prefix: null };
    this.p = begun.every((one) => one.prefix === prefix) ? prefix : null;
    this.largestEver = Math.max(this.largestEver, prefix ?? 0);
  }

  private of(tick: Tick): Said {
    const known = this.said.get(tick);
    if (known !== undefined) return known;
    const { replicas } = this.rig;
    const said = { prefixes: replicas.map(() => null), effects: replicas.map(() => []) };
    this.said.set(tick, said);
    return said;
  }

  private add(rule: string, tick: Tick, who: ReplicaIndex | string, what: string): void {
    const id = typeof who === 'string' ? who : (this.rig.replicas[who] ?? `replica ${who}`);
    this.violations.add(NAME, rule, tick, id, () => what);
  }
}

function describe(request: OperatorRequest | null): string {
  return request === null ? 'no request' : `${request.client}/${request.sequence}`;
}
