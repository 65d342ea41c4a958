/**
 * Everything between a payload and a frame, for one principal and all its peers: handshakes, session keys, sealing,
 * opening, freshness, and who may say what. It owns no socket and no timer: frames go in and come out, time is
 * handed in, entropy too.
 *
 * Order on receipt: sender known → purpose allowed → length, envelope, authenticator (cose.ts) → freshness. The
 * strict decode of the payload follows in the codecs. It must never throw for what a peer sent, and what it keeps
 * per peer does not grow.
 */
import { toHex } from '../core/bytes.js';
import type { Entropy, Principal, Purpose } from '../ports.js';
import type { Rig } from '../rig/rig.js';
import { defaultAeadEngine, type AeadEngine } from './aead-engine.js';
import { ENVELOPE_MAX_BYTES, FrameCodec, MAX_COUNTER, type LinkAlgorithm } from './cose.js';
import {
  deriveConfigDigest,
  deriveFrameKey,
  deriveHelloKey,
  deriveSessionId,
  encodeFrameAad,
  encodeHelloAad,
  NONCE_BYTES,
  PROTOCOL_VERSION,
  type ConfigDigests,
  type Direction,
} from './derive-keys.js';
import { Handshake, HELLO_INTERVAL_US, type HandshakeOutput } from './handshake.js';
import { decodeHello, encodeHello, HELLO_MAX_BYTES, type Hello } from './hello.js';
import { listPeers, listPrincipals, type PrincipalKeys } from './keys.js';
import { deriveLimits, type WireLimits } from './limits.js';
import { nodeMacEngine, type MacEngine } from './mac-engine.js';
import { listPurposes, type PrincipalKind, type SessionPurpose } from './purposes.js';
import { RefusalCounts, type RefusalCause } from './refusal.js';
import { ReplayWindow } from './replay-window.js';

export interface LinkPeer {
  readonly id: Principal;
  readonly kind: PrincipalKind;
  /** 32 bytes, shared with this peer alone. */
  readonly secret: Uint8Array;
}

export interface SecureLinksOptions {
  readonly rigId: string;
  readonly self: Principal;
  readonly selfKind: PrincipalKind;
  readonly peers: readonly LinkPeer[];
  readonly keyEpoch: number;
  /** What both ends must have alike. */
  readonly digests: ConfigDigests;
  readonly algorithm: LinkAlgorithm;
  readonly limits: WireLimits;
  readonly entropy: Entropy;
  /** Protocol version; only tests and faults of version mismatches say another one. */
  readonly version?: number;
  readonly macEngine?: MacEngine;
  readonly aeadEngine?: AeadEngine;
}

/** What has to be done or told, in this order. */
export type LinkEvent =
  /** Send this frame under the purpose `hello`. */
  | { readonly kind: 'send'; readonly to: Principal; readonly frame: Uint8Array }
  /** A session stands; `sessionId` is hexadecimal. */
  | { readonly kind: 'established'; readonly peer: Principal; readonly sessionId: string }
  /** The peer never confirmed the session; the handshake begins anew. */
  | { readonly kind: 'lost'; readonly peer: Principal }
  /** A peer that cannot be talked to; told once until it changes. `detail` is a sentence with the cure. */
  | {
      readonly kind: 'refused';
      readonly peer: Principal;
      readonly cause: 'version-mismatch' | 'config-mismatch';
      readonly detail: string;
    };

export type OpenResult =
  { readonly ok: true; readonly payload: Uint8Array } | { readonly ok: false; readonly cause: RefusalCause };

/** How long frames of the session before are still taken after a change, µs; less once the new one has brought a frame. */
const PREVIOUS_GRACE_US = 1_000_000;

/** After a change of sessions, frames that fail are put down to the change for this long, µs. */
const SETTLING_US = 500_000;

/**
 * Without a frame that fits for so long, µs, while so many others came under the peer's name, a session is doubted. A
 * second process with the peer's identity leaves the peer in this way: its sessions have been replaced and nobody tells it.
 */
export const DOUBT_US = 1_000_000;
export const DOUBT_FRAMES = 8;

/** Hellos of one peer that are looked at in one hello interval. */
const HELLOS_PER_INTERVAL = 16;

interface ReceiveLane {
  readonly codec: FrameCodec;
  readonly window: ReplayWindow;
}

/** Keys and freshness of one session with one peer. */
interface Session {
  readonly id: string;
  /** Counter of the next frame, over all purposes. */
  nextCounter: number;
  readonly send: ReadonlyMap<Purpose, FrameCodec>;
  readonly receive: ReadonlyMap<Purpose, ReceiveLane>;
  /** Whether a frame of it has been accepted. */
  isProven: boolean;
  readonly sinceUs: number;
}

interface Link {
  readonly peer: LinkPeer;
  readonly sends: readonly SessionPurpose[];
  readonly receives: readonly SessionPurpose[];
  readonly handshake: Handshake;
  readonly helloOut: FrameCodec;
  readonly helloIn: FrameCodec;
  helloCounter: number;
  hellosSeen: number;
  hellosSinceUs: number;
  session: Session | null;
  previous: Session | null;
  /** When a frame fitted last, and how many that do not have come since. */
  fittedUs: number;
  misfits: number;
  /** Last mismatch told, so that it is told once. */
  toldMismatch: string | null;
}

export class SecureLinks {
  readonly #options: SecureLinksOptions;
  readonly #version: number;
  readonly #macEngine: MacEngine;
  readonly #aeadEngine: AeadEngine;
  readonly #links = new Map<Principal, Link>();
  #nowUs = 0;
  /** Every refusal, by peer and cause; codecs count theirs here too. */
  readonly refusals: RefusalCounts;

  constructor(options: SecureLinksOptions) {
    this.#options = options;
    this.#version = options.version ?? PROTOCOL_VERSION;
    this.#macEngine = options.macEngine ?? nodeMacEngine;
    this.#aeadEngine = options.aeadEngine ?? defaultAeadEngine;
    this.refusals = new RefusalCounts(options.peers.map(({ id }) => id));
    for (const peer of options.peers) this.#links.set(peer.id, this.#createLink(peer));
  }

  /** True when frames to and from this peer can be sealed and opened. */
  isEstablished(peer: Principal): boolean {
    return (this.#links.get(peer)?.session ?? null) !== null;
  }

  /** Ids of all peers, those with a session or all. */
  listPeers(which: 'established' | 'all' = 'all'): Principal[] {
    return [...this.#links.values()]
      .filter(({ session }) => which === 'all' || session !== null)
      .map(({ peer }) => peer.id);
  }

  /**
   * The frame that carries a payload, or null while there is no session with this peer. Throws for a purpose that
   * this principal has no business with, and for a payload over its cap: both are our own mistakes.
   */
  seal(to: Principal, purpose: SessionPurpose, payload: Uint8Array): Uint8Array | null {
    const link = this.#links.get(to);
    if (link === undefined || !link.sends.includes(purpose)) {
      throw new RangeError(`${this.#options.self} has nothing to say to ${to} under the purpose ${purpose}`);
    }
    const { session } = link;
    if (session === null || session.nextCounter > MAX_COUNTER) return null;
    const codec = session.send.get(purpose) as FrameCodec;
    return codec.seal(session.nextCounter++, payload);
  }

  /** Proves one frame of any purpose but `hello`. Refusals are counted here. */
  open(from: Principal, purpose: Purpose, frame: Uint8Array): OpenResult {
    const link = this.#links.get(from);
    if (link === undefined) return this.#refuse(from, 'unknown-sender');
    if (!(link.receives as readonly Purpose[]).includes(purpose)) return this.#refuse(from, 'wrong-purpose');
    const { session } = link;
    if (session === null) return this.#refuse(from, 'no-session');
    const result = openInSession(session, purpose, frame);
    if (result.ok) {
      link.fittedUs = this.#nowUs;
      link.misfits = 0;
      if (!session.isProven) {
        session.isProven = true;
        link.previous = null;
        link.handshake.confirm();
      }
      return result;
    }
    if (result.cause !== 'bad-authenticator') return this.#refuse(from, result.cause);
    // A session has just changed hands: what was under way belongs to the one before, or is nobody's fault.
    if (link.previous !== null) {
      const earlier = openInSession(link.previous, purpose, frame);
      if (earlier.ok || earlier.cause === 'replayed')
        return earlier.ok ? earlier : this.#refuse(from, earlier.cause);
    }
    link.misfits += 1;
    const isSettling = !session.isProven && this.#nowUs - session.sinceUs < SETTLING_US;
    return this.#refuse(from, isSettling ? 'no-session' : 'bad-authenticator');
  }

  /** Takes a frame of purpose `hello`. */
  receiveHello(from: Principal, frame: Uint8Array, nowUs: number): LinkEvent[] {
    this.#nowUs = nowUs;
    const link = this.#links.get(from);
    if (link === undefined) {
      this.refusals.count(from, 'unknown-sender');
      return [];
    }
    if (nowUs - link.hellosSinceUs >= HELLO_INTERVAL_US) {
      link.hellosSinceUs = nowUs;
      link.hellosSeen = 0;
    }
    link.hellosSeen += 1;
    if (link.hellosSeen > HELLOS_PER_INTERVAL) {
      this.refusals.count(from, 'hello-flood');
      return [];
    }
    const opened = link.helloIn.open(frame);
    if (!opened.ok) {
      this.refusals.count(from, opened.cause);
      return [];
    }
    const decoded = decodeHello(opened.payload, this.#version);
    if (decoded.kind === 'malformed') {
      this.refusals.count(from, 'malformed-payload');
      return [];
    }
    const outputs =
      decoded.kind === 'hello'
        ? link.handshake.receive(decoded.hello, nowUs)
        : link.handshake.receiveOtherVersion(decoded.version, nowUs);
    return this.#follow(link, outputs);
  }

  /** The way to a peer opened: greet it at once. */
  linkUp(to: Principal, nowUs: number): LinkEvent[] {
    this.#nowUs = nowUs;
    const link = this.#links.get(to);
    return link === undefined ? [] : this.#follow(link, link.handshake.linkUp(nowUs));
  }

  /** To be called about every 100 ms: repeats hellos that are unanswered, forgets sessions that have been replaced. */
  tick(nowUs: number): LinkEvent[] {
    this.#nowUs = nowUs;
    const events: LinkEvent[] = [];
    for (const link of this.#links.values()) {
      if (
        link.previous !== null &&
        link.session !== null &&
        nowUs - link.session.sinceUs >= PREVIOUS_GRACE_US
      ) {
        link.previous = null;
      }
      events.push(...this.#follow(link, link.handshake.tick(nowUs)));
      const { session, fittedUs, misfits } = link;
      if (session === null || misfits < DOUBT_FRAMES) continue;
      if (nowUs - Math.max(fittedUs, session.sinceUs) >= DOUBT_US) {
        link.misfits = 0;
        events.push(...this.#follow(link, link.handshake.doubt()));
      }
    }
    return events;
  }

  #refuse(from: Principal, cause: RefusalCause): OpenResult {
    this.refusals.count(from, cause);
    return { ok: false, cause };
  }

  #createLink(peer: LinkPeer): Link {
    const { rigId, self, selfKind, keyEpoch, digests, entropy } = this.#options;
    const outward: Direction = { rigId, keyEpoch, sender: self, receiver: peer.id };
    const inward: Direction = { rigId, keyEpoch, sender: peer.id, receiver: self };
    const createHelloCodec = (direction: Direction): FrameCodec =>
      new FrameCodec({
        algorithm: 'hmac-256',
        computeMac: this.#macEngine.prepareKey(deriveHelloKey(peer.secret, direction)),
        aead: null,
        externalAad: encodeHelloAad(direction),
        maxPayloadBytes: HELLO_MAX_BYTES,
      });
    const handshake = new Handshake({
      version: this.#version,
      digests,
      drawNonce: () => entropy.bytes(NONCE_BYTES),
      initiates: initiatesTowards(selfKind, peer.kind),
    });
    return {
      peer,
      sends: listPurposes(selfKind, peer.kind),
      receives: listPurposes(peer.kind, selfKind),
      handshake,
      helloOut: createHelloCodec(outward),
      helloIn: createHelloCodec(inward),
      helloCounter: 0,
      hellosSeen: 0,
      hellosSinceUs: -HELLO_INTERVAL_US,
      session: null,
      previous: null,
      fittedUs: 0,
      misfits: 0,
      toldMismatch: null,
    };
  }

  #follow(link: Link, outputs: readonly HandshakeOutput[]): LinkEvent[] {
    const peer = link.peer.id;
    const events: LinkEvent[] = [];
    for (const output of outputs) {
      switch (output.kind) {
        case 'send':
          events.push({ kind: 'send', to: peer, frame: this.#sealHello(link, output.hello) });
          break;
        case 'settled': {
          link.previous = link.session;
          link.session = this.#createSession(link, output);
          link.toldMismatch = null;
          events.push({ kind: 'established', peer, sessionId: link.session.id });
          break;
        }
        case 'abandoned':
          link.session = null;
          link.previous = null;
          events.push({ kind: 'lost', peer });
          break;
        case 'refused': {
          this.refusals.count(peer, output.cause);
          const detail = this.#describe(peer, output);
          if (output.cause === 'stale-hello' || detail === link.toldMismatch) break;
          link.toldMismatch = detail;
          events.push({ kind: 'refused', peer, cause: output.cause, detail });
          break;
        }
      }
    }
    return events;
  }

  #describe(peer: Principal, refusal: Extract<HandshakeOutput, { kind: 'refused' }>): string {
    const { self } = this.#options;
    switch (refusal.cause) {
      case 'stale-hello':
        return '';
      case 'version-mismatch':
        return (
          `${peer} speaks protocol version ${refusal.theirVersion} and ${self} version ${this.#version}; ` +
          `install the same release of voteplane on both`
        );
      case 'config-mismatch':
        return (
          `${peer} and ${self} differ in: ${refusal.parts.join(', ')}; ` +
          `copy the same rig folder to both${refusal.parts.includes('machine arithmetic') ? ' and run the same release of Node on both' : ''}, then restart the one that was wrong`
        );
    }
  }

  #sealHello(link: Link, hello: Hello): Uint8Array {
    return link.helloOut.seal(link.helloCounter++, encodeHello(hello));
  }

  #createSession(link: Link, settled: Extract<HandshakeOutput, { kind: 'settled' }>): Session {
    const { rigId, self, keyEpoch, digests, algorithm, limits } = this.#options;
    const { peer } = link;
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
      const { key, contextIv } = deriveFrameKey(peer.secret, direction, purpose, nonces, algorithm);
      return new FrameCodec({
        algorithm,
        computeMac: this.#macEngine.prepareKey(key),
        aead: algorithm === 'chacha20-poly1305' ? { key, contextIv, engine: this.#aeadEngine } : null,
        externalAad: encodeFrameAad(direction, purpose, configDigest, sessionId, this.#version),
        maxPayloadBytes: limits.frameBytes[purpose] - ENVELOPE_MAX_BYTES,
      });
    };
    const outward: Direction = { rigId, keyEpoch, sender: self, receiver: peer.id };
    const inward: Direction = { rigId, keyEpoch, sender: peer.id, receiver: self };
    return {
      id: toHex(sessionId),
      nextCounter: 0,
      send: new Map(link.sends.map((purpose) => [purpose, createCodec(outward, purpose)])),
      receive: new Map(
        link.receives.map((purpose) => [
          purpose,
          { codec: createCodec(inward, purpose), window: new ReplayWindow() },
        ]),
      ),
      isProven: false,
      sinceUs: this.#nowUs,
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

/** Replicas and voters wait for operators and observers to come; everybody else greets. */
function initiatesTowards(self: PrincipalKind, peer: PrincipalKind): boolean {
  return self === 'operator' || self === 'observer' || peer === 'replica' || peer === 'actuator';
}

/**
 * The links of one principal of a rig. `keys` are this principal's own. Throws `RangeError` when the rig does not
 * know it or the keys lack a row.
 */
export function createSecureLinks(
  rig: Rig,
  keys: PrincipalKeys,
  digests: ConfigDigests,
  entropy: Entropy,
  limits: WireLimits = deriveLimits(rig),
  version: number = PROTOCOL_VERSION,
): SecureLinks {
  const self = keys.principal;
  const peers = listPeers(rig, self).map(({ id, kind }) => {
    const secret = keys.rows.get(id);
    if (secret === undefined)
      throw new RangeError(`the keys of ${self} have no row for ${id}; generate the rig's keys anew`);
    return { id, kind, secret };
  });
  const own = listPrincipals(rig).find(({ id }) => id === self);
  if (own === undefined) throw new RangeError(`rig ${rig.id} has no principal "${self}"`);
  return new SecureLinks({
    rigId: rig.id,
    self,
    selfKind: own.kind,
    peers,
    keyEpoch: keys.keyEpoch,
    digests,
    algorithm: rig.confidential ? 'chacha20-poly1305' : rig.mac,
    limits,
    entropy,
    version,
  });
}
