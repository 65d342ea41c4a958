/**
 * What a replica's process is made of above its ports: the replica with its control law and the sensors behind its
 * firmware bridge, and where the rig allows it the injector between them and the ports. The live command and the replay
 * of a recording both build it here, so that they run the same.
 */
import { openBridgeSensors } from '../../firmware-bridge/host/bridge-ports.js';
import { FaultInjector } from '../faults/injector.js';
import { configureAs } from '../faults/mismatches.js';
import type { HostControls, Mismatch } from '../faults/wrapper.js';
import type { Log } from '../ports.js';
import { sumCounts, type Counts } from '../process/counts.js';
import { ReplicaProcess, type ReplicaProcessParts } from '../process/replica-process.js';
import { SharedStore } from '../process/shared-store.js';
import type { ProcessPorts } from '../recording/process-ports.js';
import { composeLaw } from '../rig/compose-law.js';
import { computeArithmeticDigest } from '../rig/digest.js';
import type { LoadedRig } from '../rig/load-rig.js';
import { decodeEntry, encodeEntry, shapeEntries } from '../wire/entry-codec.js';
import type { PrincipalKeys } from '../wire/keys.js';
import { lawStateCodec } from '../wire/law-state-codec.js';
import { readKeysOrder } from './keys-order.js';

/** Who it is, the same in every life. */
export interface ProcessIdentity {
  readonly loaded: LoadedRig;
  readonly id: string;
  /** With which it starts. */
  readonly keys: PrincipalKeys;
  /** What injected faults draw from. */
  readonly seed: string;
}

/** The world around it. */
export interface ProcessWorld extends ProcessPorts {
  /** What it does to the machine comes back through the ports, if at all. */
  readonly host: Pick<HostControls, 'kill' | 'stall' | 'killBroker' | 'loseStore'>;
  /** What `openLine` opens, for messages to people. */
  readonly lineText: string;
  readonly log: Log;
}

export interface ComposedReplica {
  start(): void;
  /** Finishes the tick under way and ends every fault; nothing leaves afterwards. */
  stop(): Promise<void>;
  /** Leaves the bridge alone. */
  close(): Promise<void>;
  /** Hears what it is to do while it runs (`KeysOrder`); anything else is ignored. */
  obey(message: unknown): void;
  /** What was not accepted so far, by cause. */
  readRejected(): Record<string, number>;
}

/** Builds the replica; it does nothing before `start`. */
export function composeReplica(identity: ProcessIdentity, world: ProcessWorld): ComposedReplica {
  const { loaded, id, seed } = identity;
  let keys = identity.keys;
  const { rig } = loaded;
  const { entropy, transport, sendFrameAs, openLine, lineText, channel, host, log } = world;
  const shape = shapeEntries(rig);
  const injector = rig.faultInjection
    ? new FaultInjector({
        rig,
        self: rig.replicas.findIndex((one) => one.id === id),
        seed,
        clock: world.clock,
        host: {
          ...host,
          restartAs: (mismatch) => relaunch(mismatch),
          restart: () => relaunch(null),
          exchangeKeys: (change) => renewKeys(change(keys)),
        },
        encodeEntry,
        decodeEntry: (value) => decodeEntry(value, shape),
        sendFrameAs,
        onEvent: (event) => channel.send({ kind: 'fault', id, ...event }),
      })
    : null;
  const clock = injector?.wrapClock() ?? world.clock;
  const sensors = openBridgeSensors({
    rig,
    id,
    addresses: {},
    clock,
    log,
    entropy,
    open: injector?.wrapBridge(openLine) ?? openLine,
    lineText,
  });
  const shared = world.store === null ? null : new SharedStore(world.store);
  const digests = {
    rig: loaded.digests.rig,
    law: loaded.digests.law,
    arithmetic: computeArithmeticDigest(),
  };
  const launch = (mismatch: Mismatch | null): ReplicaProcess =>
    new ReplicaProcess({
      rig,
      id,
      keys,
      ...configureAs(mismatch, digests),
      law: composeLaw(loaded, lawStateCodec),
      transport,
      sensors,
      clock,
      entropy,
      log,
      channel,
      ...(shared === null ? {} : shared.open()),
      ...(injector === null ? {} : composeFaults(injector)),
    });
  /** What earlier lives of the replica in this process refused. */
  let earlier: Counts = {};
  let isStopping = false;
  let replica = launch(null);
  const relaunch = (mismatch: Mismatch | null): void => {
    if (isStopping) return;
    replica.halt();
    earlier = sumCounts(earlier, replica.readRejected());
    replica = launch(mismatch);
    replica.start();
  };
  const renewKeys = (renewed: PrincipalKeys): void => {
    keys = renewed;
    replica.renewKeys(keys);
  };
  return {
    start: () => replica.start(),
    stop: async () => {
      isStopping = true;
      await replica.stop();
      injector?.close();
    },
    close: () => sensors.close(),
    obey: (message) => {
      const renewed = readKeysOrder(message);
      if (renewed !== null) renewKeys(renewed);
    },
    readRejected: () => sumCounts(earlier, replica.readRejected()),
  };
}

/** The injector between the replica and its ports, and on the operators' end of the control channel. */
function composeFaults(injector: FaultInjector): Pick<ReplicaProcessParts, 'interposers' | 'onControl'> {
  return {
    interposers: {
      wrapPeers: (port) => injector.wrapPeers(port),
      wrapCommands: (port) => injector.wrapCommands(port),
      wrapSensors: (port) => injector.wrapSensors(port),
      wrapTransport: (port) => injector.wrapTransport(port),
      wrapStore: (store) => injector.wrapStore(store),
      wrapOrder: (port) => injector.wrapOrder(port),
      offerSealer: (seal) => injector.offerSealer(seal),
      onTick: (runTick) => injector.onTick(runTick),
    },
    onControl: (_, text) => injector.answer(text),
  };
}
