/** What speaks against a fault on a rig beyond the limits of its parameters: each answers null where nothing does. */
import type { Rig } from '../rig/rig.js';
import { chooseColluders } from './lies.js';
import type { FaultCandidate, Objection } from './row.js';

export function objectToTwoLies({ parameters }: FaultCandidate): Objection | null {
  return parameters.value('value') !== null && parameters.numberOrNull('offset') !== null
    ? { what: 'both value and offset are given', cure: 'keep one of them' }
    : null;
}

function countRounds(rig: Rig): number {
  return rig.hypothesis.kind === 'none' ? 1 : rig.hypothesis.f + 1;
}

export function objectToRelays({ rig }: FaultCandidate): Objection | null {
  return countRounds(rig) > 1
    ? null
    : { what: 'nothing is relayed in this rig', cure: 'choose a rig with a hypothesis other than none' };
}

export function objectToMidRound({ rig, parameters }: FaultCandidate): Objection | null {
  const rounds = countRounds(rig);
  if (parameters.number('round') > rounds) {
    return { what: `a tick of this rig has ${rounds} rounds`, cure: `choose round from 1 to ${rounds}` };
  }
  const peers = rig.replicas.length - 1;
  return parameters.number('k') < peers
    ? null
    : { what: `a round has only ${peers} messages of a replica`, cure: `choose k from 0 to ${peers - 1}` };
}

export function objectToVictim({ rig, target, parameters }: FaultCandidate): Objection | null {
  const victims = parameters.ids('as');
  const self = target.kind === 'link' ? target.from : target.kind === 'part' ? target.id : null;
  // The next replica in the rig's order is named where nobody says; with two replicas that is who would be told.
  const receiver = target.kind === 'link' ? target.to : null;
  if (victims === null)
    return rig.replicas.every(({ id }) => id === self || id === receiver)
      ? {
          what: `there is no replica but ${self ?? ''} and ${receiver ?? ''} whose name could be taken`,
          cure: 'strike another link, or a replica',
        }
      : null;
  if (victims.length > 1) return { what: 'as names several', cure: 'name one replica' };
  return victims[0] === self
    ? { what: `${victims[0] ?? ''} cannot forge itself`, cure: 'name another' }
    : null;
}

export function objectToColluders({ rig, parameters }: FaultCandidate): Objection | null {
  const colluders = chooseColluders(rig, parameters.ids('replicas'));
  const most = Math.floor(rig.replicas.length / 2);
  return colluders.length <= most
    ? null
    : {
        what: `${colluders.length} of ${rig.replicas.length} are a majority, which no voter withstands`,
        cure: `name at most ${most}`,
      };
}

export function objectToBooleans({ rig, sensors }: FaultCandidate): Objection | null {
  return sensors.some((at) => rig.sensors[at]?.type === 'number')
    ? null
    : { what: 'a boolean cannot drift', cure: 'use sensor-stuck or sensor-noise' };
}
