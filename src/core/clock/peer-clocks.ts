/**
 * Reading the clocks of peers from stamps that go both ways (protocol.md §6; coulouris 14.3: Cristian, NTP). No message
 * comes before it was sent: what goes there bounds the offset of the peer's clock from above, what comes back from
 * below, and what clocks drift while a sample ages widens both. Of a window of samples the lowest upper and the highest
 * lower bound are believed, so that a quick message counts whose answer was slow: never further apart than those of the
 * exchange with the smallest round trip, which are among them. The reading is the middle.
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

/** Samples of one peer, a ring: bounds of the offset, of which moment of the own clock each is, and the round trips. */
interface Window {
  readonly upperUs: Float64Array;
  readonly sentUs: Float64Array;
  readonly lowerUs: Float64Array;
  readonly cameUs: Float64Array;
  readonly tripsUs: Float64Array;
  /** No sample's lower bound is higher, and no upper one lower. */
  highestLowerUs: number;
  lowestUpperUs: number;
  next: number;
  count: number;
  oneWay: { readonly offsetUs: number; readonly atUs: number } | null;
}

interface Bounds {
  readonly lowerUs: number;
  readonly upperUs: number;
  readonly middleUs: number;
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
      upperUs: new Float64Array(WINDOW),
      sentUs: new Float64Array(WINDOW),
      lowerUs: new Float64Array(WINDOW),
      cameUs: new Float64Array(WINDOW),
      tripsUs: new Float64Array(WINDOW),
      highestLowerUs: -Infinity,
      lowestUpperUs: Infinity,
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
    const { tripUs } = exchangeReading(sentUs, peerUs - heldUs, peerUs, cameUs);
    if (window === undefined || !(heldUs >= 0 && tripUs >= -TRIP_SLACK_US && tripUs <= MAX_TRIP_US)) {
      this.refused += 1;
      return;
    }
    const upperUs = peerUs - heldUs - sentUs;
    const lowerUs = peerUs - cameUs;
    // Ageing only widens what samples say: what fits them as they came fits them now.
    if (upperUs < window.highestLowerUs - TRIP_SLACK_US || lowerUs > window.lowestUpperUs + TRIP_SLACK_US)
      this.reconsider(window, lowerUs, upperUs, cameUs);
    const at = window.count === 0 ? 0 : window.next;
    window.upperUs[at] = upperUs;
    window.sentUs[at] = sentUs;
    window.lowerUs[at] = lowerUs;
    window.cameUs[at] = cameUs;
    window.tripsUs[at] = Math.max(0, tripUs);
    window.highestLowerUs = Math.max(window.highestLowerUs, lowerUs);
    window.lowestUpperUs = Math.min(window.lowestUpperUs, upperUs);
    window.next = (at + 1) % WINDOW;
    window.count = Math.min(window.count + 1, WINDOW);
  }

  /** Forgets the samples of a peer whose clock is not the one that it was: it was set, or goes faster than clocks drift. */
  private reconsider(window: Window, lowerUs: number, upperUs: number, nowUs: number): void {
    const known = this.bound(window, nowUs);
    if (upperUs < known.lowerUs - TRIP_SLACK_US || lowerUs > known.upperUs + TRIP_SLACK_US) window.count = 0;
    // Those that have left the window since count no more.
    window.highestLowerUs = -Infinity;
    window.lowestUpperUs = Infinity;
    for (let at = 0; at < window.count; at += 1) {
      window.highestLowerUs = Math.max(window.highestLowerUs, window.lowerUs[at] as number);
      window.lowestUpperUs = Math.min(window.lowestUpperUs, window.upperUs[at] as number);
    }
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
    const { lowerUs, upperUs, middleUs } = this.bound(window, nowUs);
    if (upperUs !== Infinity) {
      const widthUs = 2 * Math.max(0, upperUs - middleUs, middleUs - lowerUs);
      return { offsetUs: middleUs, errorUs: readingErrorUs(widthUs) };
    }
    const { oneWay } = window;
    return oneWay === null || nowUs - oneWay.atUs > this.freshUs
      ? null
      : { offsetUs: oneWay.offsetUs, errorUs: ONE_WAY_ERROR_US };
  }

  /**
   * Between what the samples of a window that are fresh leave the offset at `nowUs`, and the middle of the two that bound
   * it most, as if clocks did not drift: infinite, and NaN, where there are none.
   */
  private bound(window: Window, nowUs: number): Bounds {
    let lowerUs = -Infinity;
    let upperUs = Infinity;
    let below = NaN;
    let above = NaN;
    for (let at = 0; at < window.count; at += 1) {
      const agedUs = nowUs - (window.cameUs[at] as number);
      if (agedUs > this.freshUs) continue;
      const fromUs = (window.lowerUs[at] as number) - Math.max(0, agedUs) * DRIFT;
      if (fromUs > lowerUs) {
        lowerUs = fromUs;
        below = window.lowerUs[at] as number;
      }
      const goneUs = Math.max(0, nowUs - (window.sentUs[at] as number));
      const toUs = (window.upperUs[at] as number) + goneUs * DRIFT;
      if (toUs < upperUs) {
        upperUs = toUs;
        above = window.upperUs[at] as number;
      }
    }
    return { lowerUs, upperUs, middleUs: (below + above) / 2 };
  }

  /** The shortest round trip to anybody lately; 0 where none is known. */
  shortestTripUs(nowUs: number): number {
    let shortest = Infinity;
    for (const { tripsUs, cameUs, count } of this.windows) {
      for (let at = 0; at < count; at += 1)
        if (nowUs - (cameUs[at] as number) <= this.freshUs)
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
