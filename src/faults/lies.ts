/**
 * Faults of a replica that says what is not so: to all alike (lie, collude), to each something else (equivocate,
 * sos-value), about others (relay-lie, forge-path), or twice (double-vote). They alter messages before they are
 * authenticated: a liar's words are properly sealed and, in signed mode, properly signed.
 */
import type { ActuatorCommand, MaybeValue, PeerMessage, Reading } from '../core/types.js';
import type { CommandPort, PeerPort, SensorPort } from '../ports.js';
import type { Rig, SensorPart } from '../rig/rig.js';
import {
  alterEntry,
  alterValues,
  falsifyCommand,
  falsifyReading,
  isNotANumber,
  spoilEntry,
  type Lie,
} from './false-values.js';
import type { Parameters } from './parameters.js';
import type { FaultContext, FaultWrapper } from './wrapper.js';

/** How far a lie is from the truth where nothing is said: a fifth of the range. */
const DEFAULT_SHARE = 0.2;
/** Where colluders meet where nothing is said: three quarters up the range. */
const COLLUDING_SHARE = 0.75;

/** The lie that `value=` and `offset=` describe. */
function readLie(parameters: Parameters, otherwise: Lie): Lie {
  const value = parameters.value('value');
  if (value !== null) return { kind: 'value', value };
  const by = parameters.numberOrNull('offset');
  return by === null ? otherwise : { kind: 'offset', by };
}

/** `lie`: the same false samples to everybody and, from a whole replica, false commands. */
export function buildLie(context: FaultContext, isWholeReplica: boolean): FaultWrapper {
  const lie = readLie(context.parameters, { kind: 'offset-share', share: DEFAULT_SHARE });
  const about = isWholeReplica ? context.parameters.choice('of') : 'samples';
  return tellLie(context, lie, about !== 'commands', about !== 'samples');
}

/** Who colludes: those named, else the last ones of the rig, one more than it tolerates but never a majority. */
export function chooseColluders(rig: Rig, named: readonly string[] | null): readonly string[] {
  const tolerated = rig.hypothesis.kind === 'none' ? 0 : rig.hypothesis.f;
  const colluders = Math.max(1, Math.min(tolerated + 1, Math.floor(rig.replicas.length / 2)));
  return named ?? rig.replicas.slice(-colluders).map(({ id }) => id);
}

/** `collude`: each of the replicas named tells the same lie, in samples and commands. */
export function buildCollude(context: FaultContext): FaultWrapper {
  const lie = readLie(context.parameters, { kind: 'range-share', share: COLLUDING_SHARE });
  return tellLie(context, lie, true, true);
}

function tellLie(context: FaultContext, lie: Lie, inSamples: boolean, inCommands: boolean): FaultWrapper {
  return {
    ...(inSamples && !isNotANumber(lie) ? { sensors: (next) => falsifySensors(context, next, lie) } : {}),
    ...(inSamples && isNotANumber(lie) ? { peers: (next) => spoilSamples(context, next) } : {}),
    ...(inCommands ? { commands: (next) => falsifyCommands(context, next, () => lie) } : {}),
  };
}

function falsifySensors(context: FaultContext, next: SensorPort, lie: Lie): SensorPort {
  const { rig, scope, count } = context;
  return {
    request: () => next.request(),
    close: () => next.close(),
    read: (nowUs) => {
      const readings = [...next.read(nowUs)];
      for (const at of scope.sensors) {
        const honest = readings[at] ?? null;
        const said = falsifyReading(honest, rig.sensors[at] as SensorPart, lie);
        if (said === honest) continue;
        readings[at] = said;
        count();
      }
      return readings;
    },
  };
}

/** A sensor port never gives NaN: it can only be told on the way out, as bytes. */
function spoilSamples(context: FaultContext, next: PeerPort): PeerPort {
  const { scope } = context;
  return alterRounds(context, next, (message) => {
    if (message.round !== 1) return message;
    return alterValues(message, (value) =>
      value === null ? null : spoilEntry(context, value, scope.sensors),
    );
  });
}

function falsifyCommands(
  context: FaultContext,
  next: CommandPort,
  findLie: (actuator: string) => Lie | undefined,
): CommandPort {
  const { rig, count } = context;
  return {
    send: (actuator, command) => {
      const part = rig.actuators[actuator];
      const lie = part === undefined ? undefined : findLie(part.id);
      const said = part === undefined || lie === undefined ? command : falsifyCommand(command, part, lie);
      if (said !== command) count();
      next.send(actuator, said);
    },
  };
}

type RoundMessage = Extract<PeerMessage, { kind: 'round' }>;

/** Passes round messages through `alter`, which gives the same object where it changes nothing. */
function alterRounds(
  context: FaultContext,
  next: PeerPort,
  alter: (message: RoundMessage, to: string) => RoundMessage,
): PeerPort {
  const { rig, scope, count } = context;
  return {
    send: (to, message) => {
      const receiver = rig.replicas[to]?.id;
      if (message.kind !== 'round' || receiver === undefined || !scope.receivers.includes(receiver)) {
        next.send(to, message);
        return;
      }
      const said = alter(message, receiver);
      if (said !== message) count();
      next.send(to, said);
    },
  };
}

/**
 * `equivocate`: round 1 says something else to every receiver. Actuators are receivers as well: those that `values=`
 * names are ordered what it says.
 */
export function buildEquivocate(context: FaultContext): FaultWrapper {
  const { rig, scope, parameters, random } = context;
  const replicas = rig.replicas.filter((_, at) => at !== context.self).map(({ id }) => id);
  const values = parameters.values('values');
  const lies = new Map<string, Lie>();
  replicas.forEach((receiver, at) => {
    if (values === null) {
      // Away from the truth on alternating sides, farther for each receiver: no two can be alike.
      const step = (at + 0.5 + 0.5 * random.nextUnit()) / replicas.length;
      lies.set(receiver, {
        kind: 'offset-share',
        share: (at % 2 === 0 ? 1 : -1) * DEFAULT_SHARE * step,
      });
      return;
    }
    const named = values[0]?.receiver !== null;
    const said = named ? values.find((one) => one.receiver === receiver) : values[at % values.length];
    if (said !== undefined) lies.set(receiver, { kind: 'value', value: said.value });
  });
  const orders = new Map<string, Lie>();
  for (const { receiver, value } of values ?? []) {
    if (rig.actuators.some(({ id }) => id === receiver))
      orders.set(receiver as string, { kind: 'value', value });
  }
  return {
    peers: (next) => splitReceivers(context, next, scope.sensors, lies),
    ...(orders.size === 0
      ? {}
      : { commands: (next) => falsifyCommands(context, next, (id) => orders.get(id)) }),
  };
}

/** `sos-value`: half of the receivers get a value one step below a threshold, half one above. */
export function buildSosValue(context: FaultContext): FaultWrapper {
  const { rig, scope, parameters } = context;
  const step = parameters.number('step');
  const lies = new Map<string, Lie>();
  rig.replicas
    .filter((_, at) => at !== context.self)
    .forEach(({ id }, at) => {
      const value = parameters.number('threshold') + (at % 2 === 0 ? -step : step);
      lies.set(id, { kind: 'value', value });
    });
  return { peers: (next) => splitReceivers(context, next, scope.sensors, lies) };
}

function splitReceivers(
  context: FaultContext,
  next: PeerPort,
  sensors: readonly number[],
  lies: ReadonlyMap<string, Lie>,
): PeerPort {
  const { rig } = context;
  return alterRounds(context, next, (message, receiver) => {
    const lie = lies.get(receiver);
    if (message.round !== 1 || lie === undefined) return message;
    return alterValues(message, (value) => {
      if (value === null) return null;
      if (isNotANumber(lie)) return spoilEntry(context, value, sensors);
      return alterEntry(context, value, (reading, at) =>
        sensors.includes(at) ? falsifyInverting(reading, rig.sensors[at] as SensorPart, lie) : reading,
      );
    });
  });
}

/** A boolean has two values only: those offset to one side keep the truth, those to the other get its opposite. */
function falsifyInverting(reading: Reading, sensor: SensorPart, lie: Lie): Reading {
  if (sensor.type === 'boolean' && lie.kind === 'offset-share' && lie.share < 0) return reading;
  return falsifyReading(reading, sensor, lie);
}

/** `relay-lie`: what is handed on of others is altered; what nobody said is made up from the own sample. */
export function buildRelayLie(context: FaultContext): FaultWrapper {
  const { rig, parameters } = context;
  const lie = readLie(parameters, { kind: 'offset-share', share: DEFAULT_SHARE });
  const commanders = chooseReplicas(context, parameters.ids('of'));
  const receivers = parameters.ids('to');
  let own: MaybeValue = null;
  return {
    peers: (next) =>
      alterRounds(context, next, (message, receiver) => {
        if (message.round === 1) {
          own = message.items[0]?.value ?? own;
          return message;
        }
        if (receivers !== null && !receivers.includes(receiver)) return message;
        return alterValues(message, (value, path) => {
          if (!commanders.has(path[0] ?? -1)) return value;
          if (value === null) return own;
          if (isNotANumber(lie))
            return spoilEntry(
              context,
              value,
              rig.sensors.map((_, at) => at),
            );
          return alterEntry(context, value, (reading, at) =>
            falsifyReading(reading, rig.sensors[at] as SensorPart, lie),
          );
        });
      }),
  };
}

/** `forge-path`: relays carry a path on which the receiver itself stands, or the sender twice. */
export function buildForgePath(context: FaultContext): FaultWrapper {
  const { rig, self, random } = context;
  return {
    peers: (next) =>
      alterRounds(context, next, (message, receiver) => {
        if (message.round === 1 || message.items.length === 0) return message;
        const forged = random.nextChance(0.5) ? self : rig.replicas.findIndex(({ id }) => id === receiver);
        return {
          ...message,
          items: message.items.map((item) => ({ ...item, path: [...item.path.slice(0, -1), forged] })),
        };
      }),
  };
}

/** `double-vote`: after its command the replica sends other ones for the same tick. */
export function buildDoubleVote(context: FaultContext): FaultWrapper {
  const { rig, parameters, count } = context;
  const votes = parameters.number('k');
  return {
    commands: (next) => ({
      send: (actuator, command) => {
        next.send(actuator, command);
        const part = rig.actuators[actuator];
        if (part === undefined) return;
        for (let vote = 1; vote <= votes; vote += 1) {
          const other: ActuatorCommand = falsifyCommand(command, part, {
            kind: 'offset-share',
            share: (DEFAULT_SHARE * vote) / votes,
          });
          if (other === command) continue;
          count();
          next.send(actuator, other);
        }
      },
    }),
  };
}

function chooseReplicas(context: FaultContext, ids: readonly string[] | null): ReadonlySet<number> {
  const { replicas } = context.rig;
  return new Set(
    replicas.map((_, at) => at).filter((at) => ids === null || ids.includes(replicas[at]?.id ?? '')),
  );
}
