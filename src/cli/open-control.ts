/** The way for an operator's orders and questions to the processes of a running rig. */
import { ControlClient } from '../faults/control-client.js';
import type { Principal } from '../ports.js';
import { openOperatorClient, type OpenedClient, type OpenOperatorOptions } from './open-operator-client.js';

export interface OpenControlOptions extends OpenOperatorOptions {
  /** Whom the operator means to reach. */
  readonly only: readonly Principal[];
}

/** Begins to connect; throws as `openTransport` does. */
export function openControl(options: OpenControlOptions): Promise<OpenedClient<ControlClient>> {
  return openOperatorClient(options, options.only, (parts) => new ControlClient(parts));
}
