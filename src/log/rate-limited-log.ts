/**
 * A log in which no kind of line can drown the others, fill a card or wear it out. Lines that differ in numbers only are
 * of one kind; of each kind a few go through per window, and when the window ends one line says how many were left out.
 * It must never hold a line back for later: what goes through goes at once.
 */
import type { Cancel, Log } from '../ports.js';

export type LineLevel = keyof Log;

export interface RateLimits {
  /** Lines of one kind that go through in one window. */
  readonly burst: number;
  readonly windowMs: number;
  /** Kinds that are told apart at a time; further ones share one window per level. */
  readonly maxKinds: number;
}

export const DEFAULT_RATE_LIMITS: RateLimits = { burst: 5, windowMs: 10_000, maxKinds: 128 };

/** Calls back once after `ms`; must not keep the process alive. */
export type After = (ms: number, callback: () => void) => Cancel;

interface Window {
  readonly level: LineLevel;
  readonly example: string;
  lines: number;
  leftOut: number;
}

/** Wraps `log`. Debug lines are limited like all others. */
export function limitRate(log: Log, after: After, limits: RateLimits = DEFAULT_RATE_LIMITS): Log {
  const { burst, windowMs, maxKinds } = limits;
  const windows = new Map<string, Window>();
  const close = (kind: string, { level, example, leftOut }: Window): void => {
    windows.delete(kind);
    if (leftOut === 0) return;
    log[level](`${leftOut} more like this were left out in ${windowMs / 1_000} s: ${example}`, { leftOut });
  };
  const open = (kind: string, level: LineLevel, example: string): Window => {
    const window: Window = { level, example, lines: 0, leftOut: 0 };
    windows.set(kind, window);
    after(windowMs, () => close(kind, window));
    return window;
  };
  const write = (level: LineLevel, text: string, fields?: Record<string, unknown>): void => {
    const own = nameKind(level, text);
    const kind = windows.has(own) || windows.size < maxKinds ? own : `${level} of any other kind`;
    const window = windows.get(kind) ?? open(kind, level, text);
    if (window.lines >= burst) {
      window.leftOut += 1;
      return;
    }
    window.lines += 1;
    log[level](text, fields);
  };
  return {
    debug: (text, fields) => write('debug', text, fields),
    info: (text, fields) => write('info', text, fields),
    warn: (text, fields) => write('warn', text, fields),
    error: (text, fields) => write('error', text, fields),
  };
}

/** A tick or a port makes no new kind. */
function nameKind(level: LineLevel, text: string): string {
  return `${level} ${text.replace(/\d+(?:\.\d+)*/g, '#')}`;
}
