/**
 * One measurement of the simulator, in a process of its own: `node --expose-gc simulation-worker.mjs WHAT TICKS`. WHAT is
 * `full` or `none` (how messages travel), `limit` (what the authenticators of the same messages alone take), these with `-noble`
 * behind (the HMAC of @noble/hashes in place of Node's) or `memory` (what is held at a tenth and at the end of a long run).
 * Prints one line of JSON.
 */
import { fileURLToPath } from 'node:url';
import { collectAlone } from '../../dist/src/process/v8-flags.js';
import { loadRig } from '../../dist/src/rig/load-rig.js';
import { simulate } from '../../dist/src/simulation/simulate.js';
import { FrameCodec } from '../../dist/src/wire/cose.js';
import { nobleMacEngine, nodeMacEngine } from '../../dist/src/wire/mac-engine.js';

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
function measureRate(wire, macEngine) {
  const marks = [{ flown: 0, us: cpuUs() }];
  simulate({ ...base, wire, macEngine, ticks, onProgress: (flown) => marks.push({ flown, us: cpuUs() }) });
  const markAt = (flown) => marks.findLast((mark) => mark.flown <= flown);
  const rate = (from, to) => (n * (to.flown - from.flown) * 1e6) / (to.us - from.us);
  return {
    perSecond: rate(markAt(ticks / 2), markAt(ticks)),
    youngPerSecond: rate(markAt(0), markAt(ticks / 4)),
  };
}

/** What sealing and opening the same messages takes, and nothing else: each in its turn, under the key of its link and purpose. */
function measureLimit(macEngine) {
  const frames = [];
  const { replicaTicks } = simulate({
    ...base,
    wire: 'full',
    ticks: 200,
    onTrace: (line) => {
      if (line.kind === 'frame' && line.purpose !== 'hello') frames.push(line);
    },
  });
  const codecs = new Map();
  const messages = frames.map(({ from, to, purpose, bytes }) => {
    const name = `${from}>${to} ${purpose}`;
    if (!codecs.has(name)) {
      const key = new Uint8Array(32).fill(codecs.size);
      codecs.set(name, {
        codec: new FrameCodec({
          algorithm: 'hmac-256',
          computeMac: macEngine.prepareKey(key),
          aead: null,
          externalAad: new Uint8Array(100).fill(codecs.size),
          maxPayloadBytes: 4096,
        }),
        counter: 0,
      });
    }
    const lane = codecs.get(name);
    const empty = lane.codec.seal(0, new Uint8Array(0)).length;
    return { lane, payload: new Uint8Array(Math.max(0, bytes.length / 2 - empty)).fill(3) };
  });
  const pass = () => {
    for (const { lane, payload } of messages) {
      if (!lane.codec.open(lane.codec.seal(lane.counter++, payload)).ok)
        throw new Error('a frame does not open');
    }
  };
  const PASSES = 12;
  for (let i = 0; i < PASSES / 3; i += 1) pass();
  const before = cpuUs();
  for (let i = 0; i < PASSES; i += 1) pass();
  const frameUs = (cpuUs() - before) / (PASSES * messages.length);
  const framesPerReplicaTick = messages.length / replicaTicks;
  return {
    frameBytes: frames.reduce((sum, { bytes }) => sum + bytes.length / 2, 0) / frames.length,
    framesPerReplicaTick,
    frameUs,
    perSecond: 1e6 / (framesPerReplicaTick * frameUs),
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

/** Whose HMAC the full wire has: the one that rigs use, or that of @noble/hashes. */
const engines = { node: nodeMacEngine, noble: nobleMacEngine };
const [kind, engine = 'node'] = what.split('-');
const macEngine = engines[engine];
const figures =
  kind === 'limit'
    ? measureLimit(macEngine)
    : kind === 'memory'
      ? measureMemory()
      : measureRate(kind, macEngine);
process.stdout.write(`${JSON.stringify(figures)}\n`);
