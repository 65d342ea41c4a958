/** Gathers the core's reports of a tick into one record, for whoever watches. Off the path that moves the actuator. */
import { sameBytes, toHex } from '../core/bytes.js';
import type { ClockAccount } from '../core/clock/round-clock.js';
import type { Mode, Report } from '../core/replica.js';
import type { ActuatorCommand, Vector } from '../core/types.js';
import type { TickRecord } from './telemetry.js';

/** Enough to tell runs of a rig apart. */
const RUN_NAME_BYTES = 4;

type Draft = { -readonly [Field in keyof TickRecord]: TickRecord[Field] };

export interface TickRecorderParts {
  readonly digestVector: (vector: Vector) => Uint8Array;
  /** Called once a tick is over, before the first record of the next. */
  readonly onRecord: (record: TickRecord) => void;
}

/** One record per tick that the replica lived through. */
export class TickRecorder {
  private draft: Draft | null = null;
  /** What has been ordered in the tick of the draft. */
  private ordered: (number | 'trip' | null)[] | null = null;
  private mode: Mode = 'listening';
  private startTick: number | null = null;
  private run: string | null = null;
  private runBytes: Uint8Array | null = null;

  constructor(private readonly parts: TickRecorderParts) {}

  /** A tick begins at `ownUs`, so long after its time; the one before is over. */
  begin(tick: number, ownUs: number, latenessUs: number, clock: ClockAccount | null = null): void {
    this.flush();
    this.ordered = null;
    this.draft = {
      tick,
      startTick: this.startTick,
      run: this.run,
      mode: this.mode,
      firstSendUs: null,
      agreedUs: null,
      foreseenUs: null,
      vector: null,
      entries: null,
      state: null,
      readings: null,
      commands: null,
      commanded: false,
      foreseen: null,
      absent: 0,
      late: 0,
      lateMessages: 0,
      overrun: null,
      notStepped: null,
      suspects: [],
      startUs: clock === null ? null : ownUs - latenessUs,
      startLatenessUs: Math.max(0, latenessUs),
      clockOffsetUs: clock?.offsetUs ?? null,
      skewBoundUs: clock?.skewBoundUs ?? null,
    };
  }

  private noteRun(startTick: number | null, run: Uint8Array | null): void {
    this.startTick = startTick;
    if (run === this.runBytes) return;
    this.runBytes = run;
    this.run = run === null ? null : toHex(run.subarray(0, RUN_NAME_BYTES));
  }

  /** The first message of round 1 has left. */
  noteFirstSend(atUs: number): void {
    const { draft } = this;
    if (draft === null || draft.firstSendUs !== null) return;
    draft.firstSendUs = atUs;
    if (draft.startUs !== null) draft.startLatenessUs = Math.max(0, atUs - draft.startUs);
  }

  /** A command to actuator number `actuator` has left. */
  noteCommanded(actuator: number, command: ActuatorCommand): void {
    const { draft } = this;
    if (draft === null || command.tick !== draft.tick) return;
    draft.commanded = true;
    const ordered = (this.ordered ??= []);
    while (ordered.length < actuator) ordered.push(null);
    ordered[actuator] = readOrder(command);
    draft.foreseen = ordered;
  }

  note(report: Report): void {
    if (report.kind === 'mode') this.mode = report.mode;
    if (report.kind === 'mode' && report.mode !== 'running') this.noteRun(null, null);
    const { draft } = this;
    if (draft === null) return;
    switch (report.kind) {
      case 'mode':
        // The mode of the tick that is about to begin is told before it begins.
        if (report.tick !== draft.tick) break;
        draft.mode = report.mode;
        draft.startTick = this.startTick;
        draft.run = this.run;
        break;
      case 'agreed':
        draft.agreedUs = report.atUs;
        draft.vector = nameVector(this.parts.digestVector(report.vector));
        draft.entries = report.entries.map((entry) => entry?.readings ?? null);
        break;
      case 'stepped':
        this.noteRun(report.startTick, report.run);
        if (report.tick !== draft.tick) break;
        draft.startTick = report.startTick;
        draft.run = this.run;
        draft.state = nameState(report.readStateDigest());
        draft.readings = report.readings;
        draft.commands = report.commands.map(readOrder);
        draft.foreseen = null;
        draft.foreseenUs = report.foreseenUs;
        draft.suspects = report.suspects;
        break;
      case 'not-stepped':
        draft.notStepped = report.cause;
        break;
      case 'overrun':
        draft.overrun = report.cause;
        break;
      case 'absent':
        draft.absent |= 1 << report.peer;
        break;
      case 'late':
        draft.late |= 1 << report.peer;
        draft.lateMessages += 1;
        break;
      case 'law-failed':
        draft.notStepped = 'law-failed';
        break;
      case 'waits':
      case 'members':
      case 'started':
      case 'adopted':
      case 'equivocation':
      case 'dropped':
        break;
    }
  }

  /** Hands out what there is. */
  flush(): void {
    if (this.draft !== null) this.parts.onRecord(this.draft);
    this.draft = null;
  }
}

function readOrder(command: ActuatorCommand | null): number | 'trip' | null {
  if (command === null || command.order.kind === 'none') return null;
  return command.order.kind === 'trip' ? 'trip' : command.order.count;
}

/** Names of digests, hexadecimal. Replicas of one process come to equal ones: only for the first of them it is worked out. */
function createNames(): (digest: Uint8Array) => string {
  let last: { readonly digest: Uint8Array; readonly name: string } | null = null;
  return (digest) => {
    if (last === null || !sameBytes(last.digest, digest)) last = { digest, name: toHex(digest) };
    return last.name;
  };
}

const nameVector = createNames();
const nameState = createNames();
