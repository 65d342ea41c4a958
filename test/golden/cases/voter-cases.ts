/** Cases V1 to V5: from readings to one value, and from commands to one output. */
import { fuse, type FusionRule } from '../../../src/core/voting/fusion.js';
import type { VoterConfig } from '../../../src/core/voting/actuator-voter.js';
import { VoterBench, voterConfig } from '../../support/voter-bench.js';
import { Page } from '../trace/page.js';
import { VoterScript } from '../trace/voter-trace.js';
import { LAMPORT_SLIDES } from './texts.js';

const NAMES = ['a', 'b', 'c', 'd'];
const VOTER = 'the rules of the actuator voter; firmware-bridge/vectors/voter holds every voter to them';

export function traceV1(): Page {
  const page = new Page('V1  The middle of three')
    .fact('Source', LAMPORT_SLIDES)
    .fact('Rig', 'n = 3, f = 1; altitude in feet, spread 100; mid value')
    .fact('Faulty', 'in the second row one sensor system says 777')
    .line();
  const rule: FusionRule = { type: 'number', min: 0, max: 50_000, spread: 100, method: 'mid-value' };
  const rows = [
    [10217, 10219, 10220],
    [777, 10219, 10220],
    [null, 10219, 10220],
    [777, 10219, 12000],
    [null, null, 10220],
  ].map((readings) => {
    const { value, quality, outliers } = fuse(rule, readings, 1);
    return [
      `{${readings.map((one) => one ?? '⊥').join(', ')}}`,
      String(value ?? '–'),
      quality,
      outliers.map((id) => NAMES[id]).join(' ') || '–',
    ];
  });
  page.table(['readings of a, b, c', 'fused', 'quality', 'outliers'], rows);
  return page
    .say(
      'The first two give the same 10219: with one liar of three, the middle one lies between two correct ones.',
    )
    .say(
      'With one absent, the hypothesis has had its fault: none is dropped, and the middle of two is their mean.',
    )
    .say(
      'Unless n−f = 2 lie within the spread of each other the reading is lost, and so it is if fewer are there.',
    );
}

function script(page: Page, n: number, changes: Partial<VoterConfig> = {}): VoterScript {
  return new VoterScript(page, new VoterBench(voterConfig(n, changes)), NAMES);
}

function voterPage(title: string, rig: string, faulty: string): Page {
  return new Page(title)
    .fact('Source', VOTER)
    .fact('Rig', `${rig}; P = 50 ms, hold = 200 ms, envelope −2000 … 2000, fail-safe −5`)
    .fact('Faulty', faulty)
    .fact('Votes', 'behind an output stand those who had ordered it by then');
}

export function traceV2(): Page {
  const page = voterPage(
    'V2  The command that completes a majority decides',
    'n = 4: a … d, majority 3; then n = 3, majority 2',
    'b, sometimes',
  );
  page.heading('Four replicas: the third equal one');
  script(page, 4)
    .arm([0, 1, 2], 10, 7)
    .pass(100)
    .order([3], 10, 7)
    .say('It goes out when the third arrives; the fourth changes nothing.')
    .pass(49_900)
    .order([0], 11, 5)
    .order([1], 11, 6)
    .order([2, 3], 11, 5)
    .say('b orders something else: three equal ones are still a majority, and b is named.')
    .pass(50_000)
    .order([0, 3, 2], 12, -8)
    .pass(9)
    .order([1], 12, -9)
    .say(
      'The order of arrival decides nothing but the moment. A later one that differs is dissent, and no more.',
    );
  page.heading('Three replicas: the second equal one');
  script(page, 3)
    .arm([0, 1], 10, 7)
    .order([2], 10, 7)
    .pass(50_000)
    .order([1], 11, 99)
    .order([0, 2], 11, 4)
    .say('It is no race: b was first, and alone.');
  return page;
}

export function traceV3(): Page {
  const page = voterPage('V3  What never goes out', 'n = 4: a … d, majority 3', 'as each part says').fact(
    'Before',
    'in each part the voter was armed at 0 ms by a, b and c, and put out 7 for tick 10',
  );
  const armed = (): VoterScript => script(page, 4).arm([0, 1, 2], 10, 7).forget();
  page.heading('Two against two');
  armed()
    .pass(50_000)
    .order([0, 1], 11, 1)
    .order([2, 3], 11, 2)
    .wait(50_001)
    .say('Two of four are no majority, on either side: the last output stays, and the tick is missed.');
  page.heading('All different');
  armed()
    .pass(50_000)
    .order([0], 11, 1)
    .order([1], 11, 2)
    .order([2], 11, 3)
    .order([3], 11, 4)
    .say('Nothing.');
  page.heading('Too few');
  armed().pass(50_000).order([0, 1], 11, 1).wait(50_001).say('Two equal ones and silence: nothing.');
  page.heading('A replica that says it twice, or says two things');
  armed()
    .pass(50_000)
    .order([0, 1, 1, 1], 11, 1)
    .order([1], 11, 2)
    .say('One command of each replica for each tick: the first. Repeating it does not make it a majority.');
  page.heading('A sender that is none');
  armed()
    .pass(50_000)
    .order([0, 1], 11, 1)
    .order([4, -1], 11, 1)
    .say(
      'A forged frame does not get here: its authenticator fails. A number out of range counts as nobody.',
    );
  page.heading('A stale tick');
  armed()
    .pass(50_000)
    .order([0, 1, 2], 11, 1)
    .pass(50_001)
    .order([0, 1, 2], 10, 7)
    .say('Tick 10 is over by more than a period: a majority for it changes nothing any more.');
  page.heading('A tick from the future');
  armed()
    .pass(50_000)
    .order([0, 1, 2], 14, 1)
    .say('Tick 14 is expected in 150 ms: nobody can honestly order it now.');
  page.heading('Outside the envelope');
  armed()
    .pass(50_000)
    .order([0, 1, 2], 11, 2_001)
    .say('Not even a majority moves the actuator beyond its envelope.');
  return page;
}

export function traceV4(): Page {
  const page = voterPage(
    'V4  Ticks go out in order',
    'n = 3: a, b, c, majority 2',
    'nobody; tick 8 loses its way for a while',
  );
  page.line();
  script(page, 3)
    .arm([0, 1], 7, 70)
    .pass(50_000)
    .order([0], 8, 80)
    .pass(40_000)
    .order([0, 2], 9, 90)
    .say('One command for tick 8, then a majority for tick 9: 90 goes out, and tick 8 is a miss.')
    .pass(5_000)
    .order([1], 8, 80)
    .order([2], 8, 80)
    .say('Now tick 8 has its majority. It is older than what went out, and is refused.')
    .pass(55_000)
    .order([1, 2], 10, 100)
    .say('The run goes on.');
  return page;
}

export function traceV5(): Page {
  const page = voterPage(
    'V5  Silence: hold, then fail-safe, then nothing until armed again',
    'n = 3: a, b, c, majority 2',
    'all replicas fall silent after tick 11',
  );
  page.line();
  const voter = script(page, 3)
    .order([0, 1], 10, 7)
    .say('It starts in fail-safe, with −5 at the device. No majority moves it that does not arm it.')
    .arm([0, 1], 10, 7)
    .pass(50_000)
    .order([0, 1], 11, 8)
    .say(
      'Armed by a majority that names this boot and its number of trips; the same commands are the first votes.',
    );
  voter
    .wait(100_001)
    .wait(50_000)
    .wait(49_999)
    .say('The last output, 8, is held for 200 ms.')
    .wait(1)
    .say('200 ms and 1 µs after the last output the hold is over.')
    .pass(10_000)
    .order([0, 1, 2], 16, 9)
    .say('The replicas are back. All three order 9, and nothing goes out: they have not armed it.')
    .pass(40_000)
    .arm([0, 1], 17, 9, { trips: 0 })
    .say('A recording from before the trip does not arm it: it names no trip, and there has been one.')
    .pass(50_000)
    .arm([0, 2], 18, 9)
    .pass(50_000)
    .order([0, 1], 19, 10)
    .say('Armed anew, it goes on.');
  return page;
}
