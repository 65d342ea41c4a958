/** One tick of a whole rig for each algorithm: from samples to an output. */
import type { Hypothesis, ReplicaIndex } from '../../../src/core/types.js';
import { Page } from '../trace/page.js';
import { LEGEND } from '../trace/round-table.js';
import { traceTick, type TickTrace } from '../trace/tick-trace.js';
import {
  ALTITUDE,
  createAltitudeRig,
  lieAbout,
  PERIOD_US,
  THRESHOLD,
  writeTruth,
  type AltitudeRig,
} from './altitude-rig.js';
import { COULOURIS, LAMPORT_SLIDES, LSP } from './texts.js';

/** The tick that is shown: the voter is armed since a while. */
const TICK = 10;

interface Introduction {
  readonly title: string;
  readonly source: string;
  readonly rig: string;
  readonly faulty: string;
  readonly paths: string;
}

function introduce({ title, source, rig, faulty, paths }: Introduction, names: readonly string[]): Page {
  return new Page(title)
    .fact('Source', source)
    .fact('Rig', rig)
    .fact(
      'Time',
      'P = 50 ms, R = 15 ms, a message is 0.5 ms under way; all times are those since the tick began',
    )
    .fact('Sensor', `altitude in feet, spread 100, mid value; ${writeTruth(names)}`)
    .fact('Law', `above ${THRESHOLD}: climb, output 1; else dive, output −1`)
    .fact('Faulty', faulty)
    .fact('Paths', paths)
    .fact('Signs', LEGEND);
}

function tickOf(
  { recorder, names }: AltitudeRig,
  hypothesis: Hypothesis,
  correct: readonly ReplicaIndex[],
  more: Partial<TickTrace> = {},
): TickTrace {
  return { recorder, names, hypothesis, correct, periodUs: PERIOD_US, sensor: ALTITUDE, drawn: [], ...more };
}

const READ_LETTERS = 'c:a 777 reads "c says that a said 777"';

/** What a tells each: b low, the others high. */
const TWO_FACES = 'a, as commander: it tells b 777 and everybody else 10777';

export function traceOm1(): Page {
  const hypothesis: Hypothesis = { kind: 'byzantine', f: 1, authenticators: 'mac' };
  const rig = createAltitudeRig(4, hypothesis, {
    liars: [0],
    interpose: (message, { from, to }) => [
      from === 0 && message.kind === 'round' && message.tick === TICK
        ? lieAbout(message, 0, 0, TICK, to === 1 ? 777 : 10777)
        : message,
    ],
    delayUs: ({ from, to }, message) =>
      from === 3 && to === 2 && message.kind === 'round' && message.tick > TICK && message.round === 1
        ? 16_000
        : 500,
  });
  rig.world.startAll().runTo(TICK + 2);
  const page = introduce(
    {
      title: 'OM(1): four replicas, oral messages',
      source: `${LSP}, §3; ${LAMPORT_SLIDES}`,
      rig: 'n = 4: a … d, f = 1, Byzantine, MACs: OM(1), 2 rounds; majority 3 at the voter',
      faulty: `${TWO_FACES}. In tick ${TICK + 1} it is d: its link to c takes 16 ms`,
      paths: READ_LETTERS,
    },
    rig.names,
  );
  page.chapter(`Tick ${TICK}: a is two-faced`);
  traceTick(page, tickOf(rig, hypothesis, [1, 2, 3], { drawn: [0, 1] }), TICK);
  page.say(
    'All correct replicas agree on one value for the liar, one that two of three heard. It lies outside the spread, ' +
      'the fusion drops it with the lowest, and all three dive. The vote of a is worth one of four.',
  );
  page.chapter(`Tick ${TICK + 1}: what d tells c is late`);
  traceTick(page, tickOf(rig, hypothesis, [0, 1, 2], { drawn: [3] }), TICK + 1);
  page.say(
    'a had stepped tick 10 with its own reading in its own entry, so its state differs from the one that b, c and d ' +
      'name: it fetches theirs first, which takes it 1 ms.',
  );
  return page.say(
    'Late is absent, never wrong: c holds ⊥ of d, tells so, and takes the value that a and b relay. They did not wait ' +
      'for c: with two equal copies of each entry at hand its relays could change nothing.',
  );
}

export function traceOm2(): Page {
  const hypothesis: Hypothesis = { kind: 'byzantine', f: 2, authenticators: 'mac' };
  const rig = createAltitudeRig(7, hypothesis, {
    liars: [0, 1],
    interpose: (message, { from, to }) => {
      const altitude = to % 2 === 0 ? 777 : 10777;
      return [from <= 1 ? lieAbout(message, 0, from, TICK, altitude) : message];
    },
  });
  rig.world.startAll().runTo(TICK + 1);
  const page = introduce(
    {
      title: 'OM(2): seven replicas, two of them conspire (abridged)',
      source: `${LSP}, §3`,
      rig: 'n = 7: a … g, f = 2, Byzantine, MACs: OM(2), 3 rounds; majority 4 at the voter',
      faulty: 'a, as commander, and b, as relayer of a: 777 to c, e and g, 10777 to b, d and f',
      paths: 'd:b:a 777 reads "d says that b said that a said 777". Only the instance of a is shown',
    },
    rig.names,
  );
  const more = { commanders: [0], drawn: [0], drawnAt: [2], maxRows: 10 };
  traceTick(page, tickOf(rig, hypothesis, [2, 3, 4, 5, 6], more), TICK);
  return page.say(
    'Three rounds, and a tree of 1 + 5 + 20 nodes for each commander at each replica: that is what two liars cost. ' +
      'Each node of the second level is an OM(1) of its own, about what that relayer was told.',
  );
}

export function traceSm1(): Page {
  const hypothesis: Hypothesis = { kind: 'byzantine', f: 1, authenticators: 'signature' };
  const rig = createAltitudeRig(3, hypothesis, {
    liars: [0],
    interpose: (message, { from, to }) => [
      from === 0 && message.kind === 'round' && message.round === 1
        ? lieAbout(message, 0, 0, TICK, to === 1 ? 777 : 10777)
        : message,
    ],
  });
  rig.world.startAll().runTo(TICK + 1);
  const page = introduce(
    {
      title: 'SM(1): three replicas, signed messages',
      source: `${LSP}, §4; ${LAMPORT_SLIDES}`,
      rig: 'n = 3: a, b, c, f = 1, Byzantine, signatures: SM(1), 2 rounds; majority 2 at the voter',
      faulty: TWO_FACES,
      paths: '777:a:b reads "777, signed by a and then by b"',
    },
    rig.names,
  );
  traceTick(page, tickOf(rig, hypothesis, [1, 2], { drawn: [0, 1, 2] }), TICK);
  return page.say(
    'What four replicas do with MACs three do with signatures: a has signed two values for one tick, each of b and c ' +
      'sees both, and a is absent for both alike. Two readings remain, and the middle of two is their mean.',
  );
}

export function traceFlooding(): Page {
  const hypothesis: Hypothesis = { kind: 'crash', f: 1 };
  const rig = createAltitudeRig(3, hypothesis, {
    interpose: (message, { from, to }) =>
      from === 0 && to === 2 && message.kind === 'round' && message.tick === TICK ? [] : [message],
  });
  rig.world.startAll();
  rig.world.at(TICK * PERIOD_US + 150, () => rig.world.kill(0));
  rig.world.runTo(TICK + 2);
  const page = introduce(
    {
      title: 'Flooding: three replicas, one crashes in the middle of a round',
      source: `${COULOURIS}, 15.5.2, Fig. 15.17, corrected (c1.txt)`,
      rig: 'n = 3: a, b, c, f = 1, crashes only: flooding(1), 2 rounds; majority 2 at the voter',
      faulty: `a crashes at 0.150 ms of tick ${TICK}, having reached b and not c`,
      paths: 'b:a 10217 reads "b says that a said 10217"; a value is passed on once',
    },
    rig.names,
  );
  const trace = tickOf(rig, hypothesis, [1, 2], { crashed: [0] });
  page.chapter(`Tick ${TICK}`);
  traceTick(page, trace, TICK);
  page.say(
    'c waits for a until the deadline of round 1; the relay of b has long been there and counts when round 2 ' +
      'begins. b has all three values since 0.600 ms, and decides when no more than f = 1 peers have still to speak.',
  );
  page.chapter(`Tick ${TICK + 1}`);
  traceTick(page, trace, TICK + 1);
  return page.say(
    'Now a is absent for both. A crashed replica costs time, every tick, and never a wrong value.',
  );
}

export function traceTmr(): Page {
  const hypothesis: Hypothesis = { kind: 'none' };
  const rig = createAltitudeRig(3, hypothesis, {
    liars: [0],
    interpose: (message, { from, to }) => [
      from === 0 ? lieAbout(message, 0, 0, TICK, to === 1 ? 777 : 10777) : message,
    ],
    // What the liar orders is its choice as well: silence from the second tick on.
    interposeCommand: (command, from) => (from === 0 && command.tick > TICK ? [] : [command]),
  });
  rig.world.startAll().runTo(TICK + 6);
  const page = introduce(
    {
      title: 'TMR: three replicas without agreement, and why that is not enough',
      source: LAMPORT_SLIDES,
      rig: 'n = 3: a, b, c, hypothesis none: one exchange, no relay; majority 2 at the voter',
      faulty: `${TWO_FACES}; from tick ${TICK + 1} on it orders nothing either`,
      paths: 'everybody speaks for itself only',
    },
    rig.names,
  );
  const trace = tickOf(rig, hypothesis, [1, 2]);
  page.chapter(`Tick ${TICK}`);
  traceTick(page, trace, TICK);
  page.say(
    'b and c each did what the slides say, took the middle of three, and one dives while the other climbs. This time ' +
      'the order of a tips the scales: a two-faced sensor and one vote steer the aeroplane.',
  );
  page.chapter(`Tick ${TICK + 1}, and what follows`);
  traceTick(page, trace, TICK + 1);
  page.say('One against one. Without agreement two correct replicas are not a majority for anything.');
  page.line();
  page.heading('The voter in the ticks after that');
  for (let tick = TICK + 2; tick < TICK + 6; tick += 1)
    for (const { atUs, did } of rig.recorder.voterRowsIn(tick))
      for (const one of did)
        if (/^(misses|FAIL-SAFE)/.test(one))
          page.line(`  tick ${tick}, ${((atUs - tick * PERIOD_US) / 1000).toFixed(3)} ms   ${one}`);
  return page.say(
    'The voter holds for 200 ms and then gives up: no agreement, no output. om1.txt and sm1.txt mend it.',
  );
}
