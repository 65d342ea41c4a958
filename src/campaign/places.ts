/**
 * Where a fault can strike a rig, and what is expected then. Everything follows from the catalogue and the rig: a fault
 * that is added to the catalogue takes part in campaigns without a line here.
 */
import { chooseColluders } from '../faults/lies.js';
import { planFault } from '../faults/plan-fault.js';
import type { FaultRow } from '../faults/row.js';
import { Random } from '../faults/random.js';
import { isLie, lingers, needsBytes } from '../faults/traits.js';
import { formatTarget, parseFault, type FaultTarget } from '../faults/spec.js';
import type { Rig } from '../rig/rig.js';
import type { Expectation } from './job.js';

/** A column of the campaign's matrix. */
export interface Place {
  /** As the report calls it. */
  readonly name: string;
  /** Whom it strikes, drawn by the run's seed where the place is a sample. */
  readonly target: (random: Random) => string;
  /** Parameters with a leading space, or the empty text. */
  readonly parameters: string;
  readonly expectation: Expectation;
}

/** A fault that cannot strike this rig, and why. */
export interface LeftOut {
  readonly kind: string;
  readonly why: string;
}

export type PlacesOfFault =
  { readonly ok: true; readonly places: readonly Place[] } | { readonly ok: false; readonly why: string };

/** Column of the links, of which each seed draws one. */
export const LINKS_PLACE = 'links';

/** Long enough for every default parameter. */
const PROBE_TIMES = 'at 100 for 100';

/** All places of one fault in a rig, or why there is none. */
export function listPlaces(row: FaultRow, rig: Rig, wire: 'full' | 'none'): PlacesOfFault {
  if (wire === 'none' && needsBytes(row.name))
    return { ok: false, why: 'strikes bytes, and messages are not encoded here; choose --wire full' };
  if (rig.witness !== null && isLie(row.name))
    return { ok: false, why: 'one that lies moves an actuator by itself where one order is enough' };
  const places: Place[] = [];
  let why = 'this rig has no place for it';
  for (const place of proposePlaces(row, rig)) {
    const planned = plan(row, place.target(new Random('probe')), place.parameters, rig);
    if (planned.ok) places.push(place);
    else why = planned.what;
  }
  return places.length > 0 ? { ok: true, places } : { ok: false, why };
}

/** What speaks against the fault there, if anything does. */
function plan(
  row: FaultRow,
  target: string,
  parameters: string,
  rig: Rig,
): { readonly ok: true } | { readonly ok: false; readonly what: string } {
  const parsed = parseFault(`${row.name} on ${target}${parameters} ${PROBE_TIMES}`);
  return parsed.ok ? planFault(parsed.spec, rig, 'simulator') : parsed;
}

function proposePlaces(row: FaultRow, rig: Rig): readonly Place[] {
  const expectation = expectOf(row, rig);
  const fixed = (name: string, parameters = '', expected = expectation): Place => ({
    name,
    target: () => name,
    parameters,
    expectation: expected,
  });
  return row.targets.flatMap((kind): readonly Place[] => {
    switch (kind) {
      case 'replica':
        // A replica stands for its broker, which is a place of its own.
        return row.injectedAt === 'broker' ? [] : rig.replicas.map(({ id }) => fixed(id));
      case 'witness':
        return rig.witness === null ? [] : [fixed(rig.witness.id)];
      case 'channel':
        return rig.replicas.flatMap((replica) =>
          rig.sensors.map((sensor) =>
            fixed(formatTarget({ kind: 'channel', replica: replica.id, sensor: sensor.id })),
          ),
        );
      case 'link': {
        const links = listLinks(row, rig).filter((link) => plan(row, formatTarget(link), '', rig).ok);
        if (links.length === 0) return [];
        const draw = (random: Random): string =>
          formatTarget(links[random.nextInteger(links.length)] as FaultTarget);
        return [{ name: LINKS_PLACE, target: draw, parameters: '', expectation }];
      }
      case 'broker':
        return [...rig.replicas, ...(rig.witness === null ? [] : [rig.witness])].map(({ id }) =>
          fixed(`broker:${id}`),
        );
      case 'actuator':
        // The hypothesis speaks of replicas: what an actuator does by itself nobody masks.
        return rig.actuators.map(({ id }) => fixed(id, '', 'safe'));
      case 'world':
        if (row.name !== 'partition') return [fixed('world')];
        return [
          fixed('world'),
          {
            ...fixed('world', halve(rig), expectation === 'safe' ? 'safe' : 'fail-safe'),
            name: 'world, halves',
          },
        ];
    }
  });
}

/** Links that a replica, or the witness, does this fault to. */
function listLinks(row: FaultRow, rig: Rig): readonly FaultTarget[] {
  const replicas = rig.replicas.map(({ id }) => id);
  const actuators = rig.actuators.map(({ id }) => id);
  const witness = rig.witness === null || !row.targets.includes('witness') ? [] : [rig.witness.id];
  const isReceiver = row.implementation.side === 'receiver';
  const linksOf = (one: string, others: readonly string[]): readonly FaultTarget[] =>
    others
      .filter((other) => other !== one)
      .map((other): FaultTarget =>
        isReceiver ? { kind: 'link', from: other, to: one } : { kind: 'link', from: one, to: other },
      );
  return [
    ...replicas.flatMap((replica) => linksOf(replica, [...replicas, ...actuators, ...witness])),
    ...witness.flatMap((id) => linksOf(id, replicas)),
  ];
}

/** Two sets of replicas, neither of them a majority where n is even. */
function halve(rig: Rig): string {
  const ids = rig.replicas.map(({ id }) => id);
  const middle = Math.ceil(ids.length / 2);
  const rest = [...ids.slice(middle), ...rig.actuators.map(({ id }) => id)];
  if (rig.witness !== null) rest.push(rig.witness.id);
  return ` sets=${ids.slice(0, middle).join(',')}/${rest.join(',')}`;
}

function expectOf(row: FaultRow, rig: Rig): Expectation {
  // Without agreement no fault is masked for sure: what one replica hears and another does not parts them.
  if (rig.hypothesis.kind === 'none') return 'safe';
  if (rig.hypothesis.kind === 'byzantine' && row.name === 'collude')
    return chooseColluders(rig, null).length > rig.hypothesis.f ? 'fail-safe' : 'masked';
  if (rig.witness !== null && lingers({ name: row.name, parameters: [] })) return 'fail-safe';
  return rig.hypothesis.kind !== 'byzantine' && isLie(row.name) ? 'safe' : 'masked';
}
