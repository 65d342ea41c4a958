/**
 * Holds the processes of a recording against one another: every frame that one has received must have been sent, byte by
 * byte, by the replayed sender. Frames that were lost are nobody's fault; frames out of nowhere are.
 */
import { createHash } from 'node:crypto';
import type { Principal, Purpose } from '../ports.js';

/** A frame that arrived and that its sender, replayed, never sent. */
export interface UnsentFrame {
  readonly from: Principal;
  readonly to: Principal;
  readonly purpose: Purpose;
  readonly arrivedUs: number;
}

export interface LedgerFindings {
  /** Frames that processes of the recording received. */
  readonly received: number;
  /** Of these, sent byte by byte so by the replayed sender. */
  readonly matched: number;
  /** From senders that are not part of the recording, such as an operator. */
  readonly fromOutside: number;
  /** From a sender whose log or replay ends before they left. */
  readonly beyondLog: number;
  readonly unsent: number;
  readonly firstUnsent: UnsentFrame | null;
}

/** What is in flight when a process dies arrives within this time. */
const FLIGHT_US = 5_000_000;

interface ReceivedFrame extends UnsentFrame {
  readonly digest: bigint;
}

/** Frames between the processes of one recording, over all their lives. */
export class FrameLedger {
  private readonly sent = new Map<string, Digests>();
  private readonly received = new Map<string, ReceivedFrames>();
  private readonly cuts: { readonly sender: Principal; readonly fromUs: number }[] = [];

  noteSent(sender: Principal, to: Principal, purpose: Purpose, frame: Uint8Array): void {
    laneOf(this.sent, `${sender}>${to}`, () => new Digests()).push(digestFrame(purpose, frame));
  }

  noteReceived(from: Principal, to: Principal, purpose: Purpose, frame: Uint8Array, arrivedUs: number): void {
    const lane = laneOf(this.received, `${from}>${to}`, () => new ReceivedFrames(from, to));
    lane.push(purpose, digestFrame(purpose, frame), arrivedUs);
  }

  /** What this sender did in the life under way is not known from `fromUs` on. */
  noteCut(sender: Principal, fromUs: number): void {
    this.cuts.push({ sender, fromUs });
  }

  /** `recorded`: the processes that have been replayed. */
  check(recorded: ReadonlySet<Principal>): LedgerFindings {
    const found = { received: 0, matched: 0, fromOutside: 0, beyondLog: 0, unsent: 0 };
    let firstUnsent: UnsentFrame | null = null;
    for (const [lane, frames] of this.received) {
      found.received += frames.length;
      if (!recorded.has(frames.from)) {
        found.fromOutside += frames.length;
        continue;
      }
      const open = countDigests(this.sent.get(lane) ?? new Digests());
      for (const { digest, ...frame } of frames.list()) {
        const left = open.get(digest) ?? 0;
        if (left > 0) {
          open.set(digest, left - 1);
          found.matched += 1;
        } else if (this.isBeyondLog(frame)) {
          found.beyondLog += 1;
        } else {
          found.unsent += 1;
          if (firstUnsent === null || frame.arrivedUs < firstUnsent.arrivedUs) firstUnsent = frame;
        }
      }
    }
    return { ...found, firstUnsent };
  }

  private isBeyondLog({ from, arrivedUs }: UnsentFrame): boolean {
    return this.cuts.some(
      ({ sender, fromUs }) => sender === from && arrivedUs >= fromUs && arrivedUs < fromUs + FLIGHT_US,
    );
  }
}

/** 64 bits of SHA-256 over purpose and frame. */
function digestFrame(purpose: Purpose, frame: Uint8Array): bigint {
  return createHash('sha256').update(`${purpose} `).update(frame).digest().readBigUInt64LE();
}

function laneOf<Lane>(lanes: Map<string, Lane>, name: string, make: () => Lane): Lane {
  const known = lanes.get(name);
  if (known !== undefined) return known;
  const lane = make();
  lanes.set(name, lane);
  return lane;
}

function countDigests(digests: Digests): Map<bigint, number> {
  const counts = new Map<bigint, number>();
  for (const digest of digests.list()) counts.set(digest, (counts.get(digest) ?? 0) + 1);
  return counts;
}

/** Digests in order, eight bytes each: a long recording has millions. */
class Digests {
  private values = new BigUint64Array(256);
  private count = 0;

  push(value: bigint): void {
    if (this.count === this.values.length) {
      const grown = new BigUint64Array(2 * this.count);
      grown.set(this.values);
      this.values = grown;
    }
    this.values[this.count++] = value;
  }

  list(): BigUint64Array {
    return this.values.subarray(0, this.count);
  }
}

/** Frames of one lane in the order of their arrival. */
class ReceivedFrames {
  private readonly digests = new Digests();
  private readonly purposes: Purpose[] = [];
  private readonly arrivals: number[] = [];

  constructor(
    readonly from: Principal,
    readonly to: Principal,
  ) {}

  get length(): number {
    return this.arrivals.length;
  }

  push(purpose: Purpose, digest: bigint, arrivedUs: number): void {
    this.digests.push(digest);
    this.purposes.push(purpose);
    this.arrivals.push(arrivedUs);
  }

  *list(): Iterable<ReceivedFrame> {
    const { from, to } = this;
    for (const [at, digest] of this.digests.list().entries()) {
      const purpose = this.purposes[at] as Purpose;
      const arrivedUs = this.arrivals[at] as number;
      yield { from, to, purpose, arrivedUs, digest };
    }
  }
}
