/**
 * What a replica holds of one tick, drawn from what it took: the tree of oral messages with its majorities, the sets
 * of signed messages, the first values of flooding. What is drawn is compared with what the replica decided, and a
 * drawing that explains another decision is an error.
 */
import { sameValue } from '../../../src/core/bytes.js';
import type { MaybeValue, ReplicaIndex, Round, Vector } from '../../../src/core/types.js';
import { strictMajority } from '../../../src/core/voting/majority.js';
import { lengthOf, pad, WIDTH, type Page } from './page.js';
import { ABSENT, pathOf, samePath, writePath, type Notation, type Sending } from './sending.js';

/** A value, the path it came by, and the round that brought it. */
export interface Held {
  readonly path: readonly ReplicaIndex[];
  readonly value: MaybeValue;
  readonly round: Round;
}

export interface Holding {
  readonly notation: Notation;
  readonly rounds: Round;
  readonly sendings: readonly Sending[];
  readonly vectors: readonly (Vector | null)[];
}

/** What `replica` took of `commander`'s instance, in the order in which it came. */
export function heldBy({ sendings }: Holding, replica: ReplicaIndex, commander: ReplicaIndex): Held[] {
  return sendings
    .filter(({ to }) => to === replica)
    .flatMap(({ from, round, taken }) =>
      taken.map((item) => ({ path: pathOf(item, from), value: item.value, round })),
    )
    .filter(({ path }) => path[0] === commander);
}

/** Between two trees. */
const GAP = 4;

/**
 * The tree of `commander` at each of `replicas`, side by side: a node for each path, under the root what the others
 * say of it, and at the foot the majority that decides.
 */
export function drawTrees(
  page: Page,
  holding: Holding,
  commander: ReplicaIndex,
  replicas: readonly ReplicaIndex[],
): void {
  const { notation } = holding;
  const receivers = replicas.filter((id) => id !== commander);
  const full = receivers.map((id) => drawTree(holding, commander, id, true));
  const fits = full.reduce((sum, tree) => sum + Math.max(...tree.map(lengthOf)) + GAP, 0) <= WIDTH;
  const trees = fits ? full : receivers.map((id) => drawTree(holding, commander, id, false));
  page.line();
  page.line(`  What they hold of ${notation.names[commander] ?? '?'} when the last round closes`);
  const widths = trees.map((tree) => Math.max(...tree.map(lengthOf)));
  const height = Math.max(...trees.map((tree) => tree.length));
  for (let row = 0; row < height; row += 1)
    page.line(
      `  ${trees.map((tree, at) => pad(tree[row] ?? '', widths[at] ?? 0)).join(' '.repeat(GAP))}`.trimEnd(),
    );
}

interface Node {
  readonly lines: readonly string[];
  readonly value: MaybeValue;
}

/** `withVotes`: the votes stand beside the majority; else they can be read off the tree. */
function drawTree(
  holding: Holding,
  commander: ReplicaIndex,
  self: ReplicaIndex,
  withVotes: boolean,
): string[] {
  const { notation } = holding;
  const held = heldBy(holding, self, commander);
  const root = drawNode({ holding, held, self, withVotes }, [commander], '', '');
  expectDecided(holding, self, commander, root.value);
  return [`at ${notation.names[self] ?? '?'}`, ...root.lines];
}

interface Drawing {
  readonly holding: Holding;
  readonly held: readonly Held[];
  readonly self: ReplicaIndex;
  readonly withVotes: boolean;
}

/** OM(m) step 3, with the very majority of the core; what was never taken counts for absent. */
function drawNode(drawing: Drawing, path: readonly ReplicaIndex[], lead: string, indent: string): Node {
  const { holding, held, self, withVotes } = drawing;
  const { notation, rounds } = holding;
  const own = held.find((one) => samePath(one.path, path))?.value ?? null;
  const head = `${lead}${writePath(notation, path)} ${notation.label(own)}`;
  if (path.length === rounds) return { lines: [head], value: own };
  const relayers = notation.names.map((_, id) => id).filter((id) => id !== self && !path.includes(id));
  const children = relayers.map((id, at) => {
    const last = at === relayers.length - 1;
    return drawNode(
      drawing,
      [...path, id],
      `${indent}${last ? '└ ' : '├ '}`,
      `${indent}${last ? '  ' : '│ '}`,
    );
  });
  const votes = [own, ...children.map(({ value }) => value)];
  const value = strictMajority(votes, notation.names.length - path.length);
  const counted = withVotes ? `(${votes.map((vote) => notation.label(vote)).join(', ')}) =` : '';
  const majority = `majority${counted} ${notation.label(value)}`;
  const under = children.flatMap(({ lines }) => lines);
  return path.length === 1
    ? { lines: [head, ...under, majority], value }
    : { lines: [`${head}   → ${majority}`, ...under], value };
}

/** The values that each of `replicas` has seen signed by each of `commanders`, and the choice among them. */
export function drawSignedSets(
  page: Page,
  holding: Holding,
  commanders: readonly ReplicaIndex[],
  replicas: readonly ReplicaIndex[],
): void {
  const { notation } = holding;
  const rows: string[][] = [];
  for (const commander of commanders)
    for (const replica of replicas) {
      if (replica === commander) continue;
      const distinct: Held[] = [];
      for (const one of heldBy(holding, replica, commander))
        if (!distinct.some((other) => sameValue(other.value, one.value))) distinct.push(one);
      const choice = distinct.length === 1 ? (distinct[0]?.value ?? null) : null;
      expectDecided(holding, replica, commander, choice);
      rows.push([
        notation.names[commander] ?? '?',
        notation.names[replica] ?? '?',
        `{${distinct.map(({ path, value }) => `${notation.label(value)}:${writePath(notation, path)}`).join(', ')}}`,
        notation.label(choice),
        ['no value', 'one value'][distinct.length] ?? 'two values: the signer lies',
      ]);
    }
  page.table(['signer', 'at', 'values seen', 'choice', 'because'], rows);
}

/** The first value that each of `replicas` has of every commander, and the round and path that brought it. */
export function drawFirstValues(page: Page, holding: Holding, replicas: readonly ReplicaIndex[]): void {
  const { notation } = holding;
  const commanders = notation.names.map((_, id) => id);
  const rows = replicas.map((replica) => [
    `at ${notation.names[replica] ?? '?'}`,
    ...commanders.map((commander) => {
      if (commander === replica) return 'own';
      const first = heldBy(holding, replica, commander)[0];
      expectDecided(holding, replica, commander, first?.value ?? null);
      if (first === undefined) return ABSENT;
      const by =
        first.path.at(-1) === commander ? '' : `, by ${notation.names[first.path.at(-1) ?? 0] ?? '?'}`;
      return `${notation.label(first.value)} (round ${first.round}${by})`;
    }),
  ]);
  page.table(['holds', ...notation.names], rows);
}

/** Who holds which vector; a line for all who hold the same. */
export function writeVectors(page: Page, holding: Holding, replicas: readonly ReplicaIndex[]): void {
  const { notation, vectors } = holding;
  const rows: { readonly names: string[]; readonly cells: readonly string[] }[] = [];
  for (const replica of replicas) {
    const vector = vectors[replica] ?? null;
    const cells =
      vector === null ? notation.names.map(() => 'none') : vector.map((value) => notation.label(value));
    const equal = rows.find((row) => row.cells.join() === cells.join());
    if (equal === undefined) rows.push({ names: [notation.names[replica] ?? '?'], cells });
    else equal.names.push(notation.names[replica] ?? '?');
  }
  page.line();
  page.table(
    ['vector of', ...notation.names],
    rows.map(({ names, cells }) => [names.join(' '), ...cells]),
  );
  if (rows.length > 1) page.say('The correct replicas disagree.');
}

function expectDecided(
  { notation, vectors }: Holding,
  replica: ReplicaIndex,
  commander: ReplicaIndex,
  drawn: MaybeValue,
): void {
  const decided = vectors[replica]?.[commander] ?? null;
  if (!sameValue(decided, drawn))
    throw new Error(
      `the drawing gives ${notation.label(drawn)} for ${notation.names[commander] ?? '?'} at ` +
        `${notation.names[replica] ?? '?'}, which decided ${notation.label(decided)}`,
    );
}
