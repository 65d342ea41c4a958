/**
 * What is wrong with a rig folder, told so that a person can mend it: a stable code, the place, what is wrong, the cure.
 * Every code is listed here once; a code is never given another meaning.
 */

/** The codes of mistakes and warnings, with what each is about. */
export const MISTAKE_CODES = {
  'VP-RIG-FILE': 'a file of the rig folder cannot be read',
  'VP-RIG-SIZE': 'the file is larger, deeper or more repetitive than a rig can be',
  'VP-RIG-YAML': 'the text is not YAML, or uses YAML that a rig file does not allow',
  'VP-RIG-KEY': 'a key that no rig has',
  'VP-RIG-REQUIRED': 'a key without which the rig is not defined',
  'VP-RIG-TYPE': 'a value of the wrong type',
  'VP-RIG-CHOICE': 'a value that is not one of the allowed ones',
  'VP-RIG-QUANTITY': 'a quantity that is not a number with a unit',
  'VP-RIG-UNIT': 'a unit that does not fit',
  'VP-RIG-RANGE': 'a number out of bounds, or a range whose ends do not fit',
  'VP-RIG-ID': 'an id that is not well formed',
  'VP-RIG-ID-TWICE': 'one id for two parts',
  'VP-RIG-ADDRESS': 'an address that is not well formed',
  'VP-RIG-ADDRESS-TWICE': 'one address for two parts that cannot share it',
  'VP-RIG-CHANNEL-TWICE': 'one channel for two sensors or two actuators of a bridge',
  'VP-RIG-REPLICAS': 'a number of replicas that no rig has',
  'VP-RIG-HYPOTHESIS': 'a fault hypothesis that no algorithm can meet with so few replicas',
  'VP-RIG-WITNESS': 'a witness that the rig cannot have',
  'VP-RIG-TIMING': 'rounds that do not fit into a tick',
  'VP-RIG-HOLD': 'a hold that ends before the next output can be there',
  'VP-RIG-VOTE': 'a kind of voting that the hypothesis does not carry',
  'VP-RIG-FUSION': 'a fusion that the hypothesis or the type of the sensor does not carry',
  'VP-RIG-PACKET': 'messages larger than an inbox accepts',
  'VP-RIG-SINGLE-POINT': 'a part whose failure stops the rig',
  'VP-RIG-PLANT': 'a plant that there is not, or a parameter that it does not take',
  'VP-RIG-FAULT': 'a fault of the tour that is not well formed',
  'VP-RIG-COMMAND': 'a command that nobody could give as it is declared',
  'VP-RIG-LAW-SYNTAX': 'a law that is not TypeScript or JavaScript',
  'VP-RIG-LAW-IMPORT': 'an import that a law may not have',
  'VP-RIG-LAW-SHAPE': 'a module that does not export a law',
  'VP-RIG-LAW-IDS': 'a law whose sensors or actuators are not those of the rig',
  'VP-RIG-LAW-COMMANDS': 'a law whose commands are not those that the rig leaves to it',
  'VP-RIG-LAW-TRAP': 'a law that uses time, chance or the machine',
  'VP-RIG-LAW-RUN': 'a law that throws, does not end or returns what is no result',
  'VP-RIG-LAW-IMPURE': 'a law that gives two results for the same inputs',
  'VP-RIG-LAW-STATE': 'a state that cannot be stored in the bytes allowed',
  'VP-RIG-LAW-ENVELOPE': 'a command outside the envelope of its actuator',
} as const;

export type MistakeCode = keyof typeof MISTAKE_CODES;

/** One thing that is wrong. Lines and columns count from 1; 1:1 where the whole file is meant. */
export interface Mistake<Code extends string = MistakeCode> {
  readonly code: Code;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** What is wrong, a clause without a full stop. */
  readonly what: string;
  /** What to do about it, in the imperative. */
  readonly cure: string;
}

/** `file:line:column code what — cure`, one line. */
export function formatMistake(mistake: Mistake<string>): string {
  return `${mistake.file}:${mistake.line}:${mistake.column} ${mistake.code} ${mistake.what}. ${mistake.cure}`;
}

/** Orders by file, then place, so that a list reads like the file. */
export function sortMistakes<Code extends string>(mistakes: readonly Mistake<Code>[]): Mistake<Code>[] {
  return [...mistakes].sort(
    (a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) || a.line - b.line || a.column - b.column,
  );
}

/** A rig that cannot be used; `mistakes` holds everything that was found wrong, at least one. */
export class RigError extends Error {
  override readonly name = 'RigError';

  constructor(readonly mistakes: readonly Mistake[]) {
    super(mistakes.map(formatMistake).join('\n'));
  }
}

/** `; did you mean "x"?` for the candidate that is a slip of the keyboard away, else the empty string. */
export function suggest(given: string, candidates: readonly string[]): string {
  if (given.length > 64) return '';
  const plain = simplify(given);
  let best: string | null = null;
  let bestDistance = 3;
  for (const candidate of candidates) {
    const other = simplify(candidate);
    const distance = other === plain ? 0 : measureDistance(plain, other);
    // Two slips in a word of three letters make another word.
    if (distance < bestDistance && distance * 2 < Math.max(plain.length, other.length)) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best === null ? '' : `; did you mean "${best}"?`;
}

/** failSafe, fail_safe and fail-safe are the same slip. */
function simplify(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** Edits (insert, delete, replace, swap neighbours) between two short texts. */
function measureDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? a.length;
}
