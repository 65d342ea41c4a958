/**
 * What part of a tick the executive takes: agreement, wire, transport, voting and watching, as the processor's time of
 * a replica in flight less the time of its control law, which is measured here by itself on the same code path.
 */
import { composeLaw } from '../../dist/src/rig/compose-law.js';
import { loadRig } from '../../dist/src/rig/load-rig.js';
import { decodeCbor, encodeCbor } from '../../dist/src/wire/cbor.js';
import { makeRow, median, round } from './figures.mjs';

/** Median µs of one step of the rig's law: decoding its state, the law itself, checking and encoding what it gives. */
export async function measureLaw(rigPath, { runs = 7, times = 2000 } = {}) {
  const loaded = await loadRig(rigPath);
  const law = composeLaw(loaded, { encode: encodeCbor, decode: (bytes) => decodeCbor(bytes) });
  const readings = loaded.rig.sensors.map(({ type }) => ({
    value: type === 'boolean' ? true : 0.125,
    quality: 'good',
  }));
  const samples = [];
  let state = law.initialState;
  for (let run = -1; run < runs; run += 1) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < times; i += 1) {
      const outcome = law.step(state, readings, i);
      if (!outcome.ok) throw new Error(`the law of ${rigPath} failed: ${outcome.reason}`);
      state = outcome.state;
    }
    // The first run only warms up.
    if (run >= 0) samples.push(Number(process.hrtime.bigint() - start) / 1000 / times);
  }
  return median(samples);
}

/** Shares of the tick from a replica's processor time (percent of a core) and its law's µs. */
export function deriveShare({ periodUs, cpuPercent, lawUs }) {
  const busyUs = (cpuPercent / 100) * periodUs;
  return {
    periodUs,
    busyUs: round(busyUs, 0),
    lawUs: round(lawUs, 1),
    executiveShare: round((busyUs - lawUs) / periodUs, 4),
    lawShare: round(lawUs / periodUs, 4),
  };
}

/** Rows of the report. */
export function reportShare({ periodUs, busyUs, lawUs, executiveShare, lawShare }) {
  const bench = `n=4 embedded, tick of ${periodUs / 1000} ms`;
  return [
    makeRow({
      bench,
      what: 'the executive’s part of a tick',
      value: executiveShare,
      shown: `${(100 * executiveShare).toFixed(1)} % (${Math.round(busyUs - lawUs)} µs)`,
    }),
    makeRow({
      bench,
      what: 'the control law’s part of a tick',
      value: lawShare,
      shown: `${(100 * lawShare).toFixed(2)} % (${lawUs} µs)`,
    }),
  ];
}
