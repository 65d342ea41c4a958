/**
 * From a fault as it is written to what is to be done on this rig: names, ids and parameters checked, and who obeys.
 * The sender's command and the process that obeys run the same checks, so that a refusal reads the same at both.
 */
import type { Rig } from '../rig/rig.js';
import { findFault, listFaults } from './catalogue.js';
import { choosePartitioned } from './frames.js';
import { chooseColluders } from './lies.js';
import { readParameters, type FaultRefusal, type Parameters } from './parameters.js';
import { WORLDS, type FaultImplementation, type FaultRow, type TargetKind, type World } from './row.js';
import { formatTarget, type FaultSpec, type FaultTarget } from './spec.js';
import { comesFromOutside } from './traits.js';
import type { FaultScope } from './wrapper.js';

/** A fault that this rig can be struck with. */
export interface FaultPlan {
  readonly row: FaultRow;
  readonly implementation: FaultImplementation;
  readonly targetKind: TargetKind;
  readonly parameters: Parameters;
  /** Ids of the replicas and actuators whose processes have to do it, and of the witness that suffers it. */
  readonly obeying: readonly string[];
}

/** Checks a fault, or the end of one, against the catalogue and the rig; `world`: where it is to be injected. */
export function planFault(
  spec: FaultSpec,
  rig: Rig,
  world: World = 'live',
): { readonly ok: true; readonly plan: FaultPlan } | FaultRefusal {
  if (!rig.faultInjection) {
    return refuse(
      `the rig '${rig.id}' does not let faults be injected`,
      "write 'faults: enabled' in its rig.yaml and start its processes again",
    );
  }
  const row = findFault(spec.name);
  if (row === null) {
    const near = listFaults().find(({ name }) => name.includes(spec.name) || spec.name.includes(name));
    return refuse(
      `there is no fault '${spec.name}'`,
      near === undefined ? "'voteplane faults' lists them" : `did you mean '${near.name}'?`,
    );
  }
  const { implementation } = row;
  if (!implementation.worlds.includes(world)) {
    return refuse(
      `the fault '${row.name}' cannot be injected ${WHERE[world]}`,
      `inject it ${WORLDS.filter((other) => implementation.worlds.includes(other))
        .map((other) => WHERE[other])
        .join(' or ')}`,
    );
  }
  const target = resolveTarget(spec.target, row, rig);
  if (!target.ok) return target;
  const read = readParameters(row.parameters, spec.kind === 'inject' ? spec.parameters : []);
  if (!read.ok) return refuse(`${row.name}: ${read.what}`, read.cure);
  const { parameters } = read;
  const unknown = findUnknownId(row, parameters, rig);
  if (unknown !== null) return refuse(`${row.name}: ${unknown.what}`, unknown.cure);
  const { kind } = target;
  if (spec.kind === 'inject') {
    const objection = implementation.object({
      rig,
      target: spec.target,
      targetKind: kind,
      sensors: listSensors(spec.target, rig),
      parameters,
      forTicks: spec.forTicks,
    });
    if (objection !== null) return refuse(`${row.name}: ${objection.what}`, objection.cure);
  }
  const obeying = listObeying(spec, implementation.side, row, parameters, rig);
  const witness = rig.witness?.id;
  if (world === 'live' && witness !== undefined && obeying.includes(witness) && !comesFromOutside(row.name))
    return refuse(
      `'${row.name} on ${formatTarget(spec.target)}' is for the witness '${witness}' to do, and a live one strikes itself with nothing`,
      `inject it in the simulator, or strike a replica; in a flight 'crash' and 'restart' strike ${witness} from outside`,
    );
  return { ok: true, plan: { row, implementation, targetKind: kind, parameters, obeying } };
}

const WHERE: Readonly<Record<World, string>> = {
  live: 'into a rig that runs',
  simulator: 'in the simulator',
};

/** The replicas and actuators whose processes have to carry out a fault or its end; refused where the rig has no use for it. */
export function resolveFaultTargets(
  spec: FaultSpec,
  rig: Rig,
  world: World = 'live',
): { readonly ok: true; readonly obeying: readonly string[] } | FaultRefusal {
  const planned = planFault(spec, rig, world);
  return planned.ok ? { ok: true, obeying: planned.plan.obeying } : planned;
}

/** What the fault strikes of `self`, a replica, an actuator or the witness, which has nothing to say to actuators. */
export function scopeFault(target: FaultTarget, self: string, rig: Rig): FaultScope {
  const witness = listWitness(rig);
  const others = witness.includes(self) ? [] : [...rig.actuators.map(({ id }) => id), ...witness];
  const everybody = [...rig.replicas.map(({ id }) => id), ...others].filter((id) => id !== self);
  const sensors = listSensors(target, rig);
  if (target.kind !== 'link') return { sensors, receivers: everybody, senders: everybody };
  return {
    sensors,
    receivers: target.from === self ? [target.to] : [],
    senders: target.to === self ? [target.from] : [],
  };
}

function listWitness({ witness }: Pick<Rig, 'witness'>): readonly string[] {
  return witness === null ? [] : [witness.id];
}

function listSensors(target: FaultTarget, rig: Rig): number[] {
  const all = rig.sensors.map((_, at) => at);
  return target.kind === 'channel' ? all.filter((at) => rig.sensors[at]?.id === target.sensor) : all;
}

function resolveTarget(
  target: FaultTarget,
  row: FaultRow,
  rig: Rig,
): { readonly ok: true; readonly kind: TargetKind } | FaultRefusal {
  const replicas = rig.replicas.map(({ id }) => id);
  const actuators = rig.actuators.map(({ id }) => id);
  const sensors = rig.sensors.map(({ id }) => id);
  const witness = listWitness(rig);
  const choices =
    `its replicas: ${replicas.join(', ')}; its actuators: ${actuators.join(', ')}` +
    (witness.length === 0 ? '' : `; its witness: ${witness.join()}`);
  const noReplica = (id: string): FaultRefusal =>
    refuse(`the rig '${rig.id}' has no replica '${id}'`, `its replicas: ${replicas.join(', ')}`);
  let kind: TargetKind;
  switch (target.kind) {
    case 'part':
      if (![...replicas, ...actuators, ...witness].includes(target.id))
        return refuse(`the rig '${rig.id}' has no replica or actuator '${target.id}'`, choices);
      kind = replicas.includes(target.id) ? 'replica' : witness.includes(target.id) ? 'witness' : 'actuator';
      break;
    case 'channel':
      if (!replicas.includes(target.replica)) return noReplica(target.replica);
      if (!sensors.includes(target.sensor)) {
        return refuse(
          `the rig '${rig.id}' has no sensor '${target.sensor}'`,
          `its sensors: ${sensors.join(', ')}`,
        );
      }
      kind = 'channel';
      break;
    case 'link': {
      if (target.from === target.to) {
        return refuse(`a link leads from '${target.from}' to itself`, 'name two ends, a>c');
      }
      const ends: readonly string[] = [...replicas, ...actuators, ...witness];
      const stranger = [target.from, target.to].find((end) => !ends.includes(end));
      if (stranger !== undefined)
        return refuse(`the rig '${rig.id}' has no replica or actuator '${stranger}'`, choices);
      const { implementation } = row;
      const isReceiver = implementation.side === 'receiver';
      const obeying = isReceiver ? target.to : target.from;
      const other = isReceiver ? target.from : target.to;
      if (witness.includes(obeying) && !replicas.includes(other))
        return refuse(
          `nothing goes from '${target.from}' to '${target.to}'`,
          `a witness speaks with replicas: ${replicas.join(', ')}`,
        );
      if (!replicas.includes(obeying) && !(witness.includes(obeying) && row.targets.includes('witness'))) {
        return refuse(
          `'${row.name}' on ${formatTarget(target)} is for '${obeying}' to do, which is no replica`,
          `name a link whose ${isReceiver ? 'receiver' : 'sender'} is a replica`,
        );
      }
      kind = 'link';
      break;
    }
    case 'broker':
      if (![...replicas, ...witness].includes(target.owner)) return noReplica(target.owner);
      kind = 'broker';
      break;
    case 'world':
      kind = 'world';
      break;
  }
  return row.targets.includes(kind)
    ? { ok: true, kind }
    : refuse(
        `'${row.name}' cannot strike ${describeTarget(kind, target)}`,
        `it takes ${row.targets.map((each) => EXAMPLES[each]).join(', ')}`,
      );
}

const EXAMPLES: Readonly<Record<TargetKind, string>> = {
  replica: 'a replica (c)',
  witness: 'the witness of a rig that has one (w)',
  channel: 'a channel (c.pitch)',
  link: 'a link (a>c)',
  broker: 'a broker (broker:c)',
  actuator: 'an actuator (elevator)',
  world: 'the world (world)',
};

function describeTarget(kind: TargetKind, target: FaultTarget): string {
  return kind === 'world' ? 'the world' : `the ${kind} ${formatTarget(target)}`;
}

/** Ids in parameters that the rig does not have. */
function findUnknownId(
  row: FaultRow,
  parameters: Parameters,
  rig: Rig,
): { readonly what: string; readonly cure: string } | null {
  const replicas = rig.replicas.map(({ id }) => id);
  const receivers = [...replicas, ...rig.actuators.map(({ id }) => id), ...listWitness(rig)];
  for (const { key, type } of row.parameters) {
    let known: readonly string[];
    let named: readonly string[];
    switch (type.kind) {
      case 'ids':
        known = { replicas, receivers, sensors: rig.sensors.map(({ id }) => id) }[type.of];
        named = parameters.ids(key) ?? [];
        break;
      case 'values':
        known = receivers;
        named = (parameters.values(key) ?? []).flatMap(({ receiver }) => receiver ?? []);
        break;
      case 'sets':
        known = receivers;
        named = (parameters.sets(key) ?? []).flat();
        break;
      default:
        continue;
    }
    const stranger = named.find((id) => !known.includes(id));
    if (stranger !== undefined) {
      return { what: `${key} names '${stranger}'`, cure: `choose from ${known.join(', ')}` };
    }
  }
  return null;
}

function listObeying(
  spec: FaultSpec,
  side: 'sender' | 'receiver',
  row: FaultRow,
  parameters: Parameters,
  rig: Rig,
): readonly string[] {
  const { target } = spec;
  switch (target.kind) {
    case 'part':
      return [target.id];
    case 'channel':
      return [target.replica];
    case 'link':
      return [side === 'sender' ? target.from : target.to];
    case 'broker':
      return [target.owner];
    case 'world':
      // Who has to end it is not said in a clearing: everybody is asked.
      if (spec.kind === 'clear') return rig.replicas.map(({ id }) => id);
      return row.name === 'collude'
        ? chooseColluders(rig, parameters.ids('replicas'))
        : choosePartitioned(rig, parameters.sets('sets'));
  }
}

function refuse(what: string, cure: string): FaultRefusal {
  return { ok: false, what, cure };
}
