/**
 * Faults drawn by a seed for a flight of any length, always inside the rig's hypothesis: in each slot as many replicas
 * as may be faulty, or the witness, suffer one fault each, then the rig has time to recover. What stays with a replica, such
 * as keys that were rotated, is done to it once: a second rotation would leave behind whoever is not rotated with it.
 */
import { listFaults } from '../faults/catalogue.js';
import { planFault } from '../faults/plan-fault.js';
import { Random } from '../faults/random.js';
import { formatFault, parseFault } from '../faults/spec.js';
import { isLasting, isLie, isOfLog, lingers, needsBytes } from '../faults/traits.js';
import type { PlannedFault } from '../demo/tour.js';
import { ordersByLog } from '../rig/derive.js';
import type { Rig } from '../rig/rig.js';

const QUIET_TICKS = 40;
const SLOT_MIN_TICKS = 15;
const SLOT_SPAN_TICKS = 50;
/** A replica that was killed takes this long to be started again and to take its place. */
const RETURN_SECONDS = 1.2;
const REST_SECONDS = 1.5;

/** Kinds of faults that a replica of this rig can suffer without leaving the hypothesis. */
export function listWeather(rig: Rig, wire: 'full' | 'none'): readonly string[] {
  if (rig.hypothesis.kind === 'none') return [];
  const byzantine = rig.hypothesis.kind === 'byzantine';
  return listFaults()
    .filter(({ name, targets }) => {
      if (!targets.includes('replica')) return false;
      if (isOfLog(name) && !ordersByLog(rig)) return false;
      if (rig.witness !== null && lingers({ name, parameters: [] })) return false;
      return (byzantine || !isLie(name)) && (wire === 'full' || !needsBytes(name));
    })
    .map(({ name }) => name);
}

/** Faults for a flight of `ticks` ticks. Same rig, length and seed: same faults. */
export function drawWeather(
  rig: Rig,
  ticks: number,
  seed: number,
  wire: 'full' | 'none',
): readonly PlannedFault[] {
  const kinds = listWeather(rig, wire);
  if (!rig.faultInjection || kinds.length === 0 || rig.hypothesis.kind === 'none') return [];
  const random = new Random(`weather ${seed}`);
  const toTicks = (seconds: number): number => Math.ceil((seconds * 1e6) / rig.periodUs);
  const rest = toTicks(REST_SECONDS);
  const faults: PlannedFault[] = [];
  const lasting = new Set<string>();
  let at = QUIET_TICKS;
  for (;;) {
    const slot = SLOT_MIN_TICKS + random.nextInteger(SLOT_SPAN_TICKS);
    const end = at + slot + toTicks(RETURN_SECONDS);
    if (end + rest > ticks) return faults;
    const places = [...rig.replicas, ...(rig.witness === null ? [] : [rig.witness])].map(({ id }) => id);
    for (let struck = 0; struck < rig.hypothesis.f; struck += 1) {
      const id = places.splice(random.nextInteger(places.length), 1)[0] ?? '';
      const fault = drawFault(rig, kinds, lasting, id, at, slot, random);
      if (fault === null) continue;
      faults.push(fault);
      if (isLasting(fault.spec.name)) lasting.add(`${fault.spec.name} ${id}`);
    }
    at = end + rest;
  }
}

const TRIES = 8;

/** A fault that the rig accepts; null where eight drawn ones did not fit it. */
function drawFault(
  rig: Rig,
  kinds: readonly string[],
  lasting: ReadonlySet<string>,
  id: string,
  at: number,
  slot: number,
  random: Random,
): PlannedFault | null {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const kind = kinds[random.nextInteger(kinds.length)] ?? '';
    if (lasting.has(`${kind} ${id}`)) continue;
    const parsed = parseFault(`${kind} on ${id} at ${at} for ${slot}`);
    if (!parsed.ok || parsed.spec.kind !== 'inject' || !planFault(parsed.spec, rig, 'simulator').ok) continue;
    return { spec: parsed.spec, text: formatFault(parsed.spec), say: '' };
  }
  return null;
}
