/** A rig of four from cold start: listening, waiting, the start of the run, arming, a crash, and the return. */
import type { ReplicaIndex, Tick } from '../../../src/core/types.js';
import { align, Page } from '../trace/page.js';
import { shortHex, type RigRecorder } from '../trace/rig-recorder.js';
import { writeMs } from '../trace/voter-trace.js';
import { createAltitudeRig, PERIOD_US, THRESHOLD, writeTruth } from './altitude-rig.js';

const LATE_START_TICK = 2;
const CRASH_TICK = 9;
const RETURN_TICK = 11;
const END_TICK = 16;
const WIDTHS = [4, 11, 11, 11, 11];

/** What is worth a word, after the row of its tick. */
const NOTES: Readonly<Record<Tick, string>> = {
  0:
    'a, b and d are there. Nobody speaks: each listens for a run that may be under way, which it would have to ' +
    'join.',
  [LATE_START_TICK]: 'c is started, and listens as well.',
  3:
    'Three ticks of silence: no run. a, b and d wait, and say so with a nonce of their own. The vector shows three of ' +
    'four waiting: they will wait for c as long as patience lasts.',
  5:
    'Now c waits too. The vector of this very tick shows all four, so all four start the run, in the same tick and ' +
    'with the same name: a digest of the nonces.',
  6:
    'First tick of the run. All entries name the same state, so all step it. The agreed entries also say that the ' +
    'voter is in fail-safe, so the commands arm it, naming its boot; the third equal one does.',
  7: 'The entries now say that the voter is armed, and the commands arm no more.',
  [CRASH_TICK]:
    'c crashes before it speaks. The others wait for it until the deadlines of both rounds, 15 and 30 ms: a relay ' +
    'that c does not send could still name a value for what is absent. 3 of 4 commands are a majority.',
  [RETURN_TICK]: 'c is back, with another nonce and no state. It listens, and keeps quiet.',
  12:
    'Three peers show c the same run, and f+1 = 2 would do. It joins: it follows the rounds without a word, learns ' +
    'from the vector which state the run goes on from, and fetches it by its digest from those who hold it.',
  13: 'c holds the state of the tick before, and takes its place: it speaks, steps and commands like the others.',
};

export function traceWholeRun(): Page {
  const { world, recorder, names } = createAltitudeRig(4, { kind: 'byzantine', f: 1, authenticators: 'mac' });
  for (const id of [0, 1, 3]) world.start(id);
  world.startVoter(0);
  world.at(LATE_START_TICK * PERIOD_US + 1_000, () => world.start(2));
  world.at(CRASH_TICK * PERIOD_US - 100, () => world.kill(2));
  world.at(RETURN_TICK * PERIOD_US + 1_000, () => world.start(2));
  world.runTo(END_TICK);
  const page = new Page('A whole run: cold start, arming, a crash, and the return')
    .fact('Source', 'the rules of cold start, joining and arming')
    .fact('Rig', 'n = 4: a … d, f = 1, Byzantine, MACs: OM(1), 2 rounds; majority 3 at the voter')
    .fact('Time', 'P = 50 ms, R = 15 ms, a message is 0.5 ms under way')
    .fact('Sensor', `altitude in feet, mid value; ${writeTruth(names)}`)
    .fact('Law', `above ${THRESHOLD}: climb, output 1; else dive, output −1`)
    .fact(
      'Faulty',
      `c is started late, in tick ${LATE_START_TICK}, crashes just before tick ${CRASH_TICK}, is started again in tick ${RETURN_TICK}`,
    )
    .fact('Signs', '– not running')
    .line();
  page.line(align(['tick', ...names, 'the voter, and when in the tick (ms)'], WIDTHS));
  const modes = names.map(() => 'listening');
  for (let tick = 0; tick < END_TICK; tick += 1) {
    const cells = names.map((_, replica) => {
      const dead = replica === 2 && (tick < LATE_START_TICK || (tick >= CRASH_TICK && tick < RETURN_TICK));
      if (!dead) return writeReplica(recorder, tick, replica, modes);
      modes[replica] = 'listening';
      return '–';
    });
    const voter = recorder
      .voterRowsIn(tick)
      .flatMap(({ atUs, did }) =>
        did
          .filter((one) => /^(ARMED|OUTPUT|FAIL-SAFE|misses|dissent)/.test(one))
          .map((one) => `${one} at ${writeMs(atUs - tick * PERIOD_US)}`),
      );
    page.line(align([String(tick), ...cells, voter[0] ?? (tick < 6 ? 'fail-safe 0' : '')], WIDTHS));
    for (const more of voter.slice(1)) page.line(align(['', '', '', '', '', more], WIDTHS));
    const note = NOTES[tick];
    if (note !== undefined) page.say(note).line();
  }
  const runs = names.map((_, replica) => shortHex(world.stateOf(replica).run));
  const states = names.map((_, replica) =>
    shortHex(world.stateOf(replica).snapshot?.digest ?? new Uint8Array()),
  );
  page.heading('At the end');
  page.table(
    ['', ...names],
    [
      ['run', ...runs],
      ['state', ...states],
    ],
  );
  return page.say('Four digests in two rows: c holds what the others hold, and the run has kept its name.');
}

/** What a replica did in a tick, in a word or two; `modes` is carried on from tick to tick. */
function writeReplica(recorder: RigRecorder, tick: Tick, replica: ReplicaIndex, modes: string[]): string {
  const did: string[] = [];
  for (const { effects } of recorder.stepsIn(tick, replica))
    for (const effect of effects) {
      if (effect.kind !== 'report') continue;
      const { report } = effect;
      if (report.kind === 'mode') modes[replica] = report.mode;
      if (report.kind === 'started') did.push(`starts ${shortHex(report.run)}`);
      if (report.kind === 'adopted') did.push(`fetches ${report.stateTick}`);
      if (report.kind === 'stepped' && modes[replica] === 'running') did.push('steps');
    }
  return did.length > 0 ? did.join(' ') : (modes[replica] ?? '');
}
