/**
 * `parser-bomb`: payloads that are dear to parse, sent by one who holds the keys, so that they pass every check before the
 * decoder. Each is as long as the wire lets a payload be.
 */
import { deriveLimits } from '../wire/limits.js';
import type { FaultContext, FaultWrapper } from './wrapper.js';

export const BOMB_KINDS = ['nesting', 'length', 'keys', 'items', 'bignum'] as const;
export type BombKind = (typeof BOMB_KINDS)[number];

/** A payload of at most `maxBytes` (at least 32) that no correct sender makes. */
export function makeBomb(kind: BombKind, maxBytes: number): Uint8Array {
  switch (kind) {
    case 'nesting':
      // Arrays of one item each, as deep as there are bytes.
      return new Uint8Array(maxBytes).fill(0x81);
    case 'length': {
      // An array of 2³² − 1 items, of which the bytes hold as many as they can.
      const bytes = new Uint8Array(maxBytes);
      bytes.set([0x9a, 0xff, 0xff, 0xff, 0xff]);
      return bytes;
    }
    case 'keys':
      return makeMap(maxBytes);
    case 'items': {
      // A well-formed array of zeros: everything is parsed before it is seen to be nothing.
      const items = maxBytes - 3;
      const bytes = new Uint8Array(maxBytes);
      bytes.set([0x99, items >> 8, items & 0xff]);
      return bytes;
    }
    case 'bignum': {
      // A tag that turns a byte string into one number.
      const length = maxBytes - 4;
      const bytes = new Uint8Array(maxBytes).fill(0xff);
      bytes.set([0xc2, 0x59, length >> 8, length & 0xff]);
      return bytes;
    }
  }
}

/** Text keys of two characters, each with a zero, in their order. */
function makeMap(maxBytes: number): Uint8Array {
  const FIRST = 0x21;
  const SPAN = 0x7f - FIRST;
  const pairs = Math.min(Math.floor((maxBytes - 3) / 4), SPAN * SPAN);
  const bytes = new Uint8Array(3 + 4 * pairs);
  bytes.set([0xb9, pairs >> 8, pairs & 0xff]);
  for (let pair = 0; pair < pairs; pair += 1) {
    bytes.set([0x62, FIRST + Math.floor(pair / SPAN), FIRST + (pair % SPAN), 0x00], 3 + 4 * pair);
  }
  return bytes;
}

/** After each message of a round a bomb follows, to the same receiver. */
export function buildParserBomb(context: FaultContext): FaultWrapper {
  const { rig, scope, parameters, count, sealPayload } = context;
  const kind = parameters.choice('kind');
  const longest = Math.min(0xffff, deriveLimits(rig).payloadBytes.round);
  const bombs = BOMB_KINDS.filter((one) => kind === 'all' || kind === one).map((one) =>
    makeBomb(one, longest),
  );
  let turn = 0;
  return {
    peers: (next) => ({
      send: (to, message) => {
        next.send(to, message);
        const receiver = rig.replicas[to]?.id;
        if (message.kind !== 'round' || receiver === undefined || !scope.receivers.includes(receiver)) return;
        const bomb = bombs[turn % bombs.length] as Uint8Array;
        turn += 1;
        if (sealPayload(receiver, 'round', bomb)) count();
      },
    }),
  };
}
