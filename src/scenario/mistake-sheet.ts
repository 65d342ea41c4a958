/** Collects what is wrong with one scenario file, each mistake with its place. */
import { sortMistakes } from '../rig/mistake.js';
import type { Path, Place, YamlSource } from '../rig/read-yaml.js';
import type { ScenarioMistake, ScenarioMistakeCode } from './mistake.js';

export class MistakeSheet {
  private readonly found: ScenarioMistake[] = [];
  private readonly lines: readonly string[];

  constructor(
    readonly file: string,
    text: string,
    private readonly source: YamlSource,
  ) {
    this.lines = text.split('\n');
  }

  report(
    code: ScenarioMistakeCode,
    path: Path,
    what: string,
    cure: string,
    at: 'key' | 'value' = 'value',
  ): void {
    const place = at === 'key' ? this.source.placeOfKey(path) : this.source.placeOf(path);
    this.found.push({ code, file: this.file, ...place, what, cure });
  }

  /** The same for the character at `column` (from 1) of the text at `path`, where the text stands on one line. */
  reportInText(
    code: ScenarioMistakeCode,
    path: Path,
    text: string,
    column: number,
    what: string,
    cure: string,
  ): void {
    const place = this.source.placeOf(path);
    const start = this.findText(place, text);
    const at = start === null ? place : { line: place.line, column: start + column - 1 };
    this.found.push({ code, file: this.file, ...at, what, cure });
  }

  /** Line of the entry at `path`, from 1. */
  lineOf(path: Path): number {
    return this.source.placeOf(path).line;
  }

  get isClean(): boolean {
    return this.found.length === 0;
  }

  /** In the order of the file. */
  list(): readonly ScenarioMistake[] {
    return sortMistakes(this.found);
  }

  /** Column where the text begins, behind a quotation mark perhaps; null where it is folded or escaped. */
  private findText({ line, column }: Place, text: string): number | null {
    const rest = this.lines[line - 1] ?? '';
    if (rest.startsWith(text, column - 1)) return column;
    return rest.startsWith(text, column) ? column + 1 : null;
  }
}
