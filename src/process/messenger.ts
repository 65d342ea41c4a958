/**
 * Whole messages between the principals of a rig on one side, frames on the other: encodes and seals what leaves, opens
 * and decodes what comes. A process speaks to its messenger only, so the simulator can leave the bytes out where a
 * campaign does not need them. It must never hand on what has not been proven to come from whom it says.
 */
import type { PaxosMessage } from '../core/paxos/types.js';
import type { ActuatorCommand, PeerMessage } from '../core/types.js';
import type { Clock, Entropy, Log, Principal, Purpose, Transport } from '../ports.js';
import type { Rig } from '../rig/rig.js';
import {
  decodeCommand,
  decodeStatus,
  encodeCommand,
  encodeStatus,
  type StatusFrame,
} from '../wire/actuator-codec.js';
import {
  decodeControlRequest,
  encodeControlAnswer,
  type ControlAnswer,
  type ControlRequest,
} from '../wire/control-codec.js';
import type { ConfigDigests } from '../wire/derive-keys.js';
import type { PrincipalKeys } from '../wire/keys.js';
import { deriveLimits } from '../wire/limits.js';
import { nodeMacEngine, type MacEngine } from '../wire/mac-engine.js';
import { OrderCodec } from '../wire/order-codec.js';
import {
  decodeRequest,
  encodeReply,
  type OperatorReply,
  type OperatorRequest,
} from '../wire/request-codec.js';
import { PeerCodec, purposeOf } from '../wire/peer-codec.js';
import type { SessionPurpose } from '../wire/purposes.js';
import type { RefusalCause } from '../wire/refusal.js';
import { createSecureLinks, listLinkPeers, type SecureLinks } from '../wire/secure-links.js';
import { createSignedChains, listSigningEpochs, type SignedChains } from '../wire/signed-chain.js';
import { SecureEndpoint } from './secure-endpoint.js';

/** Everything that one principal of a rig says to another, sessions aside. */
export type RigMessage =
  | PeerMessage
  | { readonly kind: 'command'; readonly command: ActuatorCommand }
  | { readonly kind: 'status'; readonly status: StatusFrame }
  | { readonly kind: 'control'; readonly request: ControlRequest }
  | { readonly kind: 'answer'; readonly answer: ControlAnswer }
  | { readonly kind: 'request'; readonly request: OperatorRequest }
  | { readonly kind: 'reply'; readonly reply: OperatorReply }
  /** Of Simplified Paxos, between replicas and a witness: what leaves together. */
  | { readonly kind: 'order'; readonly messages: readonly PaxosMessage[] };

/** Everything of `RigMessage` that a process of a rig may be sent by anybody; answers and replies go to operators' clients. */
export type ReceivedMessage = Exclude<RigMessage, { readonly kind: 'answer' | 'reply' }>;

export interface MessengerEvents {
  /** A proven message; `arrivedUs` is when its frame was read. */
  readonly onMessage: (from: Principal, message: ReceivedMessage, arrivedUs: number) => void;
  /** A session with this peer stands, for the first time or anew. */
  readonly onEstablished?: (peer: Principal) => void;
  /** Something under this name was not accepted. */
  readonly onRefused?: (from: Principal, cause: RefusalCause) => void;
  /** A peer that cannot be talked to, in words with the cure. */
  readonly onIncompatible?: (peer: Principal, detail: string) => void;
}

export interface MessengerParts {
  readonly rig: Rig;
  readonly id: Principal;
  readonly keys: PrincipalKeys;
  readonly digests: ConfigDigests;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  /** Version that it speaks; this release's where it is not said. */
  readonly protocolVersion?: number;
  readonly events: MessengerEvents;
}

export interface Messenger {
  start(): void;
  stop(): void;
  /** Sends; false while there is no session with this peer, and then nothing is kept. */
  send(to: Principal, message: RigMessage): boolean;
  /** Does what can be done before this very message is sent; it may never be. */
  prepare(to: Principal, message: PeerMessage): void;
  /** Seals any payload, for faults that a correct sender could not have. False as for `send`. */
  sendPayload(to: Principal, purpose: SessionPurpose, payload: Uint8Array): boolean;
  isEstablished(peer: Principal): boolean;
  /** Other keys take the place of those held: what still fits goes on, what has ended is refused from now on. */
  renewKeys(keys: PrincipalKeys): void;
  /** Counts against a peer what was proven and still is of no use. */
  countRefused(from: Principal, cause: RefusalCause): void;
  /** What was not accepted so far, by cause. */
  readRefused(): Record<string, number>;
}

export type OpenMessenger = (parts: MessengerParts) => Messenger;

/** The messenger of the live rig: deterministic CBOR in COSE under session keys (src/wire). */
export const openSecureMessenger: OpenMessenger = (parts) => new SecureMessenger(parts, nodeMacEngine);

/** The same with another engine for the authenticators. */
export function openSecureMessengerWith(macEngine: MacEngine): OpenMessenger {
  return (parts) => new SecureMessenger(parts, macEngine);
}

class SecureMessenger implements Messenger {
  private readonly links: SecureLinks;
  private readonly endpoint: SecureEndpoint;
  /** Null where the rig does not sign. */
  private readonly chains: SignedChains | null;
  /** Replicas alone speak as peers. */
  private readonly codec: PeerCodec | null;
  /** Null where no log orders commands. */
  private readonly order: OrderCodec<Principal> | null;
  private readonly replicaIndex: ReadonlyMap<Principal, number>;
  /** The last message that was encoded: round 1 goes to all peers alike. */
  private encoded: { readonly message: RigMessage; readonly payload: Uint8Array } | null = null;
  constructor(
    private readonly parts: MessengerParts,
    macEngine: MacEngine,
  ) {
    const { rig, id, keys, digests, transport, clock, entropy, log, events } = parts;
    this.replicaIndex = new Map(rig.replicas.map((replica, at) => [replica.id, at]));
    const limits = deriveLimits(rig);
    this.chains = this.replicaIndex.has(id) ? createSignedChains(rig, keys, digests) : null;
    this.codec = this.replicaIndex.has(id) ? new PeerCodec(limits, this.chains) : null;
    this.order =
      limits.order === null ? null : new OrderCodec<Principal>(limits.order, limits.payloadBytes.order);
    this.links = createSecureLinks(rig, keys, digests, entropy, limits, parts.protocolVersion, macEngine);
    const { onEstablished, onRefused, onIncompatible } = events;
    this.endpoint = new SecureEndpoint({
      links: this.links,
      transport,
      clock,
      log,
      onPayload: (from, purpose, payload, arrivedUs) => this.receive(from, purpose, payload, arrivedUs),
      ...(onEstablished === undefined ? {} : { onEstablished }),
      ...(onRefused === undefined ? {} : { onRefused }),
      ...(onIncompatible === undefined ? {} : { onIncompatible }),
    });
  }

  start(): void {
    this.endpoint.start();
  }

  stop(): void {
    this.endpoint.stop();
  }

  send(to: Principal, message: RigMessage): boolean {
    if (message.kind === 'order') return this.sendOrder(to, message.messages);
    return this.endpoint.send(to, findPurpose(message), this.encodeOnce(message));
  }

  prepare(to: Principal, message: PeerMessage): void {
    this.endpoint.prepare(to, findPurpose(message), this.encodeOnce(message));
  }

  sendPayload(to: Principal, purpose: SessionPurpose, payload: Uint8Array): boolean {
    return this.endpoint.send(to, purpose, payload);
  }

  isEstablished(peer: Principal): boolean {
    return this.links.isEstablished(peer);
  }

  renewKeys(keys: PrincipalKeys): void {
    const { rig } = this.parts;
    this.chains?.renew(listSigningEpochs(rig, keys));
    this.endpoint.renew(listLinkPeers(rig, keys));
  }

  countRefused(from: Principal, cause: RefusalCause): void {
    this.links.refusals.count(from, cause);
  }

  readRefused(): Record<string, number> {
    return this.links.refusals.sum();
  }

  private sendOrder(to: Principal, messages: readonly PaxosMessage[]): boolean {
    if (this.order === null) throw new TypeError(`rig ${this.parts.rig.id} orders nothing by a log`);
    return this.order.encode(messages).every((payload) => this.endpoint.send(to, 'order', payload));
  }

  private encodeOnce(message: Exclude<RigMessage, { readonly kind: 'order' }>): Uint8Array {
    if (this.encoded?.message !== message) this.encoded = { message, payload: this.encode(message) };
    return this.encoded.payload;
  }

  private encode(message: Exclude<RigMessage, { readonly kind: 'order' }>): Uint8Array {
    if (isPeerMessage(message)) {
      if (this.codec === null) throw new TypeError(`${this.parts.id} is no replica and has no peers`);
      if (this.chains !== null && message.kind === 'round') this.chooseSigningEpoch(this.chains);
      return this.codec.encode(message);
    }
    switch (message.kind) {
      case 'command':
        return encodeCommand(message.command);
      case 'status':
        return encodeStatus(message.status);
      case 'answer':
        return encodeControlAnswer(message.answer);
      case 'reply':
        return encodeReply(message.reply);
      case 'control':
      case 'request':
        throw new TypeError('requests are sent by an operator’s client');
    }
  }

  /** Under which keys to sign: what every other replica that has a part in the rig has shown that it holds. */
  private chooseSigningEpoch(chains: SignedChains): void {
    const [newest] = chains.listEpochs();
    let common: number | null = newest ?? null;
    for (const [peer, index] of this.replicaIndex) {
      if (peer === this.parts.id || this.links.isRevoked(peer)) continue;
      const shown = this.links.findEpoch(peer);
      if (shown === newest) chains.noteMovedOn(index);
      common = shown === null || common === null ? null : Math.min(common, shown);
    }
    chains.signUnder(common);
  }

  private receive(from: Principal, purpose: Purpose, payload: Uint8Array, arrivedUs: number): void {
    const read = this.decode(from, purpose, payload);
    if (read === null) return;
    if (typeof read === 'object') {
      this.parts.events.onMessage(from, read, arrivedUs);
      return;
    }
    this.links.refusals.count(from, read);
    this.parts.events.onRefused?.(from, read);
  }

  /** Null for a part of a message. */
  private decode(
    from: Principal,
    purpose: Purpose,
    payload: Uint8Array,
  ): ReceivedMessage | RefusalCause | null {
    switch (purpose) {
      case 'round':
      case 'state': {
        const peer = this.replicaIndex.get(from);
        if (peer === undefined || this.codec === null) return 'wrong-purpose';
        const decoded = this.codec.decode(peer, purpose, payload);
        return decoded.ok ? decoded.message : decoded.cause;
      }
      case 'command': {
        const command = decodeCommand(payload);
        return command === null ? 'malformed-payload' : { kind: 'command', command };
      }
      case 'status': {
        const status = decodeStatus(payload);
        return status === null ? 'malformed-payload' : { kind: 'status', status };
      }
      case 'control': {
        const request = decodeControlRequest(payload);
        return request === null ? 'malformed-payload' : { kind: 'control', request };
      }
      case 'request': {
        const request = decodeRequest(payload);
        return request === null ? 'malformed-payload' : { kind: 'request', request };
      }
      case 'order': {
        if (this.order === null) return 'wrong-purpose';
        const decoded = this.order.decode(from, payload);
        if (!decoded.ok) return 'malformed-payload';
        return decoded.messages === null ? null : { kind: 'order', messages: decoded.messages };
      }
      default:
        return 'wrong-purpose';
    }
  }
}

/** Whether a message is one between replicas. */
export function isPeerMessage(message: RigMessage): message is PeerMessage {
  switch (message.kind) {
    case 'round':
    case 'state-request':
    case 'state-reply':
    case 'join':
    case 'start':
    case 'content-request':
    case 'content-reply':
      return true;
    default:
      return false;
  }
}

/** The purpose under which a message travels. */
export function findPurpose(message: RigMessage): SessionPurpose {
  return isPeerMessage(message) ? purposeOf(message) : message.kind;
}
