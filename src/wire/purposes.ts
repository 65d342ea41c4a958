/**
 * Who may say what to whom. A pair secret proves a sender's name; this table keeps a proven operator from playing
 * a replica, and a proven voter from giving orders.
 */
import type { Purpose } from '../ports.js';

export type PrincipalKind = 'replica' | 'actuator' | 'operator' | 'observer' | 'witness';

/** Every purpose that has a session key; hellos have a key of their own. */
export type SessionPurpose = Exclude<Purpose, 'hello'>;

const TABLE: Record<PrincipalKind, Record<PrincipalKind, readonly SessionPurpose[]>> = {
  replica: {
    replica: ['round', 'state', 'order'],
    actuator: ['command'],
    operator: ['answer', 'reply', 'report'],
    observer: ['report'],
    witness: ['order'],
  },
  actuator: {
    replica: ['status'],
    actuator: [],
    operator: ['answer', 'report'],
    observer: ['report'],
    witness: [],
  },
  operator: {
    replica: ['control', 'request'],
    actuator: ['control'],
    operator: [],
    observer: [],
    witness: [],
  },
  observer: { replica: [], actuator: [], operator: [], observer: [], witness: [] },
  witness: { replica: ['order'], actuator: [], operator: ['report'], observer: ['report'], witness: [] },
};

/** What a principal of one kind may send to one of another, hellos aside. Empty: they also share no secret, unless the other way is not. */
export function listPurposes(sender: PrincipalKind, receiver: PrincipalKind): readonly SessionPurpose[] {
  return TABLE[sender][receiver];
}

/** True when the two kinds have anything to say to each other, and so share a secret. */
export function sharesSecret(a: PrincipalKind, b: PrincipalKind): boolean {
  return listPurposes(a, b).length > 0 || listPurposes(b, a).length > 0;
}
