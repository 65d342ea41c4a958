/**
 * The largest tick rate that four replicas hold with less than 1 % late ticks. A tick is late when an actuator had no
 * output for it before it was over, or a replica no vector. Rounds and processing shrink with the period, in the
 * proportions of `pitch-50hz`; the law works at 50 Hz whatever the rate, so that the aeroplane flies at all of them.
 */
import { fly } from './flight.mjs';
import { makeRow } from './figures.mjs';
import { makeRigFolder } from './rig-folder.mjs';

/** Whole fractions of a second in whole microseconds. */
const RATES_HZ = [20, 50, 100, 125, 160, 200, 250, 320, 400, 500];

export const LATE_LIMIT = 0.01;

/**
 * Climbs from 50 Hz by short probes, then holds the largest rate that passed for `holdMs`, stepping down where it is
 * not held. Returns { heldHz, held, probes: [{ hz, ms, late, output, agreement, cpuPercent }] }.
 */
export async function findLargestRate({ warmupMs, probeMs, holdMs, onProbe = () => {} }) {
  const probes = [];
  const probe = async (hz, ms) => {
    const result = await flyAt(hz, warmupMs, ms);
    const one = { hz, ms, ...result };
    probes.push(one);
    onProbe(one);
    return one;
  };
  let at = RATES_HZ.indexOf(50);
  while (at + 1 < RATES_HZ.length && (await probe(RATES_HZ[at + 1], probeMs)).late < LATE_LIMIT) at += 1;
  for (; at >= 0; at -= 1) {
    const held = await probe(RATES_HZ[at], holdMs);
    if (held.late < LATE_LIMIT) return { heldHz: held.hz, held, probes };
  }
  return { heldHz: null, held: null, probes };
}

async function flyAt(hz, warmupMs, flyMs) {
  const periodMs = 1000 / hz;
  const folder = makeRigFolder('pitch-50hz', {
    set: {
      period: `${periodMs} ms`,
      round: `${Math.floor(450 * periodMs)} us`,
      processing: `${Math.floor(100 * periodMs)} us`,
    },
    hold: `${Math.max(120, 6 * periodMs)} ms`,
    // A sample is as old as the plant and its bridge make it, however short the tick.
    sensor: 'max-age: 40 ms, hold: 200 ms',
    law: makeLaw(periodMs),
  });
  try {
    const { late, output, agreement, replica } = await fly(folder.path, { warmupMs, flyMs });
    return { late, output, agreement, cpuPercent: replica.cpuPercent };
  } catch (error) {
    // A rate at which the rig does not even start is not held; the reason stands in the JSON.
    return { late: 1, output: null, agreement: null, cpuPercent: null, failure: String(error) };
  } finally {
    folder.remove();
  }
}

/** The law of pitch-50hz, stepped whenever another 20 ms of ticks are over. */
function makeLaw(periodMs) {
  return `import base from './law-50hz.js';
const initial: any = { step: -1, inner: base.initial, elevator: 0 };
export default {
  ...base,
  initial,
  law(state: any, readings: any, tick: number) {
    const step = Math.floor((tick * ${periodMs}) / 20);
    if (step === state.step) return { state, commands: { elevator: state.elevator } };
    const next: any = base.law(state.inner, readings, step);
    const { elevator } = next.commands;
    return { state: { step, inner: next.state, elevator }, commands: { elevator } };
  },
};
`;
}

/** Rows of the report. */
export function reportRate({ heldHz, held }) {
  const shown =
    held === null
      ? `none, not even ${RATES_HZ[0]} Hz`
      : `${heldHz} Hz (${(100 * held.late).toFixed(2)} % late, ${held.ms / 1000} s)`;
  return [makeRow({ bench: 'n=4 embedded', what: 'largest rate with < 1 % late', value: heldHz, shown })];
}
