/**
 * Signed messages: the chain of signatures that a relayed value carries (protocol.md §3; Lamport, Shostak, Pease
 * 1982 §4). Each link is a COSE_Sign1 with a detached payload, 73 bytes, one after the other in a byte string:
 *   commander  signs the value          external_aad ["voteplane/sm/1", rig id, run, config digest, key epoch, commander, tick]
 *   relayer    signs the link before    external_aad ["voteplane/sm-relay/1", relayer, round]
 * where "the link before" is SHA-256 of that link's Sig_structure and signature; so every signature covers the
 * value, its tick, its run and everybody who signed before. A value counts in round r only with r signatures.
 *
 * While two key epochs overlap each replica signs under one that all can verify, and verifies what any other signed under
 * either (WIRE.md, section 5): so no correct replica has to switch together with another.
 *
 * It must verify what a peer sent before anything else sees it, never throw for it, and verify nothing twice.
 */
import { createHash } from 'node:crypto';
import { assert } from '../core/assert.js';
import { toHex } from '../core/bytes.js';
import type { RelayItem, ReplicaIndex, Round, Tick } from '../core/types.js';
import type { Rig } from '../rig/rig.js';
import { encodeCbor } from './cbor.js';
import { encodeSign1, encodeSignStructure, readSign1, SIGN1_BYTES, SIGN_PROTECTED_HEADER } from './cose.js';
import { deriveConfigDigest, type ConfigDigests } from './derive-keys.js';
import { prepareSigner, prepareVerifier } from './ed25519.js';
import { isSignedRig, listEpochs, type PrincipalKeys } from './keys.js';

/** The signature keys of one key epoch. */
export interface SigningEpoch {
  readonly keyEpoch: number;
  /** Ed25519 seed of this replica, 32 bytes; null where it only verifies. */
  readonly privateKey: Uint8Array | null;
  /** Ed25519 public keys of all replicas by index, 32 bytes each; null for those that have no part in the epoch. */
  readonly publicKeys: readonly (Uint8Array | null)[];
}

export interface SignedChainOptions extends SigningEpoch {
  readonly rigId: string;
  /** Digest of everything that all replicas must have alike, 32 bytes. */
  readonly configDigest: Uint8Array;
  readonly self: ReplicaIndex;
}

type VerifySignature = (message: Uint8Array, signature: Uint8Array) => boolean;

/** The same, ready for use. */
interface PreparedEpoch {
  readonly keyEpoch: number;
  readonly sign: ((message: Uint8Array) => Uint8Array) | null;
  readonly verifiers: readonly (VerifySignature | null)[];
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
  /** Newest first. */
  #epochs: readonly PreparedEpoch[];
  /** The epoch that ended last, for those who may not have heard of it. */
  #ended: PreparedEpoch | null = null;
  /** Those who speak under an epoch that came after it. */
  readonly #movedOn = new Set<ReplicaIndex>();
  /** The epoch under which this replica signs. */
  #own: PreparedEpoch;
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
    this.#own = prepareEpoch(options);
    this.#epochs = [this.#own];
  }

  /** Other keys take the place of those held; newest first. Signs under the oldest of them until `signUnder` says more. */
  renew(epochs: readonly SigningEpoch[]): void {
    const before = this.#epochs;
    this.#epochs = epochs.map(prepareEpoch);
    this.#ended = before.find(({ keyEpoch }) => !epochs.some((one) => one.keyEpoch === keyEpoch)) ?? null;
    this.#movedOn.clear();
    for (const links of [this.#verified, this.#verifiedBefore]) links.clear();
    for (const signatures of [this.#signed, this.#signedBefore]) signatures.clear();
    this.#own = this.#findOwn(null);
  }

  /**
   * Signs from now on under the newest epoch held that is no newer than this one: what all others are known to verify.
   * `null`: they are not known to have any in common, so the oldest is the surest.
   */
  signUnder(keyEpoch: number | null): void {
    this.#own = this.#findOwn(keyEpoch);
  }

  /** This replica speaks under the newest epoch, so it does not sign under the one that has ended. */
  noteMovedOn(signer: ReplicaIndex): void {
    if (this.#ended !== null) this.#movedOn.add(signer);
  }

  /** The key epochs held, newest first. */
  listEpochs(): readonly number[] {
    return this.#epochs.map(({ keyEpoch }) => keyEpoch);
  }

  #findOwn(atMost: number | null): PreparedEpoch {
    const able = this.#epochs.filter(({ sign }) => sign !== null);
    const own = able.find(({ keyEpoch }) => atMost !== null && keyEpoch <= atMost) ?? able.at(-1);
    if (own === undefined) throw new RangeError('these keys cannot sign');
    return own;
  }

  /** The epochs under which a signature of this replica may hold. */
  #epochsOf(signer: ReplicaIndex): readonly PreparedEpoch[] {
    return this.#ended === null || this.#movedOn.has(signer) ? this.#epochs : [...this.#epochs, this.#ended];
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
    const { keyEpoch, sign } = this.#own;
    const structure =
      item.path.length === 0
        ? this.#encodeCommanderStructure(scope, keyEpoch, self, item.value)
        : encodeRelayStructure(self, item.path.length + 1, before);
    const key = `${keyEpoch}:${createHash('sha256').update(structure).digest('base64')}`;
    let signature = this.#signed.get(key) ?? this.#signedBefore.get(key);
    if (signature === undefined) {
      assert(sign !== null, 'the epoch under which this replica signs has its private key');
      signature = sign(structure);
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
      const signature = readSign1(proof, at * SIGN1_BYTES);
      if (signature === null) return false;
      const digest = this.#verifyLink(scope, at, signer, value, before, signature);
      if (digest === null) return false;
      before = digest;
    }
    return true;
  }

  /** Digest of a link that holds under one of the epochs; null where it holds under none. */
  #verifyLink(
    scope: ChainScope,
    at: number,
    signer: ReplicaIndex,
    value: Uint8Array,
    before: Uint8Array,
    signature: Uint8Array,
  ): Uint8Array<ArrayBuffer> | null {
    for (const epoch of this.#epochsOf(signer)) {
      const verifySignature = epoch.verifiers[signer] ?? null;
      if (verifySignature === null) continue;
      const structure = this.#encodeStructure(scope, epoch.keyEpoch, at, signer, value, before);
      const digest = digestLink(structure, signature);
      const key = nameLink(epoch.keyEpoch, signer, digest);
      if (this.#verified.has(key)) return digest;
      if (!this.#verifiedBefore.has(key)) {
        this.verifications += 1;
        if (!verifySignature(structure, signature)) continue;
      }
      if (this.#verified.size >= REMEMBERED_MAX) this.#verified.clear();
      this.#verified.add(key);
      return digest;
    }
    return null;
  }

  /** Digest of the last of the received links; of nothing for a chain that has not the form, which then verifies nowhere. */
  #walk(scope: ChainScope, path: readonly ReplicaIndex[], value: Uint8Array, chain: Uint8Array): Uint8Array {
    let before = new Uint8Array(0);
    for (const [at, signer] of path.entries()) {
      const signature = readSign1(chain, at * SIGN1_BYTES);
      if (signature === null) return new Uint8Array(0);
      before = this.#digestReceived(scope, at, signer, value, before, signature);
    }
    return before;
  }

  /** Of a link whose epoch nobody has written down: under the one under which it was verified. */
  #digestReceived(
    scope: ChainScope,
    at: number,
    signer: ReplicaIndex,
    value: Uint8Array,
    before: Uint8Array,
    signature: Uint8Array,
  ): Uint8Array<ArrayBuffer> {
    const digests = this.#epochsOf(signer).map(({ keyEpoch }) => {
      const structure = this.#encodeStructure(scope, keyEpoch, at, signer, value, before);
      const digest = digestLink(structure, signature);
      const key = nameLink(keyEpoch, signer, digest);
      return { digest, isVerified: this.#verified.has(key) || this.#verifiedBefore.has(key) };
    });
    return (digests.find(({ isVerified }) => isVerified) ?? digests[0])?.digest ?? new Uint8Array(0);
  }

  /** What the signer at this place of a chain signs: the first is the commander. */
  #encodeStructure(
    scope: ChainScope,
    keyEpoch: number,
    at: number,
    signer: ReplicaIndex,
    value: Uint8Array,
    before: Uint8Array,
  ): Uint8Array {
    return at === 0
      ? this.#encodeCommanderStructure(scope, keyEpoch, signer, value)
      : encodeRelayStructure(signer, at + 1, before);
  }

  #encodeCommanderStructure(
    scope: ChainScope,
    keyEpoch: number,
    commander: ReplicaIndex,
    value: Uint8Array,
  ): Uint8Array {
    const { rigId, configDigest } = this.#options;
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

function prepareEpoch({ keyEpoch, privateKey, publicKeys }: SigningEpoch): PreparedEpoch {
  return {
    keyEpoch,
    sign: privateKey === null ? null : prepareSigner(privateKey),
    verifiers: publicKeys.map((publicKey) => (publicKey === null ? null : prepareVerifier(publicKey))),
  };
}

/** A valid link is named by the key that it holds under; the same bytes under another's key would be another link. */
function nameLink(keyEpoch: number, signer: ReplicaIndex, digest: Uint8Array): string {
  return `${keyEpoch}:${signer}:${toHex(digest)}`;
}

function encodeRelayStructure(relayer: ReplicaIndex, round: Round, linkBefore: Uint8Array): Uint8Array {
  const aad = encodeCbor(['voteplane/sm-relay/1', relayer, round]);
  return encodeSignStructure(SIGN_PROTECTED_HEADER, aad, linkBefore);
}

function digestLink(structure: Uint8Array, signature: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(structure).update(signature).digest());
}

/**
 * The signature keys of one replica, newest epoch first. Throws `RangeError` when the keys lack what signing needs: a
 * private key of their own in the newest epoch, and a public key of everybody who is not revoked.
 */
export function listSigningEpochs(rig: Rig, keys: PrincipalKeys): readonly SigningEpoch[] {
  const [newest, ...others] = listEpochs(keys).flatMap(({ keyEpoch, signing }): SigningEpoch[] => {
    if (signing === null) return [];
    const publicKeys = rig.replicas.map(({ id }) => signing.publicKeys.get(id) ?? null);
    return [{ keyEpoch, privateKey: signing.privateKey, publicKeys }];
  });
  if (newest === undefined || newest.keyEpoch !== keys.keyEpoch || newest.privateKey === null)
    throw new RangeError(`the keys of ${keys.principal} cannot sign; generate the rig's keys anew`);
  const missing = rig.replicas.find(({ id }, at) => newest.publicKeys[at] === null && !keys.revoked.has(id));
  if (missing !== undefined)
    throw new RangeError(`the keys of ${keys.principal} lack the public key of ${missing.id}`);
  return [newest, ...others];
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
  if (!isSignedRig(rig)) return null;
  const self = rig.replicas.findIndex(({ id }) => id === keys.principal);
  const epochs = listSigningEpochs(rig, keys);
  const [newest] = epochs;
  if (self < 0 || newest === undefined)
    throw new RangeError(`the keys of ${keys.principal} cannot sign; generate the rig's keys anew`);
  const chains = new SignedChains({
    ...newest,
    rigId: rig.id,
    configDigest: deriveConfigDigest(digests),
    self,
  });
  chains.renew(epochs);
  return chains;
}
