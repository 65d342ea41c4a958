/** The way for an operator's commands to the replicas of a running rig: a transport to their inboxes, and a client over it. */
import { randomBytes } from 'node:crypto';
import { CommandClient } from '../client/command-client.js';
import { createSystemClock } from '../process/system-clock.js';
import { openTransport, type OpenTransportOptions } from './open-transport.js';

export interface OpenCommandClientOptions extends Pick<
  OpenTransportOptions,
  'rig' | 'keys' | 'addresses' | 'log'
> {
  readonly rigDigest: Uint8Array;
}

/** Begins to connect; throws as `openTransport` does. */
export async function openCommandClient(
  options: OpenCommandClientOptions,
): Promise<{ readonly client: CommandClient; readonly close: () => Promise<void> }> {
  const { rig, keys, addresses, log, rigDigest } = options;
  const only = rig.replicas.map(({ id }) => id);
  const { transport } = await openTransport({ rig, keys, addresses, log, only });
  const client = new CommandClient({
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
