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
  return {
    peers: (next) => ({
      send: (to, message) => {
        const receiver = rig.replicas[to]?.id ?? '';
        if (message.kind !== 'round' || !struck.includes(receiver)) {
          next.send(to, message);
          return;
        }
        // Ticks are numbered on the clock of the host, round r of tick k ends at k·P + r·R.
        const deadlineUs = message.tick * rig.periodUs + message.round * rig.roundUs;
        const waitUs = deadlineUs + (early.includes(receiver) ? -offUs : offUs) - clock.nowUs();
        if (waitUs <= 0) next.send(to, message);
        else if (defer(Math.round(waitUs), () => next.send(to, message), 0)) count();
      },
    }),
  };
}
