/** One tick of a whole rig, from sample to output. */
import type { SensorRule } from '../../../src/core/replica.js';
import type { Hypothesis, Reading, ReplicaIndex, Round, Tick } from '../../../src/core/types.js';
import { deriveQuorums, selectAlgorithm } from '../../../src/core/agreement/hypothesis.js';
import { fuse } from '../../../src/core/voting/fusion.js';
import { decodeEntry } from '../../support/toy-codec.js';
import { titleOf } from './agree-trace.js';
import { drawFirstValues, drawSignedSets, drawTrees, writeVectors, type Holding } from './holding.js';
import { listWords, type Page } from './page.js';
import type { RigRecorder } from './rig-recorder.js';
import { writeRound } from './round-table.js';
import { ABSENT, type Notation } from './sending.js';
import { writeMs, writeOrder, writeVoterRows } from './voter-trace.js';

export interface TickTrace {
  readonly recorder: RigRecorder;
  readonly hypothesis: Hypothesis;
  readonly names: readonly string[];
  readonly periodUs: number;
  readonly sensor: SensorRule;
  /** Whose vector, readings and commands are shown. */
  readonly correct: readonly ReplicaIndex[];
  /** Instances to be shown; all where it is left out. */
  readonly commanders?: readonly ReplicaIndex[];
  /** Instances whose tree or set is drawn. */
  readonly drawn: readonly ReplicaIndex[];
  /** At whom; at all correct ones where it is left out. */
  readonly drawnAt?: readonly ReplicaIndex[];
  readonly maxRows?: number;
  readonly crashed?: readonly ReplicaIndex[];
}

/** Writes tick `tick`. All times count from its beginning. */
export function traceTick(page: Page, trace: TickTrace, tick: Tick): void {
  const { recorder, hypothesis, names, correct } = trace;
  const { rounds } = selectAlgorithm(hypothesis, names.length);
  const signed = hypothesis.kind === 'byzantine' && hypothesis.authenticators === 'signature';
  const notation: Notation = { names, paths: signed ? 'signed' : 'oral', label: labelEntry };
  const sendings = recorder.sendingsOf(tick, signed || hypothesis.kind === 'crash');
  const zeroUs = tick * trace.periodUs;
  for (let round = 1; round <= rounds; round += 1) {
    page.heading(titleOf(round));
    writeRound(page, {
      notation,
      sendings: sendings.filter((sending) => sending.round === round),
      sentAt: (from) => {
        const sentUs = recorder.sentUs(tick, round, from);
        return sentUs === null ? '' : writeMs(sentUs - zeroUs);
      },
      ...(trace.commanders === undefined ? {} : { commanders: trace.commanders }),
      ...(trace.maxRows === undefined ? {} : { maxRows: trace.maxRows }),
      ...(trace.crashed === undefined ? {} : { crashed: trace.crashed }),
    });
    sayHowItCloses(page, trace, tick, round, rounds);
  }
  page.heading('The vector');
  const holding: Holding = { notation, rounds, sendings, vectors: recorder.vectorsOf(tick) };
  const at = trace.drawnAt ?? correct;
  if (hypothesis.kind === 'crash') drawFirstValues(page, holding, correct);
  else if (signed) drawSignedSets(page, holding, trace.drawn, at);
  else for (const commander of trace.drawn) drawTrees(page, holding, commander, at);
  writeVectors(page, holding, correct);
  page.heading('Fusion, control law, commands');
  writeFusion(page, trace, tick);
  page.heading('At the actuator');
  writeVoterRows(page, recorder.voterRowsIn(tick), zeroUs);
}

/** The reading of an entry: all else in it is equal among correct replicas, and no liar of these traces alters it. */
function labelEntry(value: Uint8Array | null): string {
  const entry = value === null ? null : decodeEntry(value);
  if (entry === null) return ABSENT;
  return entry.readings.map((reading) => (reading === null ? ABSENT : String(reading))).join(',');
}

function sayHowItCloses(page: Page, trace: TickTrace, tick: Tick, round: Round, rounds: Round): void {
  const { recorder, names, periodUs } = trace;
  const groups = new Map<string, string[]>();
  for (const replica of trace.correct) {
    const step = recorder.closingOf(tick, round, rounds, replica);
    if (step === undefined) continue;
    const heard = recorder.heardBy(tick, round, replica, step);
    const missing = names.filter((_, id) => id !== replica && !heard.includes(id));
    const absent = step.effects.some(
      (one) => one.kind === 'report' && one.report.kind === 'absent' && one.report.round === round,
    );
    const how =
      missing.length === 0
        ? 'everybody has spoken'
        : absent
          ? `the deadline, without ${listWords(missing)}`
          : `${listWords(missing)} can change nothing any more`;
    const text = `at ${writeMs(step.atUs - tick * periodUs)} ms: ${how}`;
    groups.set(text, [...(groups.get(text) ?? []), names[replica] ?? '?']);
  }
  const verb = round < rounds ? 'closes' : 'decides';
  for (const [text, who] of groups) page.line(`  round ${round} ${verb} for ${listWords(who)} ${text}`);
}

function writeFusion(page: Page, trace: TickTrace, tick: Tick): void {
  const { recorder, names, sensor, hypothesis, periodUs } = trace;
  const { maxFaulty } = deriveQuorums(hypothesis, names.length);
  const rows = trace.correct.map((replica) => {
    const stepped = recorder.reportOf('stepped', tick, replica);
    const agreed = recorder.reportOf('agreed', tick, replica);
    if (stepped === undefined || agreed === undefined)
      throw new Error(`${names[replica]} did not step ${tick}`);
    const readings = agreed.entries.map((entry): Reading => entry?.readings[0] ?? null);
    const fused = fuse(sensor, readings, maxFaulty);
    const reading = stepped.readings[0];
    if (reading?.quality !== fused.quality || (fused.value !== null && reading.value !== fused.value))
      throw new Error(`${names[replica]} fused otherwise in tick ${tick}`);
    const command = stepped.commands[0] ?? null;
    return [
      names[replica] ?? '?',
      readings
        .filter((one) => one !== null)
        .sort((a, b) => Number(a) - Number(b))
        .join(' '),
      String(fused.value ?? '–'),
      fused.quality,
      fused.outliers.map((id) => names[id]).join(' ') || '–',
      command === null ? '–' : writeOrder(command),
      writeMs(stepped.atUs - tick * periodUs),
    ];
  });
  page.table(['at', 'readings', 'fused', 'quality', 'outliers', 'command', 'at/ms'], rows);
}
