/**
 * Flies the package around it in the simulator and prints what went wrong first, as JSON, or null. Run in a tree with a
 * bug by the canaries; by hand: node test/canaries/fly.mjs '[{"rig":"pitch","ticks":1000,"seed":7}]'
 *
 * A flight: rig, ticks, seed; wire ("full" unless given), faults (those that the seed draws unless given), commands (how many
 * the seed draws; none unless given), and delayUs, jitterUs and loss of every link.
 */
import { fileURLToPath } from 'node:url';
import { planFaults } from '../../dist/src/demo/tour.js';
import { loadRig } from '../../dist/src/rig/load-rig.js';
import { drawCommands } from '../../dist/src/simulation/draw-commands.js';
import { QUIET_LINK } from '../../dist/src/simulation/network.js';
import { simulate } from '../../dist/src/simulation/simulate.js';
import { drawWeather } from '../../dist/src/simulation/weather.js';

const flights = JSON.parse(process.argv[2]);
let found = null;
for (const flight of flights) {
  found = await fly(flight);
  if (found !== null) break;
}
process.stdout.write(JSON.stringify(found));

async function fly({ rig, ticks, seed, wire = 'full', faults, commands = 0, ...link }) {
  const loaded = await loadRig(fileURLToPath(new URL(`../../hardware/rigs/${rig}`, import.meta.url)));
  let outcome;
  try {
    outcome = simulate({
      loaded,
      ticks,
      seed,
      wire,
      faults: faults === undefined ? drawWeather(loaded.rig, ticks, seed) : plan(faults),
      submissions: drawCommands(loaded.rig, ticks, commands, seed),
      network: { default: { ...QUIET_LINK, ...link } },
    });
  } catch (error) {
    // A broken invariant of the code under test ends its process; here that is this one.
    return `${rig}, seed ${seed}: ${error?.message ?? error}`;
  }
  const [violation] = outcome.violations;
  if (violation !== undefined)
    return `${rig}, seed ${seed}, tick ${violation.tick}: ${violation.checker}: ${violation.what}`;
  if (outcome.failure !== null) return `${rig}, seed ${seed}: ${outcome.failure}`;
  if (outcome.verdict.exitCode === 0) return null;
  // That a fault found nothing to alter is no broken promise of the code under test.
  const finding = outcome.verdict.findings.find((text) => !text.startsWith('The fault "'));
  return finding === undefined ? null : `${rig}, seed ${seed}: ${finding}`;
}

/** Faults as they are written, made ready. */
function plan(texts) {
  const planned = planFaults(texts.map((fault) => ({ fault, say: '' })));
  if (!planned.ok) throw new Error(planned.mistakes.map(({ text, what }) => `${text}: ${what}`).join('; '));
  return planned.faults;
}
