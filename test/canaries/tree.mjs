/**
 * A copy of the package in a folder of its own, in which one source file at a time is replaced by a mutant. The tree
 * that is worked on is never written to: only `node_modules` is shared with it, by a link.
 */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { applyEdits } from './catalogue.mjs';

const COPIED = ['bin', 'dist', 'firmware-bridge', 'hardware', 'schema', 'src', 'test'];
const COPIED_FILES = [
  'package.json',
  'tsconfig.base.json',
  'tsconfig.json',
  'tsconfig.test.json',
  'vitest.config.ts',
];

export class Tree {
  /** `root`: the package to copy. */
  constructor(root) {
    this.folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'voteplane-canary-')));
    for (const name of [...COPIED, ...COPIED_FILES]) {
      cpSync(path.join(root, name), path.join(this.folder, name), { recursive: true });
    }
    symlinkSync(path.join(root, 'node_modules'), path.join(this.folder, 'node_modules'));
  }

  /**
   * Runs `action` while the canary's bug stands in the source and in what is built of it, and puts both back. Throws
   * when the mutant is no TypeScript: then it would be caught by anything and prove nothing.
   */
  async withMutant(canary, action) {
    const source = path.join(this.folder, canary.file);
    const built = path.join(this.folder, 'dist', canary.file.replace(/\.ts$/, '.js'));
    const before = { source: readFileSync(source), built: readFileSync(built) };
    const mutant = applyEdits(canary, before.source.toString('utf8'));
    writeFileSync(source, mutant);
    writeFileSync(built, await transpile(mutant, canary));
    try {
      return await action();
    } finally {
      writeFileSync(source, before.source);
      writeFileSync(built, before.built);
    }
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function transpile(text, { id, file }) {
  // Loaded where it is needed: naming a drifted canary must not take the time that a compiler takes to load.
  const { default: ts } = await import('typescript');
  const { outputText, diagnostics } = ts.transpileModule(text, {
    fileName: path.basename(file),
    reportDiagnostics: true,
    compilerOptions: {
      target: 'ES2022',
      module: 'ESNext',
      verbatimModuleSyntax: true,
      isolatedModules: true,
    },
  });
  const [first] = diagnostics ?? [];
  if (first !== undefined) {
    throw new Error(
      `canary ${id} is no TypeScript: ${ts.flattenDiagnosticMessageText(first.messageText, ' ')}`,
    );
  }
  return outputText;
}

/** A folder inside a tree for what its runs write. */
export function makeOutputFolder(tree) {
  const folder = path.join(tree.folder, 'out');
  mkdirSync(folder, { recursive: true });
  return folder;
}
