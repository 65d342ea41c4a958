/** One flight under every fault that the hypothesis covers, on every replica: 40 ticks each, then 20 to recover. */
import { expect, test } from 'vitest';
import { DemoRun, isSpoiltByMachine } from './demo-run.js';

const FAULTS = [
  'crash',
  'restart',
  'pause',
  'omit-send',
  'delay',
  'sensor-stuck',
  'sensor-noise',
  'broker-kill',
  'lie',
  'equivocate',
  'relay-lie',
  'babble',
  'forge',
  'replay',
  'half-authenticator',
];
const LIMIT_MS = 320_000;

test('every fault on every replica', { timeout: LIMIT_MS + 20_000 }, async () => {
  const run = new DemoRun(['--matrix'], {}, LIMIT_MS);
  try {
    const { code, text, report } = await run.ended;
    expect(report.error, text).toBeNull();
    const struck = report.faults.map(({ spec }) =>
      spec.replace(/^(\S+) on (?:broker:)?(\S+) at .*$/, '$1 $2'),
    );
    expect(new Set(struck)).toEqual(
      new Set(FAULTS.flatMap((name) => ['a', 'b', 'c', 'd'].map((id) => `${name} ${id}`))),
    );
    expect(report.unsafeOutputs, text).toBe(0);
    expect(report.disagreements, text).toBe(0);
    expect(report.uncoveredTicks, text).toBe(0);
    // What the machine itself has spoilt proves nothing of the rest; what it has not, does.
    if (isSpoiltByMachine(report)) return;
    for (const fault of report.faults) expect(fault.affected, `${fault.spec}\n${text}`).toBeGreaterThan(0);
    expect(code, text).toBe(0);
  } finally {
    await run.dispose();
  }
});
