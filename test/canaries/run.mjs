/**
 * `npm run canaries`: puts each seeded bug of the catalogue into a copy of the package and shows what catches it. The
 * exit code is 0 only when every bug is caught, every harmless refactoring is left alone, and the tree without a bug
 * passes all that they were held against.
 *
 *   npm run canaries -- [--only ID,…] [--sample] [--list] [--jobs N] [--against FILE,…] [--catalogue FOLDER]
 *
 * `--against` holds the bugs against other test files or folders than the catalogue names.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CatalogueError, HARMLESS, readCatalogue } from './catalogue.mjs';
import { runTests } from './detectors.mjs';
import { Tree } from './tree.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.join(HERE, '../..');

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    sample: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '2' },
    against: { type: 'string' },
    catalogue: { type: 'string', default: path.join(HERE, 'catalogue') },
  },
});

const stopping = new AbortController();
process.once('SIGINT', () => stopping.abort());

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof CatalogueError) && error?.name !== 'AbortError') throw error;
  console.error(error.name === 'AbortError' ? 'stopped' : error.message);
  process.exitCode = 2;
}

async function main() {
  const chosen = choose(readCatalogue(options.catalogue, ROOT));
  if (options.list) {
    for (const { id, group, title, file } of chosen) console.log(`${id}  [${group}]  ${title}  (${file})`);
    return 0;
  }
  const trees = [];
  try {
    for (let job = 0; job < Math.min(Number(options.jobs), chosen.length); job += 1) trees.push(new Tree(ROOT));
    const complaint = await runTests(trees[0], [...new Set(chosen.flatMap(({ tests }) => tests))], stopping.signal);
    if (complaint !== null) {
      console.log(`without a bug this fails already: ${complaint}`);
      return 1;
    }
    return report(await flyAll(chosen, trees));
  } finally {
    for (const tree of trees) tree.remove();
  }
}

function choose(canaries) {
  const ids = options.only?.split(',');
  const unknown = ids?.find((id) => !canaries.some((canary) => canary.id === id));
  if (unknown !== undefined) throw new CatalogueError(`there is no canary "${unknown}"; --list names them all`);
  const against = options.against?.split(',');
  return canaries
    .filter(({ id, sample }) => (ids === undefined || ids.includes(id)) && (!options.sample || sample))
    .map((canary) => (against === undefined ? canary : { ...canary, tests: against }));
}

/** Each tree takes the next canary as soon as it is done with one; rows are printed in the order of the catalogue. */
async function flyAll(canaries, trees) {
  const outcomes = new Array(canaries.length);
  const widths = [
    Math.max(...canaries.map(({ id }) => id.length)),
    Math.max(...canaries.map(({ group }) => group.length)),
    Math.max(...canaries.map(({ title }) => title.length)),
  ];
  let next = 0;
  let printed = 0;
  await Promise.all(
    trees.map(async (tree) => {
      while (next < canaries.length) {
        const at = next;
        next += 1;
        outcomes[at] = await fly(canaries[at], tree);
        for (; outcomes[printed] !== undefined; printed += 1) {
          const { id, group, title } = canaries[printed];
          const { caughtBy, seconds } = outcomes[printed];
          const cells = [id, group, title].map((cell, column) => cell.padEnd(widths[column]));
          console.log([...cells, `${seconds.toFixed(1).padStart(5)} s`, caughtBy ?? '—'].join('  '));
        }
      }
    }),
  );
  return canaries.map((canary, at) => ({ ...canary, ...outcomes[at] }));
}

async function fly(canary, tree) {
  const startedMs = performance.now();
  const caughtBy = await tree.withMutant(canary, () => runTests(tree, canary.tests, stopping.signal));
  return { caughtBy, seconds: (performance.now() - startedMs) / 1000 };
}

function report(outcomes) {
  const harmless = outcomes.filter(({ group }) => group === HARMLESS);
  const bugs = outcomes.filter(({ group }) => group !== HARMLESS);
  const blamed = harmless.filter(({ caughtBy }) => caughtBy !== null);
  const missed = bugs.filter(({ caughtBy }) => caughtBy === null);
  console.log('');
  for (const { id, why } of missed) console.log(`not caught: ${id}. ${why}`);
  for (const { id, caughtBy } of blamed) console.log(`harmless, and yet caught: ${id}, by ${caughtBy}`);
  if (harmless.length > 0)
    console.log(`${harmless.length - blamed.length}/${harmless.length} harmless refactorings left alone`);
  console.log(`${bugs.length - missed.length}/${bugs.length} caught`);
  return missed.length + blamed.length === 0 ? 0 : 1;
}
