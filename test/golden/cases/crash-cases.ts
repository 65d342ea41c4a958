/** Cases C1 and C2: consensus by flooding while processes crash. */
import { createFlooding } from '../../../src/core/agreement/flooding.js';
import type { ReplicaIndex, Vector } from '../../../src/core/types.js';
import type { Behaviour } from '../../support/agree.js';
import { crashes } from '../../support/behaviours.js';
import { toBytes, toText } from '../../support/toy-codec.js';
import { traceAgree } from '../trace/agree-trace.js';
import { drawFirstValues } from '../trace/holding.js';
import { Page } from '../trace/page.js';
import { LEGEND } from '../trace/round-table.js';
import { bookNotation, COULOURIS, READ_ORAL } from './texts.js';

function traceFlooding(
  page: Page,
  f: number,
  proposals: readonly number[],
  crashed: Record<number, Behaviour>,
  survivors: readonly ReplicaIndex[],
): void {
  const { run, holding } = traceAgree(page, {
    algorithm: createFlooding(proposals.length, f),
    notation: bookNotation(proposals.length),
    proposals: proposals.map((value) => toBytes(String(value))),
    liars: crashed,
    crashed: Object.keys(crashed).map(Number),
  });
  page.line();
  drawFirstValues(page, holding, survivors);
  for (const id of survivors) page.line(`  p${id + 1} decides ${minimum(run.vectors[id] as Vector)}`);
}

/** Fig. 15.17: d = minimum of the values. */
function minimum(vector: Vector): number {
  return Math.min(...vector.flatMap((value) => (value === null ? [] : [Number(toText(value))])));
}

const SOURCE = `${COULOURIS}, 15.5.2, Fig. 15.17`;
const PATHS = `${READ_ORAL}; a value is passed on once, in the round after the one that brought it`;

export function traceC1(): Page {
  const page = new Page('C1  A crash in the middle of a round')
    .fact('Source', SOURCE)
    .fact('Rig', 'n = 3, f = 1, crashes only: flooding(1), 2 rounds; p1, p2, p3 propose 0, 5, 7')
    .fact('Faulty', 'p1 crashes in round 1, having reached p2 only')
    .fact('Decide', 'the least value that was seen')
    .fact('Paths', PATHS)
    .fact('Signs', LEGEND);
  page.chapter('As the figure has it: decided when round 2 begins, so after one round');
  traceFlooding(page, 0, [0, 5, 7], { 0: crashes(1, [1]) }, [1, 2]);
  page.say('p2 has the 0 of p1 and p3 has not. One round too early.');
  page.chapter('Decided after the last round');
  traceFlooding(page, 1, [0, 5, 7], { 0: crashes(1, [1]) }, [1, 2]);
  return page.say(
    'f+1 = 2 rounds hold at least one in which nobody crashes, and in that one everybody gets everything.',
  );
}

export function traceC2(): Page {
  const crashed = { 0: crashes(1, [1]), 1: crashes(2, [2]) };
  const page = new Page('C2  More crashes than assumed')
    .fact('Source', `${SOURCE}; algorithm only: a rig of four with f = 2 is refused`)
    .fact('Rig', 'n = 4, crashes only: flooding; p1 … p4 propose 0, 5, 7, 9')
    .fact('Faulty', 'p1 crashes in round 1, having reached p2 only; p2 in round 2, having reached p3 only')
    .fact('Decide', 'the least value that was seen')
    .fact('Paths', PATHS)
    .fact('Signs', LEGEND);
  page.chapter('f = 1 assumed: two rounds');
  traceFlooding(page, 1, [0, 5, 7, 9], crashed, [2, 3]);
  page.say('There was a crash in every round. p3 learns of 0 in the last, and has no round left to tell p4.');
  page.chapter('f = 2 assumed: three rounds');
  traceFlooding(page, 2, [0, 5, 7, 9], crashed, [2, 3]);
  return page.say('One round more, and the news gets through.');
}
