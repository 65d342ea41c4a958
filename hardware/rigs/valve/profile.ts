/**
 * The level that the tank is to keep until an operator says otherwise. The control law begins with it, and the emulated
 * tank measures its error against it; both take it from here.
 */
export const TARGET_M = 1;

/** The target at a time, in seconds since the first tick of the run: always the same. */
export function referenceAt(): { readonly levelM: number } {
  return { levelM: TARGET_M };
}
