/** Waits for whatever ends a long-running command: SIGINT, SIGTERM, or the death of whoever started it. */
export interface Stopper {
  /** Why it ends, in words; resolves once. */
  readonly stopped: Promise<string>;
  stop(reason: string): void;
}

/** Listens for the signals from now on. A second signal ends the process at once. */
export function runUntilStopped(): Stopper {
  let resolveStopped: (reason: string) => void = () => {};
  let stopping = false;
  const stopped = new Promise<string>((resolve) => {
    resolveStopped = resolve;
  });
  const stop = (reason: string): void => {
    stopping = true;
    resolveStopped(reason);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(1);
      stop(signal);
    });
  }
  return { stopped, stop };
}
