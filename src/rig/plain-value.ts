/**
 * Plain data: what a control law may keep as its state. Copies a value of any realm into fresh plain data, or says why
 * it is none. Never keeps a reference to what it was given.
 */

export type PlainValue = null | boolean | number | string | PlainValue[] | { [key: string]: PlainValue };

/** Deepest nesting; the codec reads eight levels, and a state travels inside an envelope of its own. */
const MAX_DEPTH = 6;
const MAX_VALUES = 4_096;
const MAX_TEXT = 4_096;
/** Longest way to a value that is told, characters. */
const MAX_PLACE = 100;

export type PlainResult =
  | { readonly ok: true; readonly value: PlainValue }
  /** `why` is a predicate, such as `holds NaN at state.rate`. */
  | { readonly ok: false; readonly why: string };

/** Copies `value`. −0 becomes +0. Never throws, whatever getters or proxies it meets. */
export function copyPlain(value: unknown): PlainResult {
  const budget = { left: MAX_VALUES };
  try {
    return { ok: true, value: copy(value, [], budget) };
  } catch (error) {
    if (error instanceof NotPlain) return { ok: false, why: error.message };
    return { ok: false, why: 'throws when it is read' };
  }
}

/** Whether a value of any realm is a plain object: its prototype is null or ends the chain. May throw what a proxy throws. */
export function isPlainMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && isPlain(value);
}

function isPlain(value: object): boolean {
  const proto: unknown = Object.getPrototypeOf(value);
  return proto === null || Object.getPrototypeOf(proto) === null;
}

class NotPlain extends Error {}

/** `path`: the keys and indices that lead to the value; it is a word only where something is wrong there. */
function copy(value: unknown, path: (string | number)[], budget: { left: number }): PlainValue {
  spend(budget);
  switch (typeof value) {
    case 'boolean':
      return value;
    case 'number':
      if (!Number.isFinite(value)) throw new NotPlain(`holds ${value}${placeOf(path)}`);
      return value + 0;
    case 'string':
      if (value.length > MAX_TEXT)
        throw new NotPlain(`holds a text of ${value.length} characters${placeOf(path)}`);
      if (/\p{Surrogate}/u.test(value))
        throw new NotPlain(`holds a text that is not well-formed Unicode${placeOf(path)}`);
      return value;
    case 'object':
      break;
    default:
      throw new NotPlain(
        `holds ${typeof value === 'undefined' ? 'undefined' : `a ${typeof value}`}${placeOf(path)}`,
      );
  }
  if (value === null) return null;
  if (path.length >= MAX_DEPTH) throw new NotPlain(`is more than ${MAX_DEPTH} levels deep${placeOf(path)}`);
  if (Array.isArray(value)) {
    const { length } = value;
    const list: PlainValue[] = [];
    for (let index = 0; index < length; index += 1) {
      path.push(index);
      list.push(copy((value as unknown[])[index], path, budget));
      path.pop();
    }
    return list;
  }
  if (!isPlain(value)) throw new NotPlain(`holds an instance of a class${placeOf(path)}`);
  const result: { [key: string]: PlainValue } = {};
  for (const key of Object.keys(value)) {
    if (key === '__proto__') throw new NotPlain(`holds the key __proto__${placeOf(path)}`);
    const inner = (value as Record<string, unknown>)[key];
    // Nearly all that a law keeps are numbers, and nothing has to be said of such a one.
    if (typeof inner === 'number' && Number.isFinite(inner)) {
      spend(budget);
      result[key] = inner + 0;
      continue;
    }
    path.push(key);
    result[key] = copy(inner, path, budget);
    path.pop();
  }
  return result;
}

function spend(budget: { left: number }): void {
  budget.left -= 1;
  if (budget.left < 0) throw new NotPlain(`holds more than ${MAX_VALUES} values`);
}

/** ` at rate.last[3]`; nothing for the whole value. */
function placeOf(path: readonly (string | number)[]): string {
  let place = '';
  for (const step of path) {
    if (typeof step === 'number') place = `${place}[${step}]`;
    else place = (place === '' ? step : `${place}.${step}`).slice(0, MAX_PLACE);
  }
  return place === '' ? '' : ` at ${place}`;
}
