/** Cases B6 to B9: every behaviour of a traitor, majorities, reductions, numbers of messages. */
import type { Algorithm } from '../../../src/core/agreement/algorithm.js';
import { createFlooding } from '../../../src/core/agreement/flooding.js';
import { refuseHypothesis } from '../../../src/core/agreement/hypothesis.js';
import { createOralMessages } from '../../../src/core/agreement/oral-messages.js';
import { createSignedMessages } from '../../../src/core/agreement/signed-messages.js';
import { sameValue } from '../../../src/core/bytes.js';
import type { Hypothesis, MaybeValue, ReplicaIndex, Vector } from '../../../src/core/types.js';
import { majorityOf, strictMajority } from '../../../src/core/voting/majority.js';
import { agree, correctOf, type AgreeRun, type Behaviour } from '../../support/agree.js';
import { choose, commandedBy, countUp, twoFaced } from '../../support/behaviours.js';
import { agreeSigned, signedWire } from '../../support/signed-wire.js';
import { toBytes } from '../../support/toy-codec.js';
import { traceAgree } from '../trace/agree-trace.js';
import { writeVectors } from '../trace/holding.js';
import { Page } from '../trace/page.js';
import { LEGEND } from '../trace/round-table.js';
import { bookNotation, COULOURIS, LSP, READ_ORAL, textLabel, u, v, w } from './texts.js';

const BITS = ['0', '1'].map(toBytes) as [Uint8Array, Uint8Array];

/** What all behaviours of one traitor came to, over every proposal of the correct ones. */
interface Tally {
  runs: number;
  disagreements: number;
  invalid: number;
  /** How often the traitor's own entry was decided as 0, 1 and absent. */
  readonly own: Record<string, number>;
}

/** Every behaviour and every proposal. `sayings` is how many things the traitor says in a tick. */
function tallyTraitor(
  n: number,
  traitor: ReplicaIndex,
  sayings: number,
  run: (proposals: readonly MaybeValue[], digits: readonly number[]) => AgreeRun,
): Tally {
  const tally: Tally = { runs: 0, disagreements: 0, invalid: 0, own: {} };
  const correct = correctOf(n, { [traitor]: true });
  for (const bits of countUp(2, n - 1)) {
    const proposals = commandedBy(traitor, n, BITS[0]);
    correct.forEach((id, at) => (proposals[id] = BITS[bits[at] as 0 | 1]));
    for (const digits of countUp(2, sayings))
      judge(tally, run(proposals, digits), proposals, correct, traitor);
  }
  return tally;
}

function judge(
  tally: Tally,
  run: AgreeRun,
  proposals: readonly MaybeValue[],
  correct: readonly ReplicaIndex[],
  traitor: ReplicaIndex,
): void {
  const vectors = correct.map((id) => run.vectors[id] as Vector);
  const first = vectors[0] as Vector;
  tally.runs += 1;
  if (vectors.some((vector) => !vector.every((value, at) => sameValue(value, first[at] ?? null))))
    tally.disagreements += 1;
  if (correct.some((id) => !sameValue(first[id] ?? null, proposals[id] ?? null))) tally.invalid += 1;
  const own = textLabel(first[traitor] ?? null);
  tally.own[own] = (tally.own[own] ?? 0) + 1;
}

export function traceB6(): Page {
  const page = new Page('B6  Every behaviour of one traitor')
    .fact('Source', `${LSP}, Theorems 1 and 2, by trying it all`)
    .fact('Rig', 'n = 4, f = 1: OM(1); n = 3, f = 1: SM(1). Values 0 and 1')
    .fact('Faulty', 'the last replica, in every way there is; what the others propose: every way there is');
  const om = tallyTraitor(4, 3, 9, (proposals, digits) =>
    agree(createOralMessages(4, 1), 4, proposals, { 3: choose(digits, BITS) }),
  );
  const sm = tallyTraitor(3, 2, 4, (proposals, digits) => {
    let at = 0;
    const behaviour: Behaviour = ({ round, items }) => {
      const digit = digits[at++] as 0 | 1;
      if (round === 1) return [{ path: [], value: BITS[digit] }];
      return digit === 0 ? [] : items;
    };
    return agreeSigned(3, 1, proposals, { 2: behaviour });
  });
  page.heading('One traitor, exhaustively');
  page.table(
    [
      'algorithm',
      'it says',
      'behaviours',
      '× proposals',
      '= runs',
      'disagree',
      'not valid',
      'its entry: 0',
      '1',
      '⊥',
    ],
    [
      ['OM(1), n=4', '3 + 3·2', '2^9 = 512', '2^3 = 8', ...columnsOf(om)],
      ['SM(1), n=3', '2 + 2·1', '2^4 = 16', '2^2 = 4', ...columnsOf(sm)],
    ],
  );
  page.say(
    'An OM traitor says its own value to n−1 and relays n−1 values to n−2 each, and may choose each of them. An SM ' +
      'traitor signs either value for each of n−1, and of each value that it was given may pass it on or keep it.',
  );
  page.say('Whatever it does, the correct ones agree, and hold of one another what each sent.');
  page.heading('What is refused, because no algorithm can');
  const refused: readonly (readonly [string, number, Hypothesis])[] = [
    ['oral, n = 3, f = 1', 3, { kind: 'byzantine', f: 1, authenticators: 'mac' }],
    ['oral, n = 6, f = 2', 6, { kind: 'byzantine', f: 2, authenticators: 'mac' }],
    ['signed, n = 2, f = 1', 2, { kind: 'byzantine', f: 1, authenticators: 'signature' }],
    ['signed, n = 4, f = 2', 4, { kind: 'byzantine', f: 2, authenticators: 'signature' }],
    ['crash, n = 2, f = 1', 2, { kind: 'crash', f: 1 }],
    ['crash, n = 4, f = 2', 4, { kind: 'crash', f: 2 }],
  ];
  for (const [label, n, hypothesis] of refused) {
    const why = refuseHypothesis(hypothesis, n);
    if (why === null) throw new Error(`${label} is not refused`);
    page.line(`  ${label}`).say(why);
  }
  return page;
}

function columnsOf(tally: Tally): string[] {
  return [
    tally.runs,
    tally.disagreements,
    tally.invalid,
    tally.own['0'] ?? 0,
    tally.own['1'] ?? 0,
    tally.own['⊥'] ?? 0,
  ].map(String);
}

export function traceB7(): Page {
  const page = new Page('B7  A plurality is not a majority')
    .fact('Source', `${LSP}, §3: the function majority`)
    .fact('Rig', 'votes are counted against all n electors, also those that did not vote')
    .line();
  const ballots = ['aabc', 'aaab', 'aabb', 'aa⊥⊥', 'a⊥⊥⊥', 'aab', 'abc', 'aaaabbc', 'aaabbbc'];
  page.table(
    ['n', 'votes', 'needed', 'most', 'majority'],
    ballots.map((ballot) => {
      const letters = [...ballot];
      const votes = letters.map((letter) => (letter === '⊥' ? null : toBytes(letter)));
      const most = Math.max(...letters.map((letter) => letters.filter((one) => one === letter).length));
      return [
        String(votes.length),
        letters.join(' '),
        String(majorityOf(votes.length)),
        String(most),
        textLabel(strictMajority(votes, votes.length)),
      ];
    }),
  );
  return page.say(
    '(a, a, b, c) gives ⊥: two of four is the most, and not more than half. Were it enough, another replica that ' +
      'was told (b, b, a, c) would decide b.',
  );
}

export function traceB8(): Page {
  const page = new Page('B8  Three problems, one solution')
    .fact('Source', `${COULOURIS}, 15.5.1: consensus, Byzantine generals, interactive consistency`)
    .fact('Rig', 'n = 4: p1 … p4, f = 1, oral messages: OM(1), 2 rounds; p1, p2, p3 propose v')
    .fact('Faulty', 'p4: as commander it tells p1 u, p2 v and p3 w')
    .fact('Paths', READ_ORAL)
    .fact('Signs', LEGEND);
  const { run, holding } = traceAgree(page, {
    algorithm: createOralMessages(4, 1),
    notation: bookNotation(4),
    proposals: [v, v, v, w],
    liars: { 3: twoFaced({ 0: u, 1: v, 2: w }) },
  });
  page.heading('Interactive consistency: one vector, everywhere the same');
  writeVectors(page, holding, [0, 1, 2]);
  page.heading('Byzantine generals: entry i is what general i ordered');
  page.say(
    'Entries 1, 2 and 3 are what the correct p1, p2 and p3 sent. The entry of the traitor is anything, but one.',
  );
  page.heading('Consensus: everybody takes the majority of the vector');
  for (const id of [0, 1, 2]) {
    const vector = run.vectors[id] as Vector;
    const votes = vector.map(textLabel).join(', ');
    page.line(`  p${id + 1}  majority(${votes}) = ${textLabel(strictMajority(vector, 4))}`);
  }
  return page.say('All correct ones proposed v, so v it is, whatever p4 says.');
}

export function traceB9(): Page {
  const page = new Page('B9  How many messages it takes')
    .fact('Source', `${LSP}, §3: OM(m) is exponential in m; protocol: one packet per peer and round`)
    .fact('Rig', 'nobody is faulty')
    .fact(
      'Words',
      'message: one value on one path to one receiver; packet: what travels at once from one to another',
    );
  page.heading('n = 4, f = 1: the instance of p1, message by message');
  const run = countMessages(createOralMessages(4, 1), 4);
  for (const round of [1, 2]) {
    const messages = run.said
      .filter((saying) => saying.round === round)
      .flatMap(({ from, to, items }) =>
        items
          .filter((item) => [...item.path, from][0] === 0)
          .map((item) => `${[...item.path, from].reverse().map(nameOf).join(':')}→${nameOf(to)}`),
      );
    page.line(`  round ${round}: ${messages.length} messages   ${messages.join('  ')}`);
  }
  page.say('3 + 6 = 9. All four instances: 36, which travel in 24 packets.');
  page.heading('Whole vectors');
  const sizes: readonly (readonly [Algorithm, number])[] = [
    [createOralMessages(3, 0), 3],
    [createOralMessages(4, 1), 4],
    [createOralMessages(7, 2), 7],
    [createSignedMessages(3, 1), 3],
    [createSignedMessages(5, 2), 5],
    [createFlooding(3, 1), 3],
    [createFlooding(5, 2), 5],
  ];
  page.table(
    ['algorithm', 'n', 'rounds', 'messages by round', 'all', 'packets by round', 'all'],
    sizes.map(([algorithm, n]) => {
      const { packets } = countMessages(algorithm, n);
      const rounds = Array.from({ length: algorithm.rounds }, (_, at) =>
        packets.filter(({ round }) => round === at + 1),
      );
      const messages = rounds.map((round) => round.reduce((sum, { items }) => sum + items, 0));
      return [
        algorithm.name,
        String(n),
        String(algorithm.rounds),
        messages.join(' + '),
        String(messages.reduce((sum, one) => sum + one, 0)),
        rounds.map((round) => round.length).join(' + '),
        String(packets.length),
      ];
    }),
  );
  return page.say(
    'A round sends a packet to every peer even if it holds nothing: only so can the receiver tell "nothing to say" ' +
      'from "silent", and begin the next round before the deadline.',
  );
}

function countMessages(algorithm: Algorithm, n: number): AgreeRun {
  const proposals = Array.from({ length: n }, () => v);
  return algorithm.name.startsWith('SM')
    ? agree(algorithm, n, proposals, {}, signedWire({}).admit)
    : agree(algorithm, n, proposals);
}

function nameOf(id: ReplicaIndex): string {
  return `p${id + 1}`;
}
