/**
 * An operator's client: puts a command to all replicas of a rig and believes what enough of them say alike, so that no
 * liar among them can make up an answer; where replicas can only stop, the first answer is enough. A log answers twice:
 * first that the command is chosen, for good, then what it came to. A request is known by its number: repeated as often
 * as it takes, it has one effect. Which numbers are free is for `sequence-file.ts` to know.
 *
 * Over ports, so that it is the same against live and simulated replicas. It must never take the word of as few replicas
 * as may lie, and never report a request as undone that may still be done.
 */
import { deriveQuorums } from '../core/agreement/hypothesis.js';
import { sameBytes, toHex } from '../core/bytes.js';
import type { Slot } from '../core/paxos/types.js';
import type { RequestOutcome } from '../core/types.js';
import type { Cancel, Principal } from '../ports.js';
import { OperatorLines, type OperatorLinesParts } from '../process/operator-lines.js';
import type { ArgumentValue } from '../rig/command-arguments.js';
import {
  decodeContent,
  decodeReply,
  digestContent,
  encodeContent,
  encodeRequest,
  type LogItem,
  type OperatorReply,
  type RefusalCode,
  type RequestVerdict,
} from '../wire/request-codec.js';

export type CommandClientParts = Omit<OperatorLinesParts, 'onPayload' | 'onIncompatible'>;

/** A command, and the number under which this operator gives it. */
export interface CommandRequest {
  readonly sequence: number;
  readonly command: string;
  /** In the rig's order of arguments, checked. */
  readonly values: readonly ArgumentValue[];
}

/** What became of a request. */
export type SubmitOutcome =
  /** In force from tick `tick` on, counted from the start of the run; or refused by the command itself, or lapsed. */
  | {
      readonly kind: 'applied';
      readonly tick: number;
      readonly outcome: RequestOutcome;
      /** Its place in the command log; null where the agreed vector orders commands. */
      readonly slot: Slot | null;
    }
  /** It has its place in the log and cannot be lost, but has had no effect within the time: the log will tell. */
  | { readonly kind: 'chosen'; readonly slot: Slot; readonly said: readonly SaidBy[] }
  /** It was not taken on and has no effect; `text` says why and what to do. */
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly text: string }
  /** Too few answers within the time: it may have had its effect, or have it yet. Asking again under its number tells. */
  | { readonly kind: 'unanswered'; readonly said: readonly SaidBy[] };

/** What is known of a request before its outcome. Each is told when it is new. */
export type SubmitProgress =
  /** The first answer of a log: it will have its effect, at this place among all commands. */
  | { readonly kind: 'chosen'; readonly slot: Slot }
  /** It was taken on, and nothing can be chosen for a second or more, until somebody is back; `text` says who. */
  | { readonly kind: 'waits'; readonly text: string };

export type OnProgress = (progress: SubmitProgress) => void;

/** What one replica said, in words. */
export interface SaidBy {
  readonly replica: Principal;
  readonly text: string;
}

/** One request that has had its effect, or has its place in the command log. */
export interface LogEntry {
  /** Its place in the command log; null where the agreed vector orders commands. */
  readonly slot: Slot | null;
  /** Id of the operator. */
  readonly client: string;
  readonly sequence: number;
  /** From the start of the run; null where it is chosen and not in force yet. */
  readonly tick: number | null;
  /** What it came to; null with `tick`. */
  readonly outcome: RequestOutcome | null;
  /** Null where no replica that answered has the content any more. */
  readonly asked: { readonly command: string; readonly values: readonly ArgumentValue[] } | null;
}

export type LogOutcome =
  | { readonly kind: 'log'; readonly entries: readonly LogEntry[] }
  | { readonly kind: 'unanswered'; readonly said: readonly SaidBy[] };

/** How long an answer is waited for where the caller does not say. */
export const DEFAULT_TIMEOUT_MS = 5_000;
const TIMER_SLACK_US = 5_000;
/** A wait is told when it has lasted for so long: a busy machine takes others for gone every now and then. */
const WAIT_TOLD_US = 900_000;
/** Whoever is not the leader is asked after so long without a place in the log, or without an end. */
const ASK_OTHERS_US = 50_000;
const ASK_OTHERS_END_US = 500_000;
const ASK_OTHERS_SLACK_US = 2_000;
/** Logs that come so long after enough have come still count. */
const LOG_GRACE_US = 200_000;

type Listener = (from: Principal, reply: OperatorReply) => void;

/** One operator, in touch with the replicas of a rig. */
export class CommandClient {
  private readonly lines: OperatorLines;
  private readonly listeners = new Set<Listener>();
  /** Why a replica cannot be talked to. */
  private readonly incompatible = new Map<Principal, string>();
  private readonly refusers = new Set<() => void>();
  /** Equal answers that hold a correct replica's. */
  private readonly needed: number;
  private readonly replicas: readonly Principal[];
  private leader: Principal | null = null;

  constructor(private readonly parts: CommandClientParts) {
    const { rig } = parts;
    this.replicas = rig.replicas.map(({ id }) => id);
    this.needed = deriveQuorums(rig.hypothesis, rig.replicas.length).testimony;
    this.lines = new OperatorLines({
      ...parts,
      onPayload: (from, purpose, payload) => {
        const reply = purpose === 'reply' ? decodeReply(payload) : null;
        if (reply !== null) for (const listener of [...this.listeners]) listener(from, reply);
      },
      onIncompatible: (from, detail) => {
        this.incompatible.set(from, detail);
        for (const refuser of [...this.refusers]) refuser();
      },
    });
  }

  /**
   * Puts a command to all replicas and waits for what enough of them say alike became of it; `onProgress` hears what is
   * known before. Never rejects.
   */
  submit(
    request: CommandRequest,
    timeoutMs: number = DEFAULT_TIMEOUT_MS,
    onProgress: OnProgress = () => {},
  ): Promise<SubmitOutcome> {
    const { keys, rigDigest, clock } = this.parts;
    const { sequence, command, values } = request;
    const startUs = clock.nowUs();
    const content = encodeContent({ client: keys.principal, sequence, command, values, rigDigest });
    const digest = digestContent(content);
    const verdicts = new Map<Principal, RequestVerdict>();
    let chosen: Slot | null = null;
    let waits: string | null = null;
    return this.ask<SubmitOutcome>(
      encodeRequest({ kind: 'submit', content }),
      timeoutMs,
      (settle) => {
        // Who cannot be talked to has refused too; enough of them hold a correct one.
        if (this.incompatible.size >= this.needed) {
          const [text = ''] = this.incompatible.values();
          settle({ kind: 'refused', code: 'rig', text });
        }
      },
      (from, reply, settle) => {
        if (reply.kind !== 'verdict' || !sameBytes(reply.digest, digest)) return;
        const { verdict } = reply;
        verdicts.set(from, verdict);
        // It asks on: what cannot be done just now may be done in a moment.
        if (verdict.kind === 'refused' && verdict.code === 'busy') return;
        const words = JSON.stringify(verdict);
        const equal = [...verdicts.values()].filter((other) => JSON.stringify(other) === words).length;
        if (equal < this.needed) return;
        switch (verdict.kind) {
          case 'waits':
            if (chosen !== null || waits === verdict.text || clock.nowUs() - startUs < WAIT_TOLD_US) return;
            waits = verdict.text;
            onProgress(verdict);
            return;
          case 'chosen':
            this.leader = verdict.leader === null ? null : (this.replicas[verdict.leader] ?? null);
            if (chosen === null) onProgress({ kind: 'chosen', slot: verdict.slot });
            chosen = verdict.slot;
            return;
          case 'refused':
            // What is chosen takes its effect, whoever cannot tell of it any more.
            if (chosen === null) settle(verdict);
            return;
          case 'applied':
            settle(verdict);
        }
      },
      () => {
        const said = this.tellSaid((replica) => describeVerdict(verdicts.get(replica)));
        return chosen === null ? { kind: 'unanswered', said } : { kind: 'chosen', slot: chosen, said };
      },
      () => chosen !== null,
    );
  }

  /** What has taken effect of late, oldest first, as far as enough replicas say it alike. Never rejects. */
  readLog(timeoutMs: number = DEFAULT_TIMEOUT_MS): Promise<LogOutcome> {
    const { rig, clock, entropy } = this.parts;
    const sequence = entropy.bytes(6).reduce((value, byte) => value * 256 + byte, 0);
    const logs = new Map<Principal, readonly LogItem[]>();
    const enough = rig.replicas.length - deriveQuorums(rig.hypothesis, rig.replicas.length).maxFaulty;
    let cancelGrace: Cancel | null = null;
    const read = (): LogOutcome => ({ kind: 'log', entries: this.mergeLogs([...logs.values()]) });
    return this.ask<LogOutcome>(
      encodeRequest({ kind: 'log', sequence }),
      timeoutMs,
      () => {},
      (from, reply, settle) => {
        if (reply.kind !== 'log' || reply.sequence !== sequence || logs.has(from)) return;
        logs.set(from, reply.items);
        if (logs.size === rig.replicas.length) settle(read());
        else if (logs.size >= enough)
          cancelGrace ??= clock.schedule(clock.nowUs() + LOG_GRACE_US, () => settle(read()), TIMER_SLACK_US);
      },
      () =>
        logs.size >= this.needed
          ? read()
          : {
              kind: 'unanswered',
              said: this.tellSaid((replica) => (logs.has(replica) ? 'it answered' : null)),
            },
    ).finally(() => cancelGrace?.());
  }

  /** Who leads the log, as last heard: whoever is asked first, so that a command costs few messages. */
  readLeader(): Principal | null {
    return this.leader;
  }

  /** Ends all sessions. The transport stays open. */
  close(): void {
    this.lines.close();
  }

  /**
   * Asks replicas until `settle` is called or the time is over: all of them, or at first the leader alone where
   * `isOnItsWay` tells whether that is enough for the time being.
   */
  private ask<T>(
    payload: Uint8Array,
    timeoutMs: number,
    onIncompatible: (settle: (outcome: T) => void) => void,
    onReply: (from: Principal, reply: OperatorReply, settle: (outcome: T) => void) => void,
    giveUp: () => T,
    isOnItsWay: (() => boolean) | null = null,
  ): Promise<T> {
    const { clock } = this.parts;
    return new Promise((resolve) => {
      const cancels: Cancel[] = [];
      let isOver = false;
      const settle = (outcome: T): void => {
        isOver = true;
        cancelTimeout();
        for (const cancel of cancels) cancel();
        this.listeners.delete(listener);
        this.refusers.delete(refuser);
        resolve(outcome);
      };
      const listener: Listener = (from, reply) => onReply(from, reply, settle);
      const refuser = (): void => onIncompatible(settle);
      const cancelTimeout = clock.schedule(
        clock.nowUs() + timeoutMs * 1_000,
        () => settle(giveUp()),
        TIMER_SLACK_US,
      );
      this.listeners.add(listener);
      this.refusers.add(refuser);
      this.incompatible.clear();
      const { leader } = this;
      const ask = (replica: Principal): void => {
        // It may be settled before all have been asked.
        if (!isOver) cancels.push(this.lines.send(replica, 'request', payload));
      };
      const askOthers = (): void => {
        for (const replica of this.replicas) if (replica !== first) ask(replica);
      };
      const first = isOnItsWay === null ? null : leader;
      if (first === null || isOnItsWay === null) askOthers();
      else {
        ask(first);
        const startUs = clock.nowUs();
        const waitUntil = (atUs: number, callback: () => void): void => {
          if (!isOver) cancels.push(clock.schedule(atUs, callback, ASK_OTHERS_SLACK_US));
        };
        waitUntil(startUs + ASK_OTHERS_US, () => {
          if (isOnItsWay()) waitUntil(startUs + ASK_OTHERS_END_US, askOthers);
          else askOthers();
        });
      }
      if (isOver) for (const cancel of cancels) cancel();
    });
  }

  private tellSaid(saidBy: (replica: Principal) => string | null): readonly SaidBy[] {
    return this.replicas.map((replica) => ({
      replica,
      text:
        saidBy(replica) ??
        this.incompatible.get(replica) ??
        'no answer; see that it runs, that its inbox can be reached and that the keys are of this rig',
    }));
  }

  private mergeLogs(logs: readonly (readonly LogItem[])[]): readonly LogEntry[] {
    const { rig } = this.parts;
    const merged = new Map<string, ToldItem>();
    for (const log of logs) {
      const told = new Set<string>();
      for (const item of log) {
        const { client, sequence, digest, effect, slot, content } = item;
        const key = JSON.stringify([client, sequence, toHex(digest), effect, slot]);
        // A replica that tells a thing twice is one replica.
        if (told.has(key)) continue;
        told.add(key);
        const known = merged.get(key) ?? { item, count: 0, content: null };
        known.count += 1;
        // A content proves itself, whoever has it.
        if (content !== null && sameBytes(digestContent(content), digest)) known.content = content;
        merged.set(key, known);
      }
    }
    // Who has not got as far as the others tells of the same request that it has no effect yet.
    const best = new Map<string, ToldItem>();
    for (const one of merged.values()) {
      if (one.count < this.needed) continue;
      const key = `${one.item.client} ${one.item.sequence} ${toHex(one.item.digest)}`;
      const known = best.get(key);
      if (known === undefined) best.set(key, one);
      else {
        const winner = tellsMore(one, known) ? one : known;
        winner.content ??= known.content ?? one.content;
        best.set(key, winner);
      }
    }
    return [...best.values()]
      .map(({ item, content }): LogEntry => {
        const asked = content === null ? null : decodeContent(content);
        const { sequence, effect, slot } = item;
        return {
          slot,
          client: rig.operators[item.client] ?? String(item.client),
          sequence,
          tick: effect?.tick ?? null,
          outcome: effect?.outcome ?? null,
          asked: asked === null ? null : { command: asked.command, values: asked.values },
        };
      })
      .sort(compareEntries);
  }
}

/** What replicas tell of one request, in the same words. */
interface ToldItem {
  readonly item: LogItem;
  count: number;
  content: Uint8Array | null;
}

function tellsMore(a: ToldItem, b: ToldItem): boolean {
  if ((a.item.effect === null) !== (b.item.effect === null)) return b.item.effect === null;
  return a.count > b.count;
}

function compareEntries(a: LogEntry, b: LogEntry): number {
  const bySlot = (a.slot ?? 0) - (b.slot ?? 0);
  const byTick = (a.tick ?? 0) - (b.tick ?? 0);
  return bySlot || byTick || (a.client < b.client ? -1 : a.client > b.client ? 1 : a.sequence - b.sequence);
}

function describeVerdict(verdict: RequestVerdict | undefined): string | null {
  switch (verdict?.kind) {
    case undefined:
      return null;
    case 'applied':
      return `it took effect at tick ${verdict.tick}`;
    case 'chosen':
      return `it has slot ${verdict.slot} of the log`;
    case 'waits':
    case 'refused':
      return verdict.text;
  }
}
