/** How measured times are written: as exact as they are. */
import { formatDuration } from '../rig/quantity.js';

/** In the unit that reads best, rounded up to two digits; a dash where there is none. */
export function formatMeasured(us: number | null): string {
  if (us === null) return '–';
  const stepUs = us < 100 ? 1 : 10 ** (Math.floor(Math.log10(us)) - 1);
  return formatDuration(Math.ceil(us / stepUs) * stepUs);
}

/** By how much something is more, or less, than it must be: `+270 %`. */
export function formatPercent(percent: number): string {
  return `${percent < 0 ? '−' : '+'}${Math.abs(percent)} %`;
}
