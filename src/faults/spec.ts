/**
 * How a fault is written, the same everywhere: in a rig's tour, on the command line, on the control channel.
 *
 *     NAME on TARGET [key=value …] at TICK [for TICKS]
 *     clear NAME on TARGET
 *
 * TARGET is a replica or an actuator (`c`), a channel (`c.pitch`), a directed link (`a>c`), a broker (`broker:c`) or
 * `world`; `at +50` counts from now. This file knows the grammar alone: which names, targets and parameters there are
 * is the catalogue's business. The parser is total: any text gives a spec or a complaint that names the place.
 */

/** What a fault strikes, as it is written; whether a `part` is a replica or an actuator only the rig knows. */
export type FaultTarget =
  | { readonly kind: 'part'; readonly id: string }
  | { readonly kind: 'channel'; readonly replica: string; readonly sensor: string }
  | { readonly kind: 'link'; readonly from: string; readonly to: string }
  | { readonly kind: 'broker'; readonly owner: string }
  | { readonly kind: 'world' };

/** When a fault begins: at a tick of the run, or so many ticks from now. */
export interface FaultStart {
  readonly relative: boolean;
  readonly tick: number;
}

/** One `key=value`, in the order in which it was written. */
export interface FaultParameter {
  readonly key: string;
  readonly value: string;
}

/** A fault to be injected. */
export interface Injection {
  readonly kind: 'inject';
  readonly name: string;
  readonly target: FaultTarget;
  readonly parameters: readonly FaultParameter[];
  readonly at: FaultStart;
  /** Ticks that it lasts; null: until it is cleared. */
  readonly forTicks: number | null;
}

/** A fault to be ended. */
export interface Clearing {
  readonly kind: 'clear';
  readonly name: string;
  readonly target: FaultTarget;
}

export type FaultSpec = Injection | Clearing;

/** What is wrong with a text and how to mend it; `column` counts characters from 1. */
export interface SpecMistake {
  readonly ok: false;
  readonly what: string;
  readonly cure: string;
  readonly column: number;
}

export type ParsedFault = { readonly ok: true; readonly spec: FaultSpec } | SpecMistake;

/** Longest text of a fault, characters. */
export const MAX_SPEC_LENGTH = 512;
const MAX_PARAMETERS = 16;
/** A year at 30 Hz. */
const MAX_TICK = 1_000_000_000;

const GRAMMAR = 'NAME on TARGET [key=value …] at TICK [for TICKS]';
const NAME = /^[a-z][a-z0-9-]{0,31}$/;
const ID = /^[a-z][a-z0-9-]{0,31}$/;
const KEY = /^[a-z][a-z0-9-]{0,15}$/;
/** A value is one word of printable characters. */
const VALUE = /^[!-<>-~]{1,128}$/;

interface Word {
  readonly text: string;
  readonly column: number;
}

/** Reads one fault. Never throws. */
export function parseFault(text: string): ParsedFault {
  if (text.length > MAX_SPEC_LENGTH) {
    return complain(
      MAX_SPEC_LENGTH + 1,
      `the text of the fault has ${text.length} characters`,
      `write at most ${MAX_SPEC_LENGTH}`,
    );
  }
  const words = splitWords(text);
  const reader = new WordReader(words, text.length + 1);
  return words[0]?.text === 'clear' ? parseClearing(reader) : parseInjection(reader);
}

/** The text of a fault: `parseFault` gives the same spec back. */
export function formatFault(spec: FaultSpec): string {
  if (spec.kind === 'clear') return `clear ${spec.name} on ${formatTarget(spec.target)}`;
  const words = [spec.name, 'on', formatTarget(spec.target)];
  for (const { key, value } of spec.parameters) words.push(`${key}=${value}`);
  words.push('at', `${spec.at.relative ? '+' : ''}${spec.at.tick}`);
  if (spec.forTicks !== null) words.push('for', String(spec.forTicks));
  return words.join(' ');
}

/** A target as it is written. */
export function formatTarget(target: FaultTarget): string {
  switch (target.kind) {
    case 'part':
      return target.id;
    case 'channel':
      return `${target.replica}.${target.sensor}`;
    case 'link':
      return `${target.from}>${target.to}`;
    case 'broker':
      return `broker:${target.owner}`;
    case 'world':
      return 'world';
  }
}

function parseClearing(reader: WordReader): ParsedFault {
  reader.take();
  const head = parseHead(reader);
  if (!head.ok) return head;
  const rest = reader.take();
  if (rest !== null) {
    return complain(
      rest.column,
      `'${rest.text}' follows the target of a clear`,
      'write: clear NAME on TARGET, without times or parameters',
    );
  }
  return { ok: true, spec: { kind: 'clear', name: head.name, target: head.target } };
}

function parseInjection(reader: WordReader): ParsedFault {
  const head = parseHead(reader);
  if (!head.ok) return head;
  const parameters: FaultParameter[] = [];
  let word = reader.take();
  for (; word !== null && word.text.includes('='); word = reader.take()) {
    const equals = word.text.indexOf('=');
    const key = word.text.slice(0, equals);
    const value = word.text.slice(equals + 1);
    if (!KEY.test(key)) {
      return complain(word.column, `'${key}' is no parameter`, 'write key=value, the key in small letters');
    }
    if (!VALUE.test(value)) {
      return complain(
        word.column + equals + 1,
        value === '' ? `the parameter '${key}' has no value` : `'${value}' cannot be a value`,
        `write ${key}=value without spaces, at most 128 printable characters, no '='`,
      );
    }
    if (parameters.some((other) => other.key === key)) {
      return complain(word.column, `the parameter '${key}' stands twice`, 'keep one of them');
    }
    if (parameters.length === MAX_PARAMETERS) {
      return complain(word.column, 'too many parameters', `write at most ${MAX_PARAMETERS}`);
    }
    parameters.push({ key, value });
  }
  if (word?.text !== 'at') {
    return complain(
      word?.column ?? reader.endColumn,
      word === null ? 'it is not said when the fault begins' : `'${word.text}' stands where 'at' belongs`,
      `end with 'at TICK' or 'at +TICKS' (from now): ${GRAMMAR}`,
    );
  }
  const start = parseStart(reader);
  if (!start.ok) return start;
  const duration = parseDuration(reader);
  if (!duration.ok) return duration;
  const { name, target } = head;
  return {
    ok: true,
    spec: { kind: 'inject', name, target, parameters, at: start.at, forTicks: duration.forTicks },
  };
}

/** `NAME on TARGET`. */
function parseHead(
  reader: WordReader,
): { readonly ok: true; readonly name: string; readonly target: FaultTarget } | SpecMistake {
  const name = reader.take();
  if (name === null) return complain(reader.endColumn, 'the name of a fault is missing', `write: ${GRAMMAR}`);
  if (!NAME.test(name.text)) {
    return complain(
      name.column,
      `'${shorten(name.text)}' is no name of a fault`,
      "'voteplane faults' lists them",
    );
  }
  const on = reader.take();
  if (on?.text !== 'on') {
    return complain(
      on?.column ?? reader.endColumn,
      on === null ? "'on TARGET' is missing" : `'${shorten(on.text)}' stands where 'on' belongs`,
      `write: ${GRAMMAR}`,
    );
  }
  const target = reader.take();
  if (target === null) return complain(reader.endColumn, "a target after 'on' is missing", TARGET_CURE);
  const parsed = parseTarget(target.text);
  if (parsed === null) return complain(target.column, `'${shorten(target.text)}' is no target`, TARGET_CURE);
  return { ok: true, name: name.text, target: parsed };
}

const TARGET_CURE =
  'name a replica (c), a channel (c.pitch), a link (a>c), a broker (broker:c), an actuator (elevator) or world';

function parseTarget(text: string): FaultTarget | null {
  if (text === 'world') return { kind: 'world' };
  const [head = '', tail = '', ...more] = text.split(/[.>:]/);
  const separator = text[head.length];
  if (more.length > 0 || !ID.test(head) || (separator !== undefined && !ID.test(tail))) return null;
  switch (separator) {
    case undefined:
      return { kind: 'part', id: head };
    case '.':
      return { kind: 'channel', replica: head, sensor: tail };
    case '>':
      return { kind: 'link', from: head, to: tail };
    default:
      return head === 'broker' ? { kind: 'broker', owner: tail } : null;
  }
}

function parseStart(reader: WordReader): { readonly ok: true; readonly at: FaultStart } | SpecMistake {
  const word = reader.take();
  if (word === null)
    return complain(reader.endColumn, "a tick after 'at' is missing", 'write at 50 or at +50');
  const relative = word.text.startsWith('+');
  const tick = parseCount(relative ? word.text.slice(1) : word.text);
  if (tick === null) {
    return complain(
      word.column,
      `'${shorten(word.text)}' is no tick`,
      `write a whole number from 0 to ${MAX_TICK}, with + to count from now`,
    );
  }
  return { ok: true, at: { relative, tick } };
}

function parseDuration(
  reader: WordReader,
): { readonly ok: true; readonly forTicks: number | null } | SpecMistake {
  const word = reader.take();
  if (word === null) return { ok: true, forTicks: null };
  if (word.text !== 'for') {
    return complain(
      word.column,
      `'${shorten(word.text)}' follows the start of the fault`,
      word.text.includes('=')
        ? `parameters stand before 'at': ${GRAMMAR}`
        : "only 'for TICKS' may follow there",
    );
  }
  const ticks = reader.take();
  const forTicks = ticks === null ? null : parseCount(ticks.text);
  if (ticks === null || forTicks === null || forTicks === 0) {
    return complain(
      ticks?.column ?? reader.endColumn,
      ticks === null
        ? "a number of ticks after 'for' is missing"
        : `'${shorten(ticks.text)}' is no number of ticks`,
      `write a whole number from 1 to ${MAX_TICK}, or leave 'for' out: then the fault lasts until it is cleared`,
    );
  }
  const rest = reader.take();
  if (rest !== null) {
    return complain(
      rest.column,
      `'${shorten(rest.text)}' follows the end of the fault`,
      `write one fault: ${GRAMMAR}`,
    );
  }
  return { ok: true, forTicks };
}

function parseCount(text: string): number | null {
  if (!/^(0|[1-9][0-9]{0,9})$/.test(text)) return null;
  const count = Number(text);
  return count <= MAX_TICK ? count : null;
}

function splitWords(text: string): Word[] {
  return [...text.matchAll(/\S+/g)].map((match) => ({ text: match[0], column: match.index + 1 }));
}

class WordReader {
  private next = 0;

  constructor(
    private readonly words: readonly Word[],
    readonly endColumn: number,
  ) {}

  take(): Word | null {
    const word = this.words[this.next] ?? null;
    this.next += 1;
    return word;
  }
}

function complain(column: number, what: string, cure: string): SpecMistake {
  return { ok: false, what, cure, column };
}

function shorten(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
