/**
 * What commands of operators mean in one rig: whether a request may be taken on, and what it does once it is agreed on.
 * Both go by the rig file alone, so that every replica says and does the same.
 */
import type { RequestEffect } from '../core/commands/command-book.js';
import { sameBytes } from '../core/bytes.js';
import type { CommandRules } from '../core/commands/command-rules.js';
import type { RequestName } from '../core/types.js';
import type { Principal } from '../ports.js';
import { checkArguments, findCommand, refuseGiver } from '../rig/command-arguments.js';
import type { ComposedLaw } from '../rig/compose-law.js';
import type { Rig } from '../rig/rig.js';
import { shapeBook } from '../wire/command-book-codec.js';
import { decodeFold, encodeFold } from '../wire/folded-log-codec.js';
import { REASON_MAX_BYTES } from '../wire/limits.js';
import {
  decodeContent,
  digestContent,
  type RefusalCode,
  type RequestVerdict,
} from '../wire/request-codec.js';

/**
 * For so long a replica may lack what another one knows to be chosen: its disk is slow, or a message was lost. Meanwhile
 * commands wait for it.
 */
export const LAG_US = 500_000;

/** A request that may be named, or why not. `sequence` is 0 where it cannot be read. */
export type CheckedRequest =
  | { readonly ok: true; readonly name: RequestName }
  | {
      readonly ok: false;
      readonly sequence: number;
      readonly digest: Uint8Array;
      readonly verdict: RequestVerdict & { readonly kind: 'refused' };
    };

/** Checks what `from` has proven to have sent: form, rig, who may give what, arguments. Never throws. */
export function checkRequest(
  rig: Rig,
  rigDigest: Uint8Array,
  from: Principal,
  bytes: Uint8Array,
): CheckedRequest {
  const digest = digestContent(bytes);
  const content = decodeContent(bytes);
  const refuse = (code: RefusalCode, what: string, cure: string): CheckedRequest => ({
    ok: false,
    sequence: content?.sequence ?? 0,
    digest,
    verdict: { kind: 'refused', code, text: `${what}; ${cure}` },
  });
  if (content === null)
    return refuse(
      'malformed',
      'the request cannot be read',
      'install the same release of voteplane on both sides',
    );
  if (content.client !== from)
    return refuse('unauthorised', `${from} asks in the name of another`, 'ask in your own name');
  if (!sameBytes(content.rigDigest, rigDigest))
    return refuse(
      'rig',
      'the request is for another rig file',
      'copy the rig folder of the replicas and ask again',
    );
  const command = findCommand(rig, content.command);
  if ('ok' in command) return refuse('unknown', command.what, command.cure);
  const unauthorised = refuseGiver(command, from);
  if (unauthorised !== null) return refuse('unauthorised', unauthorised.what, unauthorised.cure);
  const given = checkArguments(command, content.values);
  if (!given.ok) return refuse('range', given.what, given.cure);
  return { ok: true, name: { client: rig.operators.indexOf(from), sequence: content.sequence, digest } };
}

/** The core's rules for a rig with commands. */
export function buildCommandRules(rig: Rig, law: ComposedLaw): CommandRules {
  const meaning = {
    clients: rig.operators.length,
    digest: digestContent,
    effect: (content: Uint8Array, state: Uint8Array, tick: number) =>
      applyRequest(rig, law, content, state, tick),
  };
  const shape = shapeBook(rig);
  if (shape?.order !== 'log') return { order: 'vector', ...meaning };
  return {
    order: 'log',
    ...meaning,
    findClient: (client) => {
      const at = rig.operators.indexOf(client);
      return at < 0 ? null : at;
    },
    lagTicks: Math.ceil(LAG_US / rig.periodUs),
    // Without one it takes n ≥ 2f+1.
    witnessed: rig.hypothesis.kind === 'crash' && rig.replicas.length <= 2 * rig.hypothesis.f,
    encodeFold: (fold) => encodeFold(fold, law.digest),
    decodeFold: (bytes) => decodeFold(bytes, shape, law.digest),
  };
}

/** A correct replica has checked the content; that it can be done is checked again, as whoever lacked it has not. */
function applyRequest(
  rig: Rig,
  law: ComposedLaw,
  bytes: Uint8Array,
  state: Uint8Array,
  tick: number,
): RequestEffect {
  const content = decodeContent(bytes);
  const command = content === null ? null : findCommand(rig, content.command);
  if (content === null || command === null || 'ok' in command)
    return { kind: 'refused', reason: 'the command is not known' };
  const given = checkArguments(command, content.values);
  if (!given.ok) return { kind: 'refused', reason: cut(given.what) };
  switch (command.effect) {
    case 'arm':
    case 'disarm': {
      const actuator = rig.actuators.findIndex(({ id }) => id === given.values[0]);
      return { kind: 'posture', actuator, armed: command.effect === 'arm' };
    }
    case 'retire':
    case 'admit': {
      const replica = rig.replicas.findIndex(({ id }) => id === given.values[0]);
      return { kind: 'wanted', replica, isWanted: command.effect === 'admit' };
    }
    case 'law': {
      const outcome = law.command(state, command.id, given.values, tick);
      return outcome.ok
        ? { kind: 'law', law: outcome.state }
        : { kind: 'refused', reason: cut(outcome.reason) };
    }
  }
}

function cut(text: string): string {
  let kept = text;
  while (Buffer.byteLength(kept) > REASON_MAX_BYTES) kept = kept.slice(0, -8);
  return kept.replace(/[\uD800-\uDBFF]$/, '');
}
