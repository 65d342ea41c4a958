/**
 * Faults of a replica that is not what the others are: another control law or rig file, another protocol version, or the
 * same identity a second time. The process is started again as such by its host; what follows is between it and its peers.
 */
import type { ReplicaProcessParts } from '../process/replica-process.js';
import { PROTOCOL_VERSION, type ConfigDigests } from '../wire/derive-keys.js';
import type { FaultContext, FaultWrapper, Mismatch } from './wrapper.js';

/** `config-mismatch`: started again with another law or rig file, and when it ends as it should be. */
export function buildConfigMismatch(context: FaultContext): FaultWrapper {
  return startAs(context, context.parameters.choice('of') === 'rig' ? 'rig' : 'law');
}

/** `version-mismatch`: started again as one that speaks another version of the protocol. */
export function buildVersionMismatch(context: FaultContext): FaultWrapper {
  return startAs(context, 'version');
}

function startAs(context: FaultContext, mismatch: Mismatch): FaultWrapper {
  context.count();
  return {
    stopsTicks: true,
    strike: () => context.host.restartAs?.(mismatch),
    end: () => context.host.restartAs?.(null),
  };
}

/** With what a replica is started so that it differs in that way: in nothing where `mismatch` is null. */
export function configureAs(
  mismatch: Mismatch | null,
  digests: ConfigDigests,
): Pick<ReplicaProcessParts, 'digests' | 'protocolVersion'> {
  switch (mismatch) {
    case null:
      return { digests };
    case 'law':
      return { digests: { ...digests, law: digests.law === null ? null : invert(digests.law) } };
    case 'rig':
      return { digests: { ...digests, rig: invert(digests.rig) } };
    case 'version':
      return { digests, protocolVersion: PROTOCOL_VERSION + 1 };
  }
}

function invert(digest: Uint8Array): Uint8Array {
  return digest.map((byte) => byte ^ 0xff);
}

/** `twin`: a second process with the same identity and keys, until it ends. */
export function buildTwin(context: FaultContext): FaultWrapper {
  context.count();
  let stop: (() => void) | null = null;
  return {
    strike: () => {
      stop = context.host.launchTwin?.(context.parameters.ids('peers')) ?? null;
    },
    end: () => stop?.(),
  };
}
