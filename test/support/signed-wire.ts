/** The wire of signed mode around `agree`: signs what leaves, drops what a signature is missing from. */
import { createSignedMessages } from '../../src/core/agreement/signed-messages.js';
import type { MaybeValue, RelayItem, RoundMessage } from '../../src/core/types.js';
import { agree, type AgreeRun, type Behaviour, type Saying } from './agree.js';
import { SignatureRegister } from './toy-signatures.js';

export interface SignedWire {
  readonly register: SignatureRegister;
  /** The liars, each with a wire that signs whatever it says, in its own name. */
  readonly liars: Record<number, Behaviour>;
  readonly admit: (saying: Saying) => readonly RelayItem[];
}

/** A register of its own and what `agree` needs to go through it. */
export function signedWire(liars: Readonly<Record<number, Behaviour>>): SignedWire {
  const register = new SignatureRegister();
  return {
    register,
    liars: Object.fromEntries(
      Object.entries(liars).map(([id, behaviour]) => [
        id,
        (saying: Saying) => {
          const items = behaviour(saying);
          if (items !== null) register.sign(saying.from, roundMessage(saying.round, items));
          return items;
        },
      ]),
    ),
    admit: ({ from, round, items }) => {
      if (liars[from] === undefined) register.sign(from, roundMessage(round, items));
      return register.verify(from, roundMessage(round, items)).items;
    },
  };
}

/** One tick of SM(f). */
export function agreeSigned(
  n: number,
  f: number,
  proposals: readonly MaybeValue[],
  liars: Record<number, Behaviour>,
): AgreeRun {
  const wire = signedWire(liars);
  return agree(createSignedMessages(n, f), n, proposals, wire.liars, wire.admit);
}

/** A message of the run under way, or of another one. */
export function roundMessage(
  round: number,
  items: readonly RelayItem[],
  run: Uint8Array = new Uint8Array(16),
): RoundMessage {
  return { kind: 'round', tick: 1, round, run, items };
}
