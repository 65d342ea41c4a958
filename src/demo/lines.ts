/** Lines of toned text, which views are made of: what a person sees, and nothing of how a terminal paints it. */

/** How a piece of text is meant; the painter knows the colours. */
export type Tone = 'plain' | 'dim' | 'strong' | 'good' | 'warn' | 'bad';

export interface Span {
  readonly text: string;
  readonly tone: Tone;
}

export type Line = readonly Span[];

/** Width of the names that lines begin with. */
export const LABEL = 9;

/** Text with a tone. */
export function span(text: string, tone: Tone = 'plain'): Span {
  return { text, tone };
}

/** The line, no wider than `columns`. */
export function cutLine(line: Line, columns: number): Line {
  let left = columns;
  const kept: Span[] = [];
  for (const one of line) {
    if (left <= 0) break;
    const text = [...one.text].slice(0, left).join('');
    left -= [...text].length;
    kept.push({ text, tone: one.tone });
  }
  return kept;
}

/** Text without tones. */
export function flattenLine(line: Line): string {
  return line.map(({ text }) => text).join('');
}

/** A reading as it stands in a view: as many digits as are worth reading. */
export function formatReading(value: number | boolean | null): string {
  if (value === null) return '–';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return Math.abs(value) >= 10_000 ? value.toFixed(0) : value.toFixed(Math.abs(value) >= 1_000 ? 1 : 2);
}

/** Breaks text at spaces into lines of at most `width` characters. */
export function wrapText(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  if (line !== '') lines.push(line);
  return lines;
}

/** No longer than `width`, with an ellipsis where something is left out. */
export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

/** Exactly `width` wide, at the left. */
export function pad(text: string, width: number): string {
  return cut(text, width).padEnd(width);
}

/** Exactly `width` wide, at the right. */
export function padLeft(text: string, width: number): string {
  return cut(text, width).padStart(width);
}
