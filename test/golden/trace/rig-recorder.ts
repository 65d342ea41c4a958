/** What is seen of a whole rig in lockstep, kept for a trace of one of its ticks. */
import { judgePath } from '../../../src/core/agreement/algorithm.js';
import { toHex } from '../../../src/core/bytes.js';
import type { Report } from '../../../src/core/replica.js';
import type { RelayItem, ReplicaIndex, Round, RoundMessage, Tick, Vector } from '../../../src/core/types.js';
import { majorityOf } from '../../../src/core/voting/majority.js';
import type { Seen } from '../../support/lockstep.js';
import type { Sending } from './sending.js';
import { describeVoterStep, type VoterRow } from './voter-trace.js';

type SeenReplica = Extract<Seen, { kind: 'replica' }>;

export class RigRecorder {
  readonly voterRows: VoterRow[] = [];
  private readonly seen: Seen[] = [];

  constructor(
    private readonly names: readonly string[],
    private readonly periodUs: number,
  ) {}

  /** To be given to the world. */
  readonly watch = (seen: Seen): void => {
    this.seen.push(seen);
    if (seen.kind !== 'voter') return;
    // Read at once: the voter's state moves on.
    const { input, effects, state } = seen;
    this.voterRows.push(describeVoterStep(this.names, majorityOf(this.names.length), input, effects, state));
  };

  /** What each had to say in a tick, said, and took. `signed`: absent is not said, and not taken. */
  sendingsOf(tick: Tick, signed: boolean): Sending[] {
    return this.dueIn(tick).map(({ from, to, message }) => {
      const { round } = message;
      const sent = this.seen.filter(
        (one) =>
          one.kind === 'sent' &&
          one.link.from === from &&
          one.link.to === to &&
          isRoundOf(one.message, tick, round),
      ) as Extract<Seen, { kind: 'sent' }>[];
      const said = sent.length === 0 ? null : sent.flatMap((one) => (one.message as RoundMessage).items);
      const arrival = this.arrivalOf(tick, round, from, to);
      const late =
        arrival?.effects.some((one) => one.kind === 'report' && one.report.kind === 'late') ?? false;
      const fate =
        said === null
          ? null
          : sent.every(({ delayUs }) => delayUs === null)
            ? 'lost'
            : arrival === undefined
              ? 'unheard'
              : late
                ? 'late'
                : null;
      const items = arrival === undefined || late ? [] : (arrival.input.message as RoundMessage).items;
      const taken = items.filter((item) => this.isSound(item, round, from, to, signed));
      return { round, from, to, due: message.items, said, taken, fate };
    });
  }

  /** When a replica first sent a round of a tick. */
  sentUs(tick: Tick, round: Round, from: ReplicaIndex): number | null {
    const first = this.seen.find(
      (one) => one.kind === 'sent' && one.link.from === from && isRoundOf(one.message, tick, round),
    );
    return first?.kind === 'sent' ? first.link.nowUs : null;
  }

  /** The step in which a replica closed a round of a tick: the one that began the next, or that agreed. */
  closingOf(tick: Tick, round: Round, rounds: Round, replica: ReplicaIndex): SeenReplica | undefined {
    return this.steps(replica).find(({ effects }) =>
      effects.some((effect) =>
        round < rounds
          ? effect.kind === 'send' && isRoundOf(effect.message, tick, round + 1)
          : effect.kind === 'report' && effect.report.kind === 'agreed' && effect.report.tick === tick,
      ),
    );
  }

  /** Peers whose message of a round a replica had taken by then. */
  heardBy(tick: Tick, round: Round, replica: ReplicaIndex, step: SeenReplica): ReplicaIndex[] {
    const steps = this.steps(replica);
    return steps
      .slice(0, steps.indexOf(step) + 1)
      .flatMap(({ input, effects }) =>
        input.kind === 'received' &&
        isRoundOf(input.message, tick, round) &&
        !effects.some((one) => one.kind === 'report' && one.report.kind === 'late')
          ? [input.from]
          : [],
      );
  }

  /** Reports of one kind for a tick. */
  reportOf<K extends Report['kind']>(
    kind: K,
    tick: Tick,
    replica: ReplicaIndex,
  ): Extract<Report, { kind: K }> | undefined {
    return this.steps(replica)
      .flatMap(({ effects }) => effects)
      .flatMap((effect) => (effect.kind === 'report' ? [effect.report] : []))
      .find((report) => report.kind === kind && 'tick' in report && report.tick === tick) as
      Extract<Report, { kind: K }> | undefined;
  }

  vectorsOf(tick: Tick): (Vector | null)[] {
    return this.names.map((_, replica) => this.reportOf('agreed', tick, replica)?.vector ?? null);
  }

  /** Everything that a replica was fed and answered, in order. */
  steps(replica: ReplicaIndex): SeenReplica[] {
    return this.seen.filter((one): one is SeenReplica => one.kind === 'replica' && one.replica === replica);
  }

  /** Steps of a replica within a tick by the clock. */
  stepsIn(tick: Tick, replica: ReplicaIndex): SeenReplica[] {
    return this.steps(replica).filter(({ atUs }) => Math.floor(atUs / this.periodUs) === tick);
  }

  voterRowsIn(tick: Tick): VoterRow[] {
    return this.voterRows.filter(({ atUs }) => Math.floor(atUs / this.periodUs) === tick);
  }

  private dueIn(tick: Tick): { from: ReplicaIndex; to: ReplicaIndex; message: RoundMessage }[] {
    return this.seen.flatMap((one) =>
      one.kind !== 'replica'
        ? []
        : one.effects.flatMap((effect) =>
            effect.kind === 'send' && effect.message.kind === 'round' && effect.message.tick === tick
              ? [{ from: one.replica, to: effect.to, message: effect.message }]
              : [],
          ),
    );
  }

  private arrivalOf(
    tick: Tick,
    round: Round,
    from: ReplicaIndex,
    to: ReplicaIndex,
  ): (SeenReplica & { readonly input: Extract<SeenReplica['input'], { kind: 'received' }> }) | undefined {
    return this.steps(to).find(
      ({ input }) =>
        input.kind === 'received' && input.from === from && isRoundOf(input.message, tick, round),
    ) as ReturnType<RigRecorder['arrivalOf']>;
  }

  private isSound(
    item: RelayItem,
    round: Round,
    from: ReplicaIndex,
    to: ReplicaIndex,
    signed: boolean,
  ): boolean {
    if (signed && item.value === null) return false;
    return judgePath(item.path, round, from, to, this.names.length) === null;
  }
}

/** The first four digits of what is only compared. */
export function shortHex(bytes: Uint8Array): string {
  return toHex(bytes).slice(0, 4);
}

function isRoundOf(message: { readonly kind: string }, tick: Tick, round: Round): boolean {
  if (message.kind !== 'round') return false;
  const one = message as RoundMessage;
  return one.tick === tick && one.round === round;
}
