/**
 * One connection to one broker, kept up: an MQTT.js 5 client (MQTT 3.1.1, clean session, QoS 0) behind a
 * `PacketStream`. MQTT.js connects, subscribes, pings and reconnects; frames go past it in both directions, one
 * write each, which costs a fraction of its own publish path (test/bench/mqtt-bench.mjs measures both). A write
 * leaves at once: corking those of one turn together saves nothing up to three, and a replica has one per peer.
 * Nothing is ever queued for a later connection: what cannot be sent now is dropped and counted.
 */
import { createRequire } from 'node:module';
import net from 'node:net';
import type { MqttClient } from 'mqtt';
import type { Log } from '../ports.js';
import type { TwinHandler } from './inbox.js';
import { encodePublish, isBrokerControl, packetType, plainPublish, readTopic, takeFrame } from './packet.js';
import { PacketStream, type Verdict } from './packet-stream.js';

/** MQTT.js's client alone: the package's main entry also loads WebSocket, SOCKS and TLS dialers, some 4 MiB. */
const { default: MqttJsClient } = createRequire(import.meta.url)('mqtt/lib/client') as {
  readonly default: typeof MqttClient;
};

export interface BrokerClientOptions {
  /** For messages to people: whose broker this is. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
  /** Exact topics to subscribe to after every connection; no wildcards. */
  readonly topics: readonly string[];
  readonly maxPacketBytes: number;
  /** Bytes that may wait for a receiver that does not read. */
  readonly sendBacklogBytes: number;
  readonly nowUs: () => number;
  readonly log: Log;
  /** Up: connected, and every subscription granted. */
  readonly onUp: (up: boolean) => void;
  /** A QoS 0 message, not retained. False cuts the connection for `penaltyMs`. */
  readonly onMessage: (
    topic: string,
    frame: () => Uint8Array,
    packetBytes: number,
    arrivedUs: number,
  ) => boolean;
  readonly penaltyMs: number;
  /**
   * What the broker does with a client id that is connected already: refuses the second connection, as an inbox inside
   * its owner's process does, or ends the first, as MQTT prescribes.
   */
  readonly onSameId: 'refuses-second' | 'ends-first';
  readonly onTwin?: TwinHandler;
}

export interface BrokerClientCounters {
  readonly sent: number;
  readonly sentBytes: number;
  /** Frames dropped while there was no connection. */
  readonly droppedDown: number;
  /** Frames dropped because the receiver does not read. */
  readonly droppedBacklog: number;
  readonly connects: number;
  /** Connections that ended or never came about. */
  readonly disconnects: number;
  /** Retained, duplicate or QoS 1 and 2 messages from the broker, dropped. */
  readonly refusedQuality: number;
  /** Packets that a broker does not send; each ended its connection. */
  readonly refusedMalformed: number;
}

/** First and longest pause before the next attempt, doubling between. */
const firstRetryMs = 50;
const lastRetryMs = 150;
/** Whole seconds, as MQTT has it; a broker that answers no ping is given up after one and a half. */
const keepaliveS = 1;
const connectTimeoutMs = 1000;
/** How long a failure to connect is no news. */
const quietUs = 1_000_000;
/** An earlier connection of this process's own that has died is gone from an inbox after one and a half keepalives. */
const remnantUs = 3_000_000;
/** So many connections in a row that were ended within this time of each other are another process's doing. */
const endedConnections = 5;
const endedWithinUs = 10_000_000;

export class BrokerClient {
  readonly #options: BrokerClientOptions;
  readonly #client: MqttClient;
  #stream: PacketStream | null = null;
  #up = false;
  #closed = false;
  #lastReason = '';
  #toldTwin = '';
  #downSinceUs: number;
  #penalized = false;
  #sent = 0;
  #sentBytes = 0;
  #droppedDown = 0;
  #droppedBacklog = 0;
  #connects = 0;
  #disconnects = 0;
  #refusedQuality = 0;
  #refusedMalformed = 0;
  /** Newest key epoch first; the one that is tried now. */
  #passwords: readonly string[];
  #passwordAt = 0;
  /** Since when the broker says nothing but that this id is connected; null: it does not. */
  #takenSinceUs: number | null = null;
  /** When the last connections that had stood were ended by the other side, oldest first. */
  #endedUs: number[] = [];

  constructor(options: BrokerClientOptions) {
    this.#options = options;
    this.#downSinceUs = options.nowUs();
    this.#passwords = [options.password];
    const client = new MqttJsClient(() => this.#dial(), {
      protocolVersion: 4,
      clean: true,
      clientId: options.clientId,
      username: options.username,
      password: options.password,
      keepalive: keepaliveS,
      reschedulePings: false,
      timerVariant: 'native',
      connectTimeout: connectTimeoutMs,
      reconnectPeriod: firstRetryMs,
      reconnectOnConnackError: true,
      queueQoSZero: false,
      resubscribe: false,
      // A table of 65536 small buffers, which packets written here would hardly use.
      writeCache: false,
    });
    this.#client = client;
    client.on('connect', () => {
      this.#onConnect();
    });
    client.on('reconnect', () => {
      // Takes effect at the next failure: MQTT.js reads the period when a connection ends.
      const period = this.#penalized ? firstRetryMs : (client.options.reconnectPeriod ?? firstRetryMs);
      this.#penalized = false;
      client.options.reconnectPeriod = Math.min(period * 2, lastRetryMs);
    });
    client.on('close', () => {
      this.#disconnects += 1;
      if (this.#up) this.#noteEnded();
      this.#setUp(false);
    });
    client.on('error', (error) => {
      if (options.onSameId === 'refuses-second' && isTakenRefusal(error)) {
        this.#noteTaken();
        return;
      }
      this.#takenSinceUs = null;
      if (!isCredentialRefusal(error)) {
        this.#explain(error.message);
        return;
      }
      this.#explain(
        `${error.message}; if the keys of the rig were changed, the one of the two whose key file is older needs the newest`,
      );
      // The receiver may not hold the newest key epoch yet.
      this.#passwordAt = (this.#passwordAt + 1) % Math.max(1, this.#passwords.length);
      client.options.password = this.#passwords[this.#passwordAt] ?? '';
    });
  }

  get up(): boolean {
    return this.#up;
  }

  /** Sends at once or not at all; true when the operating system or the socket's bounded buffer has it. */
  publish(encodedTopic: Buffer, frame: Uint8Array): boolean {
    const stream = this.#stream;
    if (!this.#up || stream === null) {
      this.#droppedDown += 1;
      return false;
    }
    if (stream.backlogBytes > this.#options.sendBacklogBytes) {
      this.#droppedBacklog += 1;
      return false;
    }
    this.#sent += 1;
    this.#sentBytes += frame.length;
    stream.writePacket(encodePublish(encodedTopic, frame));
    return true;
  }

  /** Other passwords take the place of those held, newest key epoch first; a connection that stands goes on. */
  renewPasswords(passwords: readonly string[]): void {
    this.#passwords = passwords;
    this.#passwordAt = 0;
    this.#client.options.password = passwords[0] ?? '';
  }

  counters(): BrokerClientCounters {
    return {
      sent: this.#sent,
      sentBytes: this.#sentBytes,
      droppedDown: this.#droppedDown,
      droppedBacklog: this.#droppedBacklog,
      connects: this.#connects,
      disconnects: this.#disconnects,
      refusedQuality: this.#refusedQuality,
      refusedMalformed: this.#refusedMalformed,
    };
  }

  /** Ends the connection and every attempt to renew it. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await new Promise<void>((resolve) => {
      this.#client.end(true, () => {
        resolve();
      });
    });
    this.#stream?.destroy();
    this.#setUp(false);
  }

  #dial(): PacketStream {
    const { host, port, maxPacketBytes, nowUs } = this.#options;
    const socket = net.connect({ host, port, keepAlive: true, keepAliveInitialDelay: 1000 });
    const stream = new PacketStream(socket, {
      maxPacketBytes,
      nowUs,
      onPacket: (_stream, bytes, start, bodyStart, end, arrivedUs) =>
        this.#onPacket(bytes, start, bodyStart, end, arrivedUs),
      onFault: (_stream, fault) => {
        this.#refusedMalformed += 1;
        this.#explain(`the broker sent a packet that is ${fault}`);
      },
    });
    this.#stream = stream;
    return stream;
  }

  #onPacket(bytes: Buffer, start: number, bodyStart: number, end: number, arrivedUs: number): Verdict {
    const firstByte = bytes[start] ?? 0;
    if (firstByte >> 4 !== packetType.publish) {
      if (isBrokerControl(firstByte, bytes, bodyStart, end)) return 'pass';
      this.#refusedMalformed += 1;
      this.#explain('the broker sent a malformed packet');
      return 'cut';
    }
    if (firstByte !== plainPublish) {
      this.#refusedQuality += 1;
      return 'taken';
    }
    const found = readTopic(bytes, bodyStart, end);
    if (found === null) {
      this.#refusedMalformed += 1;
      this.#explain('the broker sent a malformed message');
      return 'cut';
    }
    const goesOn = this.#options.onMessage(
      found.topic,
      () => takeFrame(bytes, found.frameStart, end),
      end - start,
      arrivedUs,
    );
    if (goesOn) return 'taken';
    this.#penalized = true;
    this.#client.options.reconnectPeriod = this.#options.penaltyMs;
    return 'cut';
  }

  #onConnect(): void {
    this.#connects += 1;
    this.#takenSinceUs = null;
    if (this.#options.onSameId === 'refuses-second') this.#toldTwin = '';
    const stream = this.#stream;
    const { topics } = this.#options;
    if (topics.length === 0) {
      this.#setUp(true);
      return;
    }
    let waiting = Math.ceil(topics.length / topicsPerSubscribe);
    for (let i = 0; i < topics.length; i += topicsPerSubscribe) {
      this.#client.subscribe(topics.slice(i, i + topicsPerSubscribe), { qos: 0 }, (error, granted) => {
        if (this.#stream !== stream || this.#closed) return;
        if (error !== null || granted?.some(({ qos }) => (qos as number) > 2) === true) {
          this.#explain('a subscription was refused; let this user read its own topics there');
          stream?.destroy();
          return;
        }
        waiting -= 1;
        if (waiting === 0) this.#setUp(true);
      });
    }
  }

  #setUp(up: boolean): void {
    if (up) {
      this.#client.options.reconnectPeriod = firstRetryMs;
      this.#lastReason = '';
    }
    if (this.#up === up) return;
    this.#up = up;
    this.#downSinceUs = this.#options.nowUs();
    this.#options.onUp(up);
  }

  /** Refused since this id is connected: no news after a restart, and another process when it goes on. */
  #noteTaken(): void {
    const { name, username, nowUs } = this.#options;
    const atUs = nowUs();
    this.#takenSinceUs ??= atUs;
    if (atUs - this.#takenSinceUs < remnantUs) return;
    this.#tellTwin(
      `twin: another process runs as ${username} and is connected to ${name}; this one is kept out there (quarantined): ` +
        `end one of the two, or give one an id and keys of its own`,
    );
  }

  /** The broker ended a connection that stood: where the same happens again and again, another one takes its place. */
  #noteEnded(): void {
    const { onSameId, name, username, nowUs } = this.#options;
    if (onSameId !== 'ends-first' || this.#closed) return;
    const atUs = nowUs();
    this.#endedUs = [...this.#endedUs.slice(1 - endedConnections), atUs];
    const [firstUs = atUs] = this.#endedUs;
    if (this.#endedUs.length < endedConnections || atUs - firstUs > endedWithinUs) return;
    this.#endedUs = [];
    this.#tellTwin(
      `twin: ${name} ends every connection of ${username} soon after it stands: if another process runs as ${username}, ` +
        `end one of the two, or give one an id and keys of its own; if not, look at the log of the broker`,
    );
  }

  #tellTwin(text: string): void {
    if (text === this.#toldTwin || this.#closed) return;
    this.#toldTwin = text;
    this.#options.log.error(text);
    this.#options.onTwin?.(text);
  }

  /** Says a reason once until it changes or a connection succeeds; the first second, when a rig starts, in silence. */
  #explain(reason: string): void {
    if (reason === this.#lastReason || this.#closed) return;
    if (this.#options.nowUs() - this.#downSinceUs < quietUs) return;
    this.#lastReason = reason;
    this.#options.log.warn(`no connection to ${this.#options.name}: ${reason}; trying again. ${CURE}`, {
      host: this.#options.host,
      port: this.#options.port,
    });
  }
}

/** CONNACK 4 (bad user name or password) or 5 (not authorised). */
function isCredentialRefusal(error: Error): boolean {
  return 'code' in error && (error.code === 4 || error.code === 5);
}

/** CONNACK 2: with an inbox of ours, this client id is connected. */
function isTakenRefusal(error: Error): boolean {
  return 'code' in error && error.code === 2;
}

/** What to look at when a connection does not come about. */
const CURE = 'Is it running, is its address in rig.yaml right, and does the network reach it?';

/** An inbox takes at most 16 filters in one SUBSCRIBE. */
const topicsPerSubscribe = 8;
