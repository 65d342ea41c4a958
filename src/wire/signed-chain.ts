/**
 * Signed messages: the chain of signatures that a relayed value carries (protocol.md §3; Lamport, Shostak, Pease
 * 1982 §4). Each link is a COSE_Sign1 with a detached payload, 73 bytes, one after the other in a byte string:
 *   commander  signs the value          external_aad ["voteplane/sm/1", rig id, run, config digest, key epoch, commander, tick]
 *   relayer    signs the link before    external_aad ["voteplane/sm-relay/1", relayer, round]
 * where "the link before" is SHA-256 of that link's Sig_structure and signature; so every signature covers the
 * value, its tick, its run and everybody who signed before. A value counts in round r only with r signatures.
 *
 * It must verify what a peer sent before anything else sees it, never throw for it, and verify nothing twice.
 */
import { createHash } from 'node:crypto';
import { toHex } from '../core/bytes.js';
import type { RelayItem, ReplicaIndex, Round, Tick } from '../core/types.js';
import type { Rig } from '../rig/rig.js';
import { encodeCbor } from './cbor.js';
import { encodeSign1, encodeSignStructure, readSign1, SIGN1_BYTES, SIGN_PROTECTED_HEADER } from './cose.js';
import { deriveConfigDigest, type ConfigDigests } from './derive-keys.js';
import { prepareSigner, prepareVerifier } from './ed25519.js';
import type { PrincipalKeys } from './keys.js';

export interface SignedChainOptions {
  readonly rigId: string;
  /** Digest of everything that all replicas must have alike, 32 bytes. */
  readonly configDigest: Uint8Array;
  readonly keyEpoch: number;
  readonly self: ReplicaIndex;
  /** Ed25519 seed of this replica, 32 bytes. */
  readonly privateKey: Uint8Array;
  /** Ed25519 public keys of all replicas by index, 32 bytes each. */
  readonly publicKeys: readonly Uint8Array[];
}

/** What a signature is valid for. */
export interface ChainScope {
  readonly tick: Tick;
  readonly round: Round;
  readonly run: Uint8Array;
}

/** Links remembered at most, in each of two generations; a tick of seven signed replicas needs a few hundred. */
const REMEMBERED_MAX = 4096;

export class SignedChains {
  readonly #options: SignedChainOptions;
  readonly #sign: (message: Uint8Array) => Uint8Array;
  readonly #verifiers: readonly ((message: Uint8Array, signature: Uint8Array) => boolean)[];
  /** Digests of links known to be valid, this tick's and the one before; an attacker can only add what verifies. */
  #verified = new Set<string>();
  #verifiedBefore = new Set<string>();
  /** Own signatures by what they sign: Ed25519 is deterministic, and several peers get the same. */
  #signed = new Map<string, Uint8Array>();
  #signedBefore = new Map<string, Uint8Array>();
  #newestTick: Tick = -1;
  /** How often Ed25519 was really computed; for tests and benches. */
  verifications = 0;
  signatures = 0;

  constructor(options: SignedChainOptions) {
    this.#options = options;
    this.#sign = prepareSigner(options.privateKey);
    this.#verifiers = options.publicKeys.map((publicKey) => prepareVerifier(publicKey));
  }

  /**
   * The chain as it leaves this replica: the commander's signature for an own value (empty path), or the received
   * chain with one more. A received chain is taken as it is; whoever altered the item makes it worthless.
   */
  extend(scope: ChainScope, item: RelayItem & { readonly value: Uint8Array }): Uint8Array {
    this.#turnGeneration(scope.tick);
    const { self } = this.#options;
    const received = item.proof ?? new Uint8Array(0);
    const before = this.#walk(scope, item.path, item.value, received);
    const structure =
      item.path.length === 0
        ? this.#encodeCommanderStructure(scope, self, item.value)
        : encodeRelayStructure(self, item.path.length + 1, before);
    const key = createHash('sha256').update(structure).digest('base64');
    let signature = this.#signed.get(key) ?? this.#signedBefore.get(key);
    if (signature === undefined) {
      signature = this.#sign(structure);
      this.signatures += 1;
    }
    if (this.#signed.size >= REMEMBERED_MAX) this.#signed.clear();
    this.#signed.set(key, signature);
    const chain = new Uint8Array(received.length + SIGN1_BYTES);
    chain.set(received);
    chain.set(encodeSign1(signature), received.length);
    return chain;
  }

  /**
   * True when the item that `sender` brought holds exactly `round` valid signatures of distinct replicas, the
   * commander's first and the sender's last. Stops at the first one that does not hold.
   */
  verify(scope: ChainScope, sender: ReplicaIndex, item: RelayItem): boolean {
    this.#turnGeneration(scope.tick);
    const { path, value, proof } = item;
    if (value === null || proof === undefined) return false;
    const signers = [...path, sender];
    if (signers.length !== scope.round || new Set(signers).size !== signers.length) return false;
    if (proof.length !== signers.length * SIGN1_BYTES) return false;
    let before = new Uint8Array(0);
    for (const [at, signer] of signers.entries()) {
      const verifySignature = this.#verifiers[signer];
      const signature = readSign1(proof, at * SIGN1_BYTES);
      if (verifySignature === undefined || signature === null) return false;
      const structure =
        at === 0
          ? this.#encodeCommanderStructure(scope, signer, value)
          : encodeRelayStructure(signer, at + 1, before);
      const digest = digestLink(structure, signature);
      // The signer is named by its key; the same bytes under another's key would be another link.
      const key = `${signer}:${toHex(digest)}`;
      if (!this.#verified.has(key)) {
        if (!this.#verifiedBefore.has(key)) {
          this.verifications += 1;
          if (!verifySignature(structure, signature)) return false;
        }
        if (this.#verified.size >= REMEMBERED_MAX) this.#verified.clear();
        this.#verified.add(key);
      }
      before = digest;
    }
    return true;
  }

  /** Digest of the last of the received links; of nothing for a chain that has not the form, which then verifies nowhere. */
  #walk(scope: ChainScope, path: readonly ReplicaIndex[], value: Uint8Array, chain: Uint8Array): Uint8Array {
    let before = new Uint8Array(0);
    for (const [at, signer] of path.entries()) {
      const signature = readSign1(chain, at * SIGN1_BYTES);
      if (signature === null) return new Uint8Array(0);
      const structure =
        at === 0
          ? this.#encodeCommanderStructure(scope, signer, value)
          : encodeRelayStructure(signer, at + 1, before);
      before = digestLink(structure, signature);
    }
    return before;
  }

  #encodeCommanderStructure(scope: ChainScope, commander: ReplicaIndex, value: Uint8Array): Uint8Array {
    const { rigId, configDigest, keyEpoch } = this.#options;
    const aad = encodeCbor([
      'voteplane/sm/1',
      rigId,
      scope.run,
      configDigest,
      keyEpoch,
      commander,
      scope.tick,
    ]);
    return encodeSignStructure(SIGN_PROTECTED_HEADER, aad, value);
  }

  /** Forgets what is older than the tick before; only ever forwards. */
  #turnGeneration(tick: Tick): void {
    if (tick <= this.#newestTick) return;
    this.#newestTick = tick;
    this.#verifiedBefore = this.#verified;
    this.#verified = new Set();
    this.#signedBefore = this.#signed;
    this.#signed = new Map();
  }
}

function encodeRelayStructure(relayer: ReplicaIndex, round: Round, linkBefore: Uint8Array): Uint8Array {
  const aad = encodeCbor(['voteplane/sm-relay/1', relayer, round]);
  return encodeSignStructure(SIGN_PROTECTED_HEADER, aad, linkBefore);
}

function digestLink(structure: Uint8Array, signature: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(structure).update(signature).digest());
}

/**
 * The signature chains of one replica: null where the rig's hypothesis has no signatures. Throws `RangeError` when
 * the keys lack what signing needs.
 */
export function createSignedChains(
  rig: Rig,
  keys: PrincipalKeys,
  digests: ConfigDigests,
): SignedChains | null {
  const { hypothesis } = rig;
  if (hypothesis.kind !== 'byzantine' || hypothesis.authenticators !== 'signature') return null;
  const self = rig.replicas.findIndex(({ id }) => id === keys.principal);
  const { signing } = keys;
  const privateKey = signing?.privateKey ?? null;
  if (self < 0 || signing === null || privateKey === null) {
    throw new RangeError(`the keys of ${keys.principal} cannot sign; generate the rig's keys anew`);
  }
  const publicKeys = rig.replicas.map(({ id }) => {
    const publicKey = signing.publicKeys.get(id);
    if (publicKey === undefined)
      throw new RangeError(`the keys of ${keys.principal} lack the public key of ${id}`);
    return publicKey;
  });
  return new SignedChains({
    rigId: rig.id,
    configDigest: deriveConfigDigest(digests),
    keyEpoch: keys.keyEpoch,
    self,
    privateKey,
    publicKeys,
  });
}
