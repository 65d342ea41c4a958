/** Cases B1 to B4: oral messages, one commander at a time as in the textbook. */
import { refuseHypothesis } from '../../../src/core/agreement/hypothesis.js';
import { createOralMessages } from '../../../src/core/agreement/oral-messages.js';
import type { MaybeValue, ReplicaIndex } from '../../../src/core/types.js';
import { fuse, type FusionRule } from '../../../src/core/voting/fusion.js';
import type { Behaviour } from '../../support/agree.js';
import { commandedBy, relayLie, twoFaced } from '../../support/behaviours.js';
import { traceAgree } from '../trace/agree-trace.js';
import { drawTrees, heldBy } from '../trace/holding.js';
import { Page } from '../trace/page.js';
import { LEGEND } from '../trace/round-table.js';
import { samePath, writePath } from '../trace/sending.js';
import { bookNotation, COULOURIS, LAMPORT_SLIDES, READ_ORAL, u, v, w } from './texts.js';

/** One commander p1, n processes, one of which may be faulty. */
function traceCommand(
  page: Page,
  n: number,
  value: MaybeValue,
  liars: Readonly<Record<number, Behaviour>>,
  correct: readonly ReplicaIndex[],
): void {
  const { holding } = traceAgree(page, {
    algorithm: createOralMessages(n, 1),
    notation: bookNotation(n),
    proposals: commandedBy(0, n, value),
    liars,
    commanders: [0],
  });
  drawTrees(page, holding, 0, correct);
}

export function traceB1(): Page {
  const page = new Page('B1  Four generals, a lieutenant lies')
    .fact('Source', `${COULOURIS}, 15.5.3, Fig. 15.19 left`)
    .fact('Rig', 'n = 4: p1 … p4, f = 1, oral messages: OM(1), 2 rounds; commander p1 orders v')
    .fact('Faulty', 'p3: it relays u to p2 and w to p4 in the place of v')
    .fact('Paths', READ_ORAL)
    .fact('Signs', LEGEND);
  traceCommand(page, 4, v, { 2: relayLie(0, (to) => (to === 1 ? u : w)) }, [1, 3]);
  return page
    .line()
    .say('Two copies of v of three outvote whatever one liar says: p2 and p4 agree, on what p1 ordered.');
}

export function traceB2(): Page {
  const page = new Page('B2  Four generals, the commander equivocates')
    .fact('Source', `${COULOURIS}, 15.5.3, Fig. 15.19 right`)
    .fact('Rig', 'n = 4: p1 … p4, f = 1, oral messages: OM(1), 2 rounds; commander p1')
    .fact('Faulty', 'p1: it tells p2 u, p3 w and p4 v')
    .fact('Paths', READ_ORAL)
    .fact('Signs', LEGEND);
  traceCommand(page, 4, u, { 0: twoFaced({ 1: u, 2: w, 3: v }) }, [1, 2, 3]);
  return page
    .line()
    .say(
      'After the second round all three hold the same three values {u, w, v}. None has a majority, so all three ' +
        'choose ⊥: not the order of a traitor, but the same.',
    );
}

export function traceB3(): Page {
  const page = new Page('B3  Four generals, somebody says nothing')
    .fact('Source', `${COULOURIS}, 15.5.3: what is not received counts as ⊥`)
    .fact('Rig', 'n = 4: p1 … p4, f = 1, oral messages: OM(1), 2 rounds; commander p1 orders v')
    .fact('Faulty', 'first p3, a lieutenant: silent. Then p1, the commander: it omits p3')
    .fact('Paths', READ_ORAL)
    .fact('Signs', LEGEND);
  page.chapter('First: lieutenant p3 is silent');
  traceCommand(page, 4, v, { 2: () => null }, [1, 3]);
  page.line().say('Absent is a vote like any other, and it is one of three.');
  page.chapter('Then: the commander omits p3');
  const omits: Behaviour = ({ round, to, items }) => (round === 1 && to === 2 ? null : items);
  traceCommand(page, 4, v, { 0: omits }, [1, 2, 3]);
  return page
    .line()
    .say('p3 heard nothing from the commander and chooses v all the same: it heard it twice.');
}

export function traceB4(): Page {
  const page = new Page('B4  Three generals cannot')
    .fact('Source', `${COULOURIS}, 15.5.3, Fig. 15.18; ${LAMPORT_SLIDES}`)
    .fact('Rig', 'n = 3: p1, p2, p3, f = 1, oral messages: OM(1), 2 rounds; commander p1')
    .fact('Faulty', 'in the first scenario p3, a lieutenant; in the second p1, the commander')
    .fact('Paths', READ_ORAL)
    .fact('Signs', LEGEND);
  const om = createOralMessages(3, 1);
  const notation = bookNotation(3);
  const scenarios = [
    ['Scenario 1: p1 orders v, p3 lies about it', { 2: relayLie(0, () => u) }],
    ['Scenario 2: p1 tells p2 v and p3 u, p3 is honest', { 0: twoFaced({ 1: v, 2: u }) }],
  ] as const;
  const views = scenarios.map(([title, liars]) => {
    page.chapter(title);
    const proposals = commandedBy(0, 3, v);
    const { holding } = traceAgree(page, { algorithm: om, notation, proposals, liars, commanders: [0] });
    drawTrees(page, holding, 0, [1]);
    return heldBy(holding, 1, 0);
  });
  const [first = [], second = []] = views;
  const same =
    first.length === second.length &&
    first.every((one, at) => {
      const other = second[at];
      return (
        other !== undefined &&
        samePath(one.path, other.path) &&
        notation.label(one.value) === notation.label(other.value)
      );
    });
  if (!same) throw new Error('the two scenarios differ for p2');
  const view = first
    .map(({ path, value }) => `${writePath(notation, path)} ${notation.label(value)}`)
    .join(', ');
  page.line();
  page.say(
    `In both scenarios p2 has heard the same: ${view}. So it must choose alike in both, and it is wrong in one: in ` +
      'scenario 1 a correct commander ordered v, and p2 does not obey.',
  );
  page.chapter('A rig file that asks for it is refused');
  page.fact(
    'check says',
    refuseHypothesis({ kind: 'byzantine', f: 1, authenticators: 'mac' }, 3) ?? 'nothing',
  );
  page.chapter('Without agreement: one exchange, and everybody takes the middle of three');
  const rule: FusionRule = { type: 'number', min: 0, max: 50_000, spread: 100, method: 'mid-value' };
  const rows = [777, 10777].map((lie, at) => {
    const readings = [lie, 10219, 10220];
    const middle = fuse(rule, readings, 1).value as number;
    return [`p${at + 2}`, `{${readings.join(', ')}}`, String(middle), middle > 10219.5 ? 'Climb' : 'Dive'];
  });
  page.table(['at', 'altitudes', 'middle', 'above 10219.5?'], rows);
  return page.say(
    'One two-faced sensor system makes one correct replica dive and the other climb. The trace tmr.txt flies it.',
  );
}
