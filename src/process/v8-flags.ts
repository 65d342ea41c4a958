/**
 * The V8 flags under which a replica or voter runs on a small board: a young generation of 1 MiB and one thread for the
 * collector. Short collections more often suit a program that makes little garbage and has deadlines.
 */
export const SMALL_BOARD_V8_FLAGS: readonly string[] = [
  '--max-semi-space-size=1',
  '--max-old-space-size=64',
  '--single-threaded-gc',
  '--v8-pool-size=1',
];
