/**
 * Frames on one side, authenticated payloads on the other, for any process of a rig: keeps the sessions up, seals
 * what leaves and opens what comes. It gives nothing to anybody that has not been proven.
 */
import type { Cancel, Clock, Log, Principal, Purpose, Transport } from '../ports.js';
import type { SessionPurpose } from '../wire/purposes.js';
import type { RefusalCause } from '../wire/refusal.js';
import type { LinkEvent, LinkPeer, SecureLinks } from '../wire/secure-links.js';

export interface SecureEndpointParts {
  readonly links: SecureLinks;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly log: Log;
  /** A proven payload; decoding it is the receiver's. */
  readonly onPayload: (from: Principal, purpose: Purpose, payload: Uint8Array, arrivedUs: number) => void;
  /** A session with this peer stands, for the first time or anew. */
  readonly onEstablished?: (peer: Principal) => void;
  /** A frame under this name was not accepted. */
  readonly onRefused?: (peer: Principal, cause: RefusalCause) => void;
  /** A peer that cannot be talked to, in words; without it they go to the log. */
  readonly onIncompatible?: (peer: Principal, detail: string) => void;
}

/** How often hellos that wait for an answer are looked at. */
const HANDSHAKE_TICK_US = 100_000;
const HANDSHAKE_SLACK_US = 10_000;

/** Sessions of one process, from `start` until `stop`. */
export class SecureEndpoint {
  private cancelTick: Cancel | null = null;

  constructor(private readonly parts: SecureEndpointParts) {
    const { transport, clock, links } = parts;
    transport.onFrame((from, purpose, frame, arrivedUs) => this.receive(from, purpose, frame, arrivedUs));
    transport.onLink((to, up) => {
      if (up) this.follow(links.linkUp(to, clock.nowUs()));
    });
  }

  start(): void {
    const { clock, links } = this.parts;
    this.follow(links.tick(clock.nowUs()));
    this.cancelTick = clock.schedule(
      clock.nowUs() + HANDSHAKE_TICK_US,
      () => this.start(),
      HANDSHAKE_SLACK_US,
    );
  }

  stop(): void {
    this.cancelTick?.();
  }

  /** Seals and sends; false while there is no session with this peer, and then nothing is kept. */
  send(to: Principal, purpose: SessionPurpose, payload: Uint8Array): boolean {
    const frame = this.parts.links.seal(to, purpose, payload);
    if (frame === null) return false;
    this.parts.transport.send(to, purpose, frame);
    return true;
  }

  /** Seals ahead of `send`, which must be given the very same payload; nothing is lost where it never is. */
  prepare(to: Principal, purpose: SessionPurpose, payload: Uint8Array): void {
    this.parts.links.sealAhead(to, purpose, payload);
  }

  /** Other secrets take the place of those held. */
  renew(peers: readonly LinkPeer[]): void {
    const { links, clock } = this.parts;
    this.follow(links.renew(peers, clock.nowUs()));
  }

  private receive(from: Principal, purpose: Purpose, frame: Uint8Array, arrivedUs: number): void {
    const { links, onPayload, onRefused } = this.parts;
    if (purpose === 'hello') {
      this.follow(links.receiveHello(from, frame, arrivedUs));
      return;
    }
    const opened = links.open(from, purpose, frame);
    if (opened.ok) onPayload(from, purpose, opened.payload, arrivedUs);
    else onRefused?.(from, opened.cause);
  }

  private follow(events: readonly LinkEvent[]): void {
    const { transport, log, onEstablished, onIncompatible } = this.parts;
    // Hellos first: the peer holds the session only when it has the hello that this end has answered with.
    for (const event of events) if (event.kind === 'send') transport.send(event.to, 'hello', event.frame);
    for (const event of events) {
      switch (event.kind) {
        case 'send':
          break;
        case 'established':
          log.debug('session established', { peer: event.peer, keyEpoch: event.keyEpoch });
          onEstablished?.(event.peer);
          break;
        case 'lost':
          log.debug('session given up', { peer: event.peer });
          break;
        case 'refused':
          if (onIncompatible === undefined) log.error(`${event.cause}: ${event.detail}`);
          else onIncompatible(event.peer, `${event.cause}: ${event.detail}`);
          break;
      }
    }
  }
}
