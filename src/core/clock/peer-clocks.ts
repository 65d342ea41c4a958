/**
 * Reading the clocks of peers from stamps that go both ways (protocol.md §6; coulouris 14.3: Cristian, NTP). A sample
 * bounds its own error: half the round trip, and what clocks drift while it ages. Of a window of samples the one with
 * the smallest error is believed.
 *
 * What a peer says of itself may be any lie: it makes that peer's reading wrong and nobody else's. Values that no
 * message can have are refused and counted, never thrown. Times are µs.
 */
import type { ReplicaIndex } from '../types.js';

/** A peer's round clock minus the own machine's clock, and how far that may be off. */
export interface ClockReading {
  readonly offsetUs: number;
  readonly errorUs: number;
}

/** What messages to and from a peer took lately, for people; null without samples. */
export interface LinkAccount {
  readonly shortestTripUs: number;
  readonly medianTripUs: number;
  readonly longestTripUs: number;
}

const WINDOW = 16;
/** Samples are forgotten after so many periods. */
const FRESH_PERIODS = 64;
/** How fast two clocks drift apart, one of them slewed. */
const DRIFT = 400e-6;
/** Clocks that drift apart make a trip look shorter by this share of what it was held. */
const TRIP_SLACK_US = 50;
/** Nobody's message is under way for so long. */
const MAX_TRIP_US = 10_000_000;
/** A reading that only one way supports: how late it is nobody knows. */
const ONE_WAY_ERROR_US = 1_000_000;

/** Offset and round trip from the four times of an exchange (NTP; coulouris ex. 14.7). */
export function exchangeReading(
  sentUs: number,
  receivedUs: number,
  returnedUs: number,
  cameUs: number,
): { readonly offsetUs: number; readonly tripUs: number } {
  return {
    offsetUs: (receivedUs - sentUs + (returnedUs - cameUs)) / 2,
    tripUs: cameUs - sentUs - (returnedUs - receivedUs),
  };
}

/** How far a reading may be off that took so long both ways, where nothing takes less than `shortestUs` one way. */
export function readingErrorUs(tripUs: number, shortestUs = 0): number {
  return tripUs / 2 - shortestUs;
}

/** Samples of one peer, a ring. */
interface Window {
  readonly offsetsUs: Float64Array;
  readonly tripsUs: Float64Array;
  readonly atUs: Float64Array;
  next: number;
  count: number;
  oneWay: { readonly offsetUs: number; readonly atUs: number } | null;
}

/** The clocks of n − 1 peers. Mutable. */
export class PeerClocks {
  /** Samples that no message can have brought about. */
  refused = 0;
  private readonly windows: readonly Window[];
  private readonly freshUs: number;

  constructor(n: number, periodUs: number) {
    this.freshUs = FRESH_PERIODS * periodUs;
    this.windows = Array.from({ length: n }, () => ({
      offsetsUs: new Float64Array(WINDOW),
      tripsUs: new Float64Array(WINDOW),
      atUs: new Float64Array(WINDOW),
      next: 0,
      count: 0,
      oneWay: null,
    }));
  }

  /**
   * A message of this replica left at `sentUs`; the peer held it for `heldUs` before it answered, when its round clock
   * showed `peerUs`; the answer came at `cameUs`.
   */
  note(peer: ReplicaIndex, sentUs: number, peerUs: number, heldUs: number, cameUs: number): void {
    const window = this.windows[peer];
    const { offsetUs, tripUs } = exchangeReading(sentUs, peerUs - heldUs, peerUs, cameUs);
    if (window === undefined || !(heldUs >= 0 && tripUs >= -TRIP_SLACK_US && tripUs <= MAX_TRIP_US)) {
      this.refused += 1;
      return;
    }
    const at = window.next;
    window.offsetsUs[at] = offsetUs;
    window.tripsUs[at] = Math.max(0, tripUs);
    window.atUs[at] = cameUs;
    window.next = (at + 1) % WINDOW;
    window.count = Math.min(window.count + 1, WINDOW);
  }

  /** A stamp without an answer in it: the peer's round clock showed `peerUs` some time before `cameUs`. */
  noteOneWay(peer: ReplicaIndex, peerUs: number, cameUs: number): void {
    const window = this.windows[peer];
    if (window === undefined || !Number.isSafeInteger(peerUs) || !Number.isFinite(cameUs)) this.refused += 1;
    else window.oneWay = { offsetUs: peerUs - cameUs, atUs: cameUs };
  }

  /** The peer's clock at `nowUs`; null where nothing fresh is known of it. */
  read(peer: ReplicaIndex, nowUs: number): ClockReading | null {
    const window = this.windows[peer];
    if (window === undefined) return null;
    let best = -1;
    let errorUs = Infinity;
    for (let at = 0; at < window.count; at += 1) {
      const ageUs = nowUs - (window.atUs[at] as number);
      if (ageUs > this.freshUs) continue;
      const boundUs = readingErrorUs(window.tripsUs[at] as number) + Math.max(0, ageUs) * DRIFT;
      if (boundUs >= errorUs) continue;
      errorUs = boundUs;
      best = at;
    }
    if (best >= 0) return { offsetUs: window.offsetsUs[best] as number, errorUs };
    const { oneWay } = window;
    return oneWay === null || nowUs - oneWay.atUs > this.freshUs
      ? null
      : { offsetUs: oneWay.offsetUs, errorUs: ONE_WAY_ERROR_US };
  }

  /** The shortest round trip to anybody lately; 0 where none is known. */
  shortestTripUs(nowUs: number): number {
    let shortest = Infinity;
    for (const { tripsUs, atUs, count } of this.windows) {
      for (let at = 0; at < count; at += 1)
        if (nowUs - (atUs[at] as number) <= this.freshUs)
          shortest = Math.min(shortest, tripsUs[at] as number);
    }
    return shortest === Infinity ? 0 : shortest;
  }

  /** Round trips of the window. */
  account(peer: ReplicaIndex): LinkAccount | null {
    const window = this.windows[peer];
    if (window === undefined || window.count === 0) return null;
    const trips = [...window.tripsUs.subarray(0, window.count)].sort((a, b) => a - b);
    return {
      shortestTripUs: trips[0] as number,
      medianTripUs: trips[trips.length >> 1] as number,
      longestTripUs: trips[trips.length - 1] as number,
    };
  }

  /** What was measured against a clock that has been set since is worth nothing. */
  forget(): void {
    for (const window of this.windows) {
      window.next = 0;
      window.count = 0;
      window.oneWay = null;
    }
  }
}
