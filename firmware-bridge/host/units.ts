/**
 * Unit codes of the firmware-bridge protocol (PROTOCOL.md, "Unit codes"). A code is one byte on the line; a rig file
 * writes the text. Codes are never reused.
 */

/** Text of each unit code; code 0 says that the device does not state a unit. */
export const UNIT_TEXTS: readonly string[] = [
  '',
  'deg',
  'deg/s',
  'ft',
  'm',
  'm/s',
  'V',
  'A',
  'degC',
  '%',
  'rpm',
  'Pa',
  'g',
  'rad',
  'rad/s',
  'N',
  'W',
  'Hz',
  's',
  'ratio',
  'm/s2',
  'kg',
  'lux',
  'ppm',
];

/** The code of a unit's text, or 0 where the table does not hold it. */
export function encodeUnit(text: string): number {
  const code = UNIT_TEXTS.indexOf(text);
  return code < 0 ? 0 : code;
}

/** The text of a unit code, or null where the table does not hold it. */
export function decodeUnit(code: number): string | null {
  return UNIT_TEXTS[code] ?? null;
}
