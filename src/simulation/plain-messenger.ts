/**
 * A messenger that leaves the bytes out: a frame is a token that stands for a whole message. What cryptography gives
 * the live rig is given here by fiat: a token that was altered, made up or meant for somebody else opens nothing, one
 * that comes again is told from the first, and in signed mode nobody can sign for another. Sessions begin anew with
 * every process, as on the wire.
 */
import type { RelayItem, ReplicaIndex, RoundMessage } from '../core/types.js';
import type { Cancel, Principal, Purpose } from '../ports.js';
import {
  findPurpose,
  type Messenger,
  type MessengerParts,
  type OpenMessenger,
  type ReceivedMessage,
  type RigMessage,
} from '../process/messenger.js';
import type { Rig } from '../rig/rig.js';
import { RefusalCounts, type RefusalCause } from '../wire/refusal.js';
import { DOUBT_FRAMES, DOUBT_US } from '../wire/secure-links.js';
import { ReplayWindow } from '../wire/replay-window.js';

/** What a frame stands for; each place of the memory is used again and again. */
interface Sealed {
  from: Principal;
  to: Principal;
  purpose: Purpose;
  /** Lives of both ends; in a hello the receiver's is the one that has been heard, 0 for none. */
  fromLife: number;
  toLife: number;
  counter: number;
  /**
   * Null for a hello, for a payload that no correct sender could have written, and once it has been opened: that
   * happens once.
   */
  content: RigMessage | null;
}

/** A frame is the number of what it stands for, and a check that nobody can guess or hit by flipping bits. */
const TOKEN_BYTES = 12;
const TOKEN_SALT = 0x5bd1e995;
/** Frames that are remembered; what comes later than so many others opens nothing. */
const REMEMBERED = 1 << 12;

interface Peer {
  /** Its place among the replicas; null for others. */
  readonly replica: ReplicaIndex | null;
  /** 0 while nothing has been heard. */
  life: number;
  /** Whether it has heard of this life. */
  answered: boolean;
  established: boolean;
  window: ReplayWindow;
  nextCounter: number;
  /** When something of the session came last, and how much else has since. */
  fittedUs: number;
  misfits: number;
}

/** What the messengers of one simulated rig have in common. */
export class PlainWire {
  private readonly sealed: Sealed[] = [];
  private tokens = 0;
  /** Whether values carry signatures. */
  readonly signs: boolean;
  private lives = 0;

  constructor(
    rig: Rig,
    /** One number of 32 bits for each replica, which signs with it. */
    private readonly secrets: readonly number[],
  ) {
    const { hypothesis } = rig;
    this.signs = hypothesis.kind === 'byzantine' && hypothesis.authenticators === 'signature';
  }

  readonly open: OpenMessenger = (parts) => {
    this.lives += 1;
    return new PlainMessenger(this, parts, this.lives);
  };

  seal(
    from: Principal,
    to: Principal,
    purpose: Purpose,
    fromLife: number,
    toLife: number,
    counter: number,
    content: RigMessage | null,
  ): Uint8Array {
    const place = this.tokens % REMEMBERED;
    const known = this.sealed[place];
    if (known === undefined) this.sealed[place] = { from, to, purpose, fromLife, toLife, counter, content };
    else {
      known.from = from;
      known.to = to;
      known.purpose = purpose;
      known.fromLife = fromLife;
      known.toLife = toLife;
      known.counter = counter;
      known.content = content;
    }
    return this.nextToken();
  }

  private nextToken(): Uint8Array {
    const number = this.tokens;
    this.tokens += 1;
    // Byte by byte: a small array whose buffer nobody asks for costs the collector nothing.
    const token = new Uint8Array(TOKEN_BYTES);
    writeWord(token, 0, Math.floor(number / 2 ** 32));
    writeWord(token, 4, number);
    writeWord(token, 8, mix(number, TOKEN_SALT));
    return token;
  }

  read(token: Uint8Array): Sealed | null {
    if (token.length !== TOKEN_BYTES) return null;
    const number = (readWord(token, 0) >>> 0) * 2 ** 32 + (readWord(token, 4) >>> 0);
    if (!(number < this.tokens && number >= this.tokens - REMEMBERED)) return null;
    if (readWord(token, 8) !== mix(number, TOKEN_SALT)) return null;
    return this.sealed[number % REMEMBERED] ?? null;
  }

  /** The message as it leaves replica `self` of a rig that signs: with its signature on every value. */
  sign(self: ReplicaIndex, message: RoundMessage): RoundMessage {
    const items: RelayItem[] = [];
    for (const item of message.items) {
      if (item.value === null) continue;
      const received = item.proof ?? new Uint8Array(0);
      const before =
        item.path.length === 0 ? digestSigned(message, item.value) : readLink(received, item.path.length - 1);
      const proof = new Uint8Array(received.length + LINK_BYTES);
      proof.set(received);
      writeLink(proof, received.length, this.link(self, before));
      items.push({ path: item.path, value: item.value, proof });
    }
    return { ...message, items };
  }

  /** Whether every value carries the signatures of its whole path, the sender's last. */
  verify(sender: ReplicaIndex, message: RoundMessage): boolean {
    if (!this.signs) return true;
    return message.items.every(({ path, value, proof }) => {
      if (value === null || proof === undefined || proof.length !== (path.length + 1) * LINK_BYTES)
        return false;
      let before = digestSigned(message, value);
      return [...path, sender].every((signer, at) => {
        before = this.link(signer, before);
        const found = readLink(proof, at);
        return found[0] === before[0] && found[1] === before[1];
      });
    });
  }

  private link(signer: ReplicaIndex, [high, low]: Link): Link {
    const secret = this.secrets[signer] ?? 0;
    return [mix(mix(secret, high), low), mix(mix(secret ^ 0x5bd1e995, low), high)];
  }
}

type Link = readonly [high: number, low: number];
const LINK_BYTES = 8;

function digestSigned(message: RoundMessage, value: Uint8Array): Link {
  let high = mix(0x811c9dc5, message.tick);
  let low = mix(0x9e3779b9, message.tick);
  for (const byte of message.run) high = mix(high, byte);
  for (const byte of value) {
    high = mix(high, byte);
    low = mix(low, byte ^ 0x55);
  }
  return [high, low];
}

function readLink(proof: Uint8Array, at: number): Link {
  if (proof.length < (at + 1) * LINK_BYTES) return [0, 0];
  const view = new DataView(proof.buffer, proof.byteOffset + at * LINK_BYTES);
  return [view.getInt32(0), view.getInt32(4)];
}

function writeLink(proof: Uint8Array, offset: number, [high, low]: Link): void {
  const view = new DataView(proof.buffer, offset);
  view.setInt32(0, high);
  view.setInt32(4, low);
}

function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24;
  bytes[at + 1] = word >>> 16;
  bytes[at + 2] = word >>> 8;
  bytes[at + 3] = word;
}

function readWord(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}

function mix(hash: number, value: number): number {
  let mixed = Math.imul(hash ^ value, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  return Math.imul(mixed, 0xc2b2ae35) ^ (mixed >>> 16);
}

const HELLO_INTERVAL_US = 100_000;

class PlainMessenger implements Messenger {
  private readonly peers = new Map<Principal, Peer>();
  private readonly refusals: RefusalCounts;
  /** Place among the replicas; null for whoever is none. */
  private readonly self: ReplicaIndex | null;
  private cancelTick: Cancel | null = null;
  /** The last round message that was signed: round 1 goes to all peers alike. */
  private signed: { readonly message: RoundMessage; readonly out: RoundMessage } | null = null;

  constructor(
    private readonly wire: PlainWire,
    private readonly parts: MessengerParts,
    private readonly life: number,
  ) {
    const { rig, id, transport } = parts;
    const places = new Map(rig.replicas.map((replica, at) => [replica.id, at]));
    this.self = places.get(id) ?? null;
    for (const peer of listOthers(rig, id))
      this.peers.set(peer, { replica: places.get(peer) ?? null, ...freshSession() });
    this.refusals = new RefusalCounts([...this.peers.keys()]);
    transport.onFrame((from, purpose, frame, arrivedUs) => this.receive(from, purpose, frame, arrivedUs));
    transport.onLink((to, up) => {
      if (up) this.greet(to);
    });
  }

  start(): void {
    const { clock } = this.parts;
    const nowUs = clock.nowUs();
    this.peers.forEach((peer, id) => {
      // The peer may hold another session by now, as when a second process took its name for a while.
      if (peer.misfits >= DOUBT_FRAMES && nowUs - peer.fittedUs >= DOUBT_US)
        Object.assign(peer, freshSession());
      if (!peer.established) this.greet(id);
    });
    this.cancelTick = clock.schedule(clock.nowUs() + HELLO_INTERVAL_US, () => this.start());
  }

  stop(): void {
    this.cancelTick?.();
  }

  send(to: Principal, message: RigMessage): boolean {
    return this.sendSealed(to, findPurpose(message), this.sign(message));
  }

  /** Nothing is encoded here. */
  prepare(): void {}

  sendPayload(to: Principal, purpose: Purpose): boolean {
    return this.sendSealed(to, purpose, null);
  }

  isEstablished(peer: Principal): boolean {
    return this.peers.get(peer)?.established ?? false;
  }

  /** What keys prove is given here by fiat, whatever they are. */
  renewKeys(): void {}

  countRefused(from: Principal, cause: RefusalCause): void {
    this.refusals.count(from, cause);
  }

  readRefused(): Record<string, number> {
    return this.refusals.sum();
  }

  private sign(message: RigMessage): RigMessage {
    if (!this.wire.signs || this.self === null || message.kind !== 'round') return message;
    if (this.signed?.message !== message) this.signed = { message, out: this.wire.sign(this.self, message) };
    return this.signed.out;
  }

  private sendSealed(to: Principal, purpose: Purpose, content: RigMessage | null): boolean {
    const peer = this.peers.get(to);
    if (peer === undefined || !peer.established) return false;
    const { id, transport } = this.parts;
    const token = this.wire.seal(id, to, purpose, this.life, peer.life, peer.nextCounter, content);
    peer.nextCounter += 1;
    transport.send(to, purpose, token);
    return true;
  }

  private greet(to: Principal): void {
    const peer = this.peers.get(to);
    if (peer === undefined) return;
    const { id, transport } = this.parts;
    transport.send(to, 'hello', this.wire.seal(id, to, 'hello', this.life, peer.life, 0, null));
  }

  private receive(from: Principal, purpose: Purpose, frame: Uint8Array, arrivedUs: number): void {
    const sealed = this.wire.read(frame);
    const peer = this.peers.get(from);
    const { id } = this.parts;
    if (peer === undefined) return this.refuse(from, 'unknown-sender');
    if (sealed === null || sealed.from !== from || sealed.to !== id || sealed.purpose !== purpose)
      return this.refuse(from, 'bad-authenticator');
    if (purpose === 'hello') return this.takeHello(from, peer, sealed.fromLife, sealed.toLife);
    if (!peer.established || sealed.fromLife !== peer.life || sealed.toLife !== this.life)
      return this.doubt(from, peer);
    peer.fittedUs = arrivedUs;
    peer.misfits = 0;
    if (!peer.window.accept(sealed.counter)) return this.refuse(from, 'replayed');
    const { content } = sealed;
    sealed.content = null;
    this.open(from, peer.replica, content, arrivedUs);
  }

  private open(
    from: Principal,
    sender: ReplicaIndex | null,
    content: RigMessage | null,
    arrivedUs: number,
  ): void {
    if (content === null || content.kind === 'answer' || content.kind === 'reply')
      return this.refuse(from, 'malformed-payload');
    if (content.kind === 'round') {
      if (sender === null) return this.refuse(from, 'wrong-purpose');
      if (!this.wire.verify(sender, content)) return this.refuse(from, 'bad-signature');
    }
    this.parts.events.onMessage(from, content satisfies ReceivedMessage, arrivedUs);
  }

  /** `life`: the sender's; `echo`: the one of this process's name that it has heard, 0 for none. */
  private takeHello(from: Principal, peer: Peer, life: number, echo: number): void {
    if (life < peer.life) {
      peer.misfits += 1;
      return this.refuse(from, 'stale-hello');
    }
    const isNew = life !== peer.life;
    if (isNew) Object.assign(peer, freshSession(), { life });
    peer.answered ||= echo === this.life;
    if (isNew || echo !== this.life) this.greet(from);
    if (!peer.answered || peer.established) return;
    peer.established = true;
    peer.fittedUs = this.parts.clock.nowUs();
    this.parts.events.onEstablished?.(from);
  }

  private doubt(from: Principal, peer: Peer): void {
    peer.misfits += 1;
    this.refuse(from, 'no-session');
  }

  private refuse(from: Principal, cause: RefusalCause): void {
    this.refusals.count(from, cause);
    this.parts.events.onRefused?.(from, cause);
  }
}

/** Whom a process talks to; the witness is none of a voter's business. */
function listOthers(rig: Rig, id: Principal): readonly Principal[] {
  const { replicas, actuators, witness } = rig;
  const others: { readonly id: Principal }[] = [...replicas];
  if (id !== witness?.id) others.push(...actuators);
  if (witness !== null && !actuators.some((actuator) => actuator.id === id)) others.push(witness);
  return others.flatMap((other) => (other.id === id ? [] : [other.id]));
}

function freshSession(): Omit<Peer, 'replica'> {
  return {
    life: 0,
    answered: false,
    established: false,
    window: new ReplayWindow(),
    nextCounter: 0,
    fittedUs: 0,
    misfits: 0,
  };
}
