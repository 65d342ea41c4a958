/** Faults of the machine under a replica: its process dies or stands still, its broker is gone. */
import type { Injection } from './spec.js';
import type { FaultContext, FaultWrapper } from './wrapper.js';

/** `crash` and `restart`: the process is gone at once. Who started it sees to its return. */
export function buildCrash(context: FaultContext): FaultWrapper {
  context.count();
  return { strike: () => context.host.kill() };
}

/** How long a voter is gone where nothing is said. */
export const DEFAULT_VOTER_GONE_MS = 200;

/**
 * After how many ticks a process that a fault has killed is to be started again; null: not at all. Undefined for a fault
 * that kills nobody.
 */
export function readReturn(fault: Injection, periodUs: number): number | null | undefined {
  switch (fault.name) {
    case 'crash':
    case 'crash-mid-round':
    case 'power-cut':
      return fault.forTicks;
    case 'restart':
      return 0;
    case 'amnesia':
      return fault.forTicks ?? 0;
    case 'voter-restart': {
      const ms = fault.parameters.find(({ key }) => key === 'ms')?.value;
      return Math.ceil(((ms === undefined ? DEFAULT_VOTER_GONE_MS : Number(ms)) * 1_000) / periodUs);
    }
    default:
      return undefined;
  }
}

/** `crash-mid-round`: the process dies after `k` of the messages of a round have left. */
export function buildCrashMidRound(context: FaultContext): FaultWrapper {
  const k = context.parameters.number('k');
  const round = context.parameters.number('round');
  let sent = 0;
  return {
    onTick: () => {
      sent = 0;
    },
    peers: (next) => ({
      send: (to, message) => {
        const counts = message.kind === 'round' && message.round === round;
        if (counts && sent === k) {
          context.count();
          context.announce();
          context.host.kill();
          return;
        }
        next.send(to, message);
        if (counts) sent += 1;
      },
    }),
  };
}

/** `pause`: the process does not run for a while. */
export function buildPause(context: FaultContext): FaultWrapper {
  const ms = context.parameters.number('ms');
  context.count();
  return { lastsMs: ms, strike: () => context.host.stall(ms) };
}

/** `broker-kill`: the replica's inbox is gone for a while: as long as the fault lasts where `ms` does not say. */
export function buildBrokerKill(context: FaultContext): FaultWrapper {
  const ms = readLastingMs(context);
  context.count();
  return { lastsMs: ms, strike: () => context.host.killBroker(ms) };
}

/** How long something is gone where neither `ms` nor `for` says. */
export const DEFAULT_GONE_MS = 1_000;

/** Milliseconds by `ms`, else as long as the fault lasts, else the default. */
export function readLastingMs({ parameters, forTicks, rig }: FaultContext): number {
  const lasting = forTicks === null ? DEFAULT_GONE_MS : (forTicks * rig.periodUs) / 1_000;
  return Math.max(1, Math.round(parameters.numberOrNull('ms') ?? lasting));
}
