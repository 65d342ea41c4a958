/**
 * The machine's monotonic clock as a port. All processes of a host share its origin. No time of day takes part: a
 * step of the system clock by an hour changes nothing here.
 */
import type { Cancel, Clock } from '../ports.js';

/** Timers count in milliseconds: the rest of an exact wait is dozed away in pieces, with a look at the sockets between. */
const TIMER_STEP_US = 1_000;
/** How much later than it came a socket may be read during an exact wait; or as much later as that may end. */
const DOZE_MAX_US = 100;
const DOZE_CELL = new Int32Array(new SharedArrayBuffer(4));

/** Monotonic microseconds, an integer. */
export function readMonotonicUs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000_000 + Math.floor(nanoseconds / 1_000);
}

/** The real clock. Callbacks run after the arrivals that were pending when their time came. */
export function createSystemClock(): Clock {
  return { nowUs: readMonotonicUs, schedule };
}

function schedule(atUs: number, callback: () => void, slackUs = 0, atOnce = false): Cancel {
  let timer: NodeJS.Timeout | null = null;
  let immediate: NodeJS.Immediate | null = null;
  // Timers run before the sockets are read, immediates after: so a deadline sees what had arrived by then.
  const watch = (): void => {
    immediate = null;
    const restUs = atUs - readMonotonicUs();
    if (restUs <= 0) callback();
    else if (slackUs >= TIMER_STEP_US) wait();
    else {
      doze(Math.min(restUs, Math.max(slackUs, DOZE_MAX_US)));
      if (atOnce && readMonotonicUs() >= atUs) callback();
      else immediate = setImmediate(watch);
    }
  };
  const wait = (): void => {
    const restSteps = (atUs - readMonotonicUs()) / TIMER_STEP_US;
    const delayMs = slackUs >= TIMER_STEP_US ? Math.ceil(restSteps) : Math.floor(restSteps);
    if (delayMs > 0) timer = setTimeout(onTimer, delayMs);
    else immediate = setImmediate(watch);
  };
  const onTimer = (): void => {
    timer = null;
    immediate = setImmediate(watch);
  };
  wait();
  return () => {
    if (timer !== null) clearTimeout(timer);
    if (immediate !== null) clearImmediate(immediate);
    timer = null;
    immediate = null;
  };
}

/** Gives the processor away for `us`: turning the event loop instead costs a replica a quarter of its time. */
function doze(us: number): void {
  Atomics.wait(DOZE_CELL, 0, 0, us / 1_000);
}
