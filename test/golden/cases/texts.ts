/** Short words for values and names that all traces share. */
import type { MaybeValue } from '../../../src/core/types.js';
import { toBytes, toText } from '../../support/toy-codec.js';
import { ABSENT, type Notation } from '../trace/sending.js';

/** Values that are text. */
export function textLabel(value: MaybeValue): string {
  return value === null ? ABSENT : toText(value);
}

/** p1 … pn, as the textbook numbers its processes. */
export function bookNotation(n: number, paths: Notation['paths'] = 'oral'): Notation {
  return { names: Array.from({ length: n }, (_, id) => `p${id + 1}`), label: textLabel, paths };
}

export const [u, v, w] = ['u', 'v', 'w'].map(toBytes) as [Uint8Array, Uint8Array, Uint8Array];

export const COULOURIS = 'Coulouris et al., Distributed Systems, 5th ed.';
export const LSP = 'Lamport, Shostak, Pease, The Byzantine Generals Problem, 1982';
export const LAMPORT_SLIDES = 'Lamport, slides "The problem with TMR"';

/** How paths of oral messages are read. */
export const READ_ORAL = 'p3:p1 v reads "p3 says that p1 said v"';
/** How chains of signatures are read. */
export const READ_SIGNED = 'v:p1:p3 reads "v, signed by p1 and then by p3"';
