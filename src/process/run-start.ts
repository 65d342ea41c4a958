/**
 * Where the run lies on the rig's grid of ticks, told to a process that hears of it from nobody else: a plant, for its
 * reference, and an actuator, for the ticks at which faults strike it.
 */

/** What a parent may tell a process, over the channel between the two (JSON). */
export interface RunStartOrder {
  readonly kind: 'run-start';
  /** First tick of the run on the rig's grid, as replicas report it. */
  readonly startTick: number;
}

/** Whether a message of the parent is such an order. */
export function isRunStart(message: unknown): message is RunStartOrder {
  if (typeof message !== 'object' || message === null) return false;
  const { kind, startTick } = message as Partial<RunStartOrder>;
  return kind === 'run-start' && Number.isSafeInteger(startTick) && (startTick as number) >= 0;
}
