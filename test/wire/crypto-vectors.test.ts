/**
 * Published vectors for every primitive of the wire, for each of our implementations: RFC 4231 (HMAC-SHA256), RFC 5869
 * (HKDF-SHA256), RFC 8439 (ChaCha20/Poly1305), RFC 8032 (Ed25519).
 */
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nobleAeadEngine, nodeAeadEngine } from '../../src/wire/aead-engine.js';
import { derivePublicKey, prepareSigner, prepareVerifier } from '../../src/wire/ed25519.js';
import { nobleMacEngine, nodeMacEngine } from '../../src/wire/mac-engine.js';
import { hex } from './make-rig.js';

const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const ascii = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

describe.each([nodeMacEngine, nobleMacEngine])('HMAC-SHA256, RFC 4231 §4, $name', (engine) => {
  const cases: [string, Uint8Array, Uint8Array, string][] = [
    [
      '4.2',
      hex('0b'.repeat(20)),
      ascii('Hi There'),
      'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
    ],
    [
      '4.3',
      ascii('Jefe'),
      ascii('what do ya want for nothing?'),
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ],
    [
      '4.4',
      hex('aa'.repeat(20)),
      hex('dd'.repeat(50)),
      '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe',
    ],
    [
      '4.5',
      hex('0102030405060708090a0b0c0d0e0f10111213141516171819'),
      hex('cd'.repeat(50)),
      '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b',
    ],
    [
      '4.7',
      hex('aa'.repeat(131)),
      ascii('Test Using Larger Than Block-Size Key - Hash Key First'),
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    ],
    [
      '4.8',
      hex('aa'.repeat(131)),
      ascii(
        'This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.',
      ),
      '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2',
    ],
  ];
  test.each(cases)('case %s, twice under one prepared key', (_case, key, message, mac) => {
    const computeMac = engine.prepareKey(key);
    expect(toHex(computeMac(message))).toBe(mac);
    expect(toHex(computeMac(message))).toBe(mac);
  });
  test('case 4.6 is the truncation to 128 bits', () => {
    expect(toHex(engine.prepareKey(hex('0c'.repeat(20)))(ascii('Test With Truncation'))).slice(0, 32)).toBe(
      'a3b6167473100ee06e0c796c2955552b',
    );
  });
});

describe('HKDF-SHA256, RFC 5869 appendix A', () => {
  test('A.1 basic', () => {
    const okm = hkdf(
      sha256,
      hex('0b'.repeat(22)),
      hex('000102030405060708090a0b0c'),
      hex('f0f1f2f3f4f5f6f7f8f9'),
      42,
    );
    expect(toHex(okm)).toBe(
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    );
  });
  test('A.2 longer inputs', () => {
    const range = (from: number): Uint8Array => Uint8Array.from({ length: 80 }, (_, i) => from + i);
    expect(toHex(hkdf(sha256, range(0x00), range(0x60), range(0xb0), 82))).toBe(
      'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87',
    );
  });
  test('A.3 no salt, no info', () => {
    expect(toHex(hkdf(sha256, hex('0b'.repeat(22)), new Uint8Array(0), new Uint8Array(0), 42))).toBe(
      '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
    );
  });
});

describe.each([nodeAeadEngine, nobleAeadEngine])('ChaCha20/Poly1305, RFC 8439 §2.8.2, $name', (engine) => {
  const key = hex('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f');
  const nonce = hex('070000004041424344454647');
  const aad = hex('50515253c0c1c2c3c4c5c6c7');
  const plaintext = ascii(
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
  );
  const sealed =
    'd31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b6116' +
    '1ae10b594f09e26a7e902ecbd0600691';
  test('the example', () => {
    expect(toHex(engine.encrypt(key, nonce, aad, plaintext))).toBe(sealed);
    expect(engine.decrypt(key, nonce, aad, hex(sealed))).toEqual(plaintext);
  });
  test('appendix A.5', () => {
    const opened = engine.decrypt(
      hex('1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0'),
      hex('000000000102030405060708'),
      hex('f33388860000000000004e91'),
      hex(
        '64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100d4f03b7f355894cf332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c8559797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523eaf4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a1049e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29a6ad5cb4022b02709b' +
          'eead9d67890cbb22392336fea1851f38',
      ),
    );
    expect(Buffer.from(opened ?? []).toString()).toMatch(
      /^Internet-Drafts are draft documents valid for a maximum of six months/,
    );
  });
  test('one altered bit of key, nonce, aad, ciphertext or tag: nothing comes out', () => {
    const flip = (bytes: Uint8Array, at = 0): Uint8Array =>
      bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
    const whole = hex(sealed);
    expect(engine.decrypt(flip(key), nonce, aad, whole)).toBeNull();
    expect(engine.decrypt(key, flip(nonce), aad, whole)).toBeNull();
    expect(engine.decrypt(key, nonce, flip(aad), whole)).toBeNull();
    expect(engine.decrypt(key, nonce, aad, flip(whole))).toBeNull();
    expect(engine.decrypt(key, nonce, aad, flip(whole, whole.length - 1))).toBeNull();
  });
});

describe('our two implementations agree', () => {
  test('HMAC and ChaCha20/Poly1305 over random keys and messages', () => {
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    fc.assert(
      fc.property(
        bytes(32),
        bytes(12),
        fc.uint8Array({ maxLength: 100 }),
        fc.uint8Array({ maxLength: 300 }),
        (key, nonce, aad, text) => {
          expect(toHex(nodeMacEngine.prepareKey(key)(text))).toBe(
            toHex(nobleMacEngine.prepareKey(key)(text)),
          );
          const sealed = nodeAeadEngine.encrypt(key, nonce, aad, text);
          expect(toHex(nobleAeadEngine.encrypt(key, nonce, aad, text))).toBe(toHex(sealed));
          expect(nobleAeadEngine.decrypt(key, nonce, aad, sealed)).toEqual(
            nodeAeadEngine.decrypt(key, nonce, aad, sealed),
          );
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('Ed25519, RFC 8032 §7.1', () => {
  const cases: [string, string, string, string, string][] = [
    [
      '1',
      '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
      '',
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    ],
    [
      '2',
      '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
      '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
      '72',
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    ],
    [
      '3',
      'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
      'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
      'af82',
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
    ],
    [
      'SHA(abc)',
      '833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42',
      'ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf',
      'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
      'dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704',
    ],
  ];
  test.each(cases)('test %s', (_name, seed, publicKey, message, signature) => {
    expect(toHex(derivePublicKey(hex(seed)))).toBe(publicKey);
    expect(toHex(prepareSigner(hex(seed))(hex(message)))).toBe(signature);
    const verify = prepareVerifier(hex(publicKey));
    expect(verify(hex(message), hex(signature))).toBe(true);
    expect(verify(hex(`${message}00`), hex(signature))).toBe(false);
    const altered = hex(signature);
    altered[0] = (altered[0] as number) ^ 1;
    expect(verify(hex(message), altered)).toBe(false);
    expect(verify(hex(message), altered.subarray(1))).toBe(false);
  });
  test('a public key that is no point verifies nothing and does not throw', () => {
    const verify = prepareVerifier(hex('ff'.repeat(32)));
    expect(verify(hex('00'), hex('00'.repeat(64)))).toBe(false);
  });
});
