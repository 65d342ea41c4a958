/** The client of the operator whom the options of a command name. */
import { openClient, type Client } from '../client/open-client.js';
import { readAddresses } from './addresses.js';
import type { OperatorOptions } from './operator-options.js';
import { createStderrLog } from './stderr-log.js';

/** Rejects as `openClient` does, and with UsageError for a file of addresses that is none. */
export function openNamedClient(rig: string, options: OperatorOptions): Promise<Client> {
  const { id, passphraseFile } = options;
  return openClient({
    rig,
    keys: options.keys,
    ...(id === undefined ? {} : { operator: id }),
    ...(passphraseFile === undefined ? {} : { passphraseFile }),
    addresses: readAddresses(options.addresses),
    log: createStderrLog(options.logLevel),
  });
}
