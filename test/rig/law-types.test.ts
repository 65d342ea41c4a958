/** What TypeScript says of a law that is written with `defineLaw`. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const FILE = path.join(HERE, 'law-under-test.ts');

/** A law with one of its parts altered, by line. */
const LAW = [
  "import { defineLaw } from '../../src/rig/law.js';",
  'export default defineLaw({',
  "  sensors: { pitch: 'number', gear: 'boolean' },",
  "  actuators: ['left', 'right'],",
  "  initial: { sum: 0, list: [0], mode: 'level' as 'level' | 'dive' },",
  '  law(state, readings, tick) {',
  '    const pitch: number = readings.pitch.value ?? 0;',
  '    const gear: boolean | null = readings.gear.value;',
  "    const mode = gear === true ? 'dive' : state.mode;",
  '    return {',
  '      state: { sum: state.sum + pitch, list: [...state.list, tick], mode },',
  '      commands: { left: pitch, right: null },',
  '    };',
  '  },',
  '  commands: {',
  "    go: { arguments: { to: 'number', mode: 'string' }, apply: (state, given) => ({ state: { ...state, sum: given.to } }) },",
  "    stop: { arguments: {}, apply: (state) => ({ refused: 'never' }) },",
  '  },',
  '});',
];

const CASES: readonly (readonly [about: string, from: string, to: string, line: number])[] = [
  ['a sensor that is not declared', 'readings.pitch.value', 'readings.pich.value', 7],
  ['a boolean taken for a number', 'readings.pitch.value', 'readings.gear.value', 7],
  ['a reading taken for never lost', '.value ?? 0', '.value', 7],
  ['a command to no declared actuator', 'left: pitch, right: null', 'rudder: pitch', 6],
  ['a command that is no number', 'left: pitch', "left: 'up'", 6],
  ['a state of another shape', 'sum: state.sum + pitch', "sum: 'much'", 6],
  ['a state with a part missing', 'sum: state.sum + pitch, ', '', 6],
  ['a type of sensor that there is not', "gear: 'boolean'", "gear: 'text'", 3],
  ['an argument that is not declared', 'sum: given.to', 'sum: given.from', 16],
  ['an argument of another type', 'sum: given.to', 'sum: given.mode', 16],
  ['a type of argument that there is not', "to: 'number'", "to: 'deg'", 16],
  ['a command that returns another state', '...state, sum: given.to', 'sum: given.to', 16],
  ['a command that returns nothing', "({ refused: 'never' })", '({})', 17],
];

/** Lines on which TypeScript objects. */
function findErrorLines(text: string): number[] {
  const options: ts.CompilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (name) => name === FILE || fileExists(name);
  host.getSourceFile = (name, version) => {
    if (name === FILE) return ts.createSourceFile(name, text, version);
    const known = libraries.get(name) ?? getSourceFile.call(host, name, version);
    libraries.set(name, known);
    return known;
  };
  const program = ts.createProgram([FILE], options, host);
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ file, start }) => 1 + (file?.getLineAndCharacterOfPosition(start ?? 0).line ?? -1));
}

/** The compiler's own declarations, read once. */
const libraries = new Map<string, ts.SourceFile | undefined>();

test('a sound law compiles', () => {
  expect(findErrorLines(LAW.join('\n'))).toEqual([]);
});

test.each(CASES)('%s does not', (_about, from, to, line) => {
  const text = LAW.join('\n');
  expect(text).toContain(from);
  expect(findErrorLines(text.replace(from, to))).toContain(line);
});
