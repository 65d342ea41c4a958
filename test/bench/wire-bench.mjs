/**
 * What a message costs on the wire: encode+authenticate and verify+decode of a round message against a bare HMAC of
 * the same bytes, in interleaved runs; and the primitives that one could choose between.
 *
 * As a module: `run({ runs, times })` returns { payloadBytes, medianUs: { name: µs }, ratios: { sealToHmac, openToHmac } },
 * each ratio the median over the runs of the ratio within a run. As a program, after `npx tsc -b`:
 *   node test/bench/wire-bench.mjs [runs]
 */
import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { nobleAeadEngine, nodeAeadEngine } from '../../dist/src/wire/aead-engine.js';
import { derivePublicKey, prepareSigner, prepareVerifier } from '../../dist/src/wire/ed25519.js';
import { encodeEntry } from '../../dist/src/wire/entry-codec.js';
import { FrameCodec } from '../../dist/src/wire/cose.js';
import { nobleMacEngine, nodeMacEngine } from '../../dist/src/wire/mac-engine.js';
import { PeerCodec } from '../../dist/src/wire/peer-codec.js';

const LIMITS = {
  frameBytes: {
    hello: 300,
    round: 1500,
    state: 1500,
    command: 200,
    status: 200,
    control: 700,
    answer: 1200,
    report: 1500,
  },
  payloadBytes: {
    hello: 236,
    round: 1436,
    state: 1436,
    command: 136,
    status: 136,
    control: 636,
    answer: 1136,
    report: 1436,
  },
  replicas: 4,
  sensorTypes: ['number', 'number'],
  actuators: 1,
  rounds: 2,
  itemsByRound: [0, 1, 2],
  isSigned: false,
};

/** A round-2 message of an OM(1) rig with two sensors and one actuator: two relayed entries, about 150 bytes. */
function makeMessage() {
  const entry = (reading) =>
    encodeEntry({
      standing: { kind: 'running', stateTick: 123_456, stateDigest: randomBytes(16) },
      readings: [reading, -0.125],
      actuators: [{ bootNonce: randomBytes(8), phase: 'armed', trips: 1 }],
    });
  return {
    kind: 'round',
    tick: 123_457,
    round: 2,
    run: new Uint8Array(randomBytes(16)),
    items: [
      { path: [2], value: entry(1.2345) },
      { path: [3], value: entry(1.2346) },
    ],
  };
}

function measure(operation, times) {
  const start = process.hrtime.bigint();
  for (let i = 0; i < times; i += 1) operation();
  return Number(process.hrtime.bigint() - start) / 1000 / times;
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/** Runs every operation `runs` times, interleaved; a run measures each over `times` repetitions. */
export function run({ runs = 7, times = 2000 } = {}) {
  const codec = new PeerCodec(LIMITS, null);
  const message = makeMessage();
  const payload = codec.encode(message);
  const key = randomBytes(32);
  const keyObject = createSecretKey(key);
  const aad = randomBytes(100);
  const makeFrames = (algorithm) =>
    new FrameCodec({
      algorithm,
      computeMac: nodeMacEngine.prepareKey(key),
      aead:
        algorithm === 'chacha20-poly1305'
          ? { key, contextIv: randomBytes(12), engine: nodeAeadEngine }
          : null,
      externalAad: aad,
      maxPayloadBytes: LIMITS.payloadBytes.round,
    });
  const mac = makeFrames('hmac-256');
  const aead = makeFrames('chacha20-poly1305');
  const macFrame = mac.seal(1, payload);
  const aeadFrame = aead.seal(1, payload);
  const computeNode = nodeMacEngine.prepareKey(key);
  const computeNoble = nobleMacEngine.prepareKey(key);
  const nonce = randomBytes(12);
  const seed = randomBytes(32);
  const sign = prepareSigner(seed);
  const verify = prepareVerifier(derivePublicKey(seed));
  const signature = sign(payload);
  let counter = 0;

  const openAndDecode = (frames, frame) => {
    const opened = frames.open(frame);
    if (!opened.ok || !codec.decode(1, 'round', opened.payload).ok)
      throw new Error('the bench must open its own frames');
  };
  const operations = {
    hmac: { operation: () => createHmac('sha256', keyObject).update(payload).digest() },
    encode: { operation: () => codec.encode(message) },
    decode: { operation: () => codec.decode(1, 'round', payload) },
    'encode+authenticate': { operation: () => mac.seal(counter++, codec.encode(message)) },
    'verify+decode': { operation: () => openAndDecode(mac, macFrame) },
    'encode+encrypt': { operation: () => aead.seal(counter++, codec.encode(message)) },
    'decrypt+decode': { operation: () => openAndDecode(aead, aeadFrame) },
    'hmac node': { operation: () => computeNode(payload) },
    'hmac noble': { operation: () => computeNoble(payload) },
    'chacha node': { operation: () => nodeAeadEngine.encrypt(key, nonce, aad, payload) },
    'chacha noble': { operation: () => nobleAeadEngine.encrypt(key, nonce, aad, payload) },
    'ed25519 sign': { operation: () => sign(payload), share: 0.1 },
    'ed25519 verify': { operation: () => verify(payload, signature), share: 0.1 },
  };
  const samples = new Map(Object.keys(operations).map((name) => [name, []]));
  for (let at = -1; at < runs; at += 1) {
    for (const [name, { operation, share }] of Object.entries(operations)) {
      const us = measure(operation, Math.ceil(times * (share ?? 1)));
      // The first pass only warms up.
      if (at >= 0) samples.get(name)?.push(us);
    }
  }
  const of = (name) => samples.get(name);
  const ratio = (name) => median(of(name).map((us, i) => us / of('hmac')[i]));
  return {
    payloadBytes: payload.length,
    medianUs: Object.fromEntries([...samples].map(([name, values]) => [name, median(values)])),
    ratios: { sealToHmac: ratio('encode+authenticate'), openToHmac: ratio('verify+decode') },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const figures = run({ runs: Number(process.argv[2] ?? 7) });
  process.stdout.write(`round message of ${figures.payloadBytes} bytes; medians, µs\n`);
  for (const [name, us] of Object.entries(figures.medianUs)) {
    process.stdout.write(`  ${name.padEnd(22)} ${us.toFixed(2).padStart(8)}\n`);
  }
  const { sealToHmac, openToHmac } = figures.ratios;
  process.stdout.write(
    `encode+authenticate ${sealToHmac.toFixed(2)} × bare HMAC, verify+decode ${openToHmac.toFixed(2)} ×\n`,
  );
}
