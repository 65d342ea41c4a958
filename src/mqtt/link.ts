/**
 * The way from one sender to one receiver's inbox; faults wrap this. A link depends on its two ends alone
 * (protocol.md §7) where the receiver's broker is inside its own process.
 */
import type { Principal, Purpose } from '../ports.js';
import { BrokerClient, type BrokerClientCounters, type BrokerClientOptions } from './broker-client.js';
import { encodeTopic } from './packet.js';
import { formatTopic, purposes } from './topic.js';

export interface Link {
  readonly to: Principal;
  readonly up: boolean;
  /** Sends at once, or drops and counts. */
  send(purpose: Purpose, frame: Uint8Array): void;
  /** Sends under another principal's topic, as a liar would; an inbox that keeps its ACL refuses it. */
  sendAs(claimed: Principal, purpose: Purpose, frame: Uint8Array): void;
  counters(): BrokerClientCounters;
  /** Other passwords for the receiver's inbox take the place of those held, newest key epoch first. */
  renewPasswords(passwords: readonly string[]): void;
  close(): Promise<void>;
}

export interface LinkOptions extends Omit<
  BrokerClientOptions,
  'clientId' | 'username' | 'name' | 'onSameId'
> {
  readonly rigId: string;
  readonly self: Principal;
  readonly to: Principal;
}

/** A link with a connection of its own, to an embedded inbox. */
export function createLink(options: LinkOptions): Link {
  const { rigId, self, to } = options;
  const client = new BrokerClient({
    ...options,
    clientId: self,
    username: self,
    name: `the inbox of '${to}'`,
    onSameId: 'refuses-second',
  });
  return makeLink(
    rigId,
    self,
    to,
    () => client,
    () => client.close(),
  );
}

/** A link over a connection that others may share (null: closed); `close` is what closing this link means. */
export function makeLink(
  rigId: string,
  self: Principal,
  to: Principal,
  client: () => BrokerClient | null,
  close: () => Promise<void>,
): Link {
  const topics = new Map(
    purposes.map((purpose) => [purpose, encodeTopic(formatTopic(rigId, to, self, purpose))]),
  );
  /** Dropped while the shared connection was closed. */
  let unsent = 0;
  return {
    to,
    get up() {
      return client()?.up === true;
    },
    send(purpose, frame) {
      const topic = topics.get(purpose);
      const connection = client();
      if (topic === undefined || connection === null) unsent += 1;
      else connection.publish(topic, frame);
    },
    sendAs(claimed, purpose, frame) {
      const connection = client();
      if (connection === null) unsent += 1;
      else connection.publish(encodeTopic(formatTopic(rigId, to, claimed, purpose)), frame);
    },
    counters() {
      const counters = client()?.counters() ?? noCounters;
      return { ...counters, droppedDown: counters.droppedDown + unsent };
    },
    renewPasswords(passwords) {
      client()?.renewPasswords(passwords);
    },
    close,
  };
}

const noCounters: BrokerClientCounters = {
  sent: 0,
  sentBytes: 0,
  droppedDown: 0,
  droppedBacklog: 0,
  connects: 0,
  disconnects: 0,
  refusedQuality: 0,
  refusedMalformed: 0,
};
