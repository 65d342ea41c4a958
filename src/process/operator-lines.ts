/**
 * An operator's authenticated lines to processes of a rig, each over a session of its own: what is sent stays
 * outstanding until whoever sent it says that it has been answered, and goes out again over a new session whenever the
 * way opens and whenever nothing comes back. A process that started anew knows nothing of the session before.
 * Receivers must take what comes twice for one.
 */
import type { Cancel, Clock, Entropy, FrameHandler, Log, Principal, Purpose, Transport } from '../ports.js';
import type { Rig } from '../rig/rig.js';
import type { PrincipalKeys } from '../wire/keys.js';
import type { SessionPurpose } from '../wire/purposes.js';
import { createSecureLinks } from '../wire/secure-links.js';
import { SecureEndpoint } from './secure-endpoint.js';

export interface OperatorLinesParts {
  readonly rig: Rig;
  /** Of an operator. */
  readonly keys: PrincipalKeys;
  /** Digest of the rig, as loaded. */
  readonly rigDigest: Uint8Array;
  /** The operator's transport; what processes publish for it arrives here. */
  readonly transport: Transport;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  /** A proven payload; decoding it is the receiver's. */
  readonly onPayload: (from: Principal, purpose: Purpose, payload: Uint8Array) => void;
  /** A process that cannot be talked to, in words with the cure. */
  readonly onIncompatible: (from: Principal, detail: string) => void;
}

/** What is outstanding is sent again over a new session after this long. */
const RETRY_US = 1_000_000;
const RETRY_SLACK_US = 20_000;

interface Outstanding {
  readonly purpose: SessionPurpose;
  readonly payload: Uint8Array;
}

interface Line {
  endpoint: SecureEndpoint | null;
  onFrame: FrameHandler | null;
  readonly outstanding: Set<Outstanding>;
  cancelRetry: Cancel | null;
}

/** Lines of one operator, made when something is first sent. */
export class OperatorLines {
  private readonly lines = new Map<Principal, Line>();

  constructor(private readonly parts: OperatorLinesParts) {
    const { transport } = parts;
    transport.onFrame((from, purpose, frame, arrivedUs) => {
      this.lines.get(from)?.onFrame?.(from, purpose, frame, arrivedUs);
    });
    transport.onLink((to, up) => {
      const line = this.lines.get(to);
      if (up && line !== undefined) this.renew(to, line);
    });
  }

  /** Sends, again and again until the returned function is called. */
  send(to: Principal, purpose: SessionPurpose, payload: Uint8Array): Cancel {
    const line = this.lineTo(to);
    const one: Outstanding = { purpose, payload };
    line.outstanding.add(one);
    if (line.endpoint === null) this.renew(to, line);
    else line.endpoint.send(to, purpose, payload);
    if (line.cancelRetry === null) this.awaitAnswers(to, line);
    return () => line.outstanding.delete(one);
  }

  /** Ends all sessions; nothing is sent any more. The transport stays open. */
  close(): void {
    for (const line of this.lines.values()) {
      line.endpoint?.stop();
      line.cancelRetry?.();
      line.outstanding.clear();
    }
    this.lines.clear();
  }

  private lineTo(to: Principal): Line {
    const known = this.lines.get(to);
    if (known !== undefined) return known;
    const line: Line = { endpoint: null, onFrame: null, outstanding: new Set(), cancelRetry: null };
    this.lines.set(to, line);
    return line;
  }

  private awaitAnswers(to: Principal, line: Line): void {
    const { clock } = this.parts;
    line.cancelRetry = clock.schedule(
      clock.nowUs() + RETRY_US,
      () => {
        line.cancelRetry = null;
        if (line.outstanding.size === 0) return;
        this.renew(to, line);
        this.awaitAnswers(to, line);
      },
      RETRY_SLACK_US,
    );
  }

  /** Begins a session from nothing; what is outstanding is sent as soon as it stands. */
  private renew(to: Principal, line: Line): void {
    const { rig, keys, rigDigest, transport, clock, entropy, log, onPayload, onIncompatible } = this.parts;
    line.endpoint?.stop();
    const endpoint: SecureEndpoint = new SecureEndpoint({
      links: createSecureLinks(rig, keys, { rig: rigDigest, law: null, arithmetic: null }, entropy),
      transport: {
        send: (receiver, purpose, frame) => {
          if (receiver === to) transport.send(receiver, purpose, frame);
        },
        onFrame: (handler) => {
          line.onFrame = handler;
        },
        // The line itself begins anew when the way opens.
        onLink: () => {},
        close: () => Promise.resolve(),
      },
      clock,
      log,
      onPayload: (from, purpose, payload) => onPayload(from, purpose, payload),
      onEstablished: () => {
        for (const { purpose, payload } of line.outstanding) endpoint.send(to, purpose, payload);
      },
      onIncompatible: (peer, detail) => onIncompatible(peer, detail),
    });
    line.endpoint = endpoint;
    endpoint.start();
  }
}
