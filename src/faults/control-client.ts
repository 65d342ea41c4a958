/**
 * The operator's end of the control channel: orders in the fault grammar go to the replicas and actuators that have to
 * obey, each
 * over an authenticated session of its own, and their answers come back. Sessions are kept for further orders.
 * A replica that started anew knows nothing of the session before: a new one is made whenever the way to it opens and
 * whenever it does not answer. An order that is sent twice is one order, as replicas know their faults by their words.
 */
import { assert } from '../core/assert.js';
import type { Cancel, Clock, Entropy, FrameHandler, Log, Principal, Transport } from '../ports.js';
import { SecureEndpoint } from '../process/secure-endpoint.js';
import type { Rig } from '../rig/rig.js';
import { decodeControlAnswer, encodeControlRequest } from '../wire/control-codec.js';
import type { PrincipalKeys } from '../wire/keys.js';
import { createSecureLinks } from '../wire/secure-links.js';
import type { FaultRefusal } from './parameters.js';
import { resolveFaultTargets } from './plan-fault.js';
import { formatFault, parseFault } from './spec.js';

export interface ControlClientParts {
  readonly rig: Rig;
  /** Of an operator. */
  readonly keys: PrincipalKeys;
  /** Digest of the rig, as loaded. */
  readonly rigDigest: Uint8Array;
  /** The operator's transport; its links lead to replicas and actuators, and what they publish for it arrives here. */
  readonly transport: Transport;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
}

/** What one replica or actuator said to an order. */
export interface ControlAnswer {
  readonly from: Principal;
  readonly ok: boolean;
  /** What it will do, or what is wrong and the cure. */
  readonly text: string;
}

/** What became of an order: refused before it was sent, or what everybody said. */
export type OrderOutcome =
  | (FaultRefusal & {
      /** Where in the text, counted from 1; absent where the rig and not the text is the matter. */
      readonly column?: number;
    })
  | { readonly ok: boolean; readonly answers: readonly ControlAnswer[] };

/** How long an answer is waited for where the caller does not say. */
export const DEFAULT_TIMEOUT_MS = 5_000;
/** An order without an answer for this long is sent again over a new session. */
const RETRY_US = 1_000_000;
const RETRY_SLACK_US = 20_000;
const MAX_PENDING = 256;

interface Pending {
  readonly payload: Uint8Array;
  readonly settle: (ok: boolean, text: string) => void;
}

interface Line {
  endpoint: SecureEndpoint | null;
  onFrame: FrameHandler | null;
  readonly pending: Map<number, Pending>;
  cancelRetry: Cancel | null;
}

/** One operator, in touch with the replicas and actuators of a rig. */
export class ControlClient {
  private readonly lines = new Map<Principal, Line>();
  private nextSequence: number;

  constructor(private readonly parts: ControlClientParts) {
    const { transport, entropy } = parts;
    // Another operator process under the same keys counts elsewhere.
    this.nextSequence = entropy.bytes(6).reduce((value, byte) => value * 256 + byte, 0);
    transport.onFrame((from, purpose, frame, arrivedUs) => {
      this.lines.get(from)?.onFrame?.(from, purpose, frame, arrivedUs);
    });
    transport.onLink((to, up) => {
      const line = this.lines.get(to);
      if (up && line !== undefined) this.renew(to, line);
    });
  }

  /**
   * Sends one fault, or the end of one, to everybody who has to obey and waits for their answers. Never rejects.
   * `ok` is true when all have accepted; of the end of a fault in the whole rig, when any has.
   */
  async order(text: string, timeoutMs: number = DEFAULT_TIMEOUT_MS): Promise<OrderOutcome> {
    const parsed = parseFault(text);
    if (!parsed.ok) return parsed;
    const { spec } = parsed;
    const targets = resolveFaultTargets(spec, this.parts.rig);
    if (!targets.ok) return targets;
    const answers = await Promise.all(
      targets.obeying.map((target) => this.send(target, formatFault(spec), timeoutMs)),
    );
    const isAnyEnough = spec.kind === 'clear' && spec.target.kind === 'world';
    const ok = isAnyEnough ? answers.some((answer) => answer.ok) : answers.every((answer) => answer.ok);
    return { ok, answers };
  }

  /**
   * Sends a text to one replica or actuator as it is; no answer within the time is an answer that is not `ok`. Rejects with
   * `RangeError` only where the text is longer than the wire carries.
   */
  send(target: Principal, text: string, timeoutMs: number = DEFAULT_TIMEOUT_MS): Promise<ControlAnswer> {
    const { clock } = this.parts;
    const line = this.lineTo(target);
    return new Promise((resolve) => {
      if (line.pending.size >= MAX_PENDING) {
        resolve({
          from: target,
          ok: false,
          text: `${MAX_PENDING} orders to ${target} wait for an answer`,
        });
        return;
      }
      const sequence = this.nextSequence;
      this.nextSequence += 1;
      const cancel = clock.schedule(
        clock.nowUs() + timeoutMs * 1_000,
        () => {
          const how = `no answer from ${this.nameOf(target)} within ${timeoutMs} ms`;
          pending.settle(
            false,
            `${how}: see that it runs, that its inbox can be reached and that the keys are of this rig`,
          );
        },
        RETRY_SLACK_US,
      );
      const pending: Pending = {
        payload: encodeControlRequest({ sequence, text }),
        settle: (ok, answer) => {
          cancel();
          line.pending.delete(sequence);
          resolve({ from: target, ok, text: answer });
        },
      };
      line.pending.set(sequence, pending);
      if (line.endpoint === null) this.renew(target, line);
      else line.endpoint.send(target, 'control', pending.payload);
      if (line.cancelRetry === null) this.awaitAnswers(target, line);
    });
  }

  /** Ends all sessions; orders under way are answered as not done. The transport stays open. */
  close(): void {
    for (const [target, line] of this.lines) {
      line.endpoint?.stop();
      line.cancelRetry?.();
      for (const pending of [...line.pending.values()]) {
        pending.settle(false, `the way to ${this.nameOf(target)} was closed before it answered`);
      }
    }
    this.lines.clear();
  }

  private lineTo(target: Principal): Line {
    const known = this.lines.get(target);
    if (known !== undefined) return known;
    const { replicas, actuators } = this.parts.rig;
    assert(
      [...replicas, ...actuators].some(({ id }) => id === target),
      'orders go to replicas and actuators of the rig',
    );
    const line: Line = { endpoint: null, onFrame: null, pending: new Map(), cancelRetry: null };
    this.lines.set(target, line);
    return line;
  }

  private nameOf(target: Principal): string {
    return `${this.parts.rig.actuators.some(({ id }) => id === target) ? 'actuator' : 'replica'} ${target}`;
  }

  private awaitAnswers(target: Principal, line: Line): void {
    const { clock } = this.parts;
    line.cancelRetry = clock.schedule(
      clock.nowUs() + RETRY_US,
      () => {
        line.cancelRetry = null;
        if (line.pending.size === 0) return;
        this.renew(target, line);
        this.awaitAnswers(target, line);
      },
      RETRY_SLACK_US,
    );
  }

  /** Begins a session from nothing; what waits for an answer is sent as soon as it stands. */
  private renew(target: Principal, line: Line): void {
    const { rig, keys, rigDigest, transport, clock, entropy, log } = this.parts;
    line.endpoint?.stop();
    const links = createSecureLinks(rig, keys, { rig: rigDigest, law: null, arithmetic: null }, entropy);
    const endpoint: SecureEndpoint = new SecureEndpoint({
      links,
      transport: {
        send: (to, purpose, frame) => {
          if (to === target) transport.send(to, purpose, frame);
        },
        onFrame: (handler) => {
          line.onFrame = handler;
        },
        // The client itself begins anew when the way opens.
        onLink: () => {},
        close: () => Promise.resolve(),
      },
      clock,
      log,
      onPayload: (_, purpose, payload) => {
        const answer = purpose === 'answer' ? decodeControlAnswer(payload) : null;
        if (answer !== null) line.pending.get(answer.sequence)?.settle(answer.ok, answer.text);
      },
      onEstablished: () => {
        for (const { payload } of line.pending.values()) endpoint.send(target, 'control', payload);
      },
      onIncompatible: (_, detail) => {
        for (const pending of [...line.pending.values()]) pending.settle(false, detail);
      },
    });
    line.endpoint = endpoint;
    endpoint.start();
  }
}
