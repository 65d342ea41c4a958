/** Copies of the packaged rigs, altered for a test. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ROOT } from './rig-runner.js';

/** How a file of the rig folder is altered; the result must differ, so that no test alters nothing. */
export type Edits = Readonly<Record<string, (text: string) => string>>;

/** Copies `hardware/rigs/<name>` to a folder of its own and gives its path. */
export function copyRig(name: string, edits: Edits): string {
  const folder = mkdtempSync(path.join(tmpdir(), `voteplane-${name}-`));
  cpSync(path.join(ROOT, 'hardware', 'rigs', name), folder, { recursive: true });
  for (const [file, edit] of Object.entries(edits)) {
    const where = path.join(folder, file);
    const before = readFileSync(where, 'utf8');
    const after = edit(before);
    if (after === before) throw new Error(`the edit of ${name}/${file} alters nothing`);
    writeFileSync(where, after);
  }
  return folder;
}

/** An edit of rig.yaml that puts the inbox of every replica and actuator where `addressOf` says. */
export function placeInboxes(addressOf: (id: string) => string): (text: string) => string {
  return (text) => {
    let block = '';
    return text
      .split('\n')
      .map((line) => {
        block = /^ {2}(\w+):/.exec(line)?.[1] ?? block;
        return line.replace(/inbox: [^\s,}]+/, () => `inbox: ${addressOf(block)}`);
      })
      .join('\n');
  };
}

/** Removes a copy. */
export function removeRig(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
