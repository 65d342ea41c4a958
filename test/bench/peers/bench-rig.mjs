/**
 * The rig that commands are measured in: the shipped rig `valve` on ports of its own, with keys and state folders, and with as
 * many operators as a rig may have: each of them has two clients that ask at the same time.
 */
import { prepareFlightFolder } from '../../../dist/src/demo/flight-folder.js';
import { loadRig } from '../../../dist/src/rig/load-rig.js';
import { makeRigFolder } from '../rig-folder.mjs';

export const CLIENTS = 16;
const OPERATORS = 8;
/** An inbox takes so many frames a second from one sender as five rigs would send by their period. */
const RATE = { period: '5 ms', round: '1.5 ms' };

/** { rig, digests, rigPath, flight, operators, remove() }; `flight` has keys, addresses and state folders. */
export async function makeBenchRig() {
  const operators = Array.from({ length: OPERATORS }, (_, at) => `operator-${at}`);
  const variant = makeRigFolder('valve', {
    set: { operators: `[${operators.join(', ')}]`, ...RATE },
  });
  const { rig, digests } = await loadRig(variant.path);
  const flight = await prepareFlightFolder(rig);
  return {
    rig,
    digests,
    rigPath: variant.path,
    operators,
    flight,
    async remove() {
      await flight.remove();
      variant.remove();
    },
  };
}
