/**
 * The operator's end of the control channel: orders in the fault grammar go to the replicas and actuators that have to
 * obey, and their answers come back. Lines are kept for further orders. An order that is sent twice is one order, as replicas know their faults by their words.
 */
import { assert } from '../core/assert.js';
import type { Cancel, Clock, Entropy, Log, Principal, Transport } from '../ports.js';
import { OperatorLines } from '../process/operator-lines.js';
import type { Rig } from '../rig/rig.js';
import { decodeControlAnswer, encodeControlRequest } from '../wire/control-codec.js';
import type { PrincipalKeys } from '../wire/keys.js';
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
const TIMEOUT_SLACK_US = 20_000;
const MAX_PENDING = 256;

type Settle = (ok: boolean, text: string) => void;

/** One operator, in touch with the replicas and actuators of a rig. */
export class ControlClient {
  private readonly lines: OperatorLines;
  /** Orders that wait for an answer, by whom they went to and number. */
  private readonly pending = new Map<Principal, Map<number, Settle>>();
  private nextSequence: number;

  constructor(private readonly parts: ControlClientParts) {
    // Another operator process under the same keys counts elsewhere.
    this.nextSequence = parts.entropy.bytes(6).reduce((value, byte) => value * 256 + byte, 0);
    this.lines = new OperatorLines({
      ...parts,
      onPayload: (from, purpose, payload) => {
        const answer = purpose === 'answer' ? decodeControlAnswer(payload) : null;
        if (answer !== null) this.pending.get(from)?.get(answer.sequence)?.(answer.ok, answer.text);
      },
      onIncompatible: (from, detail) => {
        for (const settle of [...(this.pending.get(from)?.values() ?? [])]) settle(false, detail);
      },
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
    const pending = this.pendingAt(target);
    return new Promise((resolve) => {
      if (pending.size >= MAX_PENDING) {
        resolve({
          from: target,
          ok: false,
          text: `${MAX_PENDING} orders to ${target} wait for an answer`,
        });
        return;
      }
      const sequence = this.nextSequence;
      this.nextSequence += 1;
      const payload = encodeControlRequest({ sequence, text });
      const cancelTimeout = clock.schedule(
        clock.nowUs() + timeoutMs * 1_000,
        () => {
          const how = `no answer from ${this.nameOf(target)} within ${timeoutMs} ms`;
          settle(
            false,
            `${how}: see that it runs, that its inbox can be reached and that the keys are of this rig`,
          );
        },
        TIMEOUT_SLACK_US,
      );
      let cancelSending: Cancel | null = null;
      const settle: Settle = (ok, answer) => {
        cancelTimeout();
        cancelSending?.();
        pending.delete(sequence);
        resolve({ from: target, ok, text: answer });
      };
      pending.set(sequence, settle);
      cancelSending = this.lines.send(target, 'control', payload);
      // It may have been answered at once.
      if (!pending.has(sequence)) cancelSending();
    });
  }

  /** Ends all sessions; orders under way are answered as not done. The transport stays open. */
  close(): void {
    for (const [target, pending] of this.pending) {
      for (const settle of [...pending.values()])
        settle(false, `the way to ${this.nameOf(target)} was closed before it answered`);
    }
    this.lines.close();
  }

  private pendingAt(target: Principal): Map<number, Settle> {
    const known = this.pending.get(target);
    if (known !== undefined) return known;
    const { replicas, actuators } = this.parts.rig;
    assert(
      [...replicas, ...actuators].some(({ id }) => id === target),
      'orders go to replicas and actuators of the rig',
    );
    const pending = new Map<number, Settle>();
    this.pending.set(target, pending);
    return pending;
  }

  private nameOf(target: Principal): string {
    return `${this.parts.rig.actuators.some(({ id }) => id === target) ? 'actuator' : 'replica'} ${target}`;
  }
}
