/** Copies of the built package that another release would be, for tests of two that fly together. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ROOT } from './rig-runner.js';

/** A release of the package in a folder of its own. */
export interface PackageCopy {
  /** Its command, as `ENTRY` is that of the checkout. */
  readonly entry: string;
  readonly version: string;
  remove(): void;
}

/** In which file of the build the protocol version stands, and how. */
const PROTOCOL_FILE = path.join('dist', 'src', 'wire', 'derive-keys.js');
const PROTOCOL_LINE = /^export const PROTOCOL_VERSION = (\d+);$/m;

/** Copies the build as the release `version`, which speaks `protocolVersion` where that is given. */
export function copyPackage(version: string, protocolVersion?: number): PackageCopy {
  const folder = mkdtempSync(path.join(tmpdir(), 'voteplane-release-'));
  for (const part of ['bin', 'dist'])
    cpSync(path.join(ROOT, part), path.join(folder, part), { recursive: true });
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
  const manifest = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string };
  if (manifest.version === version) throw new Error(`${version} is the version of the checkout itself`);
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ ...manifest, version }));
  if (protocolVersion !== undefined) patchProtocol(path.join(folder, PROTOCOL_FILE), protocolVersion);
  return {
    entry: path.join(folder, 'bin', 'voteplane.js'),
    version,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function patchProtocol(file: string, protocolVersion: number): void {
  const before = readFileSync(file, 'utf8');
  const after = before.replace(PROTOCOL_LINE, `export const PROTOCOL_VERSION = ${protocolVersion};`);
  if (after === before)
    throw new Error(`${file}: the protocol version stands elsewhere, or is ${protocolVersion}`);
  writeFileSync(file, after);
}
