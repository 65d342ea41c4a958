/** The way for an operator's commands to the replicas of a running rig. */
import { CommandClient } from '../client/command-client.js';
import { openOperatorClient, type OpenedClient, type OpenOperatorOptions } from './open-operator-client.js';

/** Begins to connect; throws as `openTransport` does. */
export function openCommandClient(options: OpenOperatorOptions): Promise<OpenedClient<CommandClient>> {
  const only = options.rig.replicas.map(({ id }) => id);
  return openOperatorClient(options, only, (parts) => new CommandClient(parts));
}
