/** Makes the telemetry of flights that went as they should, for tests to spoil. */
import type { Telemetry, TickRecord, VoterRecord } from '../../src/process/telemetry.js';
import type { ObservedRig } from '../../src/demo/observer.js';
import { Observer } from '../../src/demo/observer.js';
import type { FlightFigures } from '../../src/demo/figures.js';

export const PERIOD_US = 50_000;
export const IDS = ['a', 'b', 'c', 'd'] as const;
/** First tick of the run, and the tick in which the voter is armed. */
export const START = 1_000;

export const RIG: ObservedRig = {
  hypothesis: { kind: 'byzantine', f: 1, authenticators: 'mac' },
  periodUs: PERIOD_US,
  roundUs: 20_000,
  replicas: IDS.map((id) => ({
    id,
    inbox: { kind: 'embedded', host: '127.0.0.1', port: 1 },
    bridge: { kind: 'tcp', host: '127.0.0.1', port: 2 },
  })),
  witness: null,
  actuators: [
    {
      id: 'elevator',
      unit: 'deg',
      resolution: 0.001,
      minCount: -25_000,
      maxCount: 25_000,
      failSafeCount: 0,
      vote: 'exact',
      holdUs: 120_000,
      rearm: 'auto',
      inbox: { kind: 'embedded', host: '127.0.0.1', port: 3 },
      bridge: { kind: 'tcp', host: '127.0.0.1', port: 4 },
      channel: 0,
    },
  ],
};

export function startUs(tick: number): number {
  return 7_000_000 + tick * PERIOD_US;
}

/** One for each first tick. */
function nameRun(startTick: number | null = START): string | null {
  return startTick === null ? null : `run ${startTick}`;
}

/** What a correct replica tells of a tick. */
export function makeRecord(tick: number, changes: Partial<TickRecord> = {}): TickRecord {
  return {
    tick,
    startTick: START,
    run: nameRun(changes.startTick),
    mode: 'running',
    firstSendUs: startUs(tick) + 100,
    agreedUs: startUs(tick) + 2_100,
    foreseenUs: null,
    foreseen: null,
    vector: `v${tick}`,
    entries: [[1], [1], [1], [1]],
    state: `s${tick}`,
    readings: [{ value: 1, quality: 'good' }],
    commands: [tick % 100],
    commanded: true,
    absent: 0,
    late: 0,
    lateMessages: 0,
    overrun: null,
    notStepped: null,
    suspects: [],
    startUs: null,
    startLatenessUs: 50,
    clockOffsetUs: 0,
    skewBoundUs: 500,
    ...changes,
  };
}

export function makeOutput(
  tick: number,
  changes: Partial<Extract<VoterRecord, { kind: 'output' }>> = {},
): VoterRecord {
  return { kind: 'output', tick, count: tick % 100, votes: 0b0111, atUs: startUs(tick) + 4_100, ...changes };
}

export interface FlightSpoils {
  /** A replica's record in a tick; null: none, undefined: as it should be. */
  readonly record?: (replica: number, tick: number) => TickRecord | null | undefined;
  /** The voter's log of a tick. */
  readonly voter?: (tick: number) => readonly VoterRecord[] | undefined;
  /** Other telemetry that comes before the records of a tick. */
  readonly before?: (tick: number, observer: Observer) => readonly Telemetry[] | undefined;
}

/** Flies `ticks` counted ticks and a few more, spoilt as told. */
export function fly(ticks: number, spoils: FlightSpoils = {}, rig: ObservedRig = RIG): FlightFigures {
  const observer = new Observer(rig, ticks);
  for (const { id } of rig.replicas) observer.noteStart(id);
  const startRecords: VoterRecord[] = [
    { kind: 'fail-safe', cause: 'start', trips: 0, count: 0, atUs: startUs(START - 5) },
    { kind: 'armed', tick: START, trips: 0, atUs: startUs(START) + 4_000 },
  ];
  observer.note({ kind: 'voter', id: 'elevator', records: startRecords }, startUs(START));
  for (let tick = START; tick < START + ticks + 5; tick += 1) {
    const atUs = startUs(tick + 1);
    for (const message of spoils.before?.(tick, observer) ?? []) observer.note(message, atUs);
    rig.replicas.forEach(({ id }, replica) => {
      const spoilt = spoils.record?.(replica, tick);
      const record = spoilt === undefined ? makeRecord(tick) : spoilt;
      if (record !== null) observer.note({ kind: 'ticks', id, records: [record] }, atUs);
    });
    const records = spoils.voter?.(tick) ?? [makeOutput(tick)];
    observer.note({ kind: 'voter', id: 'elevator', records }, atUs);
  }
  observer.finish();
  return observer.figures();
}
