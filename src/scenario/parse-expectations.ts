/** What stands under `expect` in a scenario file to claims about the flight, or everything that is wrong with it. */
import type { z } from 'zod';
import { describePlant } from '../../hardware/plants/plants.js';
import { suggest } from '../rig/mistake.js';
import { parseQuantity } from '../rig/quantity.js';
import type { Path, YamlValue } from '../rig/read-yaml.js';
import type { Rig } from '../rig/rig.js';
import { isMapping, showValue } from '../rig/yaml-form.js';
import type { RefusalCause } from '../wire/refusal.js';
import type { MistakeSheet } from './mistake-sheet.js';
import type { ScenarioMistakeCode } from './mistake.js';
import type { Claim, Expectation, PlantFate } from './scenario.js';
import { CLAIM_FORMS, claimSchemas, wordSchemas, type ClaimKey } from './schema.js';

const WORDS = Object.keys(wordSchemas) as (keyof typeof wordSchemas)[];
const KEYS = Object.keys(claimSchemas) as ClaimKey[];
const OUTCOMES: readonly Claim['kind'][] = ['agree', 'masked', 'fail-safe', 'disagree'];

/** Reads the list at `path`; `rig` is null where it could not be loaded, and what needs it is not checked then. */
export function parseExpectations(
  list: readonly YamlValue[],
  path: Path,
  sheet: MistakeSheet,
  rig: Rig | null,
): readonly Expectation[] {
  const expectations: Expectation[] = [];
  let isSound = true;
  list.forEach((value, index) => {
    const at = [...path, index];
    const claim = readClaim(value, at, sheet);
    if (claim === null) {
      isSound = false;
      return;
    }
    const text = formatClaim(claim);
    if (expectations.some((other) => other.claim.kind === claim.kind)) {
      sheet.report('VP-SCN-EXPECT-TWICE', at, `${claim.kind} is expected twice`, 'Keep one of the two');
      return;
    }
    if (rig !== null) checkAgainstRig(claim, at, sheet, rig);
    expectations.push({ claim, text, line: sheet.lineOf(at) });
  });
  // An entry that cannot be read may be the outcome that is missed.
  if (isSound) checkOutcome(expectations, path, sheet);
  return expectations;
}

/** A claim as a person would write it. */
export function formatClaim(claim: Claim): string {
  switch (claim.kind) {
    case 'agree':
    case 'disagree':
    case 'masked':
      return claim.kind;
    case 'fail-safe':
      return `fail-safe: { within: ${claim.withinTicks} tick${claim.withinTicks === 1 ? '' : 's'} }`;
    case 'suspects':
    case 'suspects-include':
    case 'alarms':
      return `${claim.kind}: [${claim.ids.join(', ')}]`;
    case 'plant-error':
      return `plant-error: { max: ${claim.max} ${claim.unit} }`;
    case 'plant':
      return `plant: ${claim.fate}`;
    case 'missed-ticks':
      return `missed-ticks: { max: ${claim.max} }`;
    case 'rejected':
      return `rejected: [${claim.causes.join(', ')}]`;
    case 'commands':
      return `commands: { done: ${claim.done}${claim.refused === 0 ? '' : `, refused: ${claim.refused}`} }`;
    case 'outside':
      return `outside: ${claim.outside}`;
  }
}

function readClaim(value: YamlValue, path: Path, sheet: MistakeSheet): Claim | null {
  if (typeof value === 'string') return readWord(value, path, sheet);
  if (!isMapping(value)) {
    const what = value === null ? 'an expectation is empty' : `an expectation is ${showValue(value)}`;
    sheet.report('VP-SCN-TYPE', path, what, 'Write a word, such as masked, or one key and its value');
    return null;
  }
  const keys = Object.keys(value);
  const [key = ''] = keys;
  if (keys.length !== 1) {
    const what = `one entry holds ${keys.length} expectations`;
    sheet.report('VP-SCN-EXPECT', path, what, 'Begin each with a - of its own');
    return null;
  }
  const known = KEYS.find((one) => one === key);
  if (known === undefined) {
    reportUnknown(key, [...path, key], sheet);
    return null;
  }
  return readValue(known, value[key] ?? null, [...path, key], sheet);
}

function readWord(word: string, path: Path, sheet: MistakeSheet): Claim | null {
  const kind = WORDS.find((one) => one === word);
  if (kind !== undefined) return { kind };
  reportUnknown(word, path, sheet);
  return null;
}

function reportUnknown(given: string, path: Path, sheet: MistakeSheet): void {
  const form = KEYS.find((key) => key === given);
  if (form !== undefined) {
    sheet.report('VP-SCN-EXPECT', path, `${given} has no value`, `Write ${CLAIM_FORMS[form]}`, 'key');
    return;
  }
  if ((WORDS as readonly string[]).includes(given)) {
    sheet.report('VP-SCN-EXPECT', path, `${given} takes no value`, `Write - ${given}`, 'key');
    return;
  }
  const known = [...WORDS, ...KEYS];
  const hint = suggest(given, known);
  const what = `${showValue(given)} is nothing that can be expected`;
  const cure = hint === '' ? `Known are ${known.join(', ')}` : `Write what is meant${hint}`;
  sheet.report('VP-SCN-EXPECT', path, what, cure, 'key');
}

function readValue(key: ClaimKey, value: YamlValue, path: Path, sheet: MistakeSheet): Claim | null {
  const schema: z.ZodType = claimSchemas[key];
  const checked = schema.safeParse(value);
  if (!checked.success) {
    for (const issue of checked.error.issues) reportIssue(issue, key, value, path, sheet);
    return null;
  }
  const { data } = checked;
  switch (key) {
    case 'fail-safe':
      return { kind: key, withinTicks: readNumber((data as { within: string }).within) };
    case 'plant-error':
      return {
        kind: key,
        max: readNumber((data as { max: string }).max),
        unit: parseQuantity((data as { max: string }).max)?.unit ?? '',
      };
    case 'missed-ticks':
      return { kind: key, max: (data as { max: number }).max };
    case 'suspects':
    case 'suspects-include':
    case 'alarms':
      return { kind: key, ids: data as string[] };
    case 'plant':
      return { kind: key, fate: data as PlantFate };
    case 'rejected':
      return { kind: key, causes: data as RefusalCause[] };
    case 'commands': {
      const { done, refused = 0 } = data as { done: number; refused?: number };
      return { kind: key, done, refused };
    }
    case 'outside':
      return { kind: key, outside: data as boolean };
  }
}

/** The number of a quantity whose form and unit the schema has checked. */
function readNumber(text: string): number {
  return parseQuantity(text)?.value ?? 0;
}

/** One complaint of the schema, told in a person's words. */
function reportIssue(
  issue: z.core.$ZodIssue,
  key: ClaimKey,
  whole: YamlValue,
  path: Path,
  sheet: MistakeSheet,
): void {
  const inner = issue.path as Path;
  const at = [...path, ...inner];
  const name = [key, ...inner].join('.');
  const cure = `Write ${CLAIM_FORMS[key]}`;
  const value = valueAt(whole, inner);
  if (issue.code === 'unrecognized_keys') {
    for (const stranger of issue.keys) {
      const what = `${JSON.stringify(stranger)} is no key of ${name}`;
      sheet.report('VP-SCN-KEY', [...at, stranger], what, cure, 'key');
    }
    return;
  }
  if (value === undefined || value === null) {
    sheet.report('VP-SCN-REQUIRED', at, `${name} has no value`, cure, 'key');
    return;
  }
  const isQuantity = inner.length > 0 && (key === 'fail-safe' || key === 'plant-error');
  let code: ScenarioMistakeCode = 'VP-SCN-TYPE';
  let hint = '';
  if (isQuantity) code = 'VP-SCN-QUANTITY';
  else if (issue.code === 'too_big' || issue.code === 'too_small') code = 'VP-SCN-RANGE';
  else if (issue.code === 'invalid_value') {
    code = 'VP-SCN-EXPECT';
    const choices = issue.values.map(String);
    hint = typeof value === 'string' ? suggest(value, choices) : '';
    if (hint === '') hint = `; there are ${choices.join(', ')}`;
  }
  sheet.report(code, at, `${name} is ${showValue(value)}`, cure + hint);
}

function valueAt(value: YamlValue, path: Path): YamlValue | undefined {
  let found: YamlValue | undefined = value;
  for (const step of path) {
    if (Array.isArray(found)) found = found[Number(step)];
    else if (isMapping(found)) found = Object.hasOwn(found, step) ? found[step] : undefined;
    else return undefined;
  }
  return found;
}

function checkAgainstRig(claim: Claim, path: Path, sheet: MistakeSheet, rig: Rig): void {
  if (claim.kind === 'suspects' || claim.kind === 'suspects-include' || claim.kind === 'alarms') {
    const [noun, parts] =
      claim.kind === 'alarms' ? (['actuator', rig.actuators] as const) : (['replica', rig.replicas] as const);
    const known = parts.map(({ id }) => id);
    claim.ids.forEach((id, index) => {
      const at = [...path, claim.kind, index];
      if (!known.includes(id)) {
        const what = `the rig ${rig.id} has no ${noun} ${showValue(id)}`;
        sheet.report('VP-SCN-ID', at, what, `Choose from ${known.join(', ')}`);
      } else if (claim.ids.indexOf(id) < index) {
        sheet.report('VP-SCN-ID', at, `${id} is named twice`, 'Keep one of the two');
      }
    });
  }
  if (claim.kind === 'plant-error') checkPlantError(claim, path, sheet, rig);
}

function checkPlantError(
  { max, unit }: Claim & { readonly kind: 'plant-error' },
  path: Path,
  sheet: MistakeSheet,
  { id, plant }: Rig,
): void {
  if (plant?.parameters['profile'] === undefined) {
    const what = `the plant of the rig ${id} follows no profile, so it has no error`;
    sheet.report('VP-SCN-PLANT', path, what, 'Write plant: survives or plant: lost', 'key');
    return;
  }
  const tracked = describePlant(plant.model)?.tracked ?? null;
  if (tracked === null || tracked.unit === unit) return;
  const what = `plant-error.max is "${max} ${unit}", and the ${tracked.label} of the plant of ${id} is in ${tracked.unit}`;
  sheet.report('VP-SCN-QUANTITY', [...path, 'plant-error', 'max'], what, `Give it in ${tracked.unit}`);
}

/** Which claims cannot both hold. */
const EXCLUDING: readonly (readonly [Claim['kind'], (other: Claim) => boolean])[] = [
  ['masked', ({ kind }) => kind === 'fail-safe' || kind === 'disagree'],
  ['masked', (other) => other.kind === 'plant' && other.fate === 'lost'],
  ['agree', ({ kind }) => kind === 'disagree'],
  ['fail-safe', ({ kind }) => kind === 'disagree'],
  ['fail-safe', (other) => other.kind === 'outside' && !other.outside],
];

function checkOutcome(expectations: readonly Expectation[], path: Path, sheet: MistakeSheet): void {
  if (!expectations.some(({ claim }) => OUTCOMES.includes(claim.kind))) {
    const what = 'no outcome is expected';
    sheet.report('VP-SCN-OUTCOME', path, what, `Add one of ${OUTCOMES.join(', ')}`, 'key');
  }
  for (const [kind, excludes] of EXCLUDING) {
    const one = expectations.find(({ claim }) => claim.kind === kind);
    const other = expectations.find(({ claim }) => excludes(claim));
    if (one === undefined || other === undefined) continue;
    const what = `${one.text} and ${other.text} cannot both hold`;
    sheet.report('VP-SCN-OUTCOME', path, what, 'Keep one of the two', 'key');
  }
}
