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
import { CatalogueError, HARMLESS, readCatalogue, readFlights } from './catalogue.mjs';
import { runFlights, runTests } from './detectors.mjs';
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
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stopping.abort());

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof CatalogueError) && error?.name !== 'AbortError') throw error;
  console.error(error.name === 'AbortError' ? 'stopped' : error.message);
  process.exitCode = 2;
}

async function main() {
  const chosen = choose(readCatalogue(options.catalogue, readFlights(path.join(HERE, 'flights.yaml')), ROOT));
  if (options.list) {
    for (const { id, group, title, file } of chosen) console.log(`${id}  [${group}]  ${title}  (${file})`);
    return 0;
  }
  const trees = [];
  try {
    for (let job = 0; job < Math.min(Number(options.jobs), chosen.length); job += 1)
      trees.push(new Tree(ROOT));
    const complaint = await inspectUnharmed(chosen, trees);
    if (complaint !== null) {
      console.log(`without a bug this fails already: ${complaint}`);
      return 1;
    }
    return report(await inspectAll(chosen, trees));
  } finally {
    for (const tree of trees) tree.remove();
  }
}

function choose(canaries) {
  const ids = options.only?.split(',');
  const unknown = ids?.find((id) => !canaries.some((canary) => canary.id === id));
  if (unknown !== undefined)
    throw new CatalogueError(`there is no canary "${unknown}"; --list names them all`);
  const against = options.against?.split(',');
  return canaries
    .filter(({ id, sample }) => (ids === undefined || ids.includes(id)) && (!options.sample || sample))
    .map((canary) => (against === undefined ? canary : { ...canary, flights: [], tests: against }));
}

/** Everything that the canaries are held against, on the package as it is: what fails there proves nothing. */
async function inspectUnharmed(canaries, trees) {
  const tests = [...new Set(canaries.flatMap((canary) => canary.tests))];
  const flights = [...new Set(canaries.flatMap((canary) => canary.flights))];
  const shareOf = (all, tree) => all.filter((_, at) => at % trees.length === tree);
  const found = await Promise.all(
    trees.map((tree, at) => detect({ flights: shareOf(flights, at), tests: shareOf(tests, at) }, tree)),
  );
  return found.find((one) => one !== null) ?? null;
}

/** Each tree takes the next canary as soon as it is done with one; rows are printed in the order of the catalogue. */
async function inspectAll(canaries, trees) {
  const outcomes = new Array(canaries.length);
  const columns = ['id', 'group', 'title'];
  const widths = columns.map((column) => Math.max(...canaries.map((canary) => canary[column].length)));
  let next = 0;
  let printed = 0;
  await Promise.all(
    trees.map(async (tree) => {
      while (next < canaries.length) {
        const at = next;
        next += 1;
        outcomes[at] = await inspect(canaries[at], tree);
        for (; outcomes[printed] !== undefined; printed += 1) {
          const { caughtBy, unjudged, seconds } = outcomes[printed];
          const cells = columns.map((column, i) => canaries[printed][column].padEnd(widths[i]));
          console.log(
            [...cells, `${seconds.toFixed(1).padStart(5)} s`, caughtBy ?? unjudged ?? '—'].join('  '),
          );
        }
      }
    }),
  );
  return canaries.map((canary, at) => ({ ...canary, ...outcomes[at] }));
}

/** `caughtBy`: in words, or null; `unjudged`: why a detector could not be run to its end, or null. */
async function inspect(canary, tree) {
  const startedMs = performance.now();
  const outcome = { caughtBy: null, unjudged: null };
  try {
    outcome.caughtBy = await tree.withMutant(canary, () => detect(canary, tree));
  } catch (error) {
    if (error?.name === 'AbortError') throw error;
    outcome.unjudged = `could not be judged: ${error?.message ?? error}`;
  }
  return { ...outcome, seconds: (performance.now() - startedMs) / 1000 };
}

/** The simulator first, then unit tests. */
async function detect({ flights, tests }, tree) {
  const seen = flights.length === 0 ? null : await runFlights(tree, flights, stopping.signal);
  if (seen !== null) return `simulator: ${seen}`;
  const failed = tests.length === 0 ? null : await runTests(tree, tests, stopping.signal);
  return failed === null ? null : `test: ${failed}`;
}

function report(outcomes) {
  const harmless = outcomes.filter(({ group }) => group === HARMLESS);
  const bugs = outcomes.filter(({ group }) => group !== HARMLESS);
  const left = harmless.filter(({ caughtBy, unjudged }) => caughtBy === null && unjudged === null);
  const caught = bugs.filter(({ caughtBy }) => caughtBy !== null);
  console.log('');
  for (const { id, why, caughtBy, unjudged } of bugs)
    if (caughtBy === null) console.log(`not caught: ${id}. ${unjudged ?? why}`);
  for (const { id, caughtBy, unjudged } of harmless)
    if (caughtBy !== null || unjudged !== null)
      console.log(`harmless, and yet: ${id}, ${caughtBy ?? unjudged}`);
  if (harmless.length > 0) console.log(`${left.length}/${harmless.length} harmless refactorings left alone`);
  console.log(`${caught.length}/${bugs.length} caught`);
  return left.length === harmless.length && caught.length === bugs.length ? 0 : 1;
}
