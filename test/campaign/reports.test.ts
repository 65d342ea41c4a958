/** What a campaign leaves to read: JUnit XML, the HTML page, commands, progress. */
import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { weighRows } from '../../src/campaign/html/claims.js';
import { html, writeHours, writeNumber } from '../../src/campaign/html/markup.js';
import { formatHtml } from '../../src/campaign/html/report.js';
import { escapeXml, formatJunit } from '../../src/campaign/junit.js';
import { Progress, formatCount, formatSeconds } from '../../src/campaign/progress.js';
import { formatCommand, formatShrunkCommand } from '../../src/campaign/reproduce.js';
import { composeResult, type CampaignResult, type Row } from '../../src/campaign/result.js';
import { composeFake, fakeRun, makeCampaign, makeJob, makeResult, planFake } from './fake-campaign.js';
import { NO_FAULT } from '../../src/campaign/plan-campaign.js';
import { readXml, type XmlElement } from './read-xml.js';

const campaign = makeCampaign({ seeds: { first: 1, last: 3 } });
const planned = await planFake(campaign);
const base = composeFake(campaign, planned);
const [lie, crash, delay] = ['lie@c#1', 'crash@a#1', 'delay@b#2'];

/** The made-up campaign with one failure, one broken run and one idle one. */
const result: CampaignResult = composeResult({
  ...base,
  rows: base.rows.map(({ job }): Row => {
    const outcome = { [lie]: 'failed', [crash]: 'broken', [delay]: 'idle' }[job.id] ?? 'held';
    return { job, result: makeResult(outcome as 'held') };
  }),
  shrunk: [{ id: lie, job: makeJob({ ticks: 60 }), result: makeResult('failed'), runs: 31, minimal: true }],
});

describe('JUnit XML', () => {
  const root = readXml(formatJunit(result));
  const suites = root.children;
  const cases = suites.flatMap(({ children }) => children);

  test('has a suite for each kind and a case for each run', () => {
    expect(root.name).toBe('testsuites');
    expect(suites.map(({ name, attributes }) => `${name} ${attributes['name']}`)).toEqual(
      planned.plan.kinds.map((kind) => `testsuite ${kind}`),
    );
    expect(cases.map(({ attributes }) => attributes['name'])).toEqual(result.rows.map(({ job }) => job.id));
    const count = (key: string): number =>
      suites.reduce((sum, { attributes }) => sum + Number(attributes[key]), 0);
    expect(['tests', 'failures', 'errors', 'skipped'].map(count)).toEqual([result.rows.length, 1, 1, 1]);
    expect(root.attributes).toMatchObject({ tests: String(result.rows.length), failures: '1', errors: '1' });
  });

  test('a failure holds what happened and the command that reproduces it', () => {
    const find = (id: string): XmlElement | undefined =>
      cases.find(({ attributes }) => attributes['name'] === id)?.children[0];
    expect(find(lie)).toMatchObject({ name: 'failure', attributes: { message: 'agreement §11' } });
    const job = result.rows.find((row) => row.job.id === lie)?.job ?? makeJob();
    expect(find(lie)?.text).toContain('it holds another vector <than> "a" & all.');
    expect(find(lie)?.text).toContain(formatCommand(job, 'hardware/rigs/pitch'));
    expect(find(crash)).toMatchObject({ name: 'error', attributes: { message: 'hung' } });
    expect(find(delay)).toMatchObject({ name: 'skipped' });
    expect(find('lie@d#1')).toBeUndefined();
  });

  test('any text at all stays well-formed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const { attributes, text: content } = readXml(`<a b="${escapeXml(text)}">${escapeXml(text)}</a>`);

        const kept = text
          .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/gu, '\ufffd')
          .replace(/\p{Surrogate}/gu, '\ufffd');
        expect([attributes['b'], content]).toEqual([kept, kept]);
      }),
    );
  });
});

describe('the HTML page', () => {
  const page = formatHtml(result);

  test('needs nothing but itself', () => {
    expect(page).not.toMatch(/<(script|link|iframe|img|object|embed)\b/i);
    expect(page).not.toMatch(/\b(src|href|action)=|url\(|@import|https?:/i);
    expect(page).toContain('width=device-width');
    expect(page).toContain('prefers-color-scheme: dark');
  });

  test('is well-formed and says what failed, where, and how to see it again', () => {
    const text = readXml(page.replace('<!doctype html>', '').replaceAll('&nbsp;', ' '));
    expect(text.name).toBe('html');
    expect(page).toContain(`2 of ${result.rows.length} runs broke a promise.`);
    expect(page).toContain('it holds another vector &lt;than&gt; &quot;a&quot; &amp; all.');
    expect(page).toContain('Made small in 31 runs');
    for (const id of [
      'failures',
      'matrix',
      'distributions',
      'worst',
      'evidence',
      'reliability',
      'assumptions',
    ])
      expect(page).toContain(`id="${id}"`);
    expect(page).toMatch(/<td class="failed" title="2 held, 1 failed">1\/3<\/td>/);
    expect(page).toMatch(/<td class="broken" title="2 held, 1 broken">1\/3<\/td>/);
    expect(page).toMatch(/<td class="held" title="2 held, 1 idle">3<\/td>/);
  });

  test('a campaign without failures says so, one that was stopped does not say that all is well', () => {
    const rows = base.rows.map(({ job }) => ({ job, result: makeResult('held') }));
    expect(formatHtml(composeResult({ ...base, rows, shrunk: [] }))).toContain('No promise was broken in');
    const cut = formatHtml(
      composeResult({ ...base, rows: rows.slice(0, 9), shrunk: [], worst: null, complete: false }),
    );
    expect(cut).toContain('Stopped early: no promise was broken in 9 runs of');
    expect(cut).not.toContain('id="worst"');
    expect(
      formatHtml(composeResult({ ...base, rows: [], shrunk: [], worst: null, complete: false })),
    ).toContain('0 runs of');
  });

  test('claims no more than the time that was simulated', () => {
    const masked = base.rows.filter(({ job }) => job.expectation === 'masked');
    const rows = masked.map(({ job }) => ({ job, result: makeResult('held') }));
    const hours = (rows.length * 400 * 0.05) / 3600;
    const { boundPerHour, hours: told } = weighRows(rows, 50_000);
    expect(told).toBeCloseTo(hours, 9);
    expect(boundPerHour).toBeCloseTo(-Math.log(0.05) / hours, 6);
    const broken = rows.map(({ job }) => ({ job, result: makeResult('broken') }));
    expect(weighRows(broken, 50_000)).toMatchObject({ boundPerHour: null, failures: rows.length });
  });

  test('where all lies outside the hypothesis it claims no rate, and says what flight would take all the same', () => {
    const outside = base.rows.filter(({ job }) => job.kind !== NO_FAULT && job.expectation !== 'masked');
    expect(outside.length).toBeGreaterThan(0);
    const rows = outside.map(({ job }) => ({ job, result: makeResult('held') }));
    const text = formatHtml(composeResult({ ...base, rows, shrunk: [], worst: null }));
    expect(text).toContain('none of them speaks for a failure rate');
    expect(text).not.toContain('take 0 hours');
  });

  test('names what is assumed of the rig', () => {
    expect(page).toContain('assumed, for the rig file does not say');
    const reliability = { ...base.assumptions.reliability, assumed: [] };
    const stated = composeResult({ ...base, assumptions: { ...base.assumptions, reliability } });
    expect(formatHtml(stated)).toContain('as the rig file says');
    expect(page).toMatch(/<tr class="own"><td>4 \(this rig\)/);
  });
});

test('numbers are written as people read them', () => {
  const write = (value: number): string => writeNumber(value).text.replaceAll('\u202f', ' ');
  expect([0, 1e-10, 4.43e-6, 0.16, 12.4, 34_000, 2.9957e10, Infinity].map(write)).toEqual([
    '0',
    '1.0 × 10<sup>−10</sup>',
    '4.4 × 10<sup>−6</sup>',
    '0.16',
    '12',
    '34 000',
    '3.0 × 10<sup>10</sup>',
    '∞',
  ]);
  expect([1 / 3600, 0.5, 10, 100, 87_660, 2.9957e10].map(writeHours)).toEqual([
    '1 s',
    '30 min',
    '10 h',
    '4.2 days',
    '10 years',
    '3.4 million years',
  ]);
  expect(html`<b>${'<&>'}</b>${[html`<i></i>`]}`.text).toBe('<b>&lt;&amp;&gt;</b><i></i>');
  expect([0.2, 12, 41_234, 1_999_999].map(formatCount)).toEqual(['0', '12', '41 200', '2 000 000']);
  expect([3, 83, 7_500].map(formatSeconds)).toEqual(['0:03', '1:23', '2 h 05 min']);
});

describe('the command of a run', () => {
  test('is what a shell takes apart again', () => {
    const job = makeJob({ faults: ['lie on c.pitch at 5 for 9', 'delay on a>c at 1 for 2'] });
    const command = formatCommand(job, "rigs/it's mine");
    const words = spawnSync('sh', ['-c', `for word in ${command}; do echo "$word"; done`], {
      encoding: 'utf8',
    });
    expect(words.stdout.trim().split('\n')).toEqual(
      ['npx', 'voteplane', 'simulate', "rigs/it's mine", '--seed', '1', '--ticks', '400'].concat([
        '--fault',
        'lie on c.pitch at 5 for 9',
        '--fault',
        'delay on a>c at 1 for 2',
        '--wire',
        'none',
      ]),
    );
  });

  test('draws no faults where the run has none, and shapes the network where it does', () => {
    const network = { delayUs: 2_000, jitterUs: 500, loss: 0.01 };
    expect(formatCommand(makeJob({ faults: [], network }), 'r')).toBe(
      'npx voteplane simulate r --seed 1 --ticks 400 --no-faults --wire none --delay 2 --jitter 0.5 --loss 0.01',
    );
  });

  test('of a smaller rig names where that is written', () => {
    const small = {
      id: 'a>b@world, halves#1',
      job: makeJob({ rigText: 'rig: x' }),
      result: makeResult('failed'),
      runs: 1,
      minimal: true,
    };
    expect(formatShrunkCommand(small, 'r')).toContain(
      'simulate .voteplane/smaller/a-b-world-halves-1 --seed 1',
    );
  });
});

describe('progress', () => {
  const jobs = Array.from({ length: 4 }, (_, at) => makeJob({ id: `j${at}`, at, ticks: 1_000 }));
  const watch = (
    columns: number | null,
  ): { readonly text: () => string; readonly progress: Progress; advance: (ms: number) => void } => {
    let text = '';
    let nowMs = 0;
    const progress = new Progress(jobs, 4, { columns, write: (more) => (text += more), nowMs: () => nowMs });
    return { text: () => text, progress, advance: (ms) => (nowMs += ms) };
  };
  const row = (at: number, outcome: 'held' | 'failed'): Row => ({
    job: jobs[at] ?? makeJob(),
    result: makeResult(outcome),
  });

  test('a bar on a terminal, with rate and time left; what a journal held is no work of ours', () => {
    const { text, progress, advance } = watch(80);
    progress.onRow(row(0, 'held'), false);
    advance(2_000);
    progress.onRow(row(1, 'failed'), true);
    expect(text().split('\r\x1b[K').at(-1)).toBe(
      '▕██████······▏ 2 of 4 runs  50 %  2 000 replica-ticks/s  0:04 left  1 failed',
    );
    advance(2_000);
    progress.onBeat(jobs[2] ?? makeJob(), 500);
    expect(text().split('\r\x1b[K').at(-1)).toContain('2 of 4 runs  62 %  1 500 replica-ticks/s  0:04 left');
  });

  test('plain lines elsewhere, now and then and at the end', () => {
    const { text, progress, advance } = watch(null);
    progress.say('begin');
    jobs.forEach((_, at) => {
      advance(3_000);
      progress.onRow(row(at, 'held'), true);
    });
    progress.close();
    expect(text()).not.toMatch(/[\r\x1b]/);
    expect(text().trim().split('\n')).toEqual([
      'begin',
      '3 of 4 runs  75 %  1 330 replica-ticks/s  0:03 left  0 failed',
      '4 of 4 runs  100 %  1 330 replica-ticks/s  0:00 left  0 failed',
    ]);
  });
});

test('the made-up runs are the same twice, or no test here would mean anything', () => {
  const { jobs } = planned.plan;
  expect(jobs.map((job) => fakeRun(job))).toEqual(jobs.map((job) => fakeRun(job)));
});
