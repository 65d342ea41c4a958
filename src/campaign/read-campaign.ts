/**
 * Campaign files: YAML text to a campaign, or everything that is wrong with it, each mistake with its line. Text in,
 * values out: no disk, and nothing a file says makes it throw.
 */
import { z } from 'zod';
import { findFault } from '../faults/catalogue.js';
import { suggest } from '../rig/mistake.js';
import { parseDuration } from '../rig/quantity.js';
import { readYaml, type Path, type YamlSource } from '../rig/read-yaml.js';
import { QUIET_LINK } from '../simulation/network.js';
import {
  DEFAULT_SEVERAL,
  MAX_TICKS,
  parseSeedRange,
  PLACE_CHOICES,
  type PlaceChoice,
  type SeedRange,
} from './campaign.js';
import type { NetworkConditions, WireMode } from './job.js';
import { MIN_RUN_TICKS, NO_FAULT } from './plan-campaign.js';

/** What a campaign file says; undefined where it says nothing. */
export interface CampaignFile {
  readonly name: string;
  /** Path from the file's folder. */
  readonly rig: string;
  readonly ticks: number | undefined;
  readonly seeds: SeedRange | undefined;
  readonly ticksPerKind: number | undefined;
  readonly wire: WireMode | undefined;
  readonly include: readonly string[] | null;
  readonly exclude: readonly string[];
  readonly places: PlaceChoice;
  readonly several: number;
  readonly network: NetworkConditions | null;
}

export type ReadCampaign =
  | { readonly ok: true; readonly file: CampaignFile }
  /** `file:line:column what. Cure`, one each. */
  | { readonly ok: false; readonly mistakes: readonly string[] };

const duration = z.string().transform((text, context) => {
  const read = parseDuration(text);
  if (read.ok && read.us >= 0) return read.us;
  context.issues.push({ code: 'custom', message: 'a time such as 2 ms', input: text });
  return z.NEVER;
});
const share = z.number().min(0).max(1);
const kinds = z.array(z.string()).max(200);

const schema = z.strictObject({
  campaign: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, { error: 'a name of small letters, digits and -' }),
  rig: z.string().min(1).max(200),
  ticks: z.number().int().min(MIN_RUN_TICKS).max(MAX_TICKS).optional(),
  seeds: z.union([z.number().int().min(0), z.string()]).optional(),
  'ticks-per-kind': z.number().int().min(1).max(1e12).optional(),
  wire: z.enum(['full', 'none']).optional(),
  faults: z.strictObject({ include: kinds.optional(), exclude: kinds.optional() }).optional(),
  places: z.enum(PLACE_CHOICES).optional(),
  several: z.number().int().min(0).max(16).optional(),
  network: z
    .strictObject({
      delay: duration.optional(),
      jitter: duration.optional(),
      loss: share.optional(),
    })
    .optional(),
});

const KNOWN_KEYS: ReadonlyMap<string, readonly string[]> = new Map([
  ['', Object.keys(schema.shape)],
  ['faults', ['include', 'exclude']],
  ['network', ['delay', 'jitter', 'loss']],
]);

const DIALECT = { noun: 'campaign', size: 'size', yaml: 'yaml' } as const;

/** Reads the text of a campaign file; `file` is what mistakes call it. Never throws. */
export function readCampaign(text: string, file: string): ReadCampaign {
  const yaml = readYaml(text, file, DIALECT);
  if (!yaml.ok) {
    const mistakes = yaml.mistakes.map(
      ({ line, column, what, cure }) => `${file}:${line}:${column} ${what}. ${cure}`,
    );
    return { ok: false, mistakes };
  }
  const { source } = yaml;
  const parsed = schema.safeParse(source.value);
  if (!parsed.success) {
    const mistakes = parsed.error.issues.flatMap((issue) => tellIssue(issue, source, file));
    return { ok: false, mistakes };
  }
  const { data } = parsed;
  const mistakes: string[] = [];
  const report = (path: Path, what: string, cure: string): void => {
    mistakes.push(`${placeText(source, file, path, 'value')} ${what}. ${cure}`);
  };
  const seeds = data.seeds === undefined ? undefined : parseSeedRange(String(data.seeds));
  if (seeds === null) report(['seeds'], `${String(data.seeds)} are no seeds`, 'Write 1..20, or one number');
  for (const list of ['include', 'exclude'] as const) {
    (data.faults?.[list] ?? []).forEach((name, at) => {
      if (findFault(name) === null && !(list === 'exclude' && name === NO_FAULT))
        report(['faults', list, at], `there is no fault '${name}'`, "'voteplane faults' lists them");
    });
  }
  if (mistakes.length > 0) return { ok: false, mistakes };
  return {
    ok: true,
    file: {
      name: data.campaign,
      rig: data.rig,
      ticks: data.ticks,
      seeds: seeds ?? undefined,
      ticksPerKind: data['ticks-per-kind'],
      wire: data.wire,
      include: data.faults?.include ?? null,
      exclude: data.faults?.exclude ?? [],
      places: data.places ?? 'all',
      several: data.several ?? DEFAULT_SEVERAL,
      network: data.network === undefined ? null : readNetwork(data.network),
    },
  };
}

/** Whether a text says that it is a campaign; a rig file says `rig:` and no `campaign:`. */
export function isCampaignText(text: string): boolean {
  return /^campaign:/m.test(text);
}

function readNetwork(given: NonNullable<z.output<typeof schema>['network']>): NetworkConditions {
  return {
    delayUs: given.delay ?? QUIET_LINK.delayUs,
    jitterUs: given.jitter ?? QUIET_LINK.jitterUs,
    loss: given.loss ?? QUIET_LINK.loss,
  };
}

function tellIssue(issue: z.core.$ZodIssue, source: YamlSource, file: string): string[] {
  const path = issue.path as (string | number)[];
  if (issue.code === 'unrecognized_keys') {
    const known = KNOWN_KEYS.get(path.join('.')) ?? [];
    return issue.keys.map((key) => {
      const hint = suggest(key, known);
      const cure = hint === '' ? `Known here: ${known.join(', ')}` : `Write what is meant${hint}`;
      return `${placeText(source, file, [...path, key], 'key')} "${key}" is no key of a campaign. ${cure}`;
    });
  }
  const name = path.length === 0 ? 'the file' : path.join('.');
  const wanted = path.length === 0 ? 'Start with campaign: NAME and rig: PATH' : issue.message;
  return [`${placeText(source, file, path, 'value')} ${name} cannot be: ${wanted}.`];
}

function placeText(source: YamlSource, file: string, path: Path, which: 'key' | 'value'): string {
  const { line, column } = which === 'key' ? source.placeOfKey(path) : source.placeOf(path);
  return `${file}:${line}:${column}`;
}
