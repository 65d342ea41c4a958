/**
 * An inbox inside its owner's process (protocol.md §7): an aedes broker on a TCP server, into which peers publish.
 * aedes keeps the sessions: CONNACK, SUBACK, PINGRESP. It stands behind a `PacketStream` for each connection,
 * which hands QoS 0 frames to the owner as the socket is read, and copies them straight to readers: no queue is
 * shared between connections, so that a frozen reader or a babbling sender costs the others nothing.
 * It must never trust a topic or a credential for more than availability: frames prove themselves.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import net from 'node:net';
import { Aedes, type AuthenticateError, type Client } from 'aedes';
import type { FrameHandler, Log, Principal, Purpose } from '../ports.js';
import {
  InboxError,
  makeRefusalCounts,
  type Inbox,
  type InboxCounters,
  type MqttLimits,
  type RefusalCause,
  type RefusalHandler,
  type TwinHandler,
} from './inbox.js';
import {
  encodePublish,
  encodeTopic,
  isSubscribe,
  isUnsubscribe,
  packetType,
  plainPublish,
  readConnect,
  readTopic,
  takeFrame,
  type ConnectRequest,
} from './packet.js';
import { PacketStream, type Verdict } from './packet-stream.js';
import { REFUSAL_CURES } from './refusal-cures.js';
import { TokenBucket } from './token-bucket.js';
import { checkId, formatInboxFilter, formatTopic, makeTopicTable, maxTopicBytes, purposes } from './topic.js';
import type { TopicTable } from './topic.js';

/** Someone who may connect to this inbox. */
export interface InboxMember {
  readonly id: Principal;
  /** sender: publishes only. operator: also reads what is published for it here. observer: also reads everything that arrives. */
  readonly kind: 'sender' | 'operator' | 'observer';
  /** What it may publish to the owner. */
  readonly purposes: readonly Purpose[];
  readonly password: string;
}

export interface EmbeddedInboxOptions {
  readonly rigId: string;
  readonly owner: Principal;
  readonly host: string;
  /** 0 takes any free port; see `address()`. A later `open` takes the same one again. */
  readonly port: number;
  readonly members: readonly InboxMember[];
  readonly limits: MqttLimits;
  /** Monotonic, whole microseconds. */
  readonly nowUs: () => number;
  readonly log: Log;
  readonly onRefusal?: RefusalHandler;
  readonly onTwin?: TwinHandler;
}

/** What is known of a member beyond its connection: the rate it used up survives a reconnection. */
interface Account {
  readonly member: InboxMember;
  /** Digests of the passwords that open the inbox, newest key epoch first. Empty: its keys are revoked. */
  passwords: readonly Buffer[];
  /** Digests of those that did before. */
  ended: readonly Buffer[];
  readonly topics: TopicTable;
  /** Subscriptions it may make. */
  readonly filters: ReadonlyMap<string, Filter>;
  /** Under which the owner publishes for it, as they are needed. */
  readonly ownTopics: Map<Purpose, Buffer>;
  bucket: TokenBucket;
  penaltyEndUs: number;
  /** The connection that holds its client id. */
  live: Connection | null;
  /** Somebody else who has the password too asked for its place; null: nobody, since that connection stands. */
  contest: Contest | null;
}

/** Attempts to enter under an id that is connected. */
interface Contest {
  readonly sinceUs: number;
  told: boolean;
}

/** A subscription that an inbox grants: all that arrives, or what is published for this reader, of one purpose or all. */
type Filter = { readonly kind: 'arrivals' } | { readonly kind: 'own'; readonly purpose: Purpose | null };

interface Connection {
  readonly stream: PacketStream;
  /** Address and port at the other end. */
  readonly from: string;
  readonly openedUs: number;
  /** When its socket brought something; unlike what silence is measured by, no stall of the owner moves it. */
  heardUs: number;
  state: 'new' | 'asking' | 'open';
  /** Packets before the answer to CONNECT. */
  early: number;
  request: ConnectRequest | null;
  account: Account | null;
  /** Digest of the password that it came with. */
  password: Buffer | null;
  /** 1.5 × keepalive; 0: none. */
  silenceLimitUs: number;
  readonly filters: Map<string, Filter>;
  /** Since when the socket takes nothing; 0: it does. */
  blockedSinceUs: number;
}

/** How often connections are looked over, ms. */
const sweepMs = 100;
/** A gap of the owner itself beyond this is its own stall, not its peers' silence. */
const stallUs = 3 * sweepMs * 1000;
/** Packets that may come before CONNACK [MQTT-3.1.4-5]. */
const maxEarlyPackets = 8;
const maxAddresses = 256;
/** A connection that is heard for so long after another one asked for its place is no remnant of an earlier life. */
const twinUs = 2_000_000;
/** The same refusal of the same principal is logged once in this time. */
const logEveryUs = 10_000_000;

export class EmbeddedInbox implements Inbox {
  readonly #options: EmbeddedInboxOptions;
  readonly #accounts: ReadonlyMap<string, Account>;
  readonly #connections = new Map<PacketStream, Connection>();
  /** Connections that read all that arrives. */
  readonly #readers = new Set<Connection>();
  readonly #connectBuckets = new Map<string, TokenBucket>();
  readonly #refused = makeRefusalCounts();
  readonly #loggedUs = new Map<string, number>();
  #delivered = 0;
  #deliveredBytes = 0;
  #forwarded = 0;
  #handler: FrameHandler | null = null;
  #server: net.Server | null = null;
  #broker: Aedes | null = null;
  #sweeper: NodeJS.Timeout | null = null;
  #port: number;
  #activeUs = 0;

  constructor(options: EmbeddedInboxOptions) {
    checkId(options.rigId);
    checkId(options.owner);
    this.#options = options;
    this.#port = options.port;
    const accounts = new Map<string, Account>();
    const nowUs = options.nowUs();
    for (const member of options.members) {
      if (accounts.has(member.id) || member.id === options.owner) {
        throw new Error(
          `inbox of '${options.owner}': the id '${member.id}' appears twice; ids are unique in a rig`,
        );
      }
      accounts.set(member.id, {
        member,
        passwords: [digestPassword(member.password)],
        ended: [],
        topics: makeTopicTable(options.rigId, options.owner, member.id, member.purposes),
        filters: makeFilters(options.rigId, options.owner, member),
        ownTopics: new Map(),
        bucket: new TokenBucket(options.limits, nowUs),
        penaltyEndUs: 0,
        live: null,
        contest: null,
      });
    }
    this.#accounts = accounts;
  }

  /** Where it listens; the port is the real one once it is open. */
  address(): { readonly host: string; readonly port: number } {
    return { host: this.#options.host, port: this.#port };
  }

  async open(): Promise<void> {
    if (this.#server !== null) return;
    const { limits } = this.#options;
    const broker = await Aedes.createBroker({
      id: `${this.#options.rigId}/${this.#options.owner}`,
      // `#sweep` comes first, and counts.
      connectTimeout: 2 * limits.connectTimeoutMs,
      drainTimeout: limits.drainTimeoutMs,
      queueLimit: maxEarlyPackets,
      concurrency: 100,
      preConnect: (_client, packet, done) => {
        // aedes does not see the frames that go past it and would take their sender for silent: `#sweep` watches.
        packet.keepalive = 0;
        done(null, true);
      },
      authenticate: (client, _username, _password, done) => {
        this.#authenticate(client, done);
      },
      authorizePublish: (client, packet, done) => {
        this.#authorizePublish(client, packet.topic, packet.payload, done);
      },
      authorizeSubscribe: (client, subscription, done) => {
        const connection = client === null ? undefined : this.#connectionOf(client);
        const granted = connection?.account?.filters.has(subscription.topic) === true;
        if (!granted) this.#refuse('subscription', connection?.account ?? null);
        done(null, granted ? { ...subscription, qos: 0 } : null);
      },
      // Copies to readers are made here, in `#forward`; aedes forwards nothing.
      authorizeForward: () => null,
    });
    broker.on('clientReady', (client) => {
      const connection = this.#connectionOf(client);
      if (connection !== undefined) connection.state = 'open';
    });
    broker.on('subscribe', (subscriptions, client) => {
      const connection = this.#connectionOf(client);
      if (connection === undefined) return;
      for (const { topic } of subscriptions) {
        const filter = connection.account?.filters.get(topic);
        if (filter !== undefined) connection.filters.set(topic, filter);
      }
      this.#noteReader(connection);
    });
    broker.on('unsubscribe', (topics, client) => {
      const connection = this.#connectionOf(client);
      if (connection === undefined) return;
      for (const topic of topics) connection.filters.delete(topic);
      this.#noteReader(connection);
    });
    broker.on('connectionError', (_client, error) => {
      this.#options.log.debug('an MQTT connection ended before it was accepted', { reason: error.message });
    });
    broker.on('clientError', (client, error) => {
      this.#options.log.debug('an MQTT connection ended', { client: client.id, reason: error.message });
    });

    const server = net.createServer(
      { noDelay: true, keepAlive: true, keepAliveInitialDelay: 1000 },
      (socket) => {
        this.accept(socket);
      },
    );
    server.maxConnections = limits.maxConnections;
    server.on('drop', () => {
      this.#refuse('connections', null);
    });
    try {
      await listen(server, this.#options.host, this.#port);
    } catch (error) {
      await closeBroker(broker);
      throw new InboxError(
        `inbox of '${this.#options.owner}': cannot listen on ${this.#options.host}:${String(this.#port)} ` +
          `(${error instanceof Error ? error.message : String(error)}); ` +
          'another process may hold the port: end it, or name another port in the rig file',
        { cause: error },
      );
    }
    server.on('error', (error) => {
      this.#options.log.error(
        `the server of the inbox of '${this.#options.owner}' reports an error; if peers stay away, restart this process`,
        { reason: error.message },
      );
    });
    const address = server.address();
    if (address !== null && typeof address === 'object') this.#port = address.port;
    this.#broker = broker;
    this.#server = server;
    this.#activeUs = this.#options.nowUs();
    this.#sweeper = setInterval(() => {
      this.#sweep();
    }, sweepMs);
  }

  async close(): Promise<void> {
    const server = this.#server;
    const broker = this.#broker;
    this.#server = null;
    this.#broker = null;
    if (this.#sweeper !== null) clearInterval(this.#sweeper);
    this.#sweeper = null;
    if (server === null || broker === null) return;
    const closed = new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
    });
    for (const stream of this.#connections.keys()) stream.destroy();
    await closeBroker(broker);
    await closed;
  }

  /**
   * Other passwords take the place of those of all members, newest key epoch first. Members without any are revoked and cut
   * at once. A member that came with one that ends stays: it is the same principal, and its frames prove themselves; but
   * it gives way as soon as one with a newer password comes.
   */
  renewPasswords(passwords: ReadonlyMap<Principal, readonly string[]>): void {
    for (const [id, account] of this.#accounts) {
      const renewed = (passwords.get(id) ?? []).map(digestPassword);
      const ended = account.passwords.filter((old) => !renewed.some((one) => one.equals(old)));
      if (ended.length > 0) account.ended = ended;
      account.passwords = renewed;
      if (renewed.length === 0 && account.live !== null) this.#end('revoked', account.live);
    }
  }

  onFrame(handler: FrameHandler): void {
    if (this.#handler !== null) throw new Error('an inbox has one frame handler; it is set already');
    this.#handler = handler;
  }

  publish(to: Principal, purpose: Purpose, frame: Uint8Array): void {
    const account = this.#accounts.get(to);
    const reader = account?.live ?? null;
    if (account === undefined || reader === null || !readsOwn(reader, purpose)) return;
    this.#forward(reader, encodePublish(this.#ownTopic(account, purpose), frame));
  }

  counters(): InboxCounters {
    return {
      delivered: this.#delivered,
      deliveredBytes: this.#deliveredBytes,
      forwarded: this.#forwarded,
      refused: { ...this.#refused },
    };
  }

  #ownTopic({ member, ownTopics }: Account, purpose: Purpose): Buffer {
    let topic = ownTopics.get(purpose);
    if (topic === undefined) {
      topic = encodeTopic(formatTopic(this.#options.rigId, member.id, this.#options.owner, purpose));
      ownTopics.set(purpose, topic);
    }
    return topic;
  }

  /** Takes a connection that its server accepted. */
  accept(socket: net.Socket): void {
    const { limits, nowUs } = this.#options;
    const atUs = nowUs();
    if (this.#broker === null || !this.#takeConnect(socket.remoteAddress ?? '', atUs)) {
      this.#refuse('connections', null);
      socket.destroy();
      return;
    }
    this.#makeRoom();
    const stream = new PacketStream(socket, {
      maxPacketBytes: limits.maxFrameBytes + maxTopicBytes + 7,
      nowUs,
      onRead: (_stream, arrivedUs) => {
        if (arrivedUs - this.#activeUs > stallUs) this.#excuseStall(arrivedUs);
        this.#activeUs = arrivedUs;
        connection.heardUs = arrivedUs;
      },
      onPacket: (_stream, bytes, start, bodyStart, end, arrivedUs) =>
        this.#onPacket(connection, bytes, start, bodyStart, end, arrivedUs),
      onFault: (_stream, fault) => {
        this.#refuse(fault, connection.account);
      },
    });
    const connection: Connection = {
      stream,
      from: `${socket.remoteAddress ?? '?'}:${String(socket.remotePort ?? '?')}`,
      openedUs: atUs,
      heardUs: atUs,
      state: 'new',
      early: 0,
      request: null,
      account: null,
      password: null,
      silenceLimitUs: 0,
      filters: new Map(),
      blockedSinceUs: 0,
    };
    this.#connections.set(stream, connection);
    stream.on('close', () => {
      this.#connections.delete(stream);
      this.#readers.delete(connection);
      if (connection.account?.live === connection) connection.account.live = null;
    });
    this.#broker.handle(stream);
  }

  /** New connections of one address are limited, so that dialling in a loop cannot hold the event loop. */
  #takeConnect(address: string, atUs: number): boolean {
    const perSecond = this.#options.limits.connectsPerSecond;
    let bucket = this.#connectBuckets.get(address);
    if (bucket === undefined) {
      const oldest = this.#connectBuckets.keys().next();
      if (this.#connectBuckets.size >= maxAddresses && oldest.done !== true)
        this.#connectBuckets.delete(oldest.value);
      bucket = new TokenBucket(
        { packetsPerSecond: perSecond, packetBurst: 4 * perSecond, bytesPerSecond: 1, byteBurst: 1 },
        atUs,
      );
      this.#connectBuckets.set(address, bucket);
    }
    return bucket.take(0, atUs);
  }

  /** Of the connections that have proved nothing the oldest gives way, so that they cannot lock a peer out. */
  #makeRoom(): void {
    let unproved = 0;
    let oldest: Connection | null = null;
    for (const connection of this.#connections.values()) {
      if (connection.account !== null) continue;
      unproved += 1;
      oldest ??= connection;
    }
    if (unproved >= this.#options.limits.maxUnproved && oldest !== null) {
      this.#refuse('connections', null);
      oldest.stream.destroy();
    }
  }

  #onPacket(
    connection: Connection,
    bytes: Buffer,
    start: number,
    bodyStart: number,
    end: number,
    arrivedUs: number,
  ): Verdict {
    const account = connection.account;
    if (account !== null && !account.bucket.take(end - start, arrivedUs)) {
      account.penaltyEndUs = arrivedUs + this.#options.limits.penaltyMs * 1000;
      return this.#cut('rate', account);
    }
    const firstByte = bytes[start] ?? 0;
    if (firstByte >> 4 === packetType.publish) {
      if (firstByte !== plainPublish) return this.#cut('quality', account);
      if (connection.state === 'open' && account !== null) {
        const found = readTopic(bytes, bodyStart, end);
        if (found === null) return this.#cut('malformed', account);
        return this.#receive(account, found.topic, bytes, found.frameStart, end, arrivedUs, start);
      }
    }
    return this.#checkControl(connection, firstByte, bytes, bodyStart, end);
  }

  /** Lets through to aedes only what is in order and well formed. */
  #checkControl(
    connection: Connection,
    firstByte: number,
    bytes: Buffer,
    bodyStart: number,
    end: number,
  ): Verdict {
    const { account } = connection;
    if (connection.state !== 'open') {
      connection.early += 1;
      if (connection.early > maxEarlyPackets) return this.#cut('order', account);
    }
    if (connection.state === 'new') {
      if (firstByte !== packetType.connect << 4) return this.#cut('order', account);
      const request = readConnect(bytes, bodyStart, end);
      if (request === null) return this.#cut('malformed', account);
      connection.request = request;
      connection.state = 'asking';
      return 'pass';
    }
    switch (firstByte) {
      case plainPublish:
        // Before CONNACK; aedes keeps it until it has accepted the client [MQTT-3.1.4-5].
        return readTopic(bytes, bodyStart, end) !== null ? 'pass' : this.#cut('malformed', account);
      case (packetType.subscribe << 4) | 2:
        return isSubscribe(bytes, bodyStart, end) ? 'pass' : this.#cut('malformed', account);
      case (packetType.unsubscribe << 4) | 2:
        return isUnsubscribe(bytes, bodyStart, end) ? 'pass' : this.#cut('malformed', account);
      case packetType.pingreq << 4:
      case packetType.disconnect << 4:
        return bodyStart === end ? 'pass' : this.#cut('malformed', account);
      case packetType.connect << 4:
        return this.#cut('order', account);
      default:
        return this.#cut('malformed', account);
    }
  }

  /** A QoS 0 frame of an accepted member: to the owner, and copied to readers. */
  #receive(
    account: Account,
    topic: string,
    bytes: Buffer,
    frameStart: number,
    end: number,
    arrivedUs: number,
    packetStart: number,
  ): Verdict {
    const purpose = account.topics.get(topic);
    if (purpose === undefined) return this.#cut('topic', account);
    if (end - frameStart > this.#options.limits.maxFrameBytes) return this.#cut('oversize', account);
    if (this.#readers.size > 0) this.#forwardArrival(bytes.subarray(packetStart, end));
    this.#deliver(account.member.id, purpose, takeFrame(bytes, frameStart, end), arrivedUs);
    return 'taken';
  }

  #deliver(from: Principal, purpose: Purpose, frame: Uint8Array, arrivedUs: number): void {
    this.#delivered += 1;
    this.#deliveredBytes += frame.length;
    this.#handler?.(from, purpose, frame, arrivedUs);
  }

  #noteReader(connection: Connection): void {
    if (readsArrivals(connection)) this.#readers.add(connection);
    else this.#readers.delete(connection);
  }

  #forwardArrival(packet: Buffer): void {
    let copy: Buffer | null = null;
    for (const reader of this.#readers) {
      copy ??= Buffer.from(packet);
      this.#forward(reader, copy);
    }
  }

  #forward(reader: Connection, packet: Buffer): void {
    if (reader.stream.backlogBytes + packet.length > this.#options.limits.readerBacklogBytes) {
      this.#refuse('lagging-reader', reader.account);
      return;
    }
    this.#forwarded += 1;
    if (!reader.stream.writePacket(packet) && reader.blockedSinceUs === 0) {
      reader.blockedSinceUs = this.#options.nowUs();
      reader.stream.onceDrained(() => {
        reader.blockedSinceUs = 0;
      });
    }
  }

  /** aedes asks before it answers a CONNECT. */
  #authenticate(
    client: Client,
    done: (error: AuthenticateError | null, success: boolean | null) => void,
  ): void {
    const connection = this.#connectionOf(client);
    const request = connection?.request ?? null;
    if (connection === undefined || request === null) {
      done(refusal(5, 'not authorized'), false);
      return;
    }
    const { limits, nowUs } = this.#options;
    const account = this.#accounts.get(request.username ?? '') ?? null;
    // The comparison takes the same time for an unknown principal, a wrong password and a right one.
    const given = digestPassword(request.password ?? '');
    const rank = findDigest(account?.passwords ?? [unknownDigest], given);
    if (account === null || rank < 0 || request.clientId !== account.member.id) {
      // The claim is unproven, and no more than the name under which a refusal is counted.
      if (account !== null && account.passwords.length === 0) this.#refuse('revoked', account);
      else if (account !== null && findDigest(account.ended, given) >= 0) this.#refuse('expired', account);
      else this.#refuse('credentials', null);
      done(refusal(4, 'bad username or password, or a client id that is not the username'), false);
      return;
    }
    const keepaliveMaxS =
      account.member.kind === 'sender' ? limits.senderKeepaliveMaxS : limits.readerKeepaliveMaxS;
    if (
      request.will ||
      !request.clean ||
      request.protocolLevel !== 4 ||
      request.keepaliveS < 1 ||
      request.keepaliveS > keepaliveMaxS
    ) {
      this.#refuse('session', account);
      done(
        refusal(
          5,
          `only MQTT 3.1.1 with a clean session, no will and a keepalive of 1 to ${String(keepaliveMaxS)} s`,
        ),
        false,
      );
      return;
    }
    if (nowUs() < account.penaltyEndUs) {
      this.#refuse('penalty', account);
      done(refusal(3, 'cut for exceeding its rate; try again later'), false);
      return;
    }
    if (account.live !== null && isOutranked(account.live, account, rank)) {
      account.live.stream.destroy();
      account.live = null;
    }
    if (account.live !== null) {
      // The live connection stays; a half-open one goes by the silence limit below, so that its owner, restarted,
      // waits no longer than one and a half of the keepalive it asked for.
      this.#refuse('takeover', account);
      this.#noteContest(account, account.live, connection, nowUs());
      done(refusal(2, 'this client id is connected already'), false);
      return;
    }
    account.live = connection;
    account.contest = null;
    connection.account = account;
    connection.password = given;
    connection.silenceLimitUs = request.keepaliveS * 1_500_000;
    done(null, true);
  }

  /** Tells of a second process, once while the first is connected, when it cannot be the same one after a restart. */
  #noteContest(account: Account, live: Connection, second: Connection, nowUs: number): void {
    const contest = (account.contest ??= { sinceUs: nowUs, told: false });
    if (contest.told || live.heardUs - contest.sinceUs < twinUs) return;
    contest.told = true;
    const { owner, log, onTwin } = this.#options;
    const { id } = account.member;
    const text =
      `twin: a second process runs as ${id}: the one at ${second.from} is kept out of the inbox of '${owner}' (quarantined), ` +
      `and the one at ${live.from} goes on; end one of the two, or give one an id and keys of its own`;
    log.error(text);
    onTwin?.(text);
  }

  /** Frames that came before CONNACK take this way through aedes. */
  #authorizePublish(
    client: Client | null,
    topic: string,
    payload: string | Buffer,
    done: (error?: Error | null) => void,
  ): void {
    const account = client === null ? null : (this.#connectionOf(client)?.account ?? null);
    if (client === null || account === null) {
      done(new Error('not authorized'));
      return;
    }
    const frame = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload;
    const packet = encodePublish(encodeTopic(topic), frame);
    const verdict = this.#receive(
      account,
      topic,
      packet,
      packet.length - frame.length,
      packet.length,
      this.#options.nowUs(),
      0,
    );
    done(verdict === 'taken' ? null : new Error('not authorized'));
  }

  #connectionOf(client: Client): Connection | undefined {
    return client.conn instanceof PacketStream ? this.#connections.get(client.conn) : undefined;
  }

  #cut(cause: RefusalCause, account: Account | null): 'cut' {
    this.#refuse(cause, account);
    return 'cut';
  }

  #refuse(cause: RefusalCause, account: Account | null): void {
    this.#refused[cause] += 1;
    const principal = account?.member.id ?? null;
    this.#options.onRefusal?.(cause, principal);
    const key = `${cause} ${principal ?? ''}`;
    const nowUs = this.#options.nowUs();
    const loggedUs = this.#loggedUs.get(key);
    if (loggedUs !== undefined && nowUs - loggedUs < logEveryUs) return;
    this.#loggedUs.set(key, nowUs);
    this.#options.log.warn(
      `inbox of '${this.#options.owner}' refused ${principal ?? 'a stranger'}: ${cause}; ${REFUSAL_CURES[cause]}`,
      {
        cause,
        principal,
        count: this.#refused[cause],
      },
    );
  }

  /** The owner stood still: its peers' silence and their pile of frames are its own doing, and are not held against them. */
  #excuseStall(nowUs: number): void {
    const stalledUs = nowUs - this.#activeUs;
    for (const account of this.#accounts.values()) account.bucket.credit(stalledUs, nowUs);
    for (const connection of this.#connections.values()) {
      connection.stream.lastReadUs += stalledUs;
      if (connection.blockedSinceUs > 0) connection.blockedSinceUs += stalledUs;
    }
  }

  #sweep(): void {
    const nowUs = this.#options.nowUs();
    if (nowUs - this.#activeUs > stallUs) this.#excuseStall(nowUs);
    this.#activeUs = nowUs;
    const { connectTimeoutMs, drainTimeoutMs } = this.#options.limits;
    for (const connection of this.#connections.values()) {
      if (connection.account === null) {
        if (nowUs - connection.openedUs > connectTimeoutMs * 1000) this.#end('connect-timeout', connection);
      } else if (nowUs - connection.stream.lastReadUs > connection.silenceLimitUs) {
        this.#end('silent', connection);
      } else if (connection.blockedSinceUs > 0 && nowUs - connection.blockedSinceUs > drainTimeoutMs * 1000) {
        this.#end('frozen', connection);
      }
    }
  }

  #end(cause: RefusalCause, connection: Connection): void {
    this.#refuse(cause, connection.account);
    connection.stream.destroy();
  }
}

function readsArrivals(reader: Connection): boolean {
  for (const filter of reader.filters.values()) if (filter.kind === 'arrivals') return true;
  return false;
}

function readsOwn(reader: Connection, purpose: Purpose): boolean {
  for (const filter of reader.filters.values()) {
    if (filter.kind === 'own' && (filter.purpose === null || filter.purpose === purpose)) return true;
  }
  return false;
}

/** Senders read nothing; readers what is published here for them; observers also what arrives. */
function makeFilters(rigId: string, owner: Principal, member: InboxMember): Map<string, Filter> {
  const filters = new Map<string, Filter>();
  if (member.kind === 'sender') return filters;
  for (const purpose of purposes) {
    filters.set(formatTopic(rigId, member.id, owner, purpose), { kind: 'own', purpose });
  }
  filters.set(formatInboxFilter(rigId, member.id), { kind: 'own', purpose: null });
  if (member.kind === 'observer') filters.set(formatInboxFilter(rigId, owner), { kind: 'arrivals' });
  return filters;
}

/** Compared instead of passwords, so that lengths tell nothing either. */
function digestPassword(password: string | Uint8Array): Buffer {
  return createHash('sha256').update('voteplane/mqtt-password/').update(password).digest();
}

/** Where it stands in the list; −1: nowhere. Looks at all of them, wherever it is. */
function findDigest(digests: readonly Buffer[], given: Buffer): number {
  let found = -1;
  digests.forEach((digest, at) => {
    if (timingSafeEqual(digest, given) && found < 0) found = at;
  });
  return found;
}

/** Whether a connection came with an older password than that of this rank. */
function isOutranked({ password }: Connection, { passwords }: Account, rank: number): boolean {
  const own = password === null ? -1 : findDigest(passwords, password);
  return own < 0 || own > rank;
}

const unknownDigest = Buffer.alloc(32);

function refusal(returnCode: number, text: string): AuthenticateError {
  return Object.assign(new Error(text), { returnCode });
}

function listen(server: net.Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}

function closeBroker(broker: Aedes): Promise<void> {
  return new Promise((resolve) => {
    broker.close(() => {
      resolve();
    });
  });
}
