/** The way for an operator to the processes of a running rig: a transport to their inboxes, and a client over it. */
import { randomBytes } from 'node:crypto';
import { ControlClient } from '../faults/control-client.js';
import type { Principal } from '../ports.js';
import { createSystemClock } from '../process/system-clock.js';
import { openTransport, type OpenTransportOptions } from './open-transport.js';

export interface OpenControlOptions extends Pick<OpenTransportOptions, 'rig' | 'keys' | 'addresses' | 'log'> {
  readonly rigDigest: Uint8Array;
  /** Whom the operator means to reach. */
  readonly only: readonly Principal[];
}

export interface OpenedControl {
  readonly client: ControlClient;
  readonly close: () => Promise<void>;
}

/** Begins to connect; throws as `openTransport` does. */
export async function openControl(options: OpenControlOptions): Promise<OpenedControl> {
  const { rig, keys, addresses, log, only, rigDigest } = options;
  const { transport } = await openTransport({ rig, keys, addresses, log, only });
  const client = new ControlClient({
    rig,
    keys,
    rigDigest,
    transport,
    clock: createSystemClock(),
    entropy: { bytes: (length) => new Uint8Array(randomBytes(length)) },
    log,
  });
  return {
    client,
    close: async () => {
      client.close();
      await transport.close();
    },
  };
}
