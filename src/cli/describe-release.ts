/** What a process says of the software that it runs when it is up: two that do not match are found by these lines. */
import { PROTOCOL_VERSION } from '../wire/derive-keys.js';
import { readVersion } from './flight-options.js';

/** Such as "voteplane 1.2.3 with protocol version 1". */
export function describeRelease(): string {
  return `voteplane ${readVersion()} with protocol version ${PROTOCOL_VERSION}`;
}
