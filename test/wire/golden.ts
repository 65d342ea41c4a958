/**
 * The golden bytes of src/wire/WIRE.md, made anew from fixed inputs: what another implementation must come to.
 * Names are those of the fenced blocks there.
 */
import { defaultAeadEngine } from '../../src/wire/aead-engine.js';
import { encodeCommand, encodeStatus } from '../../src/wire/actuator-codec.js';
import { encodeBook } from '../../src/wire/command-book-codec.js';
import { encodeControlAnswer, encodeControlRequest } from '../../src/wire/control-codec.js';
import { FrameCodec, type LinkAlgorithm } from '../../src/wire/cose.js';
import {
  deriveBrokerPassword,
  deriveConfigDigest,
  deriveFrameKey,
  deriveHelloKey,
  deriveSessionId,
  encodeFrameAad,
  encodeHelloAad,
} from '../../src/wire/derive-keys.js';
import { derivePublicKey } from '../../src/wire/ed25519.js';
import { encodeEntry } from '../../src/wire/entry-codec.js';
import { encodeHello } from '../../src/wire/hello.js';
import { encodeFold } from '../../src/wire/folded-log-codec.js';
import { deriveLimits } from '../../src/wire/limits.js';
import { nodeMacEngine } from '../../src/wire/mac-engine.js';
import { PeerCodec } from '../../src/wire/peer-codec.js';
import { encodeReplicatedState } from '../../src/wire/replicated-state-codec.js';
import { digestContent, encodeContent, encodeReply, encodeRequest } from '../../src/wire/request-codec.js';
import { SignedChains } from '../../src/wire/signed-chain.js';
import { makeRig } from './make-rig.js';
import { makePaxosGolden } from './paxos-samples.js';

const fill = (length: number, byte: number): Uint8Array => new Uint8Array(length).fill(byte);

/** Every golden value by name: hexadecimal, the broker password as text. */
export function makeGolden(): Record<string, string> {
  const golden: Record<string, string> = {};
  const put = (name: string, bytes: Uint8Array): Uint8Array => {
    golden[name] = Buffer.from(bytes).toString('hex');
    return bytes;
  };
  const secret = fill(32, 0x11);
  const nonceA = fill(16, 0xaa);
  const nonceB = fill(16, 0xbb);
  const run = fill(16, 0x22);
  const digests = { rig: fill(32, 0x01), law: fill(32, 0x02), arithmetic: fill(32, 0x03) };
  const outward = { rigId: 'pitch', keyEpoch: 1, sender: 'a', receiver: 'b' };

  // Payloads
  const status = { bootNonce: fill(8, 0x77), phase: 'armed', trips: 1, lastTick: 1000 } as const;
  put(
    'entry-waiting',
    encodeEntry({
      standing: { kind: 'waiting', nonce: fill(16, 0x33), waitedTicks: 3 },
      readings: [null, true],
      actuators: [null],
      missed: 0,
      joins: 0,
    }),
  );
  const entry = put(
    'entry-running',
    encodeEntry({
      standing: { kind: 'running', stateTick: 1000, stateDigest: fill(16, 0x44) },
      readings: [1.1, -2.5, 3, false, null],
      actuators: [status],
      missed: 0b0100,
      joins: 0b1000,
    }),
  );
  const macCodec = new PeerCodec(deriveLimits(makeRig()), null);
  const stamp = { lagUs: 130, heldUs: [null, 19_410, 19_385, null] };
  const payload = put(
    'round-1',
    macCodec.encode({ kind: 'round', tick: 1001, round: 1, run, items: [{ path: [], value: entry }], stamp }),
  );
  put(
    'round-2',
    macCodec.encode({
      kind: 'round',
      tick: 1001,
      round: 2,
      run,
      items: [
        { path: [2], value: entry },
        { path: [3], value: null },
      ],
    }),
  );
  put('state-request', macCodec.encode({ kind: 'state-request', digest: fill(16, 0x44), offset: 0 }));
  const state = put(
    'replicated-state',
    encodeReplicatedState({
      tick: 1000,
      run,
      startTick: 900,
      law: Uint8Array.from([0x82, 0x01, 0x02]),
      sensors: [
        { held: 1.1, lostSince: null },
        { held: null, lostSince: 998 },
      ],
      members: [
        { status: 'active', sinceTick: 900, missedTicks: 0, penaltyTicks: 0 },
        { status: 'active', sinceTick: 955, missedTicks: 0, penaltyTicks: 1 },
        { status: 'excluded', sinceTick: 990, missedTicks: 0, penaltyTicks: 16 },
        { status: 'active', sinceTick: 900, missedTicks: 3, penaltyTicks: 0 },
      ],
    }),
  );
  put(
    'state-reply',
    macCodec.encode({
      kind: 'state-reply',
      digest: fill(16, 0x44),
      length: state.length,
      offset: 0,
      piece: state,
    }),
  );
  put('join', macCodec.encode({ kind: 'join', tick: 1001, ready: true, stamp }));
  put('start', macCodec.encode({ kind: 'start', step: 'echo' }));
  put('command-output', encodeCommand({ tick: 1001, order: { kind: 'output', count: -1500 }, arm: null }));
  put(
    'command-foreseen',
    encodeCommand({
      tick: 1001,
      order: { kind: 'output', count: -1500 },
      arm: null,
      basis: new Uint8Array(16).fill(0x99),
    }),
  );
  put('command-trip', encodeCommand({ tick: 1001, order: { kind: 'trip' }, arm: null }));
  put(
    'command-arm',
    encodeCommand({
      tick: 1001,
      order: { kind: 'none' },
      arm: { bootNonce: fill(8, 0x77), trips: 1, firstTick: 1003 },
    }),
  );
  put('status', encodeStatus({ ...status, lastCount: -1500, missedTicks: 2 }));
  put('control', encodeControlRequest({ sequence: 7, text: 'equivocate on c at +50 for 100' }));
  put('answer', encodeControlAnswer({ sequence: 7, ok: true, text: 'from tick 150' }));

  // Commands of operators
  const content = put(
    'request-content',
    encodeContent({
      client: 'pilot',
      sequence: 7,
      command: 'set-target',
      values: [2.5],
      rigDigest: digests.rig,
    }),
  );
  const contentDigest = put('request-content-digest', digestContent(content));
  put('request', encodeRequest({ kind: 'submit', content }));
  put('request-log', encodeRequest({ kind: 'log', sequence: 9 }));
  put(
    'entry-requests',
    encodeEntry({
      standing: { kind: 'running', stateTick: 1000, stateDigest: fill(16, 0x44) },
      readings: [1.1],
      actuators: [null],
      missed: 0,
      joins: 0,
      requests: [{ client: 1, sequence: 7, digest: contentDigest }],
    }),
  );
  const commandRig = {
    ...makeRig(),
    commands: [{ id: 'arm', by: ['operator'], effect: 'arm', arguments: [] }],
  } as const;
  const commandCodec = new PeerCodec(deriveLimits(commandRig), null);
  put('content-request', commandCodec.encode({ kind: 'content-request', digest: contentDigest }));
  put('content-reply', commandCodec.encode({ kind: 'content-reply', content }));
  put(
    'entry-prefix',
    encodeEntry({
      standing: { kind: 'running', stateTick: 1000, stateDigest: fill(16, 0x44) },
      readings: [1.1],
      actuators: [null],
      missed: 0,
      joins: 0,
      prefix: 17,
    }),
  );
  const bookOfLog = {
    clients: [
      {
        floor: -1,
        applied: [
          {
            client: 0,
            sequence: 5,
            digest: fill(32, 0x55),
            tick: 990,
            outcome: { kind: 'done' },
            slot: 16,
          },
        ],
      },
    ],
    pending: [],
    postures: [{ disarmed: false, armUntil: 1030 }],
    prefix: 17,
  } as const;
  put('command-book-of-log', encodeBook(bookOfLog));
  put('command-book-of-witness-rig', encodeBook({ ...bookOfLog, wanted: 0b01 }));
  put('folded-log', encodeFold({ law: fill(2, 0x66), book: bookOfLog }, fill(32, 0x77)));
  put(
    'command-book',
    encodeBook({
      clients: [
        { floor: -1, applied: [] },
        {
          floor: 3,
          applied: [
            { client: 1, sequence: 5, digest: fill(32, 0x55), tick: 990, outcome: { kind: 'done' } },
            {
              client: 1,
              sequence: 6,
              digest: fill(32, 0x66),
              tick: 995,
              outcome: { kind: 'refused', reason: 'no' },
            },
          ],
        },
      ],
      pending: [{ client: 1, sequence: 7, digest: contentDigest, agreedTick: 1000 }],
      postures: [{ disarmed: true, armUntil: -1 }],
    }),
  );
  put(
    'reply-applied',
    encodeReply({
      kind: 'verdict',
      sequence: 7,
      digest: contentDigest,
      verdict: { kind: 'applied', tick: 101, outcome: { kind: 'done' }, slot: null },
    }),
  );
  put(
    'reply-applied-slot',
    encodeReply({
      kind: 'verdict',
      sequence: 7,
      digest: contentDigest,
      verdict: { kind: 'applied', tick: 101, outcome: { kind: 'done' }, slot: 30 },
    }),
  );
  put(
    'reply-chosen',
    encodeReply({
      kind: 'verdict',
      sequence: 7,
      digest: contentDigest,
      verdict: { kind: 'chosen', slot: 30, leader: 1 },
    }),
  );
  put(
    'reply-waits',
    encodeReply({
      kind: 'verdict',
      sequence: 7,
      digest: contentDigest,
      verdict: { kind: 'waits', text: 'b is away' },
    }),
  );
  put(
    'reply-refused',
    encodeReply({
      kind: 'verdict',
      sequence: 7,
      digest: contentDigest,
      verdict: { kind: 'refused', code: 'range', text: 'pitch is 9, out of range' },
    }),
  );
  put(
    'reply-log',
    encodeReply({
      kind: 'log',
      sequence: 9,
      items: [
        {
          client: 1,
          sequence: 7,
          digest: contentDigest,
          effect: { tick: 101, outcome: { kind: 'lapsed' } },
          slot: null,
          content,
        },
      ],
    }),
  );
  put(
    'reply-log-slots',
    encodeReply({
      kind: 'log',
      sequence: 9,
      items: [
        {
          client: 1,
          sequence: 6,
          digest: fill(32, 0x66),
          effect: { tick: 95, outcome: { kind: 'done' } },
          slot: 29,
          content: null,
        },
        { client: 1, sequence: 7, digest: contentDigest, effect: null, slot: 30, content },
      ],
    }),
  );

  // Handshake
  const hello = put('hello', encodeHello({ version: 1, digests, nonce: nonceA, echo: nonceB, level: 1 }));
  const helloAad = put('hello-aad', encodeHelloAad(outward));
  const helloKey = put('hello-key', deriveHelloKey(secret, outward));
  const seal = (
    algorithm: LinkAlgorithm,
    key: Uint8Array,
    contextIv: Uint8Array,
    externalAad: Uint8Array,
    content: Uint8Array,
  ): Uint8Array =>
    new FrameCodec({
      algorithm,
      computeMac: nodeMacEngine.prepareKey(key),
      aead: algorithm === 'chacha20-poly1305' ? { key, contextIv, engine: defaultAeadEngine } : null,
      externalAad,
      maxPayloadBytes: 1000,
    }).seal(258, content);
  put('hello-frame', seal('hmac-256', helloKey, new Uint8Array(0), helloAad, hello));

  // Session
  const sessionId = put('session-id', deriveSessionId(nonceA, nonceB));
  const configDigest = put('config-digest', deriveConfigDigest(digests));
  const frameAad = put('frame-aad', encodeFrameAad(outward, 'round', configDigest, sessionId));
  for (const algorithm of ['hmac-256', 'hmac-256-64', 'chacha20-poly1305'] as const) {
    const { key, contextIv } = deriveFrameKey(
      secret,
      outward,
      'round',
      { sender: nonceA, receiver: nonceB },
      algorithm,
    );
    put(`frame-key-${algorithm}`, Uint8Array.from([...key, ...contextIv]));
    put(`frame-${algorithm}`, seal(algorithm, key, contextIv, frameAad, payload));
  }
  golden['broker-password'] = deriveBrokerPassword(secret, 'pitch', 1, 'a', 'b');

  // Signed messages
  const seeds = [fill(32, 0x51), fill(32, 0x52), fill(32, 0x53)];
  const publicKeys = seeds.map((seed) => derivePublicKey(seed));
  const chainsOf = (self: number): SignedChains =>
    new SignedChains({
      rigId: 'pitch',
      configDigest,
      keyEpoch: 1,
      self,
      privateKey: seeds[self] as Uint8Array,
      publicKeys,
    });
  put('public-key-0', publicKeys[0] as Uint8Array);
  put('public-key-1', publicKeys[1] as Uint8Array);
  const proof = put('chain-1', chainsOf(0).extend({ tick: 1001, round: 1, run }, { path: [], value: entry }));
  put('chain-2', chainsOf(1).extend({ tick: 1001, round: 2, run }, { path: [0], value: entry, proof }));
  const signedRig = makeRig({
    replicas: 3,
    hypothesis: { kind: 'byzantine', f: 1, authenticators: 'signature' },
  });
  const signedCodec = new PeerCodec(deriveLimits(signedRig), chainsOf(1));
  put(
    'signed-round-2',
    signedCodec.encode({
      kind: 'round',
      tick: 1001,
      round: 2,
      run,
      items: [{ path: [0], value: entry, proof }],
    }),
  );
  Object.assign(golden, makePaxosGolden());
  return golden;
}
