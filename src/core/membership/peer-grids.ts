/**
 * Where the ticks of the peers lie on the own clock, for a replica that has none yet or has fallen out of step
 * (protocol.md §6, joining): every stamped message shows what its sender's round clock read when it left. The replica
 * adopts a grid that enough peers share, the delay of a message late; reading clocks both ways does the rest.
 */
import type { ReplicaIndex } from '../types.js';

/** Peers are in step when they are apart by no more than this share of a period. */
const SAME_GRID_SHARE = 1 / 4;
/** What was heard so many periods ago is no news. */
const FRESH_PERIODS = 3;

/** Peers that are in step with one another. */
export interface Grid {
  /** Round clock minus the own clock, µs. */
  readonly offsetUs: number;
  readonly peers: readonly ReplicaIndex[];
}

/** What every peer's newest stamp says. Mutable, owned by one replica state. */
export class PeerGrids {
  /** By peer: its round clock minus the own clock, and when that was heard. */
  private readonly offsetsUs: Float64Array;
  private readonly heardUs: Float64Array;

  constructor(
    n: number,
    private readonly periodUs: number,
  ) {
    this.offsetsUs = new Float64Array(n);
    this.heardUs = new Float64Array(n).fill(-Infinity);
  }

  /** A stamped message of a peer came at `atUs`, own clock; its sender's round clock had shown `roundUs`. */
  note(peer: ReplicaIndex, roundUs: number, atUs: number): void {
    if (!Number.isSafeInteger(roundUs) || roundUs < 0) return;
    this.offsetsUs[peer] = roundUs - atUs;
    this.heardUs[peer] = atUs;
  }

  /**
   * How many peers have shown more than `roundUs` by `nowUs`, for certain: what they showed has been under way since, so
   * their clocks are at least so far.
   */
  countBeyond(roundUs: number, nowUs: number): number {
    const oldestUs = nowUs - FRESH_PERIODS * this.periodUs;
    let count = 0;
    for (let peer = 0; peer < this.heardUs.length; peer += 1)
      if ((this.heardUs[peer] as number) >= oldestUs && nowUs + (this.offsetsUs[peer] as number) > roundUs)
        count += 1;
    return count;
  }

  /**
   * Grids that peers show at `nowUs`, the one with most peers first, then the one with the lowest id. Bit i of `guides`:
   * peer i counts.
   */
  list(nowUs: number, guides = -1): readonly Grid[] {
    const oldestUs = nowUs - FRESH_PERIODS * this.periodUs;
    const apartUs = this.periodUs * SAME_GRID_SHARE;
    const grids: Grid[] = [];
    const counts = (peer: ReplicaIndex): boolean =>
      (this.heardUs[peer] as number) >= oldestUs && (guides & (1 << peer)) !== 0;
    this.offsetsUs.forEach((fromUs, at) => {
      if (!counts(at)) return;
      const peers: ReplicaIndex[] = [];
      let lowest = Infinity;
      let highest = -Infinity;
      this.offsetsUs.forEach((offsetUs, peer) => {
        if (!counts(peer) || offsetUs < fromUs || offsetUs > fromUs + apartUs) return;
        peers.push(peer);
        lowest = Math.min(lowest, offsetUs);
        highest = Math.max(highest, offsetUs);
      });
      grids.push({ offsetUs: Math.round((lowest + highest) / 2), peers });
    });
    return grids.sort(
      (a, b) => b.peers.length - a.peers.length || (a.peers[0] as number) - (b.peers[0] as number),
    );
  }
}
