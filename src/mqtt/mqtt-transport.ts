/**
 * The `Transport` over MQTT inboxes (protocol.md §7): this process's own inbox, and a link to the inbox of every
 * receiver it may send to. Frames for operators and observers, who own no inbox, are published in this process's
 * own, where they read them; an operator's process has no inbox and listens at its receivers'.
 */
import type { FrameHandler, Log, Principal, Purpose, Transport } from '../ports.js';
import type { InboxPart } from '../rig/rig.js';
import type { BrokerClient, BrokerClientCounters } from './broker-client.js';
import { EmbeddedInbox, type InboxMember } from './embedded-inbox.js';
import { connectExternal, ExternalInbox, parseBrokerUrl } from './external-inbox.js';
import { FrameReader, type Route } from './frame-reader.js';
import {
  defaultMqttLimits,
  type Inbox,
  type InboxCounters,
  type MqttLimits,
  type RefusalHandler,
  type TwinHandler,
} from './inbox.js';
import { createLink, makeLink, type Link } from './link.js';
import { formatTopic, maxTopicBytes } from './topic.js';

/** A receiver this process may send to. */
export interface MqttReceiver {
  readonly id: Principal;
  readonly inbox: InboxPart;
  /** This process's password at that inbox. */
  readonly sendPassword: string;
}

/** A sender this process listens to. */
export interface MqttSender {
  readonly id: Principal;
  readonly purposes: readonly Purpose[];
  /** Its password at this process's inbox; unused where this process owns none. */
  readonly password: string;
}

export interface MqttTransportOptions {
  readonly rigId: string;
  readonly self: Principal;
  /** Null for operators and observers: they read at the inboxes of `peers` what is published there for them. */
  readonly inbox: InboxPart | null;
  readonly peers: readonly MqttReceiver[];
  readonly acceptFrom: readonly MqttSender[];
  /** Those who may read all that arrives here, and what is published here for them. They also send `purposes`. */
  readonly observers?: readonly MqttSender[];
  /** Those who may read what is published here for them. They also send `purposes`. */
  readonly operators?: readonly MqttSender[];
  /** This process's password where its inbox is at an external broker. */
  readonly externalPassword?: string;
  readonly limits?: Partial<MqttLimits>;
  /** Where embedded inboxes really are, where that differs from the rig file (ephemeral ports). */
  readonly addresses?: ReadonlyMap<Principal, { readonly host: string; readonly port: number }>;
  /** Monotonic, whole microseconds, the same clock as the process's `Clock`. */
  readonly nowUs: () => number;
  readonly log: Log;
  readonly onRefusal?: RefusalHandler;
  readonly onTwin?: TwinHandler;
  /** Lets a fault stand around the inbox, or around a link. */
  readonly wrapInbox?: (inbox: Inbox) => Inbox;
  readonly wrapLink?: (link: Link) => Link;
}

/** Everybody's passwords, newest key epoch first; without any, the principal is revoked. */
export interface MqttCredentials {
  /** This process's own, where its inbox is at an external broker. */
  readonly own: readonly string[];
  /** This process's, at the inboxes of its receivers. */
  readonly sending: ReadonlyMap<Principal, readonly string[]>;
  /** Those with which others enter the inbox of this process. */
  readonly admitted: ReadonlyMap<Principal, readonly string[]>;
}

export interface MqttTransport extends Transport {
  /** Null where this process owns none. Closing and opening it again is what the fault `broker-kill` does. */
  readonly inbox: Inbox | null;
  /** Where the embedded inbox listens; null where there is none. */
  address(): { readonly host: string; readonly port: number } | null;
  /** Sends under another principal's topic, as a liar would; for fault injection. */
  sendAs(claimed: Principal, to: Principal, purpose: Purpose, frame: Uint8Array): void;
  /** Other passwords take the place of those held. Connections that stand go on, but those of revoked principals end. */
  renewCredentials(credentials: MqttCredentials): void;
  /** True when frames to that receiver can leave now. */
  isUp(to: Principal): boolean;
  counters(): MqttTransportCounters;
}

export interface MqttTransportCounters {
  readonly inbox: InboxCounters | null;
  /** What arrived over the links of a process without an inbox, one for each connection. */
  readonly reads: readonly InboxCounters[];
  /** By receiver; receivers that share a broker share its figures. */
  readonly links: ReadonlyMap<Principal, BrokerClientCounters>;
  /** Frames to someone this process has no way to. */
  readonly noWay: number;
}

/** Opens the inbox, begins to connect the links and returns; throws where the inbox cannot be opened. */
export async function createMqttTransport(options: MqttTransportOptions): Promise<MqttTransport> {
  const transport = new InboxTransport(options);
  await transport.open();
  return transport;
}

class InboxTransport implements MqttTransport {
  readonly inbox: Inbox | null;
  readonly #options: MqttTransportOptions;
  readonly #limits: MqttLimits;
  readonly #embedded: EmbeddedInbox | null;
  readonly #external: ExternalInbox | null;
  readonly #links = new Map<Principal, Link>();
  /** Those who read in this process's own inbox. */
  readonly #readers: ReadonlySet<Principal>;
  /** For processes without an inbox: what arrives over their links. */
  readonly #frameReaders: FrameReader[] = [];
  #onFrame: FrameHandler | null = null;
  #onLink: ((to: Principal, up: boolean) => void) | null = null;
  #noWay = 0;

  constructor(options: MqttTransportOptions) {
    this.#options = options;
    this.#limits = { ...defaultMqttLimits, ...options.limits };
    const { observers = [], operators = [], acceptFrom } = options;
    this.#readers = new Set([...observers, ...operators].map(({ id }) => id));
    const members: InboxMember[] = [
      ...acceptFrom.map((sender) => ({ ...sender, kind: 'sender' as const })),
      ...operators.map((sender) => ({ ...sender, kind: 'operator' as const })),
      ...observers.map((sender) => ({ ...sender, kind: 'observer' as const })),
    ];
    const inbox = this.#makeInbox(members);
    this.#embedded = inbox instanceof EmbeddedInbox ? inbox : null;
    this.#external = inbox instanceof ExternalInbox ? inbox : null;
    this.inbox = inbox === null ? null : (options.wrapInbox?.(inbox) ?? inbox);
    this.inbox?.onFrame((from, purpose, frame, arrivedUs) => {
      this.#onFrame?.(from, purpose, frame, arrivedUs);
    });
  }

  async open(): Promise<void> {
    await this.inbox?.open();
    this.#makeLinks();
  }

  send(to: Principal, purpose: Purpose, frame: Uint8Array): void {
    const link = this.#links.get(to);
    if (link !== undefined) link.send(purpose, frame);
    else if (this.inbox !== null && this.#readers.has(to)) this.inbox.publish(to, purpose, frame);
    else this.#noWay += 1;
  }

  sendAs(claimed: Principal, to: Principal, purpose: Purpose, frame: Uint8Array): void {
    const link = this.#links.get(to);
    if (link === undefined) this.#noWay += 1;
    else link.sendAs(claimed, purpose, frame);
  }

  renewCredentials({ own, sending, admitted }: MqttCredentials): void {
    this.#embedded?.renewPasswords(admitted);
    this.#external?.renewPasswords(own);
    for (const [to, link] of this.#links) {
      // A link over the connection of this process's own inbox enters with its own password.
      if (!this.#isOverOwnInbox(to)) link.renewPasswords(sending.get(to) ?? []);
    }
  }

  onFrame(handler: FrameHandler): void {
    if (this.#onFrame !== null) throw new Error('a transport has one frame handler; it is set already');
    this.#onFrame = handler;
  }

  onLink(handler: (to: Principal, up: boolean) => void): void {
    if (this.#onLink !== null) throw new Error('a transport has one link handler; it is set already');
    this.#onLink = handler;
  }

  isUp(to: Principal): boolean {
    return this.#links.get(to)?.up === true;
  }

  address(): { readonly host: string; readonly port: number } | null {
    return this.#embedded?.address() ?? null;
  }

  counters(): MqttTransportCounters {
    return {
      inbox: this.inbox?.counters() ?? null,
      reads: this.#frameReaders.map((reader) => reader.counters()),
      links: new Map([...this.#links].map(([to, link]) => [to, link.counters()])),
      noWay: this.#noWay,
    };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#links.values()].map((link) => link.close()));
    await this.inbox?.close();
  }

  #makeInbox(members: readonly InboxMember[]): EmbeddedInbox | ExternalInbox | null {
    const { rigId, self, inbox, addresses, externalPassword, nowUs, log, onRefusal, onTwin } = this.#options;
    if (inbox === null) return null;
    const common = {
      rigId,
      owner: self,
      members,
      limits: this.#limits,
      nowUs,
      log,
      ...(onRefusal === undefined ? {} : { onRefusal }),
      ...(onTwin === undefined ? {} : { onTwin }),
    };
    if (inbox.kind === 'embedded') {
      const { host, port } = addresses?.get(self) ?? inbox;
      return new EmbeddedInbox({ ...common, host, port });
    }
    return new ExternalInbox({
      ...common,
      url: inbox.url,
      password: externalPassword ?? '',
      onUp: (up) => {
        this.#onBroker(inbox.url, up);
      },
    });
  }

  /** One connection for each embedded inbox, and one for each external broker, however many receivers are there. */
  #makeLinks(): void {
    const { rigId, self, inbox, peers, addresses, nowUs, log, wrapLink, onTwin } = this.#options;
    const telling = onTwin === undefined ? {} : { onTwin };
    const shared = new Map<string, BrokerClient>();
    for (const peer of peers) {
      let link: Link;
      if (peer.inbox.kind === 'embedded') {
        const { host, port } = addresses?.get(peer.id) ?? peer.inbox;
        const reader = this.#makeReader([peer.id]);
        link = createLink({
          rigId,
          self,
          to: peer.id,
          host,
          port,
          password: peer.sendPassword,
          topics: reader.topics,
          maxPacketBytes: this.#limits.maxFrameBytes + maxTopicBytes + 7,
          sendBacklogBytes: this.#limits.sendBacklogBytes,
          nowUs,
          log,
          onUp: (up) => {
            this.#onLink?.(peer.id, up);
          },
          onMessage: (topic, frame, packetBytes, arrivedUs) =>
            reader.onMessage(topic, frame, packetBytes, arrivedUs),
          penaltyMs: this.#limits.penaltyMs,
          ...telling,
        });
      } else {
        const { url } = peer.inbox;
        const external = this.#external;
        if (external !== null && inbox?.kind === 'external' && sameBroker(inbox.url, url)) {
          link = makeLink(
            rigId,
            self,
            peer.id,
            () => external.client,
            () => Promise.resolve(),
          );
        } else {
          const { host, port } = parseBrokerUrl(url);
          const key = `${host}:${String(port)}`;
          let client = shared.get(key);
          if (client === undefined) {
            const here = peers.filter(
              (other) => other.inbox.kind === 'external' && sameBroker(other.inbox.url, url),
            );
            const opened = connectExternal({
              rigId,
              self,
              url,
              password: peer.sendPassword,
              limits: this.#limits,
              nowUs,
              log,
              reader: this.#makeReader(here.map(({ id }) => id)),
              onUp: (up) => {
                this.#onBroker(url, up);
              },
              ...telling,
            });
            shared.set(key, opened);
            client = opened;
          }
          const connection = client;
          link = makeLink(
            rigId,
            self,
            peer.id,
            () => connection,
            () => connection.close(),
          );
        }
      }
      this.#links.set(peer.id, wrapLink?.(link) ?? link);
    }
  }

  /** What a process without an inbox reads at its receivers': what each of them publishes for it. */
  #makeReader(from: readonly Principal[]): FrameReader {
    const { rigId, self, inbox, acceptFrom, nowUs, onRefusal } = this.#options;
    const routes: Route[] =
      inbox !== null
        ? []
        : acceptFrom
            .filter(({ id }) => from.includes(id))
            .flatMap(({ id, purposes }) =>
              purposes.map((purpose) => ({
                topic: formatTopic(rigId, self, id, purpose),
                from: id,
                purpose,
              })),
            );
    const reader = new FrameReader(routes, this.#limits, nowUs(), onRefusal);
    reader.onFrame((sender, purpose, frame, arrivedUs) => {
      this.#onFrame?.(sender, purpose, frame, arrivedUs);
    });
    if (routes.length > 0) this.#frameReaders.push(reader);
    return reader;
  }

  #isOverOwnInbox(to: Principal): boolean {
    const { inbox, peers } = this.#options;
    const there = peers.find(({ id }) => id === to)?.inbox;
    return inbox?.kind === 'external' && there?.kind === 'external' && sameBroker(inbox.url, there.url);
  }

  #onBroker(url: string, up: boolean): void {
    for (const peer of this.#options.peers) {
      if (peer.inbox.kind === 'external' && sameBroker(peer.inbox.url, url)) this.#onLink?.(peer.id, up);
    }
  }
}

function sameBroker(a: string, b: string): boolean {
  const left = parseBrokerUrl(a);
  const right = parseBrokerUrl(b);
  return left.host === right.host && left.port === right.port;
}
