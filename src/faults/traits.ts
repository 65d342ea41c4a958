/** What sets kinds of faults apart for whoever plans flights or judges them; everything else stands in the catalogue. */

import type { FaultParameter, Injection } from './spec.js';

/** Faults that make a replica say what it did not compute; its account of commands proves nothing. */
const LYING: ReadonlySet<string> = new Set([
  'lie',
  'equivocate',
  'relay-lie',
  'forge-path',
  'collude',
  'double-vote',
  'sos-value',
  'mutate',
  'twin',
  'masquerade',
  'clock-two-faced',
]);

/** Faults that strike bytes and handshakes, of which a simulation without them has none. */
const OF_BYTES: ReadonlySet<string> = new Set([
  'bridge-hang',
  'bridge-corrupt',
  'bridge-reset',
  'config-mismatch',
  'version-mismatch',
  'key-rotate',
  'key-expire',
  'key-revoke',
]);

/** Faults of what only rigs with a command log have. */
const OF_LOG: ReadonlySet<string> = new Set([
  'amnesia',
  'power-cut',
  'disk-full',
  'io-error',
  'read-only',
  'ballot-regression',
]);

/** Faults of the log that leave a replica's part in the rounds alone; those of its disk end with a start of it. */
const SPARING_ROUNDS: ReadonlySet<string> = new Set([
  'disk-full',
  'io-error',
  'read-only',
  'ballot-regression',
]);

/** Faults that strike a process from outside it, so that it needs no injector: whoever started it carries them out. */
const FROM_OUTSIDE: ReadonlySet<string> = new Set(['crash', 'restart']);

/** Faults that leave a replica heard by others, and late, deaf or understood only now and then. */
const LINGERING: ReadonlySet<string> = new Set([
  'omit-receive',
  'delay',
  'reorder',
  'sos-timing',
  'babble',
  'broker-kill',
  'broker-slow',
  'broker-half-open',
  'clock-step',
  'clock-drift',
]);

/** Faults after which a device neither promises nor votes before it is started again. */
const LOSING_VOTE: ReadonlySet<string> = new Set(['disk-full', 'io-error', 'read-only']);

/** Faults whose effect stays when they are over, so that a second one adds to the first. */
const LASTING: ReadonlySet<string> = new Set(['key-rotate']);

/** Whether a fault of this name makes a replica say what it did not compute. */
export function isLie(name: string): boolean {
  return LYING.has(name);
}

/** Whether what a fault of this name does to a replica stays when the fault is over. */
export function isLasting(name: string): boolean {
  return LASTING.has(name);
}

/** Whether a fault of this name strikes the command log or its store, which not every rig has. */
export function isOfLog(name: string): boolean {
  return OF_LOG.has(name);
}

/** Whether a replica struck with a fault of this name owes its part in every tick all the same, until the fault ends. */
export function sparesRounds(name: string): boolean {
  return SPARING_ROUNDS.has(name);
}

/** Whether a device struck with a fault of this name has no voice in the command log any more. */
export function losesVote(name: string): boolean {
  return LOSING_VOTE.has(name);
}

/** Whether whoever started a process can strike it with a fault of this name. */
export function comesFromOutside(name: string): boolean {
  return FROM_OUTSIDE.has(name);
}

/**
 * Whether a replica with this fault neither falls silent nor keeps its part. A third replica would make up for it; of two none
 * can, since who is heard is not voted out of the operational quorum.
 */
export function lingers({ name, parameters }: Pick<Injection, 'name' | 'parameters'>): boolean {
  const isNowAndThen = ({ key, value }: FaultParameter): boolean =>
    (key === 'p' && Number(value) < 1) || (key === 'way' && value === 'one') || key === 'flap';
  return LINGERING.has(name) || parameters.some(isNowAndThen);
}

/** Whether a fault of this name needs messages that are really encoded. */
export function needsBytes(name: string): boolean {
  return OF_BYTES.has(name);
}
