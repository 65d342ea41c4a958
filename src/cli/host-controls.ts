/** What faults may do to the process that they strike and to its machine, for real. */
import type { HostControls } from '../faults/wrapper.js';
import type { Inbox } from '../mqtt/inbox.js';
import type { Clock, Log } from '../ports.js';

/** The controls of this process; `inbox` is null where it owns none. `beforeKill` has the last word. */
export function openHostControls(
  inbox: Inbox | null,
  clock: Clock,
  log: Log,
  beforeKill: () => void,
): Pick<HostControls, 'kill' | 'stall' | 'killBroker'> {
  return {
    kill: () => {
      beforeKill();
      process.kill(process.pid, 'SIGKILL');
    },
    stall: stallThisThread,
    killBroker: (ms) => restartInbox(inbox, ms, clock, log),
  };
}

/** Keeps this thread from running, as a collector's long pause or a swapped-out process would. */
function stallThisThread(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Cuts everybody off the inbox and opens it again `ms` later. */
function restartInbox(inbox: Inbox | null, ms: number, clock: Clock, log: Log): void {
  if (inbox === null) return;
  const fail = (error: unknown): void =>
    log.error(`the inbox did not come back: ${String(error)}; restart this process`);
  clock.schedule(clock.nowUs() + ms * 1_000, () => void inbox.open().catch(fail));
  inbox.close().catch(fail);
}
