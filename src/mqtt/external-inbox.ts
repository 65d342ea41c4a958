/**
 * An inbox at a broker outside this process, such as Mosquitto; one for each receiver, or one shared by all, which
 * is then a single point of failure for availability, not for safety (protocol.md §7). The owner subscribes by
 * exact names, never by wildcards, which would echo its own messages. Correctness rests on no ACL of the broker:
 * it may forge, replay, duplicate and babble.
 */
import type { FrameHandler, Log, Principal, Purpose } from '../ports.js';
import { BrokerClient } from './broker-client.js';
import { FrameReader, type Route } from './frame-reader.js';
import type { Inbox, InboxCounters, MqttLimits, RefusalHandler, TwinHandler } from './inbox.js';
import { encodeTopic } from './packet.js';
import { formatTopic, maxTopicBytes, purposes } from './topic.js';

export interface ExternalInboxOptions {
  readonly rigId: string;
  readonly owner: Principal;
  /** `mqtt://host:port`. */
  readonly url: string;
  /** The owner's own password at the broker. */
  readonly password: string;
  readonly members: readonly { readonly id: Principal; readonly purposes: readonly Purpose[] }[];
  readonly limits: MqttLimits;
  readonly nowUs: () => number;
  readonly log: Log;
  readonly onRefusal?: RefusalHandler;
  /** The connection to the broker came up or went; links over it share its fate. */
  readonly onUp?: (up: boolean) => void;
  readonly onTwin?: TwinHandler;
}

export class ExternalInbox implements Inbox {
  readonly #options: ExternalInboxOptions;
  readonly #reader: FrameReader;
  readonly #ownTopics = new Map<string, Buffer>();
  #client: BrokerClient | null = null;
  #passwords: readonly string[];

  constructor(options: ExternalInboxOptions) {
    this.#options = options;
    this.#passwords = [options.password];
    parseBrokerUrl(options.url);
    const routes: Route[] = options.members.flatMap((member) =>
      member.purposes.map((purpose) => ({
        topic: formatTopic(options.rigId, options.owner, member.id, purpose),
        from: member.id,
        purpose,
      })),
    );
    this.#reader = new FrameReader(routes, options.limits, options.nowUs(), options.onRefusal);
  }

  /** The connection, for links to receivers at the same broker; null while closed. */
  get client(): BrokerClient | null {
    return this.#client;
  }

  /** Starts to connect, and goes on trying; peers reach the broker with or without this process. */
  open(): Promise<void> {
    if (this.#client === null) {
      const { rigId, owner, url, limits, nowUs, log, onUp, onTwin } = this.#options;
      this.#client = connectExternal({
        rigId,
        self: owner,
        url,
        password: this.#passwords[0] ?? '',
        limits,
        nowUs,
        log,
        reader: this.#reader,
        onUp: onUp ?? ((): void => undefined),
        ...(onTwin === undefined ? {} : { onTwin }),
      });
      this.#client.renewPasswords(this.#passwords);
    }
    return Promise.resolve();
  }

  /** Other passwords of the owner take the place of those held, newest key epoch first. */
  renewPasswords(passwords: readonly string[]): void {
    this.#passwords = passwords;
    this.#client?.renewPasswords(passwords);
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    await client?.close();
  }

  publish(to: Principal, purpose: Purpose, frame: Uint8Array): void {
    if (!purposes.includes(purpose)) return;
    const key = `${to}/${purpose}`;
    let topic = this.#ownTopics.get(key);
    if (topic === undefined) {
      topic = encodeTopic(formatTopic(this.#options.rigId, to, this.#options.owner, purpose));
      this.#ownTopics.set(key, topic);
    }
    this.#client?.publish(topic, frame);
  }

  onFrame(handler: FrameHandler): void {
    this.#reader.onFrame(handler);
  }

  counters(): InboxCounters {
    return this.#reader.counters();
  }
}

export interface ExternalConnectionOptions {
  readonly rigId: string;
  readonly self: Principal;
  readonly url: string;
  readonly password: string;
  readonly limits: MqttLimits;
  readonly nowUs: () => number;
  readonly log: Log;
  readonly reader: FrameReader;
  readonly onUp: (up: boolean) => void;
  readonly onTwin?: TwinHandler;
}

/** One connection of one principal to one external broker; its client id is `voteplane-<rig>-<self>`, its username `<self>`. */
export function connectExternal(options: ExternalConnectionOptions): BrokerClient {
  const { rigId, self, url, limits, reader, onTwin } = options;
  const { host, port } = parseBrokerUrl(url);
  return new BrokerClient({
    name: `the broker ${url}`,
    host,
    port,
    clientId: `voteplane-${rigId}-${self}`,
    username: self,
    password: options.password,
    topics: reader.topics,
    maxPacketBytes: limits.maxFrameBytes + maxTopicBytes + 7,
    sendBacklogBytes: limits.sendBacklogBytes,
    nowUs: options.nowUs,
    log: options.log,
    onUp: options.onUp,
    onMessage: (topic, frame, packetBytes, arrivedUs) =>
      reader.onMessage(topic, frame, packetBytes, arrivedUs),
    penaltyMs: limits.penaltyMs,
    onSameId: 'ends-first',
    ...(onTwin === undefined ? {} : { onTwin }),
  });
}

/** Host and port of `mqtt://host[:port]`, default port 1883; throws a clear error for anything else. */
export function parseBrokerUrl(url: string): { readonly host: string; readonly port: number } {
  const match = /^mqtt:\/\/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?\/?$/.exec(url);
  const host = match?.[1];
  const port = match?.[2] === undefined ? 1883 : Number(match[2]);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new Error(`the broker address '${url}' cannot be used: write mqtt://host:port`);
  }
  return { host: host.replace(/^\[|\]$/g, ''), port };
}
