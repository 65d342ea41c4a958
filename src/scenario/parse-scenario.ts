/**
 * A scenario file to a `Scenario`, or everything that is wrong with it, each mistake with its place. It is read in two
 * steps, because the file names the rig that its faults and expectations are checked against: `outlineScenario` says
 * which, and its `finish` takes the rig. Text in, values out: no disk, and nothing a file says makes it throw.
 */
import type { z } from 'zod';
import type { PlannedFault } from '../demo/tour.js';
import { planFault } from '../faults/plan-fault.js';
import { formatFault, parseFault, type Injection } from '../faults/spec.js';
import { suggest } from '../rig/mistake.js';
import { readYaml, type Path, type YamlDialect, type YamlValue } from '../rig/read-yaml.js';
import type { Rig } from '../rig/rig.js';
import { isSubmission, parseSubmission, type Submission } from '../rig/submission.js';
import { isMapping, pickFields, showValue } from '../rig/yaml-form.js';
import type { ScenarioMistake, ScenarioMistakeCode } from './mistake.js';
import { MistakeSheet } from './mistake-sheet.js';
import { parseExpectations } from './parse-expectations.js';
import type { Scenario } from './scenario.js';
import { scenarioSchema, stopSchema } from './schema.js';

export type ParsedScenario =
  | { readonly ok: true; readonly scenario: Scenario }
  | { readonly ok: false; readonly mistakes: readonly ScenarioMistake[] };

/** A scenario file whose rig is not known yet. */
export interface ScenarioOutline {
  /** Rig folder or file, from the scenario's own folder; null where the file does not tell. */
  readonly rigPath: string | null;
  /**
   * Checks the rest. `rig` is null where it could not be loaded: then what does not need it is checked, and the
   * outcome is never a scenario. `shownRigPath` is where it was found.
   */
  finish(rig: Rig | null, shownRigPath: string): ParsedScenario;
}

const DIALECT: YamlDialect<ScenarioMistakeCode> = {
  noun: 'scenario',
  size: 'VP-SCN-SIZE',
  yaml: 'VP-SCN-YAML',
};
/** The folder above the one that holds the scenario. */
const DEFAULT_RIG = '..';
const DEFAULT_SEED = 1;

type TopKey = keyof typeof scenarioSchema.shape;
const TOP_KEYS = Object.keys(scenarioSchema.shape) as TopKey[];
const REQUIRED: readonly TopKey[] = ['title', 'why', 'ticks', 'expect'];
const FORMS: Readonly<Record<TopKey, string>> = {
  title: 'Write a text',
  why: 'Write a sentence',
  rig: 'Write the path of a rig folder from this file',
  seed: 'Write a whole number',
  ticks: 'Write a whole number',
  timeline: 'Write a list of faults, such as - crash on c at 40 for 20',
  expect: 'Write a list of expectations, such as - masked',
};

/** Reads the text of a scenario file; `file` is what mistakes call it. Never throws. */
export function outlineScenario(text: string, file: string): ScenarioOutline {
  const yaml = readYaml(text, file, DIALECT);
  if (!yaml.ok) return { rigPath: null, finish: () => yaml };
  const sheet = new MistakeSheet(file, text, yaml.source);
  const { value } = yaml.source;
  if (!isMapping(value)) {
    const what = value === null ? 'the file is empty' : `the file is ${showValue(value)}`;
    sheet.report('VP-SCN-TYPE', [], what, 'Start with title: …; see hardware/rigs/*/scenarios for examples');
    return { rigPath: null, finish: () => ({ ok: false, mistakes: sheet.list() }) };
  }
  checkForm(value, sheet);
  const { title, why, rig: named, seed, ticks } = pickFields(scenarioSchema.shape, value);
  const rigPath = 'rig' in value ? (named ?? null) : DEFAULT_RIG;
  return {
    rigPath,
    finish: (rig, shownRigPath) => {
      if (rig === null && rigPath !== null) {
        const what = `the rig ${shownRigPath} cannot be used`;
        sheet.report(
          'VP-SCN-RIG',
          ['rig'],
          what,
          'Mend it, or name another: rig: PATH from this file',
          'key',
        );
      }
      const { faults, submissions } = readTimeline(listOf(value['timeline']), ticks, rig, sheet);
      if (rig !== null) checkRig(rig, faults.length > 0, shownRigPath, sheet);
      const expectations = parseExpectations(listOf(value['expect']), ['expect'], sheet, rig);
      if (!sheet.isClean || rig === null || title === undefined || why === undefined || ticks === undefined) {
        return { ok: false, mistakes: sheet.list() };
      }
      return {
        ok: true,
        scenario: {
          file,
          title,
          why: why.trim(),
          rigPath: shownRigPath,
          rig,
          seed: seed ?? DEFAULT_SEED,
          ticks,
          faults,
          submissions,
          expectations,
        },
      };
    },
  };
}

function listOf(value: YamlValue | undefined): readonly YamlValue[] {
  return Array.isArray(value) ? value : [];
}

/** Keys and plain values of the file; what the lists hold is checked entry by entry. */
function checkForm(value: { readonly [key: string]: YamlValue }, sheet: MistakeSheet): void {
  for (const key of Object.keys(value)) {
    if ((TOP_KEYS as string[]).includes(key)) continue;
    const hint = suggest(key, TOP_KEYS);
    const cure = hint === '' ? `Known here: ${TOP_KEYS.join(', ')}` : `Write what is meant${hint}`;
    sheet.report('VP-SCN-KEY', [key], `${JSON.stringify(key)} is no key of a scenario`, cure, 'key');
  }
  for (const key of TOP_KEYS) {
    if (!(key in value)) {
      if (REQUIRED.includes(key))
        sheet.report('VP-SCN-REQUIRED', [], `the scenario has no ${key}`, `Add ${key}: …`, 'key');
      continue;
    }
    const given = value[key] ?? null;
    if (given === null) {
      sheet.report('VP-SCN-REQUIRED', [key], `${key} has no value`, 'Write one, or remove the key', 'key');
      continue;
    }
    const checked = scenarioSchema.shape[key].safeParse(given);
    const issue = checked.error?.issues.find(({ path }) => path.length === 0);
    if (issue !== undefined) reportValue(key, given, issue, sheet);
  }
}

function reportValue(key: TopKey, given: YamlValue, issue: z.core.$ZodIssue, sheet: MistakeSheet): void {
  if (issue.code !== 'too_big' && issue.code !== 'too_small') {
    sheet.report('VP-SCN-TYPE', [key], `${key} is ${showValue(given)}`, FORMS[key]);
    return;
  }
  const isMost = issue.code === 'too_big';
  const bound = `${isMost ? 'at most' : 'at least'} ${String(isMost ? issue.maximum : issue.minimum)}`;
  const kind = issue.origin === 'string' ? ' characters' : issue.origin === 'array' ? ' entries' : '';
  const what = typeof given === 'number' ? `${key} is ${given}` : `${key} is of another length`;
  sheet.report('VP-SCN-RANGE', [key], what, `Write ${bound}${kind}`);
}

function checkRig(rig: Rig, hasFaults: boolean, shown: string, sheet: MistakeSheet): void {
  const report = (what: string, cure: string): void =>
    sheet.report('VP-SCN-RIG', ['rig'], `the rig ${shown} ${what}`, cure, 'key');
  if (rig.plant === null)
    report('names no plant, so there is nothing to fly', 'Write plant: in its rig.yaml');
  if (hasFaults && !rig.faultInjection)
    report('does not let faults be injected', 'Write faults: enabled in its rig.yaml');
}

function readTimeline(
  list: readonly YamlValue[],
  ticks: number | undefined,
  rig: Rig | null,
  sheet: MistakeSheet,
): { readonly faults: readonly PlannedFault[]; readonly submissions: readonly Submission[] } {
  const faults: PlannedFault[] = [];
  const submissions: Submission[] = [];
  list.forEach((value, index) => {
    const path: Path = ['timeline', index];
    const stop = readStop(value, path, sheet);
    if (stop === null) return;
    if (isSubmission(stop.fault)) {
      const submission = rig === null ? null : readSubmission(stop.fault, stop.path, ticks, rig, sheet);
      if (submission !== null) submissions.push(submission);
      return;
    }
    const spec = readFault(stop.fault, stop.path, ticks, sheet);
    if (spec === null) return;
    const text = formatFault(spec);
    if (faults.some((other) => other.text === text)) {
      sheet.report(
        'VP-SCN-FAULT-TWICE',
        stop.path,
        `the fault "${text}" stands twice`,
        'Keep one of the two',
      );
      return;
    }
    if (rig !== null && rig.faultInjection) {
      const planned = planFault(spec, rig);
      if (!planned.ok) sheet.report('VP-SCN-FAULT-RIG', stop.path, planned.what, capitalize(planned.cure));
    }
    faults.push({ spec, text, say: stop.say });
  });
  return { faults, submissions };
}

/** A command of an operator, given at a tick of the flight. */
function readSubmission(
  text: string,
  path: Path,
  ticks: number | undefined,
  rig: Rig,
  sheet: MistakeSheet,
): Submission | null {
  const parsed = parseSubmission(text, rig);
  if (!parsed.ok) {
    sheet.report('VP-SCN-COMMAND', path, parsed.what, capitalize(parsed.cure));
    return null;
  }
  const { submission } = parsed;
  if (ticks !== undefined && submission.tick >= ticks) {
    const what = `the command is given at tick ${submission.tick}, and the flight has ${ticks}`;
    sheet.report('VP-SCN-COMMAND', path, what, 'Give it earlier, or give more ticks');
  }
  return submission;
}

interface Stop {
  readonly fault: string;
  readonly say: string;
  /** Of the fault's text. */
  readonly path: Path;
}

/** An entry of the timeline: a fault, or a fault and what to tell of it. */
function readStop(value: YamlValue, path: Path, sheet: MistakeSheet): Stop | null {
  if (typeof value === 'string') return { fault: value, say: '', path };
  if (!isMapping(value)) {
    sheet.report('VP-SCN-TYPE', path, `a fault is ${showValue(value)}`, FORMS.timeline);
    return null;
  }
  for (const key of Object.keys(value)) {
    if (key in stopSchema.shape) continue;
    const what = `${JSON.stringify(key)} is no key of a fault`;
    const cure = `Write fault: and say:${suggest(key, Object.keys(stopSchema.shape))}`;
    sheet.report('VP-SCN-KEY', [...path, key], what, cure, 'key');
  }
  const { fault, say } = pickFields(stopSchema.shape, value);
  if ('say' in value && say === undefined) {
    sheet.report('VP-SCN-TYPE', [...path, 'say'], `say is ${showValue(value['say'])}`, 'Write a sentence');
  }
  const given = value['fault'] ?? null;
  if (given === null) {
    const what = 'an entry of the timeline has no fault';
    sheet.report('VP-SCN-REQUIRED', path, what, 'Write fault: NAME on TARGET at TICK', 'key');
    return null;
  }
  if (fault === undefined && typeof given !== 'string') {
    sheet.report('VP-SCN-TYPE', [...path, 'fault'], `a fault is ${showValue(given)}`, FORMS.timeline);
    return null;
  }
  return { fault: fault ?? String(given), say: say?.trim() ?? '', path: [...path, 'fault'] };
}

/** A fault in the grammar of the catalogue that begins at a tick of the flight. */
function readFault(
  text: string,
  path: Path,
  ticks: number | undefined,
  sheet: MistakeSheet,
): Injection | null {
  const parsed = parseFault(text);
  if (!parsed.ok) {
    sheet.reportInText('VP-SCN-FAULT', path, text, parsed.column, parsed.what, capitalize(parsed.cure));
    return null;
  }
  const { spec } = parsed;
  if (spec.kind === 'clear') {
    const what = 'a timeline says when faults begin, and this ends one';
    const cure = 'Write how long the fault lasts: NAME on TARGET at TICK for TICKS';
    sheet.report('VP-SCN-FAULT-TIME', path, what, cure);
    return null;
  }
  if (spec.at.relative) {
    const what = `the fault begins at +${spec.at.tick}, and a scenario has no now to count from`;
    sheet.report('VP-SCN-FAULT-TIME', path, what, `Write at ${spec.at.tick}: the tick of the run`);
    return null;
  }
  if (ticks !== undefined && spec.at.tick >= ticks) {
    const what = `the fault begins at tick ${spec.at.tick}, and the flight has ${ticks}`;
    sheet.report('VP-SCN-FAULT-TIME', path, what, 'Let it begin earlier, or give more ticks');
  }
  return spec;
}

/** Cures of the fault grammar are clauses; those of a file are sentences. */
function capitalize(text: string): string {
  return text.replace(/^[a-z]/, (first) => first.toUpperCase());
}
