/**
 * What a process under systemd tells it (sd_notify(3)): that it is ready, how it does, that it stops; and the strokes of its
 * watchdog, which follow from turns that met their deadlines and from nothing else. A timer must never stroke: it would
 * go on for a replica that does nothing.
 */
import type { Clock, Log } from '../ports.js';
import { NoticeHelper } from './notice-helper.js';
import { StrokeGate } from './stroke-gate.js';

/** One round of what the process is there for: a tick of a replica, a status of a voter. */
export interface Turn {
  /** Whether the process itself was in time; what others missed does not count. */
  readonly met: boolean;
  /** What it is about, for `systemctl status`, such as "running at tick 17". */
  readonly doing: string;
}

export interface ServiceNotifier {
  /** Its inbox is open and its loop runs: the service is up, and the watchdog watches from now on. */
  ready(): void;
  /** A turn is over. Before `ready` it counts for nothing. */
  noteTurn(turn: Turn): void;
  /** It has been asked to end; no stroke follows. */
  stopping(): void;
  /** Resolves when everything has been passed on. */
  close(): Promise<void>;
}

/** What systemd gives the process in its environment; all absent where it runs under nobody. */
export interface ServiceEnvironment {
  readonly NOTIFY_SOCKET?: string | undefined;
  readonly WATCHDOG_USEC?: string | undefined;
  readonly WATCHDOG_PID?: string | undefined;
}

/** Strokes in the time after which an unstroked process is restarted. */
const STROKES_PER_WATCHDOG = 3;
/** How often the status is told where there is no watchdog. */
const STATUS_US = 1_000_000;

const SILENT: ServiceNotifier = {
  ready: () => {},
  noteTurn: () => {},
  stopping: () => {},
  close: () => Promise.resolve(),
};

/** Starts the helper, or does nothing where no service manager asks for notices. */
export function openServiceNotifier(
  environment: ServiceEnvironment,
  clock: Clock,
  log: Log,
): ServiceNotifier {
  const { NOTIFY_SOCKET: socketPath } = environment;
  if (socketPath === undefined || socketPath === '') return SILENT;
  const watchdogUs = readWatchdogUs(environment);
  const intervalUs = watchdogUs === null ? STATUS_US : Math.ceil(watchdogUs / STROKES_PER_WATCHDOG);
  let gate: StrokeGate | null = null;
  const helper = new NoticeHelper({
    socketPath,
    log,
    onRestarted: () => {
      if (gate !== null) helper.send(['READY=1']);
    },
  });
  return {
    ready: () => {
      gate = new StrokeGate(intervalUs, clock.nowUs());
      helper.send(['READY=1', 'STATUS=up']);
    },
    noteTurn: ({ met, doing }) => {
      const decision = gate?.noteTurn(met, clock.nowUs()) ?? null;
      if (decision === null) return;
      const { stroke } = decision;
      const status = `STATUS=${doing}; in time in ${decision.met} of ${decision.turns} turns`;
      helper.send(stroke && watchdogUs !== null ? ['WATCHDOG=1', status] : [status]);
      if (!stroke) {
        log.warn(
          `too late in ${decision.turns - decision.met} of ${decision.turns} turns: the watchdog is not stroked. ` +
            'Give this process more of the machine, or the rig a longer round',
        );
      }
    },
    stopping: () => {
      gate = null;
      helper.send(['STOPPING=1', 'STATUS=stopping']);
    },
    close: () => helper.close(),
  };
}

/** Microseconds; null where no watchdog is set, or one of another process. */
function readWatchdogUs({ WATCHDOG_USEC, WATCHDOG_PID }: ServiceEnvironment): number | null {
  if (WATCHDOG_PID !== undefined && WATCHDOG_PID !== String(process.pid)) return null;
  const us = Number(WATCHDOG_USEC);
  return Number.isSafeInteger(us) && us > 0 ? us : null;
}
