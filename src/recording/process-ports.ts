/**
 * Everything that crosses the edge of a replica's or a voter's process, in both directions. What is not in here cannot
 * be recorded, and so no decision of a process may rest on it.
 */
import type { Clock, Entropy, LogStore, OpenByteStream, Principal, Purpose, Transport } from '../ports.js';
import type { ParentChannel } from '../process/parent-channel.js';

export interface ProcessPorts {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly transport: Transport;
  /** Sends a frame under another's name; only fault injection does. */
  readonly sendFrameAs: (claimed: Principal, to: Principal, purpose: Purpose, frame: Uint8Array) => void;
  /** The line to the process's firmware bridge. */
  readonly openLine: OpenByteStream;
  /** What it remembers of the command log; null where no log orders commands. How full it is, is nobody's business. */
  readonly store: LogStore | null;
  readonly channel: Pick<ParentChannel, 'send' | 'sendTick' | 'sendVoter'>;
}
