/**
 * `sos-timing`: a replica that is slightly off specification. Its messages of a round leave just before the deadline for
 * some receivers and just after it for others, so that these may differ about whether they came. They are held back whole
 * and authenticated when they leave.
 */
import type { FaultContext, FaultWrapper } from './wrapper.js';

/** Round messages leave at the round's deadline, `ms` early for some receivers and `ms` late for others. */
export function buildSosTiming(context: FaultContext): FaultWrapper {
  const { rig, scope, parameters, clock, count, defer } = context;
  const offUs = parameters.number('ms') * 1_000;
  const struck = rig.replicas.map(({ id }) => id).filter((id) => scope.receivers.includes(id));
  // On a link alone its receiver is the late one: the others have the message in time.
  const early = parameters.ids('early') ?? (struck.length > 1 ? struck.filter((_, at) => at % 2 === 0) : []);
  /** When the tick began, on the clock of the process; round r of it ends r·R later. */
  let began = { tick: -1, atUs: 0 };
  return {
    peers: (next) => ({
      send: (to, message) => {
        const receiver = rig.replicas[to]?.id ?? '';
        if (message.kind === 'round' && message.stamp !== undefined && message.tick !== began.tick)
          began = { tick: message.tick, atUs: clock.nowUs() - message.stamp.lagUs };
        if (message.kind !== 'round' || message.tick !== began.tick || !struck.includes(receiver)) {
          next.send(to, message);
          return;
        }
        const deadlineUs = began.atUs + message.round * rig.roundUs;
        const waitUs = deadlineUs + (early.includes(receiver) ? -offUs : offUs) - clock.nowUs();
        if (waitUs <= 0) next.send(to, message);
        else if (defer(Math.round(waitUs), () => next.send(to, message), 0)) count();
      },
    }),
  };
}
