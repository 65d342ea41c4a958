/**
 * ChaCha20/Poly1305 (RFC 8439) behind one small interface. Measured for 200 bytes (test/bench/wire-bench.ts) Node
 * takes less than half of noble's time and is the default; noble serves where OpenSSL was built without it.
 * It must never be given the same key and nonce twice: the caller's counter sees to that.
 */
import { createCipheriv, createDecipheriv, getCiphers } from 'node:crypto';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';

/** Length of the authenticator that follows the ciphertext, bytes. */
export const AEAD_TAG_BYTES = 16;

export interface AeadEngine {
  readonly name: 'node' | 'noble';
  /** Ciphertext followed by the 16-byte tag. `key` is 32 bytes, `nonce` 12. */
  encrypt(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** Plaintext, or null when the tag does not fit. `sealed` is at least 16 bytes long. */
  decrypt(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array | null;
}

const CIPHER = 'chacha20-poly1305';
const OPTIONS = { authTagLength: AEAD_TAG_BYTES } as const;

/** OpenSSL through Node. */
export const nodeAeadEngine: AeadEngine = {
  name: 'node',
  encrypt(key, nonce, aad, plaintext) {
    const cipher = createCipheriv(CIPHER, key, nonce, OPTIONS);
    cipher.setAAD(aad, { plaintextLength: plaintext.length });
    const body = cipher.update(plaintext);
    cipher.final();
    const sealed = new Uint8Array(body.length + AEAD_TAG_BYTES);
    sealed.set(body);
    sealed.set(cipher.getAuthTag(), body.length);
    return sealed;
  },
  decrypt(key, nonce, aad, sealed) {
    const end = sealed.length - AEAD_TAG_BYTES;
    const decipher = createDecipheriv(CIPHER, key, nonce, OPTIONS);
    decipher.setAAD(aad, { plaintextLength: end });
    decipher.setAuthTag(sealed.subarray(end));
    const plaintext = decipher.update(sealed.subarray(0, end));
    try {
      decipher.final();
    } catch {
      return null; // The only way Node reports a tag that does not fit.
    }
    return new Uint8Array(plaintext);
  },
};

/** Pure JavaScript. */
export const nobleAeadEngine: AeadEngine = {
  name: 'noble',
  encrypt: (key, nonce, aad, plaintext) => chacha20poly1305(key, nonce, aad).encrypt(plaintext),
  decrypt(key, nonce, aad, sealed) {
    try {
      return chacha20poly1305(key, nonce, aad).decrypt(sealed);
    } catch {
      return null; // The only way noble reports a tag that does not fit.
    }
  },
};

/** Node's where this Node has the cipher, noble's elsewhere. */
export const defaultAeadEngine: AeadEngine = getCiphers().includes(CIPHER) ? nodeAeadEngine : nobleAeadEngine;
