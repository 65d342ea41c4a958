/** Which runs a campaign has. */
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chooseShard, NO_FAULT, planCampaign, SEVERAL } from '../../src/campaign/plan-campaign.js';
import { listFaults } from '../../src/faults/catalogue.js';
import { isOfLog } from '../../src/faults/traits.js';
import { planFault } from '../../src/faults/plan-fault.js';
import { parseFault } from '../../src/faults/spec.js';
import { loadRig } from '../../src/rig/load-rig.js';
import { ROOT } from '../support/rig-runner.js';
import { makeCampaign, PITCH } from './fake-campaign.js';

const { rig } = await loadRig(PITCH);
const OTHERS = listFaults().filter(({ name }) => !isOfLog(name));
const OF_LOG = listFaults().filter(({ name }) => isOfLog(name));

describe('the standard campaign of a rig', () => {
  const plan = planCampaign(makeCampaign({ wire: 'full' }), rig);

  test('holds every fault that strikes what the rig has, runs without one and runs with several', () => {
    expect(plan.kinds).toEqual([NO_FAULT, ...OTHERS.map(({ name }) => name), SEVERAL]);
    expect(plan.leftOut.map(({ kind }) => kind)).toEqual(OF_LOG.map(({ name }) => name));
    for (const { why } of plan.leftOut) expect(why).toContain('keeps no command log');
  });

  test('strikes every replica, channel and broker that a fault may strike, and the links by a sample', () => {
    const places = (kind: string): readonly string[] => [
      ...new Set(plan.jobs.filter((job) => job.kind === kind).map(({ place }) => place)),
    ];
    expect(places('crash')).toEqual(['a', 'b', 'c', 'd']);
    expect(places('delay')).toEqual(['a', 'b', 'c', 'd', 'links']);
    expect(places('broker-kill')).toEqual(['broker:a', 'broker:b', 'broker:c', 'broker:d']);
    expect(places('lie')).toHaveLength(4 + 8);
    expect(places('collude')).toEqual(['world']);
    expect(places('voter-restart')).toEqual(['elevator']);
    expect(places('partition')).toEqual(['world', 'world, halves']);
  });

  test('every fault is one that this rig can suffer, begins after the start and ends before the end', () => {
    for (const { faults, ticks } of plan.jobs) {
      for (const text of faults) {
        const parsed = parseFault(text);
        if (!parsed.ok || parsed.spec.kind !== 'inject') throw new Error(text);
        expect(planFault(parsed.spec, rig, 'simulator').ok, text).toBe(true);
        expect(parsed.spec.at.tick).toBeGreaterThanOrEqual(20);
        expect(parsed.spec.at.tick + (parsed.spec.forTicks ?? Infinity)).toBeLessThanOrEqual(ticks - 20);
      }
    }
  });

  test('ids are unique, and the same job comes again in another campaign', () => {
    expect(new Set(plan.jobs.map(({ id }) => id)).size).toBe(plan.jobs.length);
    const narrow = planCampaign(makeCampaign({ wire: 'full', include: ['lie'], several: 0 }), rig);
    const wide = new Map(plan.jobs.map((job) => [job.id, job]));
    for (const job of narrow.jobs) expect({ ...wide.get(job.id), at: job.at }).toEqual(job);
    expect(narrow.kinds).toEqual([NO_FAULT, 'lie']);
  });

  test('over replicas alone a fault that can strike one strikes nothing smaller', () => {
    const narrow = planCampaign(makeCampaign({ wire: 'full', places: 'replicas', several: 0 }), rig);
    const placesOf = (kind: string): string[] =>
      narrow.jobs.filter((job) => job.kind === kind).map(({ place }) => place);
    expect(new Set(placesOf('lie'))).toEqual(new Set(['a', 'b', 'c', 'd']));
    expect(new Set(placesOf('sos-value')).size).toBeGreaterThan(4);
    expect(placesOf('collude').length).toBeGreaterThan(0);
    expect(new Set(narrow.jobs.map(({ kind }) => kind))).toEqual(
      new Set(plan.kinds.filter((kind) => kind !== 'several')),
    );
  });

  test('without bytes there are none that strike bytes', () => {
    const dry = planCampaign(makeCampaign({ wire: 'none' }), rig);
    const gone = plan.kinds.filter((kind) => !dry.kinds.includes(kind));
    expect(gone).toEqual([
      'bridge-hang',
      'bridge-corrupt',
      'bridge-reset',
      'key-rotate',
      'key-expire',
      'key-revoke',
      'config-mismatch',
      'version-mismatch',
    ]);
    expect(dry.leftOut.filter(({ kind }) => gone.includes(kind)).map(({ why }) => why)).toEqual(
      gone.map(() => 'strikes bytes, and messages are not encoded here; choose --wire full'),
    );
  });

  test('seeds strike at different ticks', () => {
    const starts = planCampaign(makeCampaign({ seeds: { first: 1, last: 30 } }), rig)
      .jobs.filter(({ id }) => id.startsWith('lie@c#'))
      .map(({ faults }) => faults[0]);
    expect(new Set(starts).size).toBeGreaterThan(25);
  });
});

test('shards are a partition of the jobs, whatever their number', () => {
  const { jobs } = planCampaign(makeCampaign(), rig);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 600 }), (count) => {
      const parts = Array.from({ length: count }, (_, at) => chooseShard(jobs, { index: at + 1, count }));
      expect(parts.flat().sort((a, b) => a.at - b.at)).toEqual(jobs);
      const sizes = parts.map(({ length }) => length);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }),
    { numRuns: 20 },
  );
});

test('ticks-per-kind gives every kind so many, by as few seeds as that takes', () => {
  const { jobs, kinds } = planCampaign(makeCampaign({ ticksPerKind: 10_000 }), rig);
  for (const kind of kinds) {
    const own = jobs.filter((job) => job.kind === kind);
    const places = new Set(own.map(({ place }) => place)).size;
    expect(own.length * 400).toBeGreaterThanOrEqual(10_000);
    expect((own.length - places) * 400).toBeLessThan(10_000);
  }
});

describe('what is expected', () => {
  const expectations = async (name: string, kind: string): Promise<readonly string[]> => {
    const other = await loadRig(path.join(ROOT, 'hardware', 'rigs', name));
    const { jobs } = planCampaign(makeCampaign(), other.rig);
    return [...new Set(jobs.filter((job) => job.kind === kind).map(({ expectation }) => expectation))];
  };

  test('a liar is masked where the hypothesis covers liars, and safe elsewhere', async () => {
    expect(await expectations('pitch', 'lie')).toEqual(['masked']);
    expect(await expectations('signed-three', 'equivocate')).toEqual(['masked']);
    expect(await expectations('crash-three', 'equivocate')).toEqual(['safe']);
    expect(await expectations('crash-three', 'crash')).toEqual(['masked']);
    expect(await expectations('pitch', 'actuator-stuck')).toEqual(['safe']);
    expect(await expectations('tmr-lesson', 'omit-send')).toEqual(['safe']);
    expect(await expectations('tmr-lesson', 'partition')).toEqual(['safe']);
  });

  test('colluders and halves may go to fail-safe; no more colluders than a rig tolerates are masked', async () => {
    expect(await expectations('pitch', 'collude')).toEqual(['fail-safe']);
    expect(await expectations('pitch', 'partition')).toEqual(['masked', 'fail-safe']);
    expect(await expectations('signed-three', 'collude')).toEqual(['masked']);
    expect(await expectations('crash-three', 'collude')).toEqual(['safe']);
  });

  test('on links that lose frames nothing is masked for sure', () => {
    const network = { delayUs: 250, jitterUs: 120, loss: 0.01 };
    const { jobs } = planCampaign(makeCampaign({ network }), rig);
    expect(jobs.some(({ expectation }) => expectation === 'masked')).toBe(false);
    const fine = planCampaign(makeCampaign({ network: { ...network, loss: 0 } }), rig);
    expect(fine.jobs.some(({ expectation }) => expectation === 'masked')).toBe(true);
  });
});

test('runs without a fault may be left out, but not all that there is', () => {
  const one = { include: ['collude'], exclude: [NO_FAULT], several: 0 };
  expect(planCampaign(makeCampaign(one), rig).kinds).toEqual(['collude']);
  expect(() => planCampaign(makeCampaign({ ...one, include: ['amnesia'] }), rig)).toThrow(/has no runs/);
});

test('a kind that there is not is refused by name', () => {
  expect(() => planCampaign(makeCampaign({ include: [NO_FAULT] }), rig)).toThrow(/no fault 'no fault'/);
  expect(() => planCampaign(makeCampaign({ exclude: ['lies'] }), rig)).toThrow(/no fault 'lies'/);
  expect(() => planCampaign(makeCampaign({ seeds: { first: 0, last: 4e9 } }), rig)).toThrow(/too many/);
});

describe('a rig with a witness', async () => {
  const witnessed = (await loadRig(path.join(ROOT, 'hardware', 'rigs', 'valve-witness'))).rig;
  const plan = planCampaign(makeCampaign({ wire: 'full' }), witnessed);
  const places = (kind: string): readonly string[] => [
    ...new Set(plan.jobs.filter((job) => job.kind === kind).map(({ place }) => place)),
  ];

  test('is struck at its witness too, with what a witness can suffer', () => {
    expect(places('crash')).toEqual(['a', 'b', 'w']);
    expect(places('power-cut')).toEqual(['a', 'b', 'w']);
    expect(places('delay')).toEqual(['a', 'b', 'w', 'links']);
    expect(places('broker-kill')).toEqual(['broker:a', 'broker:b', 'broker:w']);
    const over = planCampaign(makeCampaign({ places: 'replicas' }), witnessed);
    expect(new Set(over.jobs.filter(({ kind }) => kind === 'delay').map(({ place }) => place))).toEqual(
      new Set(['a', 'b', 'w']),
    );
  });

  test('no replica lies in it, and who lingers may take it to fail-safe', () => {
    const left = plan.leftOut.filter(({ why }) => why.includes('moves an actuator by itself'));
    expect(left.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['lie', 'equivocate', 'twin']));
    expect(plan.kinds).not.toContain('lie');
    const expected = (kind: string): unknown => plan.jobs.find((job) => job.kind === kind)?.expectation;
    expect([expected('crash'), expected('delay'), expected('omit-receive')]).toEqual([
      'masked',
      'fail-safe',
      'fail-safe',
    ]);
  });

  test('links that a fault cannot strike are not drawn', () => {
    const seeds = { first: 1, last: 30 };
    const { jobs } = planCampaign(makeCampaign({ include: ['forge'], seeds }), witnessed);
    const links = jobs.filter(({ place }) => place === 'links').flatMap(({ faults }) => faults);
    expect(links.length).toBeGreaterThan(20);
    for (const fault of links) {
      const parsed = parseFault(fault);
      expect(parsed.ok && planFault(parsed.spec, witnessed, 'simulator').ok, fault).toBe(true);
    }
  });
});
