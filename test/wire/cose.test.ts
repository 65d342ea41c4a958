/**
 * COSE: the structures against the published examples (RFC 8152 / RFC 9052, github.com/cose-wg/Examples), and the
 * one fixed envelope against everything that is not quite it.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defaultAeadEngine, nobleAeadEngine, nodeAeadEngine } from '../../src/wire/aead-engine.js';
import {
  encodeEncryptStructure,
  encodeMacStructure,
  encodeProtectedHeader,
  encodeSign1,
  encodeSignStructure,
  ENVELOPE_MAX_BYTES,
  FrameCodec,
  MAX_COUNTER,
  readSign1,
  SIGN1_BYTES,
  SIGN_PROTECTED_HEADER,
  type LinkAlgorithm,
} from '../../src/wire/cose.js';
import { nobleMacEngine, nodeMacEngine } from '../../src/wire/mac-engine.js';
import { hex } from './make-rig.js';

const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const CONTENT = hex('546869732069732074686520636f6e74656e742e');
const OUR_SECRET = hex('849b57219dae48de646d07dbb533566e976686457c1491be3a76dcea6c427188');

describe.each([nodeMacEngine, nobleMacEngine])('Mac0 examples of the COSE working group, $name', (engine) => {
  const examples: [string, string, string, string, string][] = [
    // name, protected, external_aad, MAC_structure, tag
    [
      'mac0-tests/HMac-01',
      'a10105',
      '',
      '84644d41433043a101054054546869732069732074686520636f6e74656e742e',
      'a1a848d3471f9d61ee49018d244c824772f223ad4f935293f1789fc3a08d8c58',
    ],
    [
      'mac0-tests/mac-pass-02: external data',
      '',
      'ff00ee11dd22cc33bb44aa559966',
      '84644d414330404eff00ee11dd22cc33bb44aa55996654546869732069732074686520636f6e74656e742e',
      '0fecaec59bb46cc8a488aaca4b205e322dd52696b75a45768d3c302dd4bae2f7',
    ],
    [
      'mac0-tests/mac-pass-03: untagged',
      '',
      '',
      '84644d414330404054546869732069732074686520636f6e74656e742e',
      '176dce14c1e57430c13658233f41dc89aa4fa0ff9b8783f23b0ef51ca6b026bc',
    ],
    [
      'hmac-examples/HMac-enc-05: HMAC 256/64',
      'a10104',
      '',
      '84644d41433043a101044054546869732069732074686520636f6e74656e742e',
      '11f9e357975fb849',
    ],
  ];
  test.each(examples)('%s', (_name, header, aad, structure, tag) => {
    const encoded = encodeMacStructure(hex(header), hex(aad), CONTENT);
    expect(toHex(encoded)).toBe(structure);
    expect(toHex(engine.prepareKey(OUR_SECRET)(encoded)).slice(0, tag.length)).toBe(tag);
  });

  test('their negatives fail: tag, algorithm, added header', () => {
    const computeMac = engine.prepareKey(OUR_SECRET);
    const right = toHex(computeMac(encodeMacStructure(hex('a10105'), hex(''), CONTENT)));
    expect(right).not.toBe('a1a848d3471f9d61ee49018d244c824772f223ad4f935293f1789fc3a08d8c59'); // mac-fail-02
    for (const header of ['a10104', 'a201050300', '']) {
      expect(toHex(computeMac(encodeMacStructure(hex(header), hex(''), CONTENT)))).not.toBe(right);
    }
    expect(toHex(computeMac(encodeMacStructure(hex('a10105'), hex('00'), CONTENT)))).not.toBe(right);
  });
});

describe('other structures of the COSE working group', () => {
  test('Sign1: eddsa-examples/eddsa-sig-02 and sign1-tests/sign-pass-02', () => {
    expect(toHex(encodeSignStructure(SIGN_PROTECTED_HEADER, hex(''), CONTENT))).toBe(
      '846a5369676e61747572653143a101274054546869732069732074686520636f6e74656e742e',
    );
    expect(toHex(encodeSignStructure(hex('a10126'), hex('11aa22bb33cc44dd55006699'), CONTENT))).toBe(
      '846a5369676e61747572653143a101264c11aa22bb33cc44dd5500669954546869732069732074686520636f6e74656e742e',
    );
  });

  test('Encrypt0: chacha-poly-examples/chacha-poly-enc-01, with the ciphertext as corrected by python-cwt', () => {
    // The ciphertext in the working group's file is not RFC 8439's; python-cwt's tests carry the right one.
    const aad = encodeEncryptStructure(hex('a1011818'), hex(''));
    expect(toHex(aad)).toBe('8368456e63727970743044a101181840');
    const key = hex('0f1e2d3c4b5a69788796a5b4c3d2e1f01f2e3d4c5b6a798897a6b5c4d3e2f100');
    const nonce = hex('5c3a9950bd2852f66e6c8d4f');
    for (const engine of [nodeAeadEngine, nobleAeadEngine]) {
      expect(toHex(engine.encrypt(key, nonce, aad, CONTENT))).toBe(
        'ca119c45926da993d29b5d0cac9a84228c7668d492a1b9d7e32020ef21372e74def431b9',
      );
    }
  });
});

const KEY = hex('00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff');
const AAD = hex('8301020343abcdef');

function makeCodec(algorithm: LinkAlgorithm, { key = KEY, aad = AAD, max = 1000 } = {}): FrameCodec {
  return new FrameCodec({
    algorithm,
    computeMac: nodeMacEngine.prepareKey(key),
    aead:
      algorithm === 'chacha20-poly1305'
        ? { key, contextIv: hex('0102030405060708090a0b0c'), engine: defaultAeadEngine }
        : null,
    externalAad: aad,
    maxPayloadBytes: max,
  });
}

const ALGORITHMS: readonly LinkAlgorithm[] = ['hmac-256', 'hmac-256-64', 'chacha20-poly1305'];

describe.each(ALGORITHMS)('frames under %s', (algorithm) => {
  const codec = makeCodec(algorithm);

  test('what is sealed opens to the same counter and payload, of any length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 700 }), fc.nat(MAX_COUNTER), (payload, counter) => {
        expect(codec.open(codec.seal(counter, payload))).toEqual({ ok: true, counter, payload });
      }),
      { numRuns: 300 },
    );
    for (const length of [0, 23, 24, 255, 256]) {
      const payload = new Uint8Array(length);
      expect(codec.open(codec.seal(MAX_COUNTER, payload))).toEqual({
        ok: true,
        counter: MAX_COUNTER,
        payload,
      });
    }
    const large = makeCodec(algorithm, { max: 70_000 });
    const payload = new Uint8Array(66_000).fill(7);
    expect(large.open(large.seal(1, payload))).toEqual({ ok: true, counter: 1, payload });
  });

  test('the payload is a copy of the frame', () => {
    const frame = Buffer.from(codec.seal(1, hex('0102')));
    const opened = codec.open(frame);
    frame.fill(0);
    expect(opened).toEqual({ ok: true, counter: 1, payload: hex('0102') });
  });

  test('another key, or another context, opens nothing', () => {
    const frame = codec.seal(1, CONTENT);
    const otherKey = KEY.map((byte) => byte ^ 1);
    expect(makeCodec(algorithm, { key: otherKey }).open(frame)).toEqual({
      ok: false,
      cause: 'bad-authenticator',
    });
    expect(makeCodec(algorithm, { aad: hex('8301020343abcdee') }).open(frame)).toEqual({
      ok: false,
      cause: 'bad-authenticator',
    });
    expect(makeCodec(algorithm, { aad: hex('') }).open(frame)).toEqual({
      ok: false,
      cause: 'bad-authenticator',
    });
  });

  test('an altered counter, payload or tag is refused as such', () => {
    const frame = codec.seal(5, CONTENT);
    const counterAt = frame.indexOf(0x46) + 1;
    for (const at of [counterAt, counterAt + 5, counterAt + 10, frame.length - 1]) {
      const altered = Uint8Array.from(frame);
      altered[at] = (altered[at] as number) ^ 1;
      expect(codec.open(altered)).toEqual({ ok: false, cause: 'bad-authenticator' });
    }
  });

  test('the frames of the other algorithms are refused by name', () => {
    for (const other of ALGORITHMS) {
      if (other === algorithm) continue;
      expect(codec.open(makeCodec(other).seal(1, CONTENT))).toEqual({ ok: false, cause: 'wrong-algorithm' });
    }
  });

  test('too long a frame or payload is refused before anything else', () => {
    expect(codec.open(new Uint8Array(1000 + ENVELOPE_MAX_BYTES + 1))).toEqual({
      ok: false,
      cause: 'oversize',
    });
    const larger = makeCodec(algorithm, { max: 1020 });
    expect(codec.open(larger.seal(1, new Uint8Array(1010)))).toEqual({ ok: false, cause: 'oversize' });
    expect(() => codec.seal(1, new Uint8Array(1001))).toThrow(RangeError);
  });

  test('100 000 random, cut or altered frames: none opens, none throws', () => {
    const good = codec.seal(9, CONTENT);
    let seed = 1;
    const next = (below: number): number => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    for (let i = 0; i < 33_334; i += 1) {
      const random = Uint8Array.from({ length: next(120) }, () => next(256));
      const cut = good.subarray(0, next(good.length));
      const altered = Uint8Array.from(good);
      const at = next(altered.length);
      altered[at] = (altered[at] as number) ^ (1 << next(8));
      for (const frame of [random, cut, altered]) {
        if (codec.open(frame).ok) throw new Error(`accepted ${toHex(frame)}`);
      }
    }
    expect(codec.open(good).ok).toBe(true);
  });
});

describe('the envelope', () => {
  const codec = makeCodec('hmac-256');
  const header = encodeProtectedHeader('hmac-256', 7);
  const tag = toHex(nodeMacEngine.prepareKey(KEY)(encodeMacStructure(header, AAD, hex('0102'))));
  const valid = `844b${toHex(header)}a04201025820${tag}`;

  test('is what COSE says, byte by byte', () => {
    expect(toHex(codec.seal(7, hex('0102')))).toBe(valid);
    expect(toHex(header)).toBe('a20105' + '06' + '46' + '000000000007');
    expect(codec.open(hex(valid)).ok).toBe(true);
  });

  test.each([
    ['tagged', `d1${valid}`],
    ['an indefinite array', `9f${valid.slice(2)}ff`],
    ['five items', `85${valid.slice(2)}00`],
    ['three items', `83${valid.slice(2)}`],
    ['an unprotected header', valid.replace('a0420102', 'a10141ff420102')],
    ['no Partial IV', `8443a10105a04201025820${tag}`],
    ['a short Partial IV', `8446a2010506410 7`.replace(' ', '') + `a04201025820${tag}`],
    ['headers in another order', `844ba20646000000000007` + `0105a04201025820${tag}`],
    ['a payload length that is not minimal', valid.replace('a0420102', 'a058020102')],
    ['an indefinite payload', valid.replace('a0420102', 'a05f420102ff')],
    ['a nil payload', valid.replace('a0420102', 'a0f6')],
    ['a text payload', valid.replace('a0420102', 'a0620102')],
    ['a tag of another length', `844b${toHex(header)}a0420102581f${tag.slice(2)}`],
    ['a tag length that is not minimal', `844b${toHex(header)}a042010259 0020`.replace(' ', '') + tag],
    ['something behind', `${valid}00`],
    ['nothing', ''],
  ])('%s is malformed', (_what, text) => {
    expect(codec.open(hex(text))).toEqual({ ok: false, cause: 'malformed-envelope' });
  });

  test.each([
    ['HMAC 256/64', '04'],
    ['HMAC 384/384', '06'],
    ['ChaCha20/Poly1305', '1818'],
    ['EdDSA', '27'],
    ['the right number in two bytes', '1805'],
  ])('%s in the header is the wrong algorithm', (_what, algorithm) => {
    const length = (0x40 + 10 + algorithm.length / 2).toString(16);
    const text = `84${length}a201${algorithm}0646000000000007a04201025820${tag}`;
    expect(codec.open(hex(text))).toEqual({ ok: false, cause: 'wrong-algorithm' });
  });
});

describe('Sign1 in its fixed form', () => {
  test('is written and read, and read only exactly so', () => {
    const signature = Uint8Array.from({ length: 64 }, (_, i) => i);
    const message = encodeSign1(signature);
    expect(message).toHaveLength(SIGN1_BYTES);
    expect(toHex(message)).toBe(`8443a10127a0f65840${toHex(signature)}`);
    expect(readSign1(message, 0)).toEqual(signature);
    expect(readSign1(message, 1)).toBeNull();
    expect(readSign1(message.subarray(0, 72), 0)).toBeNull();
    for (let at = 0; at < 9; at += 1) {
      const altered = Uint8Array.from(message);
      altered[at] = (altered[at] as number) ^ 1;
      expect(readSign1(altered, 0)).toBeNull();
    }
  });
});
