/**
 * What a voter's process is made of above its ports: the voter and the device behind its firmware bridge, and where the
 * rig allows it the injector between them. The live command and the replay of a recording both build it here, so that
 * they run the same.
 */
import { openBridgeActuator } from '../../firmware-bridge/host/bridge-ports.js';
import { FaultInjector } from '../faults/injector.js';
import { ActuatorProcess, type ActuatorProcessParts } from '../process/actuator-process.js';
import { isRunStart } from '../process/run-start.js';
import { decodeEntry, encodeEntry, shapeEntries } from '../wire/entry-codec.js';
import type { PrincipalKeys } from '../wire/keys.js';
import { readKeysOrder } from './keys-order.js';
import type { ProcessIdentity, ProcessWorld } from './compose-replica.js';

/** The world around a voter; it tells its turns to whoever watches over the process. */
export interface ActuatorWorld extends ProcessWorld, Pick<ActuatorProcessParts, 'onTurn'> {}

export interface ComposedActuator {
  start(): void;
  /** Stops; the device keeps what it was handed last and its own watchdog takes over. */
  stop(): void;
  /** Leaves the bridge alone. */
  close(): Promise<void>;
  /** Hears what it is to do while it runs (`RunStartOrder`, `KeysOrder`); anything else is ignored. */
  obey(message: unknown): void;
  /** What was not accepted so far, by cause. */
  readRejected(): Record<string, number>;
}

/** Builds the voter; it does nothing before `start`. */
export function composeActuator(identity: ProcessIdentity, world: ActuatorWorld): ComposedActuator {
  const { loaded, id, seed } = identity;
  let keys = identity.keys;
  const { rig, digests } = loaded;
  const { clock, entropy, transport, openLine, lineText, channel, host, log } = world;
  const shape = shapeEntries(rig);
  const injector = rig.faultInjection
    ? new FaultInjector({
        rig,
        self: rig.actuators.findIndex((one) => one.id === id),
        of: 'actuators',
        seed,
        clock,
        host: { ...host, exchangeKeys: (change) => renewKeys(change(keys)) },
        encodeEntry,
        decodeEntry: (value) => decodeEntry(value, shape),
        onEvent: (event) => channel.send({ kind: 'fault', id, ...event }),
      })
    : null;
  const device = openBridgeActuator({
    rig,
    id,
    addresses: {},
    clock,
    log,
    entropy,
    open: injector?.wrapBridge(openLine) ?? openLine,
    lineText,
  });
  const voter = new ActuatorProcess({
    rig,
    id,
    keys,
    digests: { rig: digests.rig, law: null, arithmetic: null },
    transport,
    device,
    clock,
    entropy,
    log,
    channel,
    ...(world.onTurn === undefined ? {} : { onTurn: world.onTurn }),
    ...(injector === null ? {} : composeFaults(injector)),
  });
  const renewKeys = (renewed: PrincipalKeys): void => {
    keys = renewed;
    voter.renewKeys(keys);
  };
  return {
    start: () => voter.start(),
    stop: () => {
      voter.stop();
      injector?.close();
    },
    close: () => device.close(),
    obey: (message) => {
      if (isRunStart(message)) voter.setRunStart(message.startTick);
      const renewed = readKeysOrder(message);
      if (renewed !== null) renewKeys(renewed);
    },
    readRejected: () => voter.readRejected(),
  };
}

/** The injector between the voter and its device, and on the operators' end of the control channel. */
function composeFaults(injector: FaultInjector): Pick<ActuatorProcessParts, 'interposers' | 'onControl'> {
  return {
    interposers: {
      wrapDevice: (port) => injector.wrapDevice(port),
      onTick: (runTick) => injector.onTick(runTick),
    },
    onControl: (_, text) => injector.answer(text),
  };
}
