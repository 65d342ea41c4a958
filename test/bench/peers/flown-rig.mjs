/**
 * The shipped rig `valve` in flight: its replicas, voter and plant as processes of `voteplane demo`, with rounds twenty times a second,
 * and its operators' own client. A command is answered first when it is chosen, then when it has taken effect.
 */
import { fileURLToPath } from 'node:url';
import { openCommandClient } from '../../../dist/src/cli/open-command-client.js';
import { prepareFlightFolder } from '../../../dist/src/demo/flight-folder.js';
import { Supervisor } from '../../../dist/src/demo/supervisor.js';
import { loadRig } from '../../../dist/src/rig/load-rig.js';
import { planProcesses } from '../flight.mjs';
import { within } from './load.mjs';

const RIG = fileURLToPath(new URL('../../../hardware/rigs/valve', import.meta.url));
const ENTRY = fileURLToPath(new URL('../../../dist/src/cli/main.js', import.meta.url));
const COMMAND = 'set-target';

const silent = { debug() {}, info() {}, warn() {}, error: (text) => process.stderr.write(`${text}\n`) };

/** `ask()` gives a command and resolves when it has taken effect, with the µs until its first answer and until then. */
export async function flyValve() {
  const { rig, digests } = await loadRig(RIG);
  const folder = await prepareFlightFolder(rig);
  const supervisor = new Supervisor({
    plans: planProcesses(rig, RIG, folder),
    entry: ENTRY,
    onTelemetry: () => {},
    onDeath: (exit) => {
      throw new Error(`${exit.id} died in flight: ${exit.lastWords.join('\n')}`);
    },
  });
  await supervisor.start();
  const [operator] = rig.operators;
  const { client, close } = await openCommandClient({
    rig,
    keys: folder.keysOf(operator),
    addresses: folder.addresses,
    log: silent,
    rigDigest: digests.rig,
  });
  let sequence = 0;
  return {
    async ask() {
      sequence += 1;
      const fromUs = Number(process.hrtime.bigint()) / 1000;
      const sinceUs = () => Number(process.hrtime.bigint()) / 1000 - fromUs;
      let firstUs = null;
      const outcome = await within(
        20_000,
        'a command of the rig in flight',
        client.submit(
          { sequence, command: COMMAND, values: [0.8 + 0.1 * (sequence % 5)] },
          15_000,
          ({ kind }) => {
            if (kind === 'chosen') firstUs ??= sinceUs();
          },
        ),
      );
      if (outcome.kind !== 'applied') throw new Error(`a command came to ${JSON.stringify(outcome)}`);
      const appliedUs = sinceUs();
      return { firstUs: firstUs ?? appliedUs, appliedUs };
    },
    async stop() {
      await close();
      await supervisor.stop();
      await folder.remove();
    },
  };
}
