/** Every golden trace: the name of its file, and what writes it anew from the code. */
import { traceFlooding, traceOm1, traceOm2, traceSm1, traceTmr } from './cases/algorithm-cases.js';
import { traceB6, traceB7, traceB8, traceB9 } from './cases/counting-cases.js';
import { traceC1, traceC2 } from './cases/crash-cases.js';
import { traceB1, traceB2, traceB3, traceB4 } from './cases/oral-cases.js';
import { traceP4 } from './cases/paxos-cases.js';
import { traceB5 } from './cases/signed-cases.js';
import { traceSimulatedRun } from './cases/simulated-run.js';
import { traceWholeRun } from './cases/whole-run.js';
import { traceV1, traceV2, traceV3, traceV4, traceV5 } from './cases/voter-cases.js';
import type { Page } from './trace/page.js';

/** By file name without its ending. */
export const TRACES: Readonly<Record<string, () => Page | Promise<Page>>> = {
  b1: traceB1,
  b2: traceB2,
  b3: traceB3,
  b4: traceB4,
  b5: traceB5,
  b6: traceB6,
  b7: traceB7,
  b8: traceB8,
  b9: traceB9,
  c1: traceC1,
  c2: traceC2,
  p4: traceP4,
  v1: traceV1,
  v2: traceV2,
  v3: traceV3,
  v4: traceV4,
  v5: traceV5,
  tmr: traceTmr,
  om1: traceOm1,
  sm1: traceSm1,
  om2: traceOm2,
  flooding: traceFlooding,
  'whole-run': traceWholeRun,
  'simulated-run': traceSimulatedRun,
};
