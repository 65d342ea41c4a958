/** What an inbox of a rig lets one sender send: several times what a correct one could need, and no more. */
import type { Rig } from '../rig/rig.js';
import { ordersByLog } from '../rig/derive.js';
import { deriveLimits } from '../wire/limits.js';
import type { BucketRates } from './token-bucket.js';

/** How many times what a correct rig sends in a second an inbox lets one sender send. */
const RATE_MARGIN = 5;

/** How long a sender may exceed its rate tenfold or so: every frame of a babbler costs a check of its authenticator. */
const BURST_SECONDS = 0.2;

/** Rounds, a command, states and hellos: what a correct replica may say to another in a tick. */
const FRAMES_PER_TICK = 8;

/** Where a log orders commands: a frame to each flush of the disk, and one for each request and answer. */
const ORDER_FRAMES_PER_SECOND = 1_000;

/** Mean length of a frame that a correct sender may have at most. */
const MEAN_FRAME_MAX_BYTES = 1_024;

/** Rates of one sender, and the longest frame of any purpose in bytes. */
export function deriveInboxLimits(rig: Rig): BucketRates & { readonly maxFrameBytes: number } {
  const largest = Math.max(...Object.values(deriveLimits(rig).frameBytes));
  const framesPerSecond =
    (FRAMES_PER_TICK * 1_000_000) / rig.periodUs + (ordersByLog(rig) ? ORDER_FRAMES_PER_SECOND : 0);
  const packetsPerSecond = Math.ceil(RATE_MARGIN * framesPerSecond);
  return {
    maxFrameBytes: largest,
    packetsPerSecond,
    packetBurst: Math.ceil(packetsPerSecond * BURST_SECONDS),
    bytesPerSecond: packetsPerSecond * Math.min(largest, MEAN_FRAME_MAX_BYTES),
    byteBurst: Math.max(Math.ceil(packetsPerSecond * MEAN_FRAME_MAX_BYTES * BURST_SECONDS), 16 * largest),
  };
}
