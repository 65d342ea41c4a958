/**
 * How two ends agree on a session: a state machine for one peer, without sockets, timers, keys or entropy of its
 * own. What it is shown has been authenticated with the pair's hello key, and may still be a recording.
 *
 * A peer's nonce is believed only when its hello echoes the nonce that this end has open, and every open nonce is
 * used up by the session that it makes: no recording can bring an earlier session back, nor one of an earlier life.
 * While a session stands, a peer that shows an unknown nonce (it restarted, or somebody plays a recording) is
 * answered with a fresh *pending* nonce; the session goes on until the pending one comes back.
 *
 * The chain of answers always ends: a hello without echo → level 0 with echo → level 1 → level 2 → silence.
 */
import { sameBytes } from '../core/bytes.js';
import type { ConfigDigests } from './derive-keys.js';
import type { Hello, HelloLevel } from './hello.js';

/** Time between hellos while something is missing, µs. */
export const HELLO_INTERVAL_US = 100_000;

/** Level-1 hellos without an answer after which a session counts as never having been, and all begins anew. */
const UNCONFIRMED_MAX = 10;

/** Time between answers to a peer whose version or configuration differs, µs. */
const MISMATCH_ANSWER_US = 1_000_000;

/** The parts of a configuration that can differ, by the name that users read. */
export type ConfigPart = 'rig file' | 'control law' | 'machine arithmetic';

export type HandshakeOutput =
  | { readonly kind: 'send'; readonly hello: Hello }
  | {
      readonly kind: 'settled';
      readonly ownNonce: Uint8Array;
      readonly peerNonce: Uint8Array;
      readonly peerDigests: ConfigDigests;
    }
  | { readonly kind: 'abandoned' }
  | { readonly kind: 'refused'; readonly cause: 'stale-hello' }
  | { readonly kind: 'refused'; readonly cause: 'version-mismatch'; readonly theirVersion: number }
  | { readonly kind: 'refused'; readonly cause: 'config-mismatch'; readonly parts: readonly ConfigPart[] };

export interface HandshakeOptions {
  readonly version: number;
  readonly digests: ConfigDigests;
  /** 16 unpredictable bytes at every call. */
  readonly drawNonce: () => Uint8Array;
  /** False for an end that only answers (a replica towards operators and observers, who come and go). */
  readonly initiates: boolean;
}

export class Handshake {
  readonly #options: HandshakeOptions;
  /** Of the session while one stands, otherwise the open nonce. */
  #own: Uint8Array;
  /** Open nonce beside a standing session; drawn once, kept until it is used up. */
  #pending: Uint8Array | null = null;
  /** The peer's nonce of the standing session. */
  #peer: Uint8Array | null = null;
  /** Whether the peer is known to hold the standing session too. */
  #confirmed = false;
  #unconfirmedHellos = 0;
  #nextHelloUs = 0;
  #nextMismatchAnswerUs = 0;

  constructor(options: HandshakeOptions) {
    this.#options = options;
    this.#own = options.drawNonce();
  }

  /** True while a session stands, confirmed or not. */
  get isSettled(): boolean {
    return this.#peer !== null;
  }

  /** True while a session stands that the peer is known to hold too. */
  get isConfirmed(): boolean {
    return this.#peer !== null && this.#confirmed;
  }

  /** A frame of the standing session arrived: the peer holds it too. */
  confirm(): void {
    this.#confirmed = true;
  }

  /** Gives the standing session up for one of another key epoch, and is ready for a new one. */
  abandon(): void {
    this.#own = this.#options.drawNonce();
    this.#peer = null;
    this.#pending = null;
    this.#confirmed = false;
  }

  /** Keeps silent until then, unless it is spoken to or the way to the peer opens. */
  postpone(untilUs: number): void {
    this.#nextHelloUs = untilUs;
  }

  /** The way to the peer opened: speak at once instead of at the next interval. */
  linkUp(nowUs: number, greetingUs: number = HELLO_INTERVAL_US): HandshakeOutput[] {
    this.#nextHelloUs = nowUs;
    return this.tick(nowUs, greetingUs);
  }

  /** To be called about every `HELLO_INTERVAL_US`, more often does no harm. A peer is greeted every `greetingUs`. */
  tick(nowUs: number, greetingUs: number = HELLO_INTERVAL_US): HandshakeOutput[] {
    if (nowUs < this.#nextHelloUs || (this.#peer !== null && this.#confirmed)) return [];
    if (this.#peer === null) {
      if (!this.#options.initiates) return [];
      this.#nextHelloUs = nowUs + greetingUs;
      return [this.#send(this.#own, null, 0)];
    }
    this.#nextHelloUs = nowUs + HELLO_INTERVAL_US;
    if (this.#unconfirmedHellos < UNCONFIRMED_MAX) {
      this.#unconfirmedHellos += 1;
      return [this.#send(this.#own, this.#peer, 1)];
    }
    // The nonce that the peer would have to echo is used up at its end: only new ones help.
    this.#own = this.#options.drawNonce();
    this.#peer = null;
    this.#pending = null;
    const outputs: HandshakeOutput[] = [{ kind: 'abandoned' }];
    if (this.#options.initiates) outputs.push(this.#send(this.#own, null, 0));
    return outputs;
  }

  /**
   * Frames come under the peer's name and none fits the standing session any more: the peer may hold another one. Asks for
   * a new one beside it; the standing one goes on until that has come.
   */
  doubt(): HandshakeOutput[] {
    if (this.#peer === null) return [];
    this.#pending ??= this.#options.drawNonce();
    return [this.#send(this.#pending, null, 0)];
  }

  /** A hello of another version, of which nothing more can be read. */
  receiveOtherVersion(theirVersion: number, nowUs: number): HandshakeOutput[] {
    return [{ kind: 'refused', cause: 'version-mismatch', theirVersion }, ...this.#answerMismatch(nowUs)];
  }

  /** A hello proven to come from the peer, from whichever of its lives. Changes nothing on a mismatch. */
  receive(hello: Hello, nowUs: number): HandshakeOutput[] {
    const parts = listMismatches(this.#options.digests, hello.digests);
    if (parts.length > 0) {
      return [{ kind: 'refused', cause: 'config-mismatch', parts }, ...this.#answerMismatch(nowUs)];
    }
    const { nonce, echo, level } = hello;
    const isSessionPeer = this.#peer !== null && sameBytes(nonce, this.#peer);
    if (echo === null) {
      if (isSessionPeer) return this.#confirmed ? [] : [this.#send(this.#own, nonce, 1)];
      if (this.#peer === null) return [this.#send(this.#own, nonce, 0)];
      this.#pending ??= this.#options.drawNonce();
      return [this.#send(this.#pending, nonce, 0)];
    }
    if (isSessionPeer && sameBytes(echo, this.#own)) {
      if (level >= 1) this.#confirmed = true;
      return level < 2 ? [this.#send(this.#own, nonce, this.#confirmed ? 2 : 1)] : [];
    }
    const open = this.#peer === null ? this.#own : this.#pending;
    if (open === null || !sameBytes(echo, open)) return [{ kind: 'refused', cause: 'stale-hello' }];
    this.#own = open;
    this.#pending = null;
    this.#peer = nonce;
    this.#confirmed = level >= 1;
    this.#unconfirmedHellos = 0;
    this.#nextHelloUs = nowUs + HELLO_INTERVAL_US;
    return [
      { kind: 'settled', ownNonce: this.#own, peerNonce: nonce, peerDigests: hello.digests },
      this.#send(this.#own, nonce, this.#confirmed ? 2 : 1),
    ];
  }

  /** Lets the peer read our version and digests, so that its log names the mismatch too; seldom, or two ends would play ping-pong. */
  #answerMismatch(nowUs: number): HandshakeOutput[] {
    if (nowUs < this.#nextMismatchAnswerUs) return [];
    this.#nextMismatchAnswerUs = nowUs + MISMATCH_ANSWER_US;
    return [
      this.#send(this.#peer === null ? this.#own : (this.#pending ??= this.#options.drawNonce()), null, 0),
    ];
  }

  #send(nonce: Uint8Array, echo: Uint8Array | null, level: HelloLevel): HandshakeOutput {
    const { version, digests } = this.#options;
    return { kind: 'send', hello: { version, digests, nonce, echo, level } };
  }
}

/** What the two configurations disagree on; a digest that either end has no use for is not compared. */
function listMismatches(ours: ConfigDigests, theirs: ConfigDigests): ConfigPart[] {
  const parts: ConfigPart[] = [];
  if (!sameBytes(ours.rig, theirs.rig)) parts.push('rig file');
  if (ours.law !== null && theirs.law !== null && !sameBytes(ours.law, theirs.law)) parts.push('control law');
  if (
    ours.arithmetic !== null &&
    theirs.arithmetic !== null &&
    !sameBytes(ours.arithmetic, theirs.arithmetic)
  ) {
    parts.push('machine arithmetic');
  }
  return parts;
}
