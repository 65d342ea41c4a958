/**
 * The parameters of faults: what each may be, its default, and reading it. Every value that a fault works with has
 * passed here, so no fault checks its own.
 */
import { assert } from '../core/assert.js';
import type { FaultParameter } from './spec.js';

/** A false value as it is written: a number in the sensor's or actuator's unit, a boolean, no number at all, or too much. */
export type FalseValue = number | boolean | 'nan' | 'overflow';

/** One entry of a list of false values; without `receiver` it counts by its place in the list. */
export interface AddressedValue {
  readonly receiver: string | null;
  readonly value: FalseValue;
}

/** What a parameter may be. `unit` is a word for people; limits are closed. */
export type ParameterType =
  | {
      readonly kind: 'number';
      readonly unit: string;
      readonly min: number;
      readonly max: number;
      readonly whole: boolean;
    }
  /** One false value. */
  | { readonly kind: 'value' }
  /** False values, `777,10777` or `a:777,b:10777`. */
  | { readonly kind: 'values' }
  /** Ids of the rig, separated by commas. */
  | { readonly kind: 'ids'; readonly of: 'replicas' | 'receivers' | 'sensors' }
  /** Sets of ids, `a,b/c,d`. */
  | { readonly kind: 'sets' }
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
  /** Several of them, separated by commas. */
  | { readonly kind: 'choices'; readonly choices: readonly string[] };

/** One parameter of a fault. */
export interface ParameterRule {
  readonly key: string;
  readonly type: ParameterType;
  /** As a user would write it; null where it follows from the rig, as `meaning` says. */
  readonly default: string | null;
  readonly meaning: string;
}

export type ParameterValue =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'value'; readonly value: FalseValue }
  | { readonly kind: 'values'; readonly value: readonly AddressedValue[] }
  | { readonly kind: 'ids'; readonly value: readonly string[] }
  | { readonly kind: 'sets'; readonly value: readonly (readonly string[])[] }
  | { readonly kind: 'choice'; readonly value: string }
  | { readonly kind: 'choices'; readonly value: readonly string[] };

/** Why something is refused, and what would be accepted. */
export interface FaultRefusal {
  readonly ok: false;
  readonly what: string;
  readonly cure: string;
}

/** The parameters of one fault, typed, defaults filled in. Asking for one that the fault does not declare is a bug. */
export class Parameters {
  constructor(private readonly table: ReadonlyMap<string, ParameterValue | null>) {}

  number(key: string): number {
    const value = this.numberOrNull(key);
    assert(value !== null, `the parameter ${key} has a default`);
    return value;
  }

  numberOrNull(key: string): number | null {
    const found = this.find(key);
    if (found === null) return null;
    assert(found.kind === 'number', `${key} is a number`);
    return found.value;
  }

  value(key: string): FalseValue | null {
    const found = this.find(key);
    if (found === null) return null;
    assert(found.kind === 'value', `${key} is a false value`);
    return found.value;
  }

  values(key: string): readonly AddressedValue[] | null {
    const found = this.find(key);
    if (found === null) return null;
    assert(found.kind === 'values', `${key} is a list of false values`);
    return found.value;
  }

  ids(key: string): readonly string[] | null {
    const found = this.find(key);
    if (found === null) return null;
    assert(found.kind === 'ids', `${key} is a list of ids`);
    return found.value;
  }

  sets(key: string): readonly (readonly string[])[] | null {
    const found = this.find(key);
    if (found === null) return null;
    assert(found.kind === 'sets', `${key} is a list of sets`);
    return found.value;
  }

  choice(key: string): string {
    const found = this.find(key);
    assert(found !== null && found.kind === 'choice', `${key} is a choice with a default`);
    return found.value;
  }

  choices(key: string): readonly string[] | null {
    const found = this.find(key);
    if (found === null) return null;
    assert(found.kind === 'choices', `${key} is a list of choices`);
    return found.value;
  }

  private find(key: string): ParameterValue | null {
    const found = this.table.get(key);
    assert(found !== undefined, `the parameter ${key} is declared`);
    return found;
  }
}

/** Reads what was written against what the fault declares. */
export function readParameters(
  rules: readonly ParameterRule[],
  written: readonly FaultParameter[],
): { readonly ok: true; readonly parameters: Parameters } | FaultRefusal {
  for (const { key } of written) {
    if (rules.some((rule) => rule.key === key)) continue;
    return {
      ok: false,
      what: `it has no parameter '${key}'`,
      cure:
        rules.length === 0 ? 'it takes none' : `its parameters: ${rules.map((rule) => rule.key).join(', ')}`,
    };
  }
  const values = new Map<string, ParameterValue | null>();
  for (const rule of rules) {
    const text = written.find(({ key }) => key === rule.key)?.value ?? rule.default;
    const value = text === null ? null : parseParameter(rule.type, text);
    if (text !== null && value === null) {
      return {
        ok: false,
        what: `${rule.key}=${text} cannot be`,
        cure: `${rule.key} is ${describeType(rule.type)}`,
      };
    }
    values.set(rule.key, value);
  }
  return { ok: true, parameters: new Parameters(values) };
}

/** What may be written for a parameter, for people. */
export function describeType(type: ParameterType): string {
  switch (type.kind) {
    case 'number': {
      const kind = type.whole ? 'a whole number' : 'a number';
      return `${kind} from ${type.min} to ${type.max}${type.unit === '' ? '' : ` (${type.unit})`}`;
    }
    case 'value':
      return 'a number in the unit of the sensor or actuator, true, false, nan or overflow';
    case 'values':
      return 'a list of values for the receivers in their order (777,10777), or with their names (a:777,b:10777)';
    case 'ids':
      return `a list of ${type.of} (${type.of === 'sensors' ? 'pitch,rate' : 'a,b'})`;
    case 'sets':
      return 'two or more sets of ids (a,b/c,d)';
    case 'choice':
      return type.choices.join(' or ');
    case 'choices':
      return `a list of ${type.choices.join(', ')}`;
  }
}

function parseParameter(type: ParameterType, text: string): ParameterValue | null {
  switch (type.kind) {
    case 'number': {
      const value = parseNumber(text);
      if (value === null || value < type.min || value > type.max) return null;
      return type.whole && !Number.isInteger(value) ? null : { kind: 'number', value };
    }
    case 'value': {
      const value = parseFalseValue(text);
      return value === null ? null : { kind: 'value', value };
    }
    case 'values': {
      const values = text.split(',').map(parseAddressedValue);
      const whole = values.filter((value) => value !== null);
      const named = whole.filter(({ receiver }) => receiver !== null).length;
      if (whole.length < values.length || (named > 0 && named < whole.length)) return null;
      return { kind: 'values', value: whole };
    }
    case 'ids': {
      const value = parseIds(text);
      return value === null ? null : { kind: 'ids', value };
    }
    case 'sets': {
      const sets = text.split('/').map(parseIds);
      const whole = sets.filter((set) => set !== null);
      const all = whole.flat();
      if (whole.length < sets.length || whole.length < 2 || new Set(all).size < all.length) return null;
      return { kind: 'sets', value: whole };
    }
    case 'choice':
      return type.choices.includes(text) ? { kind: 'choice', value: text } : null;
    case 'choices': {
      const words = parseIds(text);
      return words?.every((word) => type.choices.includes(word)) === true
        ? { kind: 'choices', value: words }
        : null;
    }
  }
}

function parseNumber(text: string): number | null {
  if (!/^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,3})?$/i.test(text)) return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

function parseFalseValue(text: string): FalseValue | null {
  const word = text.toLowerCase();
  if (word === 'true' || word === 'false') return word === 'true';
  if (word === 'nan' || word === 'overflow') return word;
  return parseNumber(text);
}

function parseAddressedValue(text: string): AddressedValue | null {
  const colon = text.indexOf(':');
  const receiver = colon < 0 ? null : text.slice(0, colon);
  const value = parseFalseValue(text.slice(colon + 1));
  return value === null || receiver === '' ? null : { receiver, value };
}

function parseIds(text: string): readonly string[] | null {
  const ids = text.split(',');
  return ids.some((id) => !/^[a-z][a-z0-9-]*$/.test(id)) || new Set(ids).size < ids.length ? null : ids;
}
