/** The soak, two strikes of each kind: with embedded inboxes, and with a Mosquitto on each host. */
import { describe, expect, test } from 'vitest';
import { runSoak, STRIKES } from '../../soak/soak.js';
import { expectUndisturbed, FLIGHT } from '../../support/expect-flight.js';
import { findMosquitto } from '../../support/mosquitto.js';
import { findNamespaces } from '../../support/namespaces.js';
import { findWallClock } from '../../support/wall-clock.js';

const hasWallClock = findWallClock();

describe.skipIf(!findNamespaces())('one strike of each kind', () => {
  test.skipIf(!findMosquitto()).for(['mosquitto-each'] as const)('%s', FLIGHT, (inboxes) => soak(inboxes));
  test.for(['embedded'] as const)('%s', FLIGHT, (inboxes) => soak(inboxes));
});

async function soak(inboxes: 'embedded' | 'mosquitto-each'): Promise<void> {
  const lines: string[] = [];
  const result = await runSoak({ each: 1, inboxes, onLine: (line) => lines.push(line) });
  const { figures, outcomes, runner, skewsUs, unexpectedDeaths } = result;
  expectUndisturbed(runner, figures, 300);
  expect(unexpectedDeaths).toEqual([]);
  expect(outcomes.map(({ strike }) => strike)).toEqual(
    STRIKES.filter((strike) => strike !== 'clock ±1 h' || hasWallClock),
  );
  for (const { strike, awayTicks, aloneTicks } of outcomes) {
    expect(aloneTicks, strike).toBe(0);
    // Whoever was really away was missed for a while; the time of day moves nobody.
    if (strike !== 'clock ±1 h') expect(awayTicks, strike).toBeGreaterThan(3);
    else expect(awayTicks, strike).toBeLessThan(10);
  }
  expect(skewsUs.length).toBeGreaterThan(200);
  expect(skewsUs[skewsUs.length >> 1]).toBeLessThanOrEqual(5_000);
}
