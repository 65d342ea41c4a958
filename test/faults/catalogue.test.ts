import { describe, expect, test } from 'vitest';
import { describeFault, findFault, listFaults } from '../../src/faults/catalogue.js';
import { readParameters } from '../../src/faults/parameters.js';

/** Every name of the design's catalogue, and `mutate`. */
const NAMES = `
crash restart crash-mid-round pause amnesia omit-send omit-receive delay reorder duplicate partition lie equivocate
relay-lie forge-path mutate sos-timing sos-value double-vote ballot-regression collude twin babble masquerade forge corrupt
truncate half-authenticator replay parser-bomb broker-kill broker-slow broker-half-open sensor-stuck sensor-drift
sensor-bias sensor-noise sensor-spike sensor-dropout sensor-swap sensor-frozen bridge-hang bridge-corrupt bridge-reset
actuator-stuck actuator-slow actuator-reverse voter-restart power-cut disk-full io-error read-only clock-step
clock-drift clock-freeze clock-two-faced key-expire key-rotate key-revoke config-mismatch version-mismatch`
  .trim()
  .split(/\s+/);

describe('catalogue of faults (faults.md)', () => {
  test('every fault stands in it exactly once, and nothing else', () => {
    expect(
      listFaults()
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...NAMES].sort());
    expect(new Set(NAMES).size).toBe(NAMES.length);
  });

  test.each(NAMES)('%s is described with its parameters, its targets and what is expected', (name) => {
    const row = findFault(name);
    const text = describeFault(name) ?? '';
    expect(text).toContain(row?.expected);
    expect(row?.targets.length).toBeGreaterThan(0);
    for (const { key, default: standard } of row?.parameters ?? []) {
      expect(text).toContain(`${key}=${standard ?? '…'}`);
    }
  });

  test('says where a fault can be injected', () => {
    expect(describeFault('lie')).toMatch(/^ {2}available: live, simulator$/m);
    expect(describeFault('twin')).toMatch(/^ {2}available: simulator$/m);
    expect(describeFault('bridge-hang')).toMatch(/^ {2}available: live, simulator \(on the full wire\)$/m);
    expect(describeFault('power-cut')).toMatch(
      /^ {2}available: live, simulator; in rigs with a crash hypothesis that declare commands$/m,
    );
  });

  test('every default is a value that the parameter takes', () => {
    for (const row of listFaults()) expect(readParameters(row.parameters, []).ok).toBe(true);
  });

  test('an unknown name is nobody', () => {
    expect(findFault('gremlin')).toBeNull();
    expect(describeFault('constructor')).toBeNull();
  });
});
