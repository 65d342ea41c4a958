/**
 * What a demo does to a rig: the rig's own tour, the standard one, or the faults that were asked for. Times of the
 * standard tour are seconds, so that it lasts as long at any tick rate; each fault leaves room to recover before the
 * next, because the hypothesis speaks of f faulty replicas at a time.
 */
import { formatFault, parseFault, type Injection } from '../faults/spec.js';
import type { Rig } from '../rig/rig.js';

/** A fault that a flight will see, and what to tell the person who watches. */
export interface PlannedFault {
  /** Starts at a tick of the run. */
  readonly spec: Injection;
  /** The same as text. */
  readonly text: string;
  readonly say: string;
}

/** A fault of a plan that cannot be read. */
export interface PlanMistake {
  readonly text: string;
  readonly what: string;
  readonly cure: string;
}

export type Plan =
  | { readonly ok: true; readonly faults: readonly PlannedFault[] }
  | { readonly ok: false; readonly mistakes: readonly PlanMistake[] };

interface Stop {
  /** Everything up to `at`, for replicas and the first sensor of the rig. */
  readonly fault: (ids: readonly string[], sensor: string) => string;
  readonly seconds: number;
  /** What comes before the next stop. */
  readonly restSeconds: number;
  readonly say: (ids: readonly string[], sensor: string) => string;
}

/** The flight is quiet for so long first. */
const QUIET_SECONDS = 3;

const pick = (ids: readonly string[], at: number): string => ids[at % ids.length] as string;

const SENSOR_STUCK: Stop = {
  fault: (ids, sensor) => `sensor-stuck on ${pick(ids, 1)}.${sensor}`,
  seconds: 3,
  restSeconds: 1.2,
  say: (ids, sensor) =>
    `The ${sensor} sensor of ${pick(ids, 1)} is stuck. All agree on what each of them read, and the middle one counts.`,
};
const CRASH: Stop = {
  fault: (ids) => `crash on ${pick(ids, 3)}`,
  seconds: 2.5,
  restSeconds: 3,
  say: (ids) =>
    `${pick(ids, 3)} is gone, in the middle of its work. The others are a majority; it comes back silent and catches up.`,
};
const PAUSE: Stop = {
  fault: (ids) => `pause on ${pick(ids, 0)} ms=400`,
  seconds: 0.5,
  restSeconds: 2.5,
  say: (ids) =>
    `${pick(ids, 0)} stands still for 400 ms. What it says late counts as absent, and it knows that it was late.`,
};
const RESTART: Stop = {
  fault: (ids) => `restart on ${pick(ids, 1)}`,
  seconds: 0.5,
  restSeconds: 3,
  say: (ids) =>
    `${pick(ids, 1)} is killed and started again. It takes tick, state and membership from equal words of its peers.`,
};

const BYZANTINE_TOUR: readonly Stop[] = [
  SENSOR_STUCK,
  {
    fault: (ids) => `lie on ${pick(ids, 2)}`,
    seconds: 3,
    restSeconds: 1.2,
    say: (ids) =>
      `${pick(ids, 2)} lies to everybody, about its sensors and to the actuator. It is outvoted, and named as a suspect.`,
  },
  {
    fault: (ids) => `equivocate on ${pick(ids, 2)}`,
    seconds: 3,
    restSeconds: 1.2,
    say: (ids) =>
      `${pick(ids, 2)} tells each of the others something else. They compare notes, and end with the same vector.`,
  },
  {
    fault: (ids) => `relay-lie on ${pick(ids, 3)}`,
    seconds: 2.5,
    restSeconds: 1.2,
    say: (ids) =>
      `${pick(ids, 3)} misquotes what others told it. Its word against that of two others does not count.`,
  },
  CRASH,
  {
    fault: (ids) => `babble on ${pick(ids, 2)}`,
    seconds: 2,
    restSeconds: 2.5,
    say: (ids) =>
      `${pick(ids, 2)} floods all inboxes with noise. Each inbox cuts its link; the others keep their deadlines.`,
  },
  {
    fault: (ids) => `broker-kill on broker:${pick(ids, 1)}`,
    seconds: 1,
    restSeconds: 4,
    say: (ids) =>
      `The MQTT broker of ${pick(ids, 1)} dies. It was its inbox alone: only ${pick(ids, 1)} is deaf until it is back.`,
  },
  PAUSE,
  {
    fault: (ids) => `forge on ${pick(ids, 3)}`,
    seconds: 2,
    restSeconds: 1.2,
    say: (ids) =>
      `${pick(ids, 3)} sends frames in another's name. Without that one's key no authenticator fits: dropped unread.`,
  },
  {
    fault: (ids) => `replay on ${pick(ids, 0)}`,
    seconds: 2,
    restSeconds: 1.2,
    say: (ids) =>
      `${pick(ids, 0)} repeats old frames, properly authenticated once. They are stale, and are dropped.`,
  },
  RESTART,
];

const CRASH_TOUR: readonly Stop[] = [SENSOR_STUCK, CRASH, PAUSE, RESTART];

const crashBeside = (gone: number, left: number): Stop => ({
  fault: (ids) => `crash on ${pick(ids, gone)}`,
  seconds: 3,
  restSeconds: 4,
  say: (ids) =>
    `${pick(ids, gone)} is gone. ${pick(ids, left)} cannot tell that from being cut off, and asks the witness: with its vote it goes on alone.`,
});

/** Of two sensors nobody can tell which one is wrong: that is no stop here. */
const WITNESS_TOUR: readonly Stop[] = [crashBeside(1, 0), PAUSE, crashBeside(0, 1), RESTART];

function listStops({ hypothesis, witness }: Rig): readonly Stop[] {
  if (witness !== null) return WITNESS_TOUR;
  return hypothesis.kind === 'byzantine' ? BYZANTINE_TOUR : hypothesis.kind === 'crash' ? CRASH_TOUR : [];
}

/** The standard tour for a rig, in the ticks of its run. A rig made for study has none. */
export function planStandardTour(rig: Rig): readonly PlannedFault[] {
  const stops = listStops(rig);
  const ids = rig.replicas.map(({ id }) => id);
  const sensor = (rig.sensors.find(({ type }) => type === 'number') ?? rig.sensors[0])?.id;
  if (sensor === undefined) return [];
  const toTicks = (seconds: number): number => Math.max(1, Math.round((seconds * 1e6) / rig.periodUs));
  let at = toTicks(QUIET_SECONDS);
  return stops.map((stop) => {
    const text = `${stop.fault(ids, sensor)} at ${at} for ${toTicks(stop.seconds)}`;
    at += toTicks(stop.seconds + stop.restSeconds);
    const parsed = parseFault(text);
    if (!parsed.ok || parsed.spec.kind !== 'inject')
      throw new Error(`the standard tour holds no fault: ${text}`);
    return { spec: parsed.spec, text: formatFault(parsed.spec), say: stop.say(ids, sensor) };
  });
}

/** A column of the matrix: a fault by its name, and what stands behind it for a replica in a slot of so many ticks. */
interface MatrixFault {
  readonly name: string;
  readonly target: (id: string) => string;
  readonly forTicks: (slot: number, toTicks: (seconds: number) => number) => number;
}

const onReplica = (name: string): MatrixFault => ({ name, target: (id) => id, forTicks: (slot) => slot });
/** A replica that was killed takes this long to be started again and to take its place. */
const RETURN_SECONDS = 1;
const returning = (name: string): MatrixFault => ({
  ...onReplica(name),
  forTicks: (slot, toTicks) => Math.max(1, slot - toTicks(RETURN_SECONDS)),
});

const CRASH_MATRIX: readonly MatrixFault[] = [
  returning('crash'),
  returning('restart'),
  onReplica('pause'),
  onReplica('omit-send'),
  onReplica('delay'),
  onReplica('sensor-stuck'),
  onReplica('sensor-noise'),
  { name: 'broker-kill', target: (id) => `broker:${id}`, forTicks: (slot) => slot },
];
/** What shows which of two sensors is wrong is not there. */
const WITNESS_MATRIX = CRASH_MATRIX.filter(({ name }) => !name.startsWith('sensor-'));
const BYZANTINE_MATRIX: readonly MatrixFault[] = [
  ...CRASH_MATRIX,
  ...['lie', 'equivocate', 'relay-lie', 'babble', 'forge', 'replay', 'half-authenticator'].map(onReplica),
];

/** After each fault of the matrix the rig has so many ticks to recover. */
export const MATRIX_REST_TICKS = 20;

/**
 * Every fault that the hypothesis covers on every replica, one after the other, each in a slot of `slotTicks` ticks.
 */
export function planMatrix(rig: Rig, slotTicks: number): readonly PlannedFault[] {
  const columns =
    rig.hypothesis.kind === 'byzantine'
      ? BYZANTINE_MATRIX
      : rig.witness === null
        ? CRASH_MATRIX
        : WITNESS_MATRIX;
  const toTicks = (seconds: number): number => Math.max(1, Math.round((seconds * 1e6) / rig.periodUs));
  let at = toTicks(QUIET_SECONDS);
  return columns.flatMap(({ name, target, forTicks }) =>
    rig.replicas.map(({ id }) => {
      const text = `${name} on ${target(id)} at ${at} for ${forTicks(slotTicks, toTicks)}`;
      at += slotTicks + MATRIX_REST_TICKS;
      const parsed = parseFault(text);
      if (!parsed.ok || parsed.spec.kind !== 'inject') throw new Error(`the matrix holds no fault: ${text}`);
      return { spec: parsed.spec, text: formatFault(parsed.spec), say: '' };
    }),
  );
}

/**
 * Reads faults as they were written; `at +50` counts from the start of the run. All mistakes at once. What the
 * catalogue says of them is not looked at here.
 */
export function planFaults(stops: readonly { readonly fault: string; readonly say: string }[]): Plan {
  const faults: PlannedFault[] = [];
  const mistakes: PlanMistake[] = [];
  for (const { fault, say } of stops) {
    const parsed = parseFault(fault);
    if (!parsed.ok) {
      mistakes.push({ text: fault, what: `column ${parsed.column}: ${parsed.what}`, cure: parsed.cure });
    } else if (parsed.spec.kind === 'clear') {
      mistakes.push({
        text: fault,
        what: 'a flight plan says when faults begin, and this ends one',
        cure: 'write how long the fault lasts: NAME on TARGET at TICK for TICKS',
      });
    } else {
      const spec: Injection = { ...parsed.spec, at: { relative: false, tick: parsed.spec.at.tick } };
      faults.push({ spec, text: formatFault(spec), say });
    }
  }
  return mistakes.length > 0 ? { ok: false, mistakes } : { ok: true, faults };
}

/** How long a fault without an end is watched, and how long a rig has to recover after the last. */
const WATCH_SECONDS = 5;
const RECOVER_SECONDS = 3;
/** A flight without faults. */
const PLAIN_SECONDS = 30;

/** How many ticks a flight takes to show all its faults. */
export function countFlightTicks(rig: Pick<Rig, 'periodUs'>, faults: readonly PlannedFault[]): number {
  const toTicks = (seconds: number): number => Math.ceil((seconds * 1e6) / rig.periodUs);
  if (faults.length === 0) return toTicks(PLAIN_SECONDS);
  const ends = faults.map(({ spec }) => spec.at.tick + (spec.forTicks ?? toTicks(WATCH_SECONDS)));
  return Math.max(...ends) + toTicks(RECOVER_SECONDS);
}
