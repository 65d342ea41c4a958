/** Plain values of a YAML file against a schema: what several readers of such files do alike. */
import type { z } from 'zod';
import type { YamlValue } from './read-yaml.js';

/** Longest text of a value in a message. */
const SHOWN_LENGTH = 60;

/** The values of a schema's keys, as far as they are there and sound. */
export type Fields<Shape extends Record<string, z.ZodType>> = {
  [Key in keyof Shape]?: z.output<Shape[Key]>;
};

export function isMapping(value: YamlValue | undefined): value is { [key: string]: YamlValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The fields whose form is sound; the others are left out, and have been reported by the whole schema. */
export function pickFields<Shape extends Record<string, z.ZodType>>(
  shape: Shape,
  value: YamlValue,
): Fields<Shape> {
  const fields: Fields<Shape> = {};
  if (!isMapping(value)) return fields;
  for (const key of Object.keys(shape) as (keyof Shape & string)[]) {
    if (!Object.hasOwn(value, key)) continue;
    const checked = (shape[key] as z.ZodType).safeParse(value[key]);
    if (checked.success) fields[key] = checked.data as Fields<Shape>[typeof key];
  }
  return fields;
}

/** A value as a person wrote it, cut to a readable length. */
export function showValue(value: YamlValue | undefined): string {
  if (value === undefined) return 'missing';
  if (Array.isArray(value)) return 'a list';
  if (isMapping(value)) return 'a mapping';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text;
}
