/**
 * Ed25519 (RFC 8032) through Node's OpenSSL, with prepared keys. All replicas of a rig use this one verifier:
 * libraries differ on unusual points, and a signer could split a mixed rig (the rig's digest names the verifier).
 */
import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';

/** Length of a private seed and of a public key, bytes. */
export const ED25519_KEY_BYTES = 32;

/** Length of a signature, bytes. */
export const ED25519_SIGNATURE_BYTES = 64;

/** DER that stands before the 32 raw bytes in PKCS #8 and SPKI (RFC 8410 §7, §4). */
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** Makes ready to sign with a 32-byte seed. */
export function prepareSigner(seed: Uint8Array): (message: Uint8Array) => Uint8Array {
  const key = importPrivateKey(seed);
  return (message) => sign(null, message, key);
}

/** Makes ready to verify under a 32-byte public key. A public key that is no point verifies nothing. */
export function prepareVerifier(
  publicKey: Uint8Array,
): (message: Uint8Array, signature: Uint8Array) => boolean {
  const key = createPublicKey({
    key: Buffer.concat([PUBLIC_PREFIX, publicKey]),
    format: 'der',
    type: 'spki',
  });
  return (message, signature) => verify(null, message, key, signature);
}

/** The public key that belongs to a seed, 32 bytes. */
export function derivePublicKey(seed: Uint8Array): Uint8Array {
  const spki = createPublicKey(importPrivateKey(seed)).export({ format: 'der', type: 'spki' });
  return new Uint8Array(spki.subarray(PUBLIC_PREFIX.length));
}

function importPrivateKey(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, seed]), format: 'der', type: 'pkcs8' });
}
