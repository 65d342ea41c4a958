/**
 * One page of plain text: a title, facts with a hanging indent, headings, tables with aligned columns, and lines of
 * plain words. It must never let a line grow beyond `WIDTH`: a trace that wraps is one that nobody reads.
 */

/** Characters in a line, at the most. */
export const WIDTH = 100;

const LABEL = 11;
const MARK = '  » ';

export class Page {
  private readonly lines: string[] = [];

  constructor(title: string) {
    this.chapter(title);
  }

  /** Begins a part that has headings of its own. */
  chapter(text: string): this {
    if (this.lines.length > 0) this.gap();
    this.lines.push(text, '='.repeat(lengthOf(text)));
    this.gap();
    return this;
  }

  /** One thing to know beforehand; the text wraps under itself. */
  fact(label: string, text: string): this {
    return this.wrap(label.padEnd(LABEL), text);
  }

  /** Begins a part of the page. */
  heading(text: string): this {
    this.gap();
    this.lines.push(text, '-'.repeat(lengthOf(text)));
    return this;
  }

  /** A line as it stands. */
  line(text = ''): this {
    if (text === '') this.gap();
    else this.lines.push(text);
    return this;
  }

  /** Something worth noticing, in plain words. */
  say(text: string): this {
    return this.wrap(MARK, text);
  }

  /** Rows under a header, every column as wide as its widest cell. */
  table(header: readonly string[], rows: readonly (readonly string[])[]): this {
    const all = [header, ...rows];
    const widths = header.map((_, column) => Math.max(...all.map((row) => lengthOf(row[column] ?? ''))));
    for (const row of all) this.lines.push(align(row, widths));
    return this;
  }

  /** The page, ending in a line feed. Throws for a line that is too wide. */
  toString(): string {
    const wide = this.lines.find((line) => lengthOf(line) > WIDTH);
    if (wide !== undefined) throw new Error(`line of ${lengthOf(wide)} characters: ${wide}`);
    return `${this.lines.join('\n').trimEnd()}\n`;
  }

  private wrap(first: string, text: string): this {
    const indent = ' '.repeat(lengthOf(first));
    let line = first;
    let empty = true;
    for (const word of text.split(' ')) {
      if (!empty && lengthOf(line) + 1 + lengthOf(word) > WIDTH) {
        this.lines.push(line.trimEnd());
        line = indent;
        empty = true;
      }
      line += empty ? word : ` ${word}`;
      empty = false;
    }
    this.lines.push(line.trimEnd());
    return this;
  }

  /** One empty line, however often it is asked for, and none under a heading. */
  private gap(): void {
    const last = this.lines.at(-1) ?? '';
    if (last !== '' && !/^-+$/.test(last)) this.lines.push('');
  }
}

/** Cells at the given widths, two spaces between them and before them. */
export function align(row: readonly string[], widths: readonly number[]): string {
  return `  ${row.map((cell, column) => pad(cell, widths[column] ?? 0)).join('  ')}`.trimEnd();
}

/** A text with blanks behind it. */
export function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - lengthOf(text)));
}

/** Characters that a reader sees. */
export function lengthOf(text: string): number {
  return [...text].length;
}

/** a, b and c. */
export function listWords(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
}
