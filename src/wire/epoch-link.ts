/**
 * One pair under one key epoch: its hellos, the session that they make and the one before. Whoever holds two epochs has
 * two of these for each peer and chooses between them (secure-links.ts). It must never throw for what a peer sent.
 */
import { toHex } from '../core/bytes.js';
import type { Entropy, Principal, Purpose } from '../ports.js';
import type { AeadEngine } from './aead-engine.js';
import { FrameCodec, type LinkAlgorithm } from './cose.js';
import {
  deriveConfigDigest,
  deriveFrameKey,
  deriveHelloKey,
  deriveSessionId,
  encodeFrameAad,
  encodeHelloAad,
  NONCE_BYTES,
  type ConfigDigests,
  type Direction,
} from './derive-keys.js';
import { Handshake, type HandshakeOutput } from './handshake.js';
import { encodeHello, HELLO_MAX_BYTES, type Hello } from './hello.js';
import type { WireLimits } from './limits.js';
import type { MacEngine } from './mac-engine.js';
import type { SessionPurpose } from './purposes.js';
import type { RefusalCause } from './refusal.js';
import { ReplayWindow } from './replay-window.js';

export type OpenResult =
  { readonly ok: true; readonly payload: Uint8Array } | { readonly ok: false; readonly cause: RefusalCause };

/** How long frames of the session before are still taken after a change, µs; less once the new one has brought a frame. */
export const PREVIOUS_GRACE_US = 1_000_000;

/** After a change of sessions, frames that fail are put down to the change for this long, µs. */
const SETTLING_US = 500_000;

interface ReceiveLane {
  readonly codec: FrameCodec;
  readonly window: ReplayWindow;
}

/** For so long after a change of sessions it is looked out for a peer that still speaks in the one before, µs. */
const DISPLACED_US = 10_000_000;

/** Keys and freshness of one session with one peer. */
export interface Session {
  readonly id: string;
  /** Counter of the next frame, over all purposes. */
  nextCounter: number;
  readonly send: ReadonlyMap<Purpose, FrameCodec>;
  readonly receive: ReadonlyMap<Purpose, ReceiveLane>;
  /** Whether a frame of it has been accepted. */
  isProven: boolean;
  readonly sinceUs: number;
}

/** What is the same in all epochs of all links of a principal. */
export interface EpochLinkSetting {
  readonly rigId: string;
  readonly self: Principal;
  readonly digests: ConfigDigests;
  readonly algorithm: LinkAlgorithm;
  readonly limits: WireLimits;
  readonly entropy: Entropy;
  readonly version: number;
  readonly macEngine: MacEngine;
  readonly aeadEngine: AeadEngine;
}

/** The peer, and what is said to it and by it. */
export interface EpochLinkPeer {
  readonly id: Principal;
  readonly sends: readonly SessionPurpose[];
  readonly receives: readonly SessionPurpose[];
  /** Whether this end greets. */
  readonly initiates: boolean;
}

export class EpochLink {
  readonly handshake: Handshake;
  session: Session | null = null;
  /** The session before, in this epoch. */
  previous: Session | null = null;
  /** The session before, when nothing that comes in it is taken any more. */
  #displaced: Session | null = null;
  readonly #outward: Direction;
  readonly #inward: Direction;
  readonly #helloOut: FrameCodec;
  readonly #helloIn: FrameCodec;
  #helloCounter = 0;

  constructor(
    readonly keyEpoch: number,
    /** 32 bytes, shared with this peer alone. */
    readonly secret: Uint8Array,
    private readonly peer: EpochLinkPeer,
    private readonly setting: EpochLinkSetting,
  ) {
    const { rigId, self, digests, entropy, version } = setting;
    this.#outward = { rigId, keyEpoch, sender: self, receiver: peer.id };
    this.#inward = { rigId, keyEpoch, sender: peer.id, receiver: self };
    this.#helloOut = this.#createHelloCodec(this.#outward);
    this.#helloIn = this.#createHelloCodec(this.#inward);
    this.handshake = new Handshake({
      version,
      digests,
      drawNonce: () => entropy.bytes(NONCE_BYTES),
      initiates: peer.initiates,
    });
  }

  sealHello(hello: Hello): Uint8Array {
    return this.#helloOut.seal(this.#helloCounter++, encodeHello(hello));
  }

  openHello(frame: Uint8Array): ReturnType<FrameCodec['open']> {
    return this.#helloIn.open(frame);
  }

  /** The handshake has come to a session: it stands from now on, and the one before for a while. */
  settle(settled: Extract<HandshakeOutput, { kind: 'settled' }>, nowUs: number): Session {
    this.previous = this.session;
    this.#displaced = this.session;
    this.session = this.#createSession(settled, nowUs);
    return this.session;
  }

  /** Ends both sessions, for one of another epoch; a peer that begins anew is answered. */
  end(): void {
    this.session = null;
    this.previous = null;
    this.#displaced = null;
    this.handshake.abandon();
  }

  /** Forgets the session before when its time is over. */
  forgetReplaced(nowUs: number): void {
    if (this.session === null) return;
    if (nowUs - this.session.sinceUs >= PREVIOUS_GRACE_US) this.previous = null;
    if (nowUs - this.session.sinceUs >= DISPLACED_US) this.#displaced = null;
  }

  /**
   * Whether a frame that did not fit is of the session before, when the peer has long been known to hold the one that
   * took its place: no process goes back, so there are two.
   */
  isDisplaced(purpose: Purpose, frame: Uint8Array, nowUs: number): boolean {
    const { session } = this;
    if (session === null || this.#displaced === null || !this.handshake.isConfirmed) return false;
    return nowUs - session.sinceUs >= SETTLING_US && openInSession(this.#displaced, purpose, frame).ok;
  }

  /** Proves one frame of a purpose that this peer may use. */
  open(purpose: Purpose, frame: Uint8Array, nowUs: number): OpenResult {
    const { session } = this;
    if (session === null) return { ok: false, cause: 'no-session' };
    const result = openInSession(session, purpose, frame);
    if (result.ok) {
      if (!session.isProven) {
        session.isProven = true;
        this.previous = null;
        this.handshake.confirm();
      }
      return result;
    }
    if (result.cause !== 'bad-authenticator') return result;
    // A session has just changed hands: what was under way belongs to the one before, or is nobody's fault.
    if (this.previous !== null) {
      const earlier = openInSession(this.previous, purpose, frame);
      if (earlier.ok || earlier.cause === 'replayed') return earlier;
    }
    const isSettling = !session.isProven && nowUs - session.sinceUs < SETTLING_US;
    return { ok: false, cause: isSettling ? 'no-session' : 'bad-authenticator' };
  }

  #createHelloCodec(direction: Direction): FrameCodec {
    return new FrameCodec({
      algorithm: 'hmac-256',
      computeMac: this.setting.macEngine.prepareKey(deriveHelloKey(this.secret, direction)),
      aead: null,
      externalAad: encodeHelloAad(direction),
      maxPayloadBytes: HELLO_MAX_BYTES,
    });
  }

  #createSession(settled: Extract<HandshakeOutput, { kind: 'settled' }>, nowUs: number): Session {
    const { self, digests, algorithm, limits, macEngine, aeadEngine, version } = this.setting;
    const { sends, receives } = this.peer;
    const sessionId = deriveSessionId(settled.ownNonce, settled.peerNonce);
    // A digest that either end has no use for is left out by both.
    const configDigest = deriveConfigDigest({
      rig: digests.rig,
      law: settled.peerDigests.law === null ? null : digests.law,
      arithmetic: settled.peerDigests.arithmetic === null ? null : digests.arithmetic,
    });
    const createCodec = (direction: Direction, purpose: SessionPurpose): FrameCodec => {
      const isOutward = direction.sender === self;
      const nonces = {
        sender: isOutward ? settled.ownNonce : settled.peerNonce,
        receiver: isOutward ? settled.peerNonce : settled.ownNonce,
      };
      const { key, contextIv } = deriveFrameKey(this.secret, direction, purpose, nonces, algorithm);
      return new FrameCodec({
        algorithm,
        computeMac: macEngine.prepareKey(key),
        aead: algorithm === 'chacha20-poly1305' ? { key, contextIv, engine: aeadEngine } : null,
        externalAad: encodeFrameAad(direction, purpose, configDigest, sessionId, version),
        maxPayloadBytes: limits.payloadBytes[purpose],
      });
    };
    return {
      id: toHex(sessionId),
      nextCounter: 0,
      send: new Map(sends.map((purpose) => [purpose, createCodec(this.#outward, purpose)])),
      receive: new Map(
        receives.map((purpose) => [
          purpose,
          { codec: createCodec(this.#inward, purpose), window: new ReplayWindow() },
        ]),
      ),
      isProven: false,
      sinceUs: nowUs,
    };
  }
}

function openInSession(session: Session, purpose: Purpose, frame: Uint8Array): OpenResult {
  const lane = session.receive.get(purpose) as ReceiveLane;
  const opened = lane.codec.open(frame);
  if (!opened.ok) return opened;
  if (!lane.window.accept(opened.counter)) return { ok: false, cause: 'replayed' };
  return { ok: true, payload: opened.payload };
}
