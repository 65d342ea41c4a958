/** Rig folders for benches: a shipped rig with another period, other inboxes or another law, in a temporary folder. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const rigsPath = fileURLToPath(new URL('../../hardware/rigs/', import.meta.url));

/**
 * Writes a variant of the shipped rig `base` and returns { path, remove() }. `set`: top-level keys of rig.yaml to
 * their new text; `hold`: of every actuator; `sensor`: more
 * keys of every sensor; `inboxUrl`: the one broker that holds every inbox; `law`: source text in
 * place of the rig's law, beside those of the rig `pitch`.
 */
export function makeRigFolder(
  base,
  { set = {}, hold = null, sensor = null, inboxUrl = null, law = null } = {},
) {
  const root = mkdtempSync(path.join(os.tmpdir(), 'voteplane-bench-rig-'));
  cpSync(rigsPath, root, { recursive: true });
  const folder = path.join(root, base);
  const file = path.join(folder, 'rig.yaml');
  let text = readFileSync(file, 'utf8');
  const lawKeys = law === null ? {} : { law: '../pitch/bench-law.ts' };
  for (const [key, value] of Object.entries({ ...set, ...lawKeys })) {
    const line = new RegExp(`^${key}:.*$`, 'm');
    text = line.test(text) ? text.replace(line, `${key}: ${value}`) : `${text}${key}: ${value}\n`;
  }
  if (hold !== null) text = text.replace(/^( +hold:).*$/gm, `$1 ${hold}`);
  if (sensor !== null) text = text.replace(/\b(channel: \d+) }/g, `$1, ${sensor} }`);
  if (inboxUrl !== null) text = text.replace(/(\binbox: )[\d.]+:\d+/g, `$1${inboxUrl}`);
  writeFileSync(file, text);
  if (law !== null) writeFileSync(path.join(root, 'pitch', 'bench-law.ts'), law);
  return { path: folder, remove: () => rmSync(root, { recursive: true, force: true }) };
}
