/** Loads a scenario file and the rig that it names from disk. The only reader of scenario files. */
import path from 'node:path';
import { loadRig, type LoadedRig } from '../rig/load-rig.js';
import { RigError, type Mistake } from '../rig/mistake.js';
import { readText } from '../rig/read-text.js';
import { ScenarioError } from './mistake.js';
import { outlineScenario } from './parse-scenario.js';
import type { Scenario } from './scenario.js';

export interface LoadedScenario {
  readonly scenario: Scenario;
  readonly loaded: LoadedRig;
}

/** Loads a scenario. Throws a `ScenarioError` that carries everything that is wrong with the file and its rig. */
export async function loadScenario(file: string): Promise<LoadedScenario> {
  const read = await readText(file);
  if (!read.ok) {
    const unreadable = read.trouble === 'unreadable';
    const code = unreadable ? 'VP-SCN-FILE' : 'VP-SCN-YAML';
    const cure = unreadable
      ? 'Name a scenario file, such as hardware/rigs/pitch/scenarios/liar.yaml'
      : 'Save it as UTF-8';
    throw new ScenarioError([{ code, file, line: 1, column: 1, what: read.what, cure }]);
  }
  const outline = outlineScenario(read.text, file);
  const { rigPath } = outline;
  const shown = rigPath === null ? '' : locateRig(file, rigPath);
  const found = rigPath === null ? null : await tryRig(shown);
  const loaded = found !== null && found.ok ? found.loaded : null;
  const parsed = outline.finish(loaded?.rig ?? null, shown);
  if (parsed.ok && loaded !== null) return { scenario: parsed.scenario, loaded };
  throw new ScenarioError([
    ...(parsed.ok ? [] : parsed.mistakes),
    ...(found !== null && !found.ok ? found.mistakes : []),
  ]);
}

function locateRig(file: string, rigPath: string): string {
  return path.isAbsolute(rigPath) ? rigPath : path.join(path.dirname(file), rigPath);
}

async function tryRig(
  where: string,
): Promise<
  | { readonly ok: true; readonly loaded: LoadedRig }
  | { readonly ok: false; readonly mistakes: readonly Mistake[] }
> {
  try {
    return { ok: true, loaded: await loadRig(where) };
  } catch (error) {
    if (!(error instanceof RigError)) throw error;
    return { ok: false, mistakes: error.mistakes };
  }
}
