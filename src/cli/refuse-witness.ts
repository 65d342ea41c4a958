/** Rigs with a witness fly live only: the simulator has none, and would judge two replicas by a majority. */
import type { Rig } from '../rig/rig.js';
import { UsageError } from './usage-error.js';

/** Throws UsageError for a rig that the simulator cannot carry. */
export function refuseWitness({ id, witness }: Rig, where: string): void {
  if (witness === null) return;
  throw new UsageError(
    `${where}: rig ${id} has a witness, which the simulator does not carry; fly it with "voteplane demo ${where}"`,
  );
}
