/** What a record says of commands: those of the step, or of what was foreseen where no step was taken. */
import { expect, test } from 'vitest';
import type { Report } from '../../src/core/replica.js';
import type { ActuatorCommand } from '../../src/core/types.js';
import type { TickRecord } from '../../src/process/telemetry.js';
import { TickRecorder } from '../../src/process/tick-recorder.js';

const output = (tick: number, count: number): ActuatorCommand => ({
  tick,
  order: { kind: 'output', count },
  arm: null,
});

function stepped(tick: number, commands: readonly (ActuatorCommand | null)[]): Report {
  return {
    kind: 'stepped',
    tick,
    run: new Uint8Array(16),
    startTick: 5,
    readStateDigest: () => new Uint8Array(16),
    readings: [],
    commands,
    suspects: [],
    foreseenUs: 7_000,
    atUs: 8_000,
  };
}

test('what was ordered on what was foreseen stands in the record of a tick that was not stepped, and in no other', () => {
  const records: TickRecord[] = [];
  const recorder = new TickRecorder({
    digestVector: () => new Uint8Array(16),
    onRecord: (record) => records.push(record),
  });
  recorder.begin(10, 1_000, 0);
  recorder.noteCommanded(1, output(10, 7));
  recorder.noteCommanded(0, { tick: 10, order: { kind: 'trip' }, arm: null });
  // Of a tick that is over.
  recorder.noteCommanded(0, output(9, 3));
  recorder.begin(11, 2_000, 0);
  recorder.noteCommanded(0, output(11, 8));
  recorder.note(stepped(11, [output(11, 8), null]));
  recorder.begin(12, 3_000, 0);
  recorder.flush();
  expect(records.map(({ commands, foreseen, commanded }) => ({ commands, foreseen, commanded }))).toEqual([
    { commands: null, foreseen: ['trip', 7], commanded: true },
    { commands: [8, null], foreseen: null, commanded: true },
    { commands: null, foreseen: null, commanded: false },
  ]);
});

test('a tick that is begun ahead is late by when its replica spoke, and not at all where it was silent', () => {
  const records: TickRecord[] = [];
  const recorder = new TickRecorder({
    digestVector: () => new Uint8Array(16),
    onRecord: (record) => records.push(record),
  });
  const clock = { offsetUs: 0, skewBoundUs: null };
  recorder.begin(10, 9_000, -1_000, clock);
  recorder.noteFirstSend(10_150);
  recorder.noteFirstSend(10_400);
  recorder.begin(11, 19_000, -1_000, clock);
  recorder.flush();
  expect(records).toMatchObject([
    { startUs: 10_000, firstSendUs: 10_150, startLatenessUs: 150 },
    { startUs: 20_000, firstSendUs: null, startLatenessUs: 0 },
  ]);
});
