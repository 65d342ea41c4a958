/** Case B5: signed messages, and what a traitor can still do with them. */
import { createSignedMessages } from '../../../src/core/agreement/signed-messages.js';
import type { MaybeValue, ReplicaIndex } from '../../../src/core/types.js';
import type { Behaviour } from '../../support/agree.js';
import { commandedBy, relayLie, twoFaced } from '../../support/behaviours.js';
import { roundMessage, signedWire, type SignedWire } from '../../support/signed-wire.js';
import { toBytes, toText } from '../../support/toy-codec.js';
import { traceAgree } from '../trace/agree-trace.js';
import { drawSignedSets } from '../trace/holding.js';
import { Page } from '../trace/page.js';
import { LEGEND } from '../trace/round-table.js';
import { bookNotation, LSP, READ_SIGNED, u, v, w } from './texts.js';

interface SignedScenario {
  readonly title: string;
  readonly n: number;
  readonly f: number;
  readonly commander: ReplicaIndex;
  readonly value: MaybeValue;
  readonly liars: Record<number, Behaviour>;
  readonly correct: readonly ReplicaIndex[];
  /** What was signed before this tick. */
  readonly before?: (wire: SignedWire) => void;
  readonly moral: string;
}

function traceSigned(page: Page, scenario: SignedScenario): void {
  const { n, f, commander, value } = scenario;
  page.chapter(scenario.title);
  const wire = signedWire(scenario.liars);
  scenario.before?.(wire);
  const { holding } = traceAgree(page, {
    algorithm: createSignedMessages(n, f),
    notation: bookNotation(n, 'signed'),
    proposals: commandedBy(commander, n, value),
    liars: wire.liars,
    admit: wire.admit,
    commanders: [commander],
  });
  page.line();
  drawSignedSets(page, holding, [commander], scenario.correct);
  page.line().say(scenario.moral);
}

const SCENARIOS: readonly SignedScenario[] = [
  {
    title: 'A commander that signs two values makes its own entry absent',
    n: 3,
    f: 1,
    commander: 0,
    value: u,
    liars: { 0: twoFaced({ 1: u, 2: w }) },
    correct: [1, 2],
    moral: 'Each hands its signed copy on, both see both, and two signed values prove that p1 lies.',
  },
  {
    title: 'A commander that speaks to one lieutenant only is heard by both',
    n: 3,
    f: 1,
    commander: 0,
    value: u,
    liars: { 0: ({ round, to, items }) => (round === 1 && to === 2 ? null : items) },
    correct: [1, 2],
    moral: 'p1 can split nobody: whatever one correct lieutenant has, it passes on.',
  },
  {
    title: 'A relayer cannot alter what the commander signed',
    n: 3,
    f: 1,
    commander: 0,
    value: u,
    liars: { 2: relayLie(0, () => w) },
    correct: [1],
    moral:
      'There is no signature of p1 under w, so p2 does not take it. With oral messages (b4.txt) it could not tell.',
  },
  {
    title: 'No recording of an earlier run helps',
    n: 3,
    f: 1,
    commander: 0,
    value: v,
    liars: {
      2: ({ round, items }) => (round === 1 ? items : items.map((item) => ({ ...item, value: u }))),
    },
    correct: [1],
    before: ({ register }) =>
      register.sign(0, roundMessage(1, [{ path: [], value: u }], new Uint8Array(16).fill(9))),
    moral:
      'In an earlier run p1 did sign u for this very tick, and p3 has kept it. The signature covers the run, and ' +
      'the run is named by nonces of n−f replicas: in this run it proves nothing.',
  },
  {
    title: 'n=5, f=2: a last relayer that invents a path convinces nobody',
    n: 5,
    f: 2,
    commander: 3,
    value: w,
    liars: {
      3: ({ round, to, items }) => (round === 1 && to === 4 ? [...items, { path: [], value: u }] : items),
      4: ({ round, to, items }) =>
        round === 3 && to === 2
          ? [...items, { path: [3, 1], value: u, proof: toBytes('3,1') }]
          : items.filter((item) => toText(item.value ?? v) !== 'u'),
    },
    correct: [0, 1, 2],
    moral:
      'p4 and p5 collude: p4 signs u for p5 alone, and in the last round p5 pretends that it came by way of the ' +
      'correct p2. p2 never signed it, so p3 does not take it. Had it, there would be no round left to tell the others.',
  },
];

export function traceB5(): Page {
  const page = new Page('B5  Signed messages')
    .fact('Source', `${LSP}, §4: algorithm SM(m)`)
    .fact(
      'Rig',
      'n = 3, f = 1: SM(1), 2 rounds; at the end n = 5, f = 2: SM(2), 3 rounds. One instance is shown',
    )
    .fact('Faulty', 'named in each part')
    .fact('Paths', READ_SIGNED)
    .fact('Signs', LEGEND);
  for (const scenario of SCENARIOS) traceSigned(page, scenario);
  return page;
}
