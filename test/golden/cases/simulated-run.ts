/** The pitch rig as users have it, in the simulator: its own processes, devices and law, one seed, two faults. */
import { fileURLToPath } from 'node:url';
import { planFaults } from '../../../src/demo/tour.js';
import type { TickRecord, VoterRecord } from '../../../src/process/telemetry.js';
import { loadRig } from '../../../src/rig/load-rig.js';
import { simulate } from '../../../src/simulation/simulate.js';
import { align, Page } from '../trace/page.js';
import { ABSENT } from '../trace/sending.js';
import { writeEffect, writeNumber } from '../trace/voter-trace.js';

const RIG = fileURLToPath(new URL('../../../hardware/rigs/pitch', import.meta.url));
const TICKS = 31;
const SEED = 7;
const FAULTS = ['equivocate on a at 5 for 3', 'crash on c at 12 for 4'];
/** Never struck here: what it decided is what every correct one did. */
const WITNESS = 'b';
const WIDTHS = [4, 5, 7, 7, 7, 7, 7, 8, 7];

/** All accounts of one tick of the rig's grid. */
interface Row {
  readonly replicas: Map<string, TickRecord>;
  readonly voter: Exclude<VoterRecord, { readonly kind: 'read-back' }>[];
  readonly told: string[];
}

/** A page whose numbers depend on plant, devices, law and seed as well: coarse, so that it changes with what matters. */
export async function traceSimulatedRun(): Promise<Page> {
  const loaded = await loadRig(RIG);
  const plan = planFaults(FAULTS.map((fault) => ({ fault, say: '' })));
  if (!plan.ok) throw new Error(plan.mistakes.map(({ what }) => what).join('; '));
  const rows = new Map<number, Row>();
  const rowOf = (tick: number): Row => {
    const row = rows.get(tick) ?? { replicas: new Map<string, TickRecord>(), voter: [], told: [] };
    rows.set(tick, row);
    return row;
  };
  let newest = 0;
  let zero = 0;
  const outcome = simulate({
    loaded,
    ticks: TICKS,
    seed: SEED,
    wire: 'none',
    faults: plan.faults,
    // Its own numbers are those of the grid; the rows of this page count from the start of the run.
    onLine: (line) => rowOf(newest + 1).told.push(line.replace(/^tick \d+, | at tick \d+(:.*)?$/g, '')),
    onTrace: (line) => {
      if (line.kind === 'tick') {
        const { record } = line;
        // A replica that knows no ticks of the others yet counts its own.
        const tick = record.clockOffsetUs === null ? newest : record.tick;
        newest = Math.max(newest, tick);
        zero = record.startTick ?? zero;
        rowOf(tick).replicas.set(line.id, record);
      } else if (line.kind === 'voter' && line.record.kind !== 'read-back' && 'tick' in line.record)
        rowOf(line.record.tick).voter.push(line.record);
    },
  });
  const names = loaded.rig.replicas.map(({ id }) => id);
  const page = new Page('A whole rig, simulated: the pitch rig, a two-faced replica, a crash')
    .fact('Source', 'hardware/rigs/pitch, with its own law, emulated plant and devices, in src/simulation')
    .fact('Rig', 'n = 4: a … d, f = 1, Byzantine, MACs: OM(1), 2 rounds; majority 3 at the voter; P = 50 ms')
    .fact('Sensor', 'pitch in degrees, as each replica is agreed to have read it; spread 0.5, mid value')
    .fact('Command', 'elevator in counts of 0.001 degrees')
    .fact('Faulty', `${FAULTS.join('; ')}; seed ${SEED}`)
    .fact(
      'Modes',
      'of a … d when the tick is over: l listening, w waiting, j joining, r running, – not there',
    )
    .fact('Signs', '⊥ entry absent   – no reading')
    .line();
  const header = ['tick', 'modes', ...names, 'fused', 'quality', 'command', 'the voter'];
  page.line(align(header, WIDTHS));
  for (const [tick, row] of [...rows].sort(([a], [b]) => a - b)) {
    for (const line of row.told) page.say(line);
    if (row.replicas.size > 0 && tick - zero < TICKS) writeRow(page, names, tick, zero, row);
  }
  page.heading('At the end');
  page.line(`  ${outcome.failure ?? outcome.verdict.headline}`);
  return page.say(
    'In ticks 5 to 7 a tells each something else: no value of it has a majority, and its entry is absent, alike for ' +
      'all. While c is gone three of four are a majority; when it is back it listens, joins, and runs.',
  );
}

function writeRow(
  page: Page,
  names: readonly string[],
  tick: number,
  zero: number,
  { replicas, voter }: Row,
): void {
  const witness = replicas.get(WITNESS);
  const fused = witness?.readings?.[0];
  const [first = '', ...more] = voter.map((record) =>
    writeEffect(names, record.kind === 'armed' ? { ...record, tick: record.tick - zero } : record),
  );
  const modes = names.map((name) => replicas.get(name)?.mode[0] ?? '–').join('');
  const read = names.map((_, at) => writeEntry(witness?.entries?.[at] ?? null));
  const command = witness?.commands?.[0];
  const ordered = typeof command === 'number' ? writeNumber(command) : (command ?? '–');
  const cells = [
    writeNumber(tick - zero),
    modes,
    ...read,
    writeReading(fused?.value),
    fused?.quality ?? '–',
    ordered,
    first,
  ];
  page.line(align(cells, WIDTHS));
  for (const one of more) page.line(align([...cells.map(() => '').slice(1), one], WIDTHS));
}

function writeEntry(entry: readonly (number | boolean | null)[] | null): string {
  return entry === null ? ABSENT : writeReading(entry[0]);
}

function writeReading(value: number | boolean | null | undefined): string {
  return typeof value === 'number' ? writeNumber(Number(value.toFixed(2))) : '–';
}
