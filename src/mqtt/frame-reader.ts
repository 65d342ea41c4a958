/**
 * Turns messages that a broker sends to this process back into frames of known senders. The broker is trusted for
 * nothing: topics are looked up in a table made beforehand, each sender has a rate of its own (the excess is
 * dropped, the others go on), and a broker that floods beyond all of them together is cut.
 */
import type { FrameHandler, Principal, Purpose } from '../ports.js';
import { makeRefusalCounts, type InboxCounters, type MqttLimits, type RefusalCause } from './inbox.js';
import type { RefusalHandler } from './inbox.js';
import { TokenBucket } from './token-bucket.js';

/** A topic to listen to, and what a frame on it is taken for. */
export interface Route {
  readonly topic: string;
  readonly from: Principal;
  readonly purpose: Purpose;
}

/** A pause in all messages longer than this lets what piled up meanwhile pass, up to `maxCreditUs` of it. */
const pauseUs = 300_000;
const maxCreditUs = 2_000_000;

export class FrameReader {
  readonly topics: readonly string[];
  readonly #limits: MqttLimits;
  readonly #onRefusal: RefusalHandler | undefined;
  readonly #routes: ReadonlyMap<string, Route & { readonly bucket: TokenBucket }>;
  readonly #buckets: readonly TokenBucket[];
  readonly #refused = makeRefusalCounts();
  #handler: FrameHandler | null = null;
  #delivered = 0;
  #deliveredBytes = 0;
  #activeUs: number;

  constructor(routes: readonly Route[], limits: MqttLimits, nowUs: number, onRefusal?: RefusalHandler) {
    this.#limits = limits;
    this.#onRefusal = onRefusal;
    this.#activeUs = nowUs;
    const senders = new Map<Principal, TokenBucket>();
    for (const { from } of routes) if (!senders.has(from)) senders.set(from, new TokenBucket(limits, nowUs));
    const factor = 2 * Math.max(1, senders.size);
    const total = new TokenBucket(
      {
        packetsPerSecond: factor * limits.packetsPerSecond,
        packetBurst: factor * limits.packetBurst,
        bytesPerSecond: factor * limits.bytesPerSecond,
        byteBurst: factor * limits.byteBurst,
      },
      nowUs,
    );
    this.#buckets = [total, ...senders.values()];
    this.#routes = new Map(
      routes.map((route) => [route.topic, { ...route, bucket: senders.get(route.from) ?? total }]),
    );
    this.topics = [...this.#routes.keys()];
  }

  onFrame(handler: FrameHandler): void {
    if (this.#handler !== null) throw new Error('an inbox has one frame handler; it is set already');
    this.#handler = handler;
  }

  /** For `BrokerClient.onMessage`: false when the broker floods. */
  onMessage(topic: string, frame: () => Uint8Array, packetBytes: number, arrivedUs: number): boolean {
    const quietUs = arrivedUs - this.#activeUs;
    this.#activeUs = arrivedUs;
    if (quietUs > pauseUs) {
      for (const bucket of this.#buckets) bucket.credit(Math.min(quietUs, maxCreditUs), arrivedUs);
    }
    if (this.#buckets[0]?.take(packetBytes, arrivedUs) !== true) {
      this.#refuse('flood', null);
      return false;
    }
    const route = this.#routes.get(topic);
    if (route === undefined) {
      this.#refuse('topic', null);
    } else if (!route.bucket.take(packetBytes, arrivedUs)) {
      this.#refuse('rate', route.from);
    } else {
      const bytes = frame();
      if (bytes.length > this.#limits.maxFrameBytes) {
        this.#refuse('oversize', route.from);
      } else {
        this.#delivered += 1;
        this.#deliveredBytes += bytes.length;
        this.#handler?.(route.from, route.purpose, bytes, arrivedUs);
      }
    }
    return true;
  }

  counters(): InboxCounters {
    return {
      delivered: this.#delivered,
      deliveredBytes: this.#deliveredBytes,
      forwarded: 0,
      refused: { ...this.#refused },
    };
  }

  #refuse(cause: RefusalCause, principal: Principal | null): void {
    this.#refused[cause] += 1;
    this.#onRefusal?.(cause, principal);
  }
}
