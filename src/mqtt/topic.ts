/**
 * Topic names (protocol.md §7): `voteplane/<rig>/<receiver>/<sender>/<purpose>`.
 * A sender publishes only under its own name and a receiver knows every name it listens to, so reading a topic is
 * a look-up in a table made beforehand: total, and free of parsing. A topic proves nothing about who sent a frame.
 */
import type { Principal, Purpose } from '../ports.js';

export const purposes: readonly Purpose[] = [
  'hello',
  'round',
  'state',
  'command',
  'status',
  'control',
  'answer',
  'request',
  'reply',
  'report',
  'order',
];

/** Longest rig or principal id in a topic, characters. */
export const maxIdLength = 64;

/** Longest topic that `formatTopic` makes, bytes. */
export const maxTopicBytes = 'voteplane////command'.length + 3 * maxIdLength;

/** The name under which `sender` publishes to `receiver`; throws where an id could not stand in a topic. */
export function formatTopic(rigId: string, receiver: Principal, sender: Principal, purpose: Purpose): string {
  return `voteplane/${checkId(rigId)}/${checkId(receiver)}/${checkId(sender)}/${purpose}`;
}

/** Filter for everything that is published into the receiver's inbox. */
export function formatInboxFilter(rigId: string, receiver: Principal): string {
  return `voteplane/${checkId(rigId)}/${checkId(receiver)}/#`;
}

/** Returns the id, or throws when it is not 1 … 64 of `A–Z a–z 0–9 . _ -`, which leaves out `/ + # $`. */
export function checkId(id: string): string {
  if (id.length > maxIdLength || !/^[A-Za-z0-9._-]+$/.test(id)) {
    throw new Error(
      `the id '${id.slice(0, maxIdLength)}' cannot stand in an MQTT topic: use 1 to ${String(maxIdLength)} letters, digits, '.', '_' or '-'`,
    );
  }
  return id;
}

/** What a principal may publish to a receiver: full topic → purpose. */
export type TopicTable = ReadonlyMap<string, Purpose>;

/** One entry for each purpose, duplicates merged. */
export function makeTopicTable(
  rigId: string,
  receiver: Principal,
  sender: Principal,
  allowed: readonly Purpose[],
): TopicTable {
  return new Map(allowed.map((purpose) => [formatTopic(rigId, receiver, sender, purpose), purpose]));
}
