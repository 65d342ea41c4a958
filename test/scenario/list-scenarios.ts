/** The scenario files that ship. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const RIGS = fileURLToPath(new URL('../../hardware/rigs', import.meta.url));

/** Absolute paths, in the order of their names. */
export function listScenarios(): readonly string[] {
  return readdirSync(RIGS, { recursive: true, encoding: 'utf8' })
    .filter((name) => path.basename(path.dirname(name)) === 'scenarios' && name.endsWith('.yaml'))
    .sort()
    .map((name) => path.join(RIGS, name));
}
