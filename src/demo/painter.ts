/**
 * Paints a flight on a terminal, at most ten times a second, on a screen of its own that is given back however the
 * process ends. Where there is no such terminal a flight is told in plain lines.
 */
import type { Line, Tone } from './lines.js';
import { readChartPoint, type ChartPoint } from './plant-view.js';
import { formatPercentiles, renderView } from './view.js';
import type { FlightView } from './flight.js';

/** What shows a flight to a person. */
export interface Screen {
  show(view: FlightView): void;
  say(line: string): void;
  /** Gives the terminal back; what is said from now on stays readable. */
  close(): void;
}

type Output = NodeJS.WriteStream;

const SGR: Readonly<Record<Tone, string>> = {
  plain: '',
  dim: '\x1b[2m',
  strong: '\x1b[1m',
  good: '\x1b[32m',
  warn: '\x1b[33m',
  bad: '\x1b[1;31m',
};
const RESET = '\x1b[0m';
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[2J';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const MAX_CHART = 400;
const PROGRESS_US = 5_000_000;

/** Whether a view can be painted there. */
export function isPaintable(output: Output, environment: NodeJS.ProcessEnv): boolean {
  return output.isTTY === true && environment['TERM'] !== 'dumb';
}

/** The line as the terminal wants it. */
export function paintLine(line: Line, colour: boolean): string {
  return line
    .map(({ text, tone }) => (colour && SGR[tone] !== '' ? `${SGR[tone]}${text}${RESET}` : text))
    .join('');
}

/** A live view on `output`. Colour unless NO_COLOR is set (no-color.org). */
export function openPainter(output: Output, environment: NodeJS.ProcessEnv): Screen {
  const colour = (environment['NO_COLOR'] ?? '') === '';
  const chart: ChartPoint[] = [];
  let open = true;
  let last: FlightView | null = null;
  const leave = (): void => {
    if (!open) return;
    open = false;
    output.write(LEAVE);
  };
  const paint = (): void => {
    // A terminal that does not keep up gets fewer frames, not a queue of them.
    if (!open || last === null || output.writableNeedDrain) return;
    const size = { columns: output.columns ?? 80, rows: output.rows ?? 24 };
    const lines = renderView(last, chart, size).map((line) => `${paintLine(line, colour)}\x1b[K`);
    output.write(`\x1b[H${lines.join('\r\n')}\x1b[J`);
  };
  const onResize = (): void => {
    if (open) output.write('\x1b[2J');
    paint();
  };
  output.write(ENTER);
  output.on('resize', onResize);
  process.once('exit', leave);
  return {
    show: (view) => {
      const point = view.figures.plant === null ? null : readChartPoint(view.figures.plant);
      if (point !== null) {
        chart.push(point);
        if (chart.length > MAX_CHART) chart.shift();
      }
      last = view;
      paint();
    },
    // What happens is part of the view.
    say: () => {},
    close: () => {
      output.off('resize', onResize);
      process.off('exit', leave);
      leave();
    },
  };
}

/** Plain lines: what happens as it happens, and a line of figures every few seconds. */
export function openProgress(write: (line: string) => void, nowUs: () => number): Screen {
  let dueUs = 0;
  return {
    show: (view) => {
      if (view.flownTicks === null || nowUs() < dueUs) return;
      dueUs = nowUs() + PROGRESS_US;
      const { figures } = view;
      write(
        `tick ${Math.min(view.flownTicks, view.ticks)} of ${view.ticks}: sample to output ` +
          `${formatPercentiles(figures.latencyUs)}, disagreements ${figures.disagreements}, unsafe outputs ` +
          `${figures.unsafeOutputs}, uncovered ticks ${figures.uncoveredTicks}, trips ${figures.failSafeTrips}`,
      );
    },
    say: write,
    close: () => {},
  };
}
