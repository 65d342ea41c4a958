/** HTML that is built from escaped texts only, and the way numbers are written in it. */
import { escapeXml } from '../junit.js';

/** A piece of HTML. Only `html` and `raw` make one. */
export class Markup {
  constructor(readonly text: string) {}
}

type Value = string | number | Markup | readonly Markup[];

/** A template whose texts and numbers are escaped; markup and lists of it go in as they are. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return new Markup(
    parts.map((part, at) => part + (at < values.length ? render(values[at] as Value) : '')).join(''),
  );
}

/** A text of the report itself, such as its style. */
export function raw(text: string): Markup {
  return new Markup(text);
}

export const NOTHING = raw('');

function render(value: Value): string {
  if (value instanceof Markup) return value.text;
  if (typeof value === 'object') return value.map(({ text }) => text).join('');
  return escapeXml(String(value));
}

/** `1.2 million`, `34 000`, `12`. */
export function writeCount(value: number): string {
  if (value >= 1e9) return `${trim(value / 1e9)} billion`;
  if (value >= 1e6) return `${trim(value / 1e6)} million`;
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/** `1.2M`, `34k`: where there is no room. */
export function writeShort(value: number): string {
  if (value >= 1e6) return `${trim(value / 1e6)}M`;
  if (value >= 1e4) return `${trim(value / 1e3)}k`;
  return String(Math.round(value));
}

/** A number of any size: plain between a thousandth and a million, else with a power of ten. */
export function writeNumber(value: number): Markup {
  if (value === 0) return html`0`;
  if (!Number.isFinite(value)) return html`∞`;
  const exponent = Math.floor(Math.log10(Math.abs(value)));
  if (exponent >= -2 && exponent < 6) return html`${writeCountOrDecimal(value)}`;
  const power = exponent < 0 ? `−${-exponent}` : String(exponent);
  return raw(`${(value / 10 ** exponent).toFixed(1)}\u202f×\u202f10<sup>${power}</sup>`);
}

function writeCountOrDecimal(value: number): string {
  return Math.abs(value) >= 1_000 ? writeCount(value) : String(Number(value.toPrecision(2)));
}

/** `42 min`, `3.4 h`, `12 days`, `3.4 million years`. */
export function writeHours(hours: number): string {
  if (!Number.isFinite(hours)) return 'for ever';
  if (hours < 1 / 60) return `${trim(hours * 3_600)} s`;
  if (hours < 1) return `${trim(hours * 60)} min`;
  if (hours < 48) return `${trim(hours)} h`;
  if (hours < 8_766) return `${trim(hours / 24)} days`;
  return `${writeCount(Number((hours / 8_766).toPrecision(2)))} years`;
}

function trim(value: number): string {
  return String(Number(value.toPrecision(value >= 100 ? 3 : 2)));
}
