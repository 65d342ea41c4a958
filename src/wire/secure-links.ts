/**
 * Everything between a payload and a frame, for one principal and all its peers: handshakes, session keys, sealing,
 * opening, freshness, key epochs, and who may say what. It owns no socket and no timer: frames go in and come out, time
 * is handed in, entropy too.
 *
 * Order on receipt: sender known and not revoked → purpose allowed → length, envelope, authenticator (cose.ts) →
 * freshness. The strict decode of the payload follows in the codecs. It must never throw for what a peer sent, and what
 * it keeps per peer does not grow.
 *
 * While two key epochs overlap each pair has an `EpochLink` for both, and speaks under the newest whose session the peer
 * is known to hold: the old session goes on until a new one stands.
 */
import type { Entropy, Principal, Purpose } from '../ports.js';
import type { Rig } from '../rig/rig.js';
import { defaultAeadEngine, type AeadEngine } from './aead-engine.js';
import { MAX_COUNTER, type FrameCodec, type LinkAlgorithm } from './cose.js';
import { PROTOCOL_VERSION, type ConfigDigests } from './derive-keys.js';
import {
  EpochLink,
  PREVIOUS_GRACE_US,
  type EpochLinkPeer,
  type EpochLinkSetting,
  type OpenResult,
  type Session,
} from './epoch-link.js';
import { HELLO_INTERVAL_US, type HandshakeOutput } from './handshake.js';
import { decodeHello } from './hello.js';
import { listEpochs, listPeers, listPrincipals, type PrincipalKeys } from './keys.js';
import { deriveLimits, type WireLimits } from './limits.js';
import { nodeMacEngine, type MacEngine } from './mac-engine.js';
import { listPurposes, type PrincipalKind, type SessionPurpose } from './purposes.js';
import { RefusalCounts, type RefusalCause } from './refusal.js';

export type { OpenResult } from './epoch-link.js';

/** The secret of a pair in one key epoch. */
export interface LinkEpoch {
  readonly keyEpoch: number;
  /** 32 bytes, shared with this peer alone. */
  readonly secret: Uint8Array;
}

export interface LinkPeer {
  readonly id: Principal;
  readonly kind: PrincipalKind;
  /** Newest first, two at most; none where the peer is revoked. */
  readonly epochs: readonly LinkEpoch[];
}

export interface SecureLinksOptions {
  readonly rigId: string;
  readonly self: Principal;
  readonly selfKind: PrincipalKind;
  readonly peers: readonly LinkPeer[];
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

/** Why a peer cannot be talked to, of what is told in words. */
export type ToldCause =
  'version-mismatch' | 'config-mismatch' | 'expired-epoch' | 'unknown-epoch' | 'revoked' | 'twin';

/** What has to be done or told, in this order. */
export type LinkEvent =
  /** Send this frame under the purpose `hello`. */
  | { readonly kind: 'send'; readonly to: Principal; readonly frame: Uint8Array }
  /** A session stands; `sessionId` is hexadecimal. */
  | {
      readonly kind: 'established';
      readonly peer: Principal;
      readonly sessionId: string;
      readonly keyEpoch: number;
    }
  /** The peer never confirmed the session, or its keys ended; the handshake begins anew where it can. */
  | { readonly kind: 'lost'; readonly peer: Principal }
  /** A peer that cannot be talked to; told once until it changes. `detail` is a sentence with the cure. */
  | {
      readonly kind: 'refused';
      readonly peer: Principal;
      readonly cause: ToldCause;
      readonly detail: string;
    };

/**
 * Without a frame that fits for so long, µs, while so many others came under the peer's name, a session is doubted. A
 * second process with the peer's identity leaves the peer in this way: its sessions have been replaced and nobody tells it.
 */
export const DOUBT_US = 1_000_000;
export const DOUBT_FRAMES = 8;

/** A doubt without an answer that comes so often in a row is told: the peer may hold keys that this one does not. */
const DOUBTS_TOLD = 2;

/** Frames of a session that another has displaced, in so long, µs, that prove a second process. */
const TWIN_FRAMES = 8;
const TWIN_WITHIN_US = 10_000_000;

/** Hellos of one peer that are looked at in one hello interval. */
const HELLOS_PER_INTERVAL = 16;

/** How often a peer that is talked to under the epoch before is greeted under the newest, µs: it greets when it has it. */
export const UPGRADE_GREETING_US = 5_000_000;

/** For so long, µs, a peer without any session is greeted under the newest epoch alone. */
const OLDER_AFTER_US = 3 * HELLO_INTERVAL_US;

interface Link {
  readonly id: Principal;
  readonly kind: PrincipalKind;
  readonly peer: EpochLinkPeer;
  /** Newest first. Empty: the peer is revoked. */
  epochs: readonly EpochLink[];
  /** The one in whose session this end speaks. */
  active: EpochLink | null;
  /** The epoch that ended last, to know its frames by. */
  ended: EpochLink | null;
  /** Since when there is no session; null while there is one. */
  aloneSinceUs: number | null;
  hellosSeen: number;
  hellosSinceUs: number;
  /** When a frame fitted last, how many that do not have come since, and how often that has been asked about. */
  fittedUs: number;
  misfits: number;
  doubts: number;
  /** Frames of displaced sessions, and since when they are counted. */
  displaced: number;
  displacedSinceUs: number;
  /** Last refusal told, so that it is told once. */
  told: string | null;
  /** What is sealed already, for as long as nothing else is sealed in that session. */
  ahead: SealedAhead | null;
}

interface SealedAhead {
  readonly payload: Uint8Array;
  readonly purpose: SessionPurpose;
  readonly session: Session;
  readonly frame: Uint8Array;
}

export class SecureLinks {
  readonly #self: Principal;
  readonly #setting: EpochLinkSetting;
  readonly #links = new Map<Principal, Link>();
  /** Told by a frame, and waiting for the next occasion to be handed out. */
  #waiting: LinkEvent[] = [];
  #nowUs = 0;
  /** Every refusal, by peer and cause; codecs count theirs here too. */
  readonly refusals: RefusalCounts;

  constructor(options: SecureLinksOptions) {
    const { rigId, self, selfKind, peers, digests, algorithm, limits, entropy } = options;
    this.#self = self;
    this.#setting = {
      rigId,
      self,
      digests,
      algorithm,
      limits,
      entropy,
      version: options.version ?? PROTOCOL_VERSION,
      macEngine: options.macEngine ?? nodeMacEngine,
      aeadEngine: options.aeadEngine ?? defaultAeadEngine,
    };
    this.refusals = new RefusalCounts(peers.map(({ id }) => id));
    for (const { id, kind, epochs } of peers) {
      const peer: EpochLinkPeer = {
        id,
        sends: listPurposes(selfKind, kind),
        receives: listPurposes(kind, selfKind),
        initiates: initiatesTowards(selfKind, kind),
      };
      this.#links.set(id, {
        id,
        kind,
        peer,
        epochs: epochs.map(({ keyEpoch, secret }) => new EpochLink(keyEpoch, secret, peer, this.#setting)),
        active: null,
        ended: null,
        aloneSinceUs: null,
        hellosSeen: 0,
        hellosSinceUs: -HELLO_INTERVAL_US,
        fittedUs: 0,
        misfits: 0,
        doubts: 0,
        displaced: 0,
        displacedSinceUs: -TWIN_WITHIN_US,
        told: null,
        ahead: null,
      });
    }
  }

  /** True when frames to and from this peer can be sealed and opened. */
  isEstablished(peer: Principal): boolean {
    return (this.#links.get(peer)?.active ?? null) !== null;
  }

  /** The key epoch in which this end speaks to the peer, which therefore holds it; null without a session. */
  findEpoch(peer: Principal): number | null {
    return this.#links.get(peer)?.active?.keyEpoch ?? null;
  }

  /** Whether the peer's keys are worth nothing any more. */
  isRevoked(peer: Principal): boolean {
    return this.#links.get(peer)?.epochs.length === 0;
  }

  /** Ids of all peers, those with a session or all. */
  listPeers(which: 'established' | 'all' = 'all'): Principal[] {
    return [...this.#links.values()]
      .filter(({ active }) => which === 'all' || active !== null)
      .map(({ id }) => id);
  }

  /**
   * The frame that carries a payload, or null while there is no session with this peer. Throws for a purpose that
   * this principal has no business with, and for a payload over its cap: both are our own mistakes.
   */
  seal(to: Principal, purpose: SessionPurpose, payload: Uint8Array): Uint8Array | null {
    const link = this.#findLink(to, purpose);
    const session = link.active?.session ?? null;
    if (session === null || session.nextCounter > MAX_COUNTER) return null;
    const { ahead } = link;
    // Whatever is sealed now takes its counter.
    link.ahead = null;
    const counter = session.nextCounter++;
    const isReady =
      ahead !== null && ahead.payload === payload && ahead.purpose === purpose && ahead.session === session;
    return isReady ? ahead.frame : (session.send.get(purpose) as FrameCodec).seal(counter, payload);
  }

  /**
   * Seals a payload that `seal` is given soon, the very same array, unchanged: then that takes no time. Where something else
   * is sealed for this peer before, or its session ends, the frame is dropped unseen. Throws as `seal` does.
   */
  sealAhead(to: Principal, purpose: SessionPurpose, payload: Uint8Array): void {
    const link = this.#findLink(to, purpose);
    const session = link.active?.session ?? null;
    if (session === null || session.nextCounter > MAX_COUNTER) return;
    const frame = (session.send.get(purpose) as FrameCodec).seal(session.nextCounter, payload);
    link.ahead = { payload, purpose, session, frame };
  }

  #findLink(to: Principal, purpose: SessionPurpose): Link {
    const link = this.#links.get(to);
    if (link === undefined || !link.peer.sends.includes(purpose))
      throw new RangeError(`${this.#self} has nothing to say to ${to} under the purpose ${purpose}`);
    return link;
  }

  /** Proves one frame of any purpose but `hello`. Refusals are counted here. */
  open(from: Principal, purpose: Purpose, frame: Uint8Array): OpenResult {
    const link = this.#links.get(from);
    if (link === undefined) return this.#refuse(from, 'unknown-sender');
    if (link.epochs.length === 0) {
      this.#waiting.push(...this.#tell(link, 'revoked'));
      return this.#refuse(from, 'revoked');
    }
    if (!(link.peer.receives as readonly Purpose[]).includes(purpose))
      return this.#refuse(from, 'wrong-purpose');
    let cause: RefusalCause = 'no-session';
    for (const epoch of link.epochs) {
      if (epoch.session === null) continue;
      const result = epoch.open(purpose, frame, this.#nowUs);
      if (result.ok) {
        link.fittedUs = this.#nowUs;
        link.misfits = 0;
        link.doubts = 0;
        if (epoch !== link.active) this.#chooseActive(link);
        return result;
      }
      cause = result.cause;
      if (cause !== 'bad-authenticator' && cause !== 'no-session') return this.#refuse(from, cause);
    }
    if (link.ended !== null && link.ended.open(purpose, frame, this.#nowUs).ok) {
      this.#waiting.push(...this.#tell(link, 'expired-epoch'));
      return this.#refuse(from, 'expired-epoch');
    }
    if (link.active !== null) link.misfits += 1;
    const isDisplaced = link.epochs.some((epoch) => epoch.isDisplaced(purpose, frame, this.#nowUs));
    return this.#refuse(from, isDisplaced && this.#proveTwin(link) ? 'twin' : cause);
  }

  /** Takes a frame of purpose `hello`. */
  receiveHello(from: Principal, frame: Uint8Array, nowUs: number): LinkEvent[] {
    this.#nowUs = nowUs;
    const link = this.#links.get(from);
    if (link === undefined) {
      this.refusals.count(from, 'unknown-sender');
      return [];
    }
    if (link.epochs.length === 0) {
      this.refusals.count(from, 'revoked');
      return this.#tell(link, 'revoked');
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
    let cause: RefusalCause = 'bad-authenticator';
    for (const epoch of link.epochs) {
      const opened = epoch.openHello(frame);
      if (opened.ok) return this.#takeHello(link, epoch, opened.payload);
      cause = opened.cause;
    }
    if (link.ended?.openHello(frame).ok === true) {
      this.refusals.count(from, 'expired-epoch');
      return this.#tell(link, 'expired-epoch');
    }
    this.refusals.count(from, cause);
    return [];
  }

  /** The way to a peer opened: greet it at once. */
  linkUp(to: Principal, nowUs: number): LinkEvent[] {
    this.#nowUs = nowUs;
    const link = this.#links.get(to);
    if (link === undefined) return [];
    return listGreeting(link, nowUs).flatMap(({ epoch, greetingUs }) =>
      this.#follow(link, epoch, epoch.handshake.linkUp(nowUs, greetingUs)),
    );
  }

  /** To be called about every 100 ms: repeats hellos that are unanswered, forgets sessions that have been replaced. */
  tick(nowUs: number): LinkEvent[] {
    this.#nowUs = nowUs;
    const events = this.#waiting;
    this.#waiting = [];
    for (const link of this.#links.values()) {
      for (const epoch of link.epochs) epoch.forgetReplaced(nowUs);
      endReplaced(link, nowUs);
      if (link.active !== null) link.aloneSinceUs = null;
      else link.aloneSinceUs ??= nowUs;
      for (const { epoch, greetingUs } of listGreeting(link, nowUs))
        events.push(...this.#follow(link, epoch, epoch.handshake.tick(nowUs, greetingUs)));
      const { active, fittedUs, misfits } = link;
      const sinceUs = active?.session?.sinceUs;
      if (active === null || sinceUs === undefined || misfits < DOUBT_FRAMES) continue;
      if (nowUs - Math.max(fittedUs, sinceUs) >= DOUBT_US) {
        link.misfits = 0;
        link.doubts += 1;
        events.push(...this.#follow(link, active, active.handshake.doubt()));
        if (link.doubts < DOUBTS_TOLD) continue;
        this.refusals.count(link.id, 'unknown-epoch');
        events.push(...this.#tell(link, 'unknown-epoch'));
      }
    }
    return events;
  }

  /**
   * Other keys take the place of those held. Sessions of epochs that go on stay as they are; those of epochs that have
   * ended, and all with peers that are revoked, end at once. Peers that are not named keep what they have.
   */
  renew(peers: readonly LinkPeer[], nowUs: number): LinkEvent[] {
    this.#nowUs = nowUs;
    const events: LinkEvent[] = [];
    let turn = 0;
    for (const { id, epochs } of peers) {
      const link = this.#links.get(id);
      if (link === undefined) continue;
      const wasActive = link.active !== null;
      const before = link.epochs;
      link.epochs = epochs.map(({ keyEpoch, secret }) => {
        const kept = before.find((epoch) => epoch.keyEpoch === keyEpoch && isSame(epoch.secret, secret));
        if (kept !== undefined) return kept;
        const epoch = new EpochLink(keyEpoch, secret, link.peer, this.#setting);
        // Not all peers in one turn: each session costs some milliseconds on a small board.
        epoch.handshake.postpone(nowUs + turn * HELLO_INTERVAL_US);
        turn += 1;
        return epoch;
      });
      link.ended = before.find((epoch) => !link.epochs.includes(epoch)) ?? link.ended;
      link.told = null;
      link.misfits = 0;
      link.doubts = 0;
      this.#chooseActive(link);
      if (wasActive && link.active === null) events.push({ kind: 'lost', peer: id });
    }
    return events;
  }

  #refuse(from: Principal, cause: RefusalCause): OpenResult {
    this.refusals.count(from, cause);
    return { ok: false, cause };
  }

  #takeHello(link: Link, epoch: EpochLink, payload: Uint8Array): LinkEvent[] {
    const decoded = decodeHello(payload, this.#setting.version);
    if (decoded.kind === 'malformed') {
      this.refusals.count(link.id, 'malformed-payload');
      return [];
    }
    const outputs =
      decoded.kind === 'hello'
        ? epoch.handshake.receive(decoded.hello, this.#nowUs)
        : epoch.handshake.receiveOtherVersion(decoded.version, this.#nowUs);
    const events = this.#follow(link, epoch, outputs);
    // The peer may just have confirmed a session that was settled before.
    this.#chooseActive(link);
    return events;
  }

  /**
   * Speaks under the newest epoch whose session the peer is known to hold, unless it has begun anew under the one before;
   * and only without any such session in one that the peer may not hold yet.
   */
  #chooseActive(link: Link): void {
    let best: EpochLink | null = null;
    for (const epoch of link.epochs) {
      if (epoch.session === null) continue;
      if (best === null || isBetter(epoch, best)) best = epoch;
    }
    link.active = best;
  }

  #follow(link: Link, epoch: EpochLink, outputs: readonly HandshakeOutput[]): LinkEvent[] {
    const peer = link.id;
    const events: LinkEvent[] = [];
    for (const output of outputs) {
      switch (output.kind) {
        case 'send':
          events.push({ kind: 'send', to: peer, frame: epoch.sealHello(output.hello) });
          break;
        case 'settled': {
          const session = epoch.settle(output, this.#nowUs);
          this.#chooseActive(link);
          link.told = null;
          events.push({ kind: 'established', peer, sessionId: session.id, keyEpoch: epoch.keyEpoch });
          break;
        }
        case 'abandoned':
          epoch.session = null;
          epoch.previous = null;
          this.#chooseActive(link);
          if (link.active === null) events.push({ kind: 'lost', peer });
          break;
        case 'refused':
          this.refusals.count(peer, output.cause);
          if (output.cause !== 'stale-hello') {
            const detail = this.#describeMismatch(peer, output);
            events.push(...this.#tellDetail(link, output.cause, detail));
          }
          break;
      }
    }
    return events;
  }

  /** Counts one more frame of a displaced session: a few may have been held back on the way, more are a second process's. */
  #proveTwin(link: Link): boolean {
    if (this.#nowUs - link.displacedSinceUs >= TWIN_WITHIN_US) {
      link.displacedSinceUs = this.#nowUs;
      link.displaced = 0;
    }
    link.displaced += 1;
    if (link.displaced === TWIN_FRAMES) this.#waiting.push(...this.#tellTwin(link));
    return link.displaced >= TWIN_FRAMES;
  }

  #tellTwin(link: Link): LinkEvent[] {
    const detail =
      `two processes speak as ${link.id}, and ${this.#self} listens to the one that greeted it last; ` +
      `end one of the two, or give one an id and keys of its own`;
    return [{ kind: 'refused', peer: link.id, cause: 'twin', detail }];
  }

  #tell(link: Link, cause: 'expired-epoch' | 'unknown-epoch' | 'revoked'): LinkEvent[] {
    return this.#tellDetail(link, cause, this.#describeEpochs(link, cause));
  }

  #tellDetail(link: Link, cause: ToldCause, detail: string): LinkEvent[] {
    if (detail === link.told) return [];
    link.told = detail;
    return [{ kind: 'refused', peer: link.id, cause, detail }];
  }

  #describeEpochs(link: Link, cause: 'expired-epoch' | 'unknown-epoch' | 'revoked'): string {
    const peer = link.id;
    const held = link.epochs.map(({ keyEpoch }) => keyEpoch).join(' and ');
    switch (cause) {
      case 'expired-epoch':
        return (
          `${peer} speaks under key epoch ${link.ended?.keyEpoch}, and ${this.#self} holds ${held}; ` +
          `carry the newest key file to ${peer}`
        );
      case 'unknown-epoch':
        return (
          `nothing that comes under the name of ${peer} fits key epoch ${held}, which ${this.#self} holds; ` +
          `if there are newer keys, carry the newest key file to ${this.#self}`
        );
      case 'revoked':
        return (
          `the keys of ${peer} are revoked; if it is to come back, run: voteplane keys replace --principal ${peer}, ` +
          `and carry the new key files to everybody, to ${peer} last`
        );
    }
  }

  #describeMismatch(
    peer: Principal,
    refusal: Extract<HandshakeOutput, { cause: 'version-mismatch' | 'config-mismatch' }>,
  ): string {
    const self = this.#self;
    return refusal.cause === 'version-mismatch'
      ? `${peer} speaks protocol version ${refusal.theirVersion} and ${self} version ${this.#setting.version}; ` +
          `install the same release of voteplane on both; a rig whose protocol version is to change is stopped first, ` +
          `and started when all have the new release`
      : `${peer} and ${self} differ in: ${refusal.parts.join(', ')}; ` +
          `copy the same rig folder to both${refusal.parts.includes('machine arithmetic') ? ' and run the same release of Node on both' : ''}, then restart the one that was wrong`;
  }
}

/** Whether the session of the epoch before is the one to speak in, rather than that of the newest. */
function isBetter(before: EpochLink, newest: EpochLink): boolean {
  if (!before.handshake.isConfirmed) return false;
  if (!newest.handshake.isConfirmed) return true;
  // The peer has begun anew with older keys. What was settled within one greeting is no such sign, unless it speaks there.
  const laterUs = (before.session?.sinceUs ?? 0) - (newest.session?.sinceUs ?? 0);
  return laterUs > HELLO_INTERVAL_US || (laterUs > 0 && before.session?.isProven === true);
}

/** The epochs in which there may be something to say to the peer, and how often it is greeted there. */
function listGreeting(
  link: Link,
  nowUs: number,
): { readonly epoch: EpochLink; readonly greetingUs: number }[] {
  const { epochs, active } = link;
  const greeting: { readonly epoch: EpochLink; readonly greetingUs: number }[] = [];
  // Under the epoch before, a peer is greeted only where the newest is not answered.
  const isLate = link.aloneSinceUs !== null && nowUs - link.aloneSinceUs >= OLDER_AFTER_US;
  for (let at = 0; at < epochs.length; at += 1) {
    const epoch = epochs[at] as EpochLink;
    if (epoch.session === null && at > 0 && !isLate) continue;
    const isUpgrade = epoch.session === null && active !== null;
    greeting.push({ epoch, greetingUs: isUpgrade ? UPGRADE_GREETING_US : HELLO_INTERVAL_US });
  }
  return greeting;
}

/** Ends what was settled before the session in use, when that has proven itself and nothing can be under way any more. */
function endReplaced(link: Link, nowUs: number): void {
  const session = link.active?.session ?? null;
  if (session === null || !session.isProven || nowUs - session.sinceUs < PREVIOUS_GRACE_US) return;
  for (const epoch of link.epochs)
    if (epoch.session !== null && epoch.session.sinceUs < session.sinceUs) epoch.end();
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

/** Replicas, voters and a witness wait for operators and observers to come; everybody else greets. */
function initiatesTowards(self: PrincipalKind, peer: PrincipalKind): boolean {
  return self === 'operator' || self === 'observer' || (peer !== 'operator' && peer !== 'observer');
}

/** The peers of a principal with the secrets that its keys have of them. Throws `RangeError` where a row is missing. */
export function listLinkPeers(rig: Rig, keys: PrincipalKeys): readonly LinkPeer[] {
  const self = keys.principal;
  return listPeers(rig, self).map(({ id, kind }) => {
    const epochs = listEpochs(keys).flatMap(({ keyEpoch, rows }): LinkEpoch[] => {
      const secret = rows.get(id);
      return secret === undefined ? [] : [{ keyEpoch, secret }];
    });
    if (epochs.length === 0 && !keys.revoked.has(id))
      throw new RangeError(`the keys of ${self} have no row for ${id}; generate the rig's keys anew`);
    return { id, kind, epochs: keys.revoked.has(id) ? [] : epochs };
  });
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
  macEngine: MacEngine = nodeMacEngine,
): SecureLinks {
  const self = keys.principal;
  const own = listPrincipals(rig).find(({ id }) => id === self);
  const peers = listLinkPeers(rig, keys);
  if (own === undefined) throw new RangeError(`rig ${rig.id} has no principal "${self}"`);
  return new SecureLinks({
    rigId: rig.id,
    self,
    selfKind: own.kind,
    peers,
    digests,
    algorithm: rig.confidential ? 'chacha20-poly1305' : rig.mac,
    limits,
    entropy,
    version,
    macEngine,
  });
}
