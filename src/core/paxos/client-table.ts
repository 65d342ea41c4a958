/**
 * Which requests have been executed (protocol.md §9): once per (client, sequence), however often they are chosen. The
 * table follows the log alone, so that all replicas hold the same one; it is bounded and part of the snapshot. A client
 * is never forgotten to make room: its old requests could be executed a second time.
 */
import type { ClientAnswers, Outcome, PaxosConfig, Request, Slot } from './types.js';

type Limits = Pick<PaxosConfig, 'maxClients' | 'answersPerClient'>;
type Answer = ClientAnswers['answers'][number];

/** By client, its last requests, lowest sequence first; changed in place by `noteExecuted` alone. */
export type ClientTable = Map<string, Answer[]>;

/** What is known of a request: null for one that may be executed. */
export function findOutcome(limits: Limits, table: ClientTable, request: Request): Outcome | null {
  const answers = table.get(request.client);
  if (answers === undefined) {
    return table.size < limits.maxClients ? null : { kind: 'refused', reason: 'too-many-clients' };
  }
  // Nearly all that comes is newer than all that is known.
  const newest = answers[answers.length - 1];
  if (newest === undefined || request.sequence > newest.sequence) return null;
  const known = answers.find(({ sequence }) => sequence === request.sequence);
  if (known !== undefined) return { kind: 'chosen', slot: known.slot };
  const oldest = answers[0];
  const isStale =
    oldest !== undefined && answers.length >= limits.answersPerClient && request.sequence < oldest.sequence;
  return isStale ? { kind: 'stale' } : null;
}

/** Notes that `request` is executed at `slot`; true when it is, false when it was before or may not be. */
export function noteExecuted(limits: Limits, table: ClientTable, request: Request, slot: Slot): boolean {
  if (findOutcome(limits, table, request) !== null) return false;
  let answers = table.get(request.client);
  if (answers === undefined) {
    answers = [];
    table.set(request.client, answers);
  }
  let at = answers.length;
  while (at > 0 && (answers[at - 1]?.sequence ?? 0) > request.sequence) at -= 1;
  answers.splice(at, 0, { sequence: request.sequence, slot });
  if (answers.length > limits.answersPerClient) answers.shift();
  return true;
}

/** The table as it stands in a snapshot. */
export function listClients(table: ClientTable): readonly ClientAnswers[] {
  return Array.from(table, ([client, answers]) => ({ client, answers: [...answers] }));
}

/** The table of a snapshot. */
export function readClients(clients: readonly ClientAnswers[]): ClientTable {
  return new Map(clients.map(({ client, answers }) => [client, [...answers]]));
}
