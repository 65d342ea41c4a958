/**
 * One measurement of the simulator, in a process of its own: `node --expose-gc simulation-worker.mjs WHAT TICKS`. WHAT is
 * `full` or `none` (how messages travel), `limit` (what the authenticators of as many messages alone take) or `memory`
 * (what is held at a tenth and at the end of a long run). Prints one line of JSON.
 */
import { fileURLToPath } from 'node:url';
import { collectAlone } from '../../dist/src/process/v8-flags.js';
import { loadRig } from '../../dist/src/rig/load-rig.js';
import { simulate } from '../../dist/src/simulation/simulate.js';
import { FrameCodec } from '../../dist/src/wire/cose.js';
import { nodeMacEngine } from '../../dist/src/wire/mac-engine.js';

// As `simulate` and `campaign` do.
collectAlone();
const loaded = await loadRig(fileURLToPath(new URL('../../hardware/rigs/pitch', import.meta.url)));
const [, , what, ticksText] = process.argv;
const ticks = Number(ticksText);
const n = loaded.rig.replicas.length;
const cpuUs = () => {
  const { user, system } = process.cpuUsage();
  return user + system;
};
const base = { loaded, seed: 7, faults: [] };

/**
 * Replica-ticks a second of one core: `perSecond` in the second half of the run, as in one of a million ticks;
 * `youngPerSecond` in its first quarter, while code is compiled, as in a short campaign.
 */
function measureRate(wire) {
  const marks = [{ flown: 0, us: cpuUs() }];
  simulate({ ...base, wire, ticks, onProgress: (flown) => marks.push({ flown, us: cpuUs() }) });
  const markAt = (flown) => marks.findLast((mark) => mark.flown <= flown);
  const rate = (from, to) => (n * (to.flown - from.flown) * 1e6) / (to.us - from.us);
  return {
    perSecond: rate(markAt(ticks / 2), markAt(ticks)),
    youngPerSecond: rate(markAt(0), markAt(ticks / 4)),
  };
}

/** What sealing and opening the same messages takes, and nothing else. */
function measureLimit() {
  const lengths = [];
  const flown = 200;
  const { replicaTicks } = simulate({
    ...base,
    wire: 'full',
    ticks: flown,
    onTrace: (line) => {
      if (line.kind === 'frame' && line.purpose !== 'hello') lengths.push(line.bytes.length / 2);
    },
  });
  const frameBytes = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
  const framesPerReplicaTick = lengths.length / replicaTicks;
  const codec = new FrameCodec({
    algorithm: 'hmac-256',
    computeMac: nodeMacEngine.prepareKey(new Uint8Array(32).fill(1)),
    aead: null,
    externalAad: new Uint8Array(100).fill(2),
    maxPayloadBytes: 4096,
  });
  const empty = codec.seal(0, new Uint8Array(0)).length;
  const payload = new Uint8Array(Math.max(0, Math.round(frameBytes) - empty)).fill(3);
  const computeMac = nodeMacEngine.prepareKey(new Uint8Array(32).fill(1));
  const message = new Uint8Array(Math.round(frameBytes) + 100).fill(4);
  let counter = 0;
  const time = (operation) => {
    const times = 60_000;
    for (let i = 0; i < times / 4; i += 1) operation();
    const before = cpuUs();
    for (let i = 0; i < times; i += 1) operation();
    return (cpuUs() - before) / times;
  };
  const frameUs = time(() => codec.open(codec.seal(counter++, payload)));
  const hmacUs = time(() => computeMac(message));
  return {
    frameBytes,
    framesPerReplicaTick,
    frameUs,
    hmacUs,
    perSecond: 1e6 / (framesPerReplicaTick * frameUs),
    bareHmacPerSecond: 1e6 / (framesPerReplicaTick * 2 * hmacUs),
  };
}

/** Bytes on the heap after a collection, at a tenth of the run and at its end. */
function measureMemory() {
  const held = [];
  const note = () => {
    globalThis.gc();
    held.push(process.memoryUsage().heapUsed);
  };
  simulate({
    ...base,
    wire: 'none',
    ticks,
    onProgress: (flown) => {
      if (held.length === 0 ? flown >= ticks / 10 : held.length === 1 && flown >= ticks - 1_000) note();
    },
  });
  return { ticks, earlyMiB: held[0] / 2 ** 20, lateMiB: held[1] / 2 ** 20 };
}

const figures = what === 'limit' ? measureLimit() : what === 'memory' ? measureMemory() : measureRate(what);
process.stdout.write(`${JSON.stringify(figures)}\n`);
