/**
 * YAML text to plain values that remember where they stood. Accepts the part of YAML 1.2 that rig and scenario files need: one
 * document, mappings with plain text keys, sequences, scalars of the core schema, a few aliases. Everything is bounded:
 * a file may come from anywhere, and reading it must not throw, hang or grow memory.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document, Node } from 'yaml';
import type { Mistake } from './mistake.js';

/** Longest file, characters. */
export const MAX_YAML_LENGTH = 32_768;

/** Values in one file after aliases are followed. */
const MAX_VALUES = 2_000;

const MAX_DEPTH = 12;

/** Values that a text may open in one another before the parser, which recurses, sees it. */
const MAX_OPEN = 64;

/** A plain value: objects have no prototype. */
export type YamlValue = null | boolean | number | string | YamlValue[] | { [key: string]: YamlValue };

/** Line and column, from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export type Path = readonly (string | number)[];

export interface YamlSource {
  readonly value: YamlValue;
  /** Where the value at `path` stands, or the nearest value around it. */
  placeOf(path: Path): Place;
  /** Where the key of the value at `path` stands; for entries of a sequence the entry. */
  placeOfKey(path: Path): Place;
}

export type YamlResult<Code extends string> =
  | { readonly ok: true; readonly source: YamlSource }
  | { readonly ok: false; readonly mistakes: readonly Mistake<Code>[] };

/** What a kind of file is called in complaints, and their codes. */
export interface YamlDialect<Code extends string> {
  readonly noun: string;
  /** Larger, deeper or more repetitive than such a file can be. */
  readonly size: Code;
  /** Not YAML, or YAML that is not allowed. */
  readonly yaml: Code;
}

type Trouble = 'size' | 'yaml';

/** Reads `text`; `file` is what mistakes call it. Never throws. */
export function readYaml<Code extends string>(
  text: string,
  file: string,
  dialect: YamlDialect<Code>,
): YamlResult<Code> {
  const refuse = (trouble: Trouble, place: Place, what: string, cure: string): YamlResult<Code> => ({
    ok: false,
    mistakes: [{ code: dialect[trouble], file, ...place, what, cure }],
  });
  if (text.length > MAX_YAML_LENGTH) {
    const what = `the file has ${text.length} characters, more than ${MAX_YAML_LENGTH}`;
    return refuse('size', { line: 1, column: 1 }, what, `Keep one ${dialect.noun} per file`);
  }
  const deep = findDeepLine(text);
  if (deep !== null) {
    const what = `more than ${MAX_OPEN} values are nested in one another`;
    return refuse(
      'size',
      { line: deep, column: 1 },
      what,
      `A ${dialect.noun} file is at most ${MAX_DEPTH} levels deep`,
    );
  }
  const lines = new LineCounter();
  let document: Document.Parsed;
  try {
    document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      logLevel: 'error',
      schema: 'core',
      version: '1.2',
      merge: false,
    });
  } catch (error) {
    // The parser promises errors as values; what it throws all the same is still the file's mistake.
    const what = `the YAML parser gives up (${error instanceof Error ? error.message : String(error)})`;
    return refuse('yaml', { line: 1, column: 1 }, what, 'Write plain mappings, lists and texts');
  }
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const complaints = [...document.errors, ...document.warnings];
  if (complaints.length > 0) {
    return {
      ok: false,
      mistakes: complaints.slice(0, 50).map((complaint) => ({
        code: dialect.yaml,
        file,
        ...placeAt(complaint.pos[0]),
        what: describeComplaint(complaint.code, complaint.message, dialect.noun),
        cure: cureComplaint(complaint.code),
      })),
    };
  }
  const walker = new Walker(document, placeAt);
  const value = walker.read(document.contents, [], 0);
  if (walker.fault !== null)
    return refuse(walker.fault.trouble, walker.fault.place, walker.fault.what, walker.fault.cure);
  return {
    ok: true,
    source: {
      value,
      placeOf: (path) => walker.find(path, 'value'),
      placeOfKey: (path) => walker.find(path, 'key'),
    },
  };
}

interface Fault {
  readonly trouble: Trouble;
  readonly place: Place;
  readonly what: string;
  readonly cure: string;
}

/** Turns nodes into plain values and notes where each stood. Stops at the first fault. */
class Walker {
  fault: Fault | null = null;
  private values = 0;
  private readonly places = new Map<string, { key: Place; value: Place }>();

  constructor(
    private readonly document: Document.Parsed,
    private readonly placeAt: (offset: number) => Place,
  ) {
    this.places.set('[]', { key: { line: 1, column: 1 }, value: { line: 1, column: 1 } });
  }

  read(node: unknown, path: Path, depth: number): YamlValue {
    if (this.fault !== null) return null;
    const place = this.placeOfNode(node, path);
    this.values += 1;
    if (this.values > MAX_VALUES) {
      const what = `the file says more than ${MAX_VALUES} values once aliases are followed`;
      return this.stop('size', place, what, 'Write fewer values and aliases');
    }
    if (depth > MAX_DEPTH) {
      const what = `values are nested more than ${MAX_DEPTH} deep`;
      return this.stop('size', place, what, 'Flatten them; an alias must not hold itself');
    }
    if (isAlias(node)) {
      const target = node.resolve(this.document);
      if (target !== undefined) return this.read(target, path, depth + 1);
      return this.stop(
        'yaml',
        place,
        `there is no anchor &${node.source} before this alias`,
        'Write the value',
      );
    }
    if (isScalar(node)) {
      const { value } = node;
      if (value === null || typeof value === 'boolean' || typeof value === 'number') return value;
      if (typeof value === 'string') return value;
      return this.stop('yaml', place, 'a scalar of an unusual kind', 'Write a number, text, true or false');
    }
    if (isSeq(node)) {
      return node.items.map((item, index) => {
        const inner = [...path, index];
        const at = this.placeOfNode(item, path);
        this.places.set(JSON.stringify(inner), { key: at, value: at });
        return this.read(item, inner, depth + 1);
      });
    }
    if (isMap(node)) {
      const result = Object.create(null) as { [key: string]: YamlValue };
      for (const pair of node.items) {
        const keyPlace = this.placeOfNode(pair.key, path);
        const key: unknown = isScalar(pair.key) ? pair.key.value : null;
        const name = typeof key === 'number' || typeof key === 'boolean' ? String(key) : key;
        if (typeof name !== 'string' || name === '__proto__') {
          return this.stop('yaml', keyPlace, 'a key that is not a plain text', 'Write keys as plain words');
        }
        const inner = [...path, name];
        const valuePlace = pair.value === null ? keyPlace : this.placeOfNode(pair.value, inner);
        this.places.set(JSON.stringify(inner), { key: keyPlace, value: valuePlace });
        result[name] = this.read(pair.value, inner, depth + 1);
      }
      return result;
    }
    return null;
  }

  find(path: Path, which: 'key' | 'value'): Place {
    for (let length = path.length; length >= 0; length -= 1) {
      const found = this.places.get(JSON.stringify(path.slice(0, length)));
      if (found !== undefined) return length === path.length ? found[which] : found.key;
    }
    return { line: 1, column: 1 };
  }

  private placeOfNode(node: unknown, path: Path): Place {
    const range = (node as Node | null)?.range;
    return range === null || range === undefined ? this.find(path, 'value') : this.placeAt(range[0]);
  }

  private stop(trouble: Trouble, place: Place, what: string, cure: string): YamlValue {
    this.fault ??= { trouble, place, what, cure };
    return null;
  }
}

/**
 * Line by which more values may be open in one another than the parser should recurse into; null where there is none.
 * It overestimates (it takes signs inside texts for structure) and never underestimates: the parser's own recursion
 * ends in an abort of the whole process.
 */
function findDeepLine(text: string): number | null {
  let brackets = 0;
  let stacked = 0;
  const stack: { indent: number; signs: number }[] = [];
  const lines = text.split('\n');
  for (let index = 0; index < lines.length; index += 1) {
    const whole = lines[index] as string;
    // What looks like a comment may be inside a quoted text that ends on this line.
    const line = /["']/.test(whole) ? whole : whole.replace(/(^|\s)#.*/, '$1');
    const indent = line.search(/\S/);
    if (indent < 0) continue;
    for (let top = stack.at(-1); top !== undefined && top.indent >= indent; top = stack.at(-1)) {
      stacked -= top.signs;
      stack.pop();
    }
    // `- - x` and `? ? x` open one value per sign.
    const signs = line.match(/[-?](?=\s|$)|[:&!]/g)?.length ?? 0;
    stack.push({ indent, signs });
    stacked += signs;
    for (const char of line) {
      if (char === '[' || char === '{') brackets += 1;
      else if ((char === ']' || char === '}') && brackets > 0) brackets -= 1;
      if (brackets + stacked > MAX_OPEN) return index + 1;
    }
  }
  return null;
}

function describeComplaint(code: string, message: string, noun: string): string {
  if (code === 'DUPLICATE_KEY') return 'a key stands twice in one mapping';
  const first = (message.split('\n')[0] ?? message).trim().replace(/\.$/, '');
  return `this is not YAML that a ${noun} can hold: ${first.slice(0, 160)}`;
}

function cureComplaint(code: string): string {
  switch (code) {
    case 'DUPLICATE_KEY':
      return 'Keep one of the two';
    case 'TAB_AS_INDENT':
      return 'Indent with spaces';
    case 'TAG_RESOLVE_FAILED':
      return 'Leave the tag out';
    case 'MULTIPLE_DOCS':
      return 'Keep one document per file';
    default:
      return 'Write plain mappings, lists and texts; quote a text that holds : # { } [ ] or &';
  }
}
