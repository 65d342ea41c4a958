/** The way for an operator to the processes of a running rig: a transport to their inboxes, and a client over it. */
import { randomBytes } from 'node:crypto';
import type { Clock, Entropy, Principal, Transport } from '../ports.js';
import { createSystemClock } from '../process/system-clock.js';
import { openTransport, type OpenTransportOptions } from './open-transport.js';

export interface OpenOperatorOptions extends Pick<
  OpenTransportOptions,
  'rig' | 'keys' | 'addresses' | 'log'
> {
  readonly rigDigest: Uint8Array;
}

export interface OpenedClient<Client> {
  readonly client: Client;
  readonly close: () => Promise<void>;
}

/** What a client is made of. */
type ClientParts = Pick<OpenOperatorOptions, 'rig' | 'keys' | 'log' | 'rigDigest'> & {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly entropy: Entropy;
};

/** Begins to connect to `only`, over which `create` makes its client; throws as `openTransport` does. */
export async function openOperatorClient<Client extends { close(): void }>(
  { rig, keys, addresses, log, rigDigest }: OpenOperatorOptions,
  only: readonly Principal[],
  create: (parts: ClientParts) => Client,
): Promise<OpenedClient<Client>> {
  const { transport } = await openTransport({ rig, keys, addresses, log, only });
  const client = create({
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
