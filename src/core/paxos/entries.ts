/** Entries by their content: equality, and which of them a client's request is. */
import { sameBytes } from '../bytes.js';
import type { Entry, Request } from './types.js';

/** True when both are the same entry, byte by byte. */
export function sameEntry(a: Entry, b: Entry): boolean {
  if (a === b) return true;
  switch (a.kind) {
    case 'command':
      return (
        b.kind === 'command' &&
        sameRequest(a.request, b.request) &&
        sameBytes(a.request.value, b.request.value)
      );
    case 'nothing':
      return b.kind === 'nothing';
    case 'quorum':
      return b.kind === 'quorum' && a.members === b.members;
    case 'incarnation':
      return (
        b.kind === 'incarnation' &&
        a.replica === b.replica &&
        a.incarnation === b.incarnation &&
        sameBytes(a.nonce, b.nonce)
      );
  }
}

/** True when both are the same request, sent once or twice. */
export function sameRequest(a: Request, b: Request): boolean {
  return a.client === b.client && a.sequence === b.sequence;
}

/** A name for a request, to look it up by. */
export function requestKey(request: Request): string {
  return `${request.sequence} ${request.client}`;
}
